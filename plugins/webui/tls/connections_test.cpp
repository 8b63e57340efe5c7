#include "tls/connections.h"

#include <sys/socket.h>
#include <vector>

#include "CppUTest/TestHarness.h"

#include "tls/test_client.h"

using namespace muster;
using namespace muster::tls;
using namespace muster::tls::test;

namespace {

Address from(const char* text) {
    return Address::parse(std::string(text) + ":40000").value_or(Address{});
}

/// A connection whose other end tells whether it was ended.
struct Peer {
    std::pair<Fd, Fd> ends = socketPair();
    Connections::Ticket ticket = 0;

    bool ended() const {
        char octet = 0;
        return ::recv(ends.second.get(), &octet, 1, MSG_DONTWAIT) == 0;
    }
};

}  // namespace

TEST_GROUP(Connections) {
    Connections connections{{.connections = 4, .perAddress = 2, .threads = 0}};
    Monotonic now{std::chrono::hours(1)};
    std::vector<Peer> peers;

    void setup() override {
        peers.reserve(400);
    }
    Peer* enter(const char* address, Connections& at) {
        Peer& peer = peers.emplace_back();
        now += std::chrono::milliseconds(1);
        const auto ticket = at.enter(peer.ends.first.get(), from(address), now);
        peer.ticket = ticket.value_or(0);
        return ticket ? &peer : nullptr;
    }
    Peer* enter(const char* address) {
        return enter(address, connections);
    }
    Peer* enterBusy(const char* address) {
        Peer* peer = enter(address);
        CHECK(peer != nullptr && connections.busy(peer->ticket));
        return peer;
    }
};

TEST(Connections, endTheOldestIdleOfAnAddressThatHasTooMany) {
    Peer* busy = enterBusy("10.0.0.1");
    Peer* idle = enter("10.0.0.1");
    Peer* other = enter("10.0.0.2");
    Peer* third = enter("10.0.0.1");
    CHECK(third != nullptr);
    CHECK(idle->ended());
    CHECK(!busy->ended() && !other->ended() && !third->ended());
    CHECK_EQUAL(3, connections.counts().connected);
    CHECK_EQUAL(1, connections.counts().ended);
}

TEST(Connections, endAllAlsoThoseAtWorkWhenTheServerStops) {
    Peer* busy = enterBusy("10.0.0.1");
    Peer* idle = enter("10.0.0.2");
    connections.endAll();
    CHECK(busy->ended());
    CHECK(idle->ended());
    LONGS_EQUAL(0, connections.counts().connected);
}

TEST(Connections, refuseANewcomerWhoseAddressHasNoIdleOne) {
    enterBusy("10.0.0.1");
    enterBusy("10.0.0.1");
    CHECK(enter("10.0.0.1") == nullptr);
    CHECK(enter("10.0.0.2") != nullptr);
    CHECK_EQUAL(1, connections.counts().refused);
}

TEST(Connections, takeTheSameAddressInBothItsFormsForOne) {
    enterBusy("10.0.0.1");
    enterBusy("[::ffff:10.0.0.1]");
    CHECK(enter("10.0.0.1") == nullptr);
}

TEST(Connections, letTheAddressThatHasMostGiveWayWhenAllAreTooMany) {
    Peer* single = enter("10.0.0.1");
    Peer* first = enter("10.0.0.2");
    Peer* second = enter("10.0.0.2");
    enterBusy("10.0.0.3");
    CHECK(enter("10.0.0.4") != nullptr);
    CHECK(!single->ended() && !second->ended());
    CHECK(first->ended());
}

TEST(Connections, refuseWhenAllAreBusy) {
    for (const char* address : {"10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4"})
        enterBusy(address);
    CHECK(enter("10.0.0.5") == nullptr);
}

TEST(Connections, tellTheOneThatWasEndedThatItsRequestMustNotBegin) {
    Peer* first = enter("10.0.0.1");
    CHECK(connections.busy(first->ticket));
    connections.resting(first->ticket, now);
    enter("10.0.0.1");
    enter("10.0.0.1");
    CHECK(first->ended());
    CHECK(!connections.busy(first->ticket));
}

TEST(Connections, giveAThreadBackWhileOthersWaitForOne) {
    Connections narrow{{.connections = 8, .perAddress = 8, .threads = 2}};
    const auto address = from("10.0.0.1");
    const auto first = *narrow.enter(-1, address, now);
    const auto second = *narrow.enter(-1, address, now);
    narrow.waiting(first, now);
    narrow.waiting(second, now);
    CHECK(!narrow.yield(first));  // nobody waits
    const auto third = *narrow.enter(-1, address, now);
    CHECK(!narrow.yield(third));  // it has no thread
    CHECK(narrow.busy(second));
    CHECK(!narrow.yield(second));  // a request has begun
    CHECK(narrow.yield(first));
    CHECK(!narrow.busy(first));
    CHECK_EQUAL(2, narrow.counts().connected);
    narrow.waiting(third, now);
    CHECK(!narrow.yield(third));  // one was enough
    for (const auto ticket : {first, second, third})
        narrow.leave(ticket);
    CHECK_EQUAL(0, narrow.counts().connected);
}

TEST(Connections, forgetThoseThatLeave) {
    Peer* first = enterBusy("10.0.0.1");
    enterBusy("10.0.0.1");
    connections.leave(first->ticket);
    connections.leave(first->ticket);
    CHECK(enter("10.0.0.1") != nullptr);
    CHECK_EQUAL(2, connections.counts().connected);
    CHECK_EQUAL(0, connections.counts().ended);
}

TEST(Connections, countOnesThatWereEndedUntilTheyAreGoneSoThatDescriptorsAreBounded) {
    int taken = 0;
    while (taken < 300 && enter("10.0.0.1") != nullptr)
        ++taken;
    CHECK_EQUAL(2 + 64, taken);
    for (const Peer& peer : peers)
        if (peer.ended())
            connections.leave(peer.ticket);
    CHECK(enter("10.0.0.1") != nullptr);
}

TEST(Connections, letThoseAtRestGiveTheirThreadsToOthers) {
    Connections threads({.connections = 100, .perAddress = 100, .threads = 2});
    Peer* resting = enter("10.0.0.1", threads);
    CHECK(threads.busy(resting->ticket));
    threads.resting(resting->ticket, now);
    Peer* queued = enter("10.0.0.1", threads);
    CHECK(enter("10.0.0.2", threads) != nullptr);
    CHECK(resting->ended());
    CHECK(!queued->ended());
}

TEST(Connections, giveThoseThatSaidNothingYetASecond) {
    Connections threads({.connections = 100, .perAddress = 100, .threads = 1});
    Peer* silent = enter("10.0.0.1", threads);
    threads.waiting(silent->ticket, now);
    CHECK(enter("10.0.0.2", threads) != nullptr);
    CHECK(!silent->ended());
    now += std::chrono::seconds(1);
    CHECK(enter("10.0.0.2", threads) != nullptr);
    CHECK(silent->ended());
}

TEST(Connections, endOneForWantOfDescriptors) {
    CHECK(!connections.endOldestIdle());
    Peer* older = enter("10.0.0.1");
    Peer* newer = enter("10.0.0.2");
    CHECK(connections.endOldestIdle());
    CHECK(older->ended());
    CHECK(!newer->ended());
}
