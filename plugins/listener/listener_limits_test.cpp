/// What the listener does with those who want too much of it.
#include <sys/resource.h>

#include "CppUTest/TestHarness.h"

#include "muster/test/fake_host.h"

#include "test_client.h"

using namespace muster;
using namespace muster::listener::test;
using std::chrono::milliseconds;

MUSTER_PLUGIN_UNDER_TEST(listener);

TEST_GROUP(ListenerLimits) {
    muster::test::FakeHost host;
    muster::test::Running plugin{muster_plugin_listener, host};

    void setup() override {
        host.settings["addresses"] = std::vector<std::string>{"127.0.0.1:0"};
        host.fakeDispatcher.answer = [](const auto&) { return std::optional(granted()); };
    }
    void teardown() override {
        plugin.stop();
    }
    void set(const char* key, std::int64_t value) {
        host.settings[key] = value;
    }
    bool counted(const char* counter, std::int64_t at) {
        return host.runUntil([&] { return host.number(counter) >= at; });
    }
};

TEST(ListenerLimits, closeWhatComesFromANetworkThatIsNotAllowed) {
    host.settings["allow"] = std::vector<std::string>{"10.0.0.0/8"};
    plugin.start();
    Client client(host, host.bound());
    CHECK_TRUE(client.closedByServer());
    LONGS_EQUAL(1, host.number("listener_not_allowed_total"));
    host.settings["allow"] = std::vector<std::string>{"127.0.0.0/8"};
    plugin->settingsChanged();
    Client next(host, host.bound());
    CHECK_TRUE(next.bind());
}

TEST(ListenerLimits, closeTheConnectionIdleLongestForANewOne) {
    set("max-connections", 3);
    plugin.start();
    Client first(host, host.bound());
    Client second(host, host.bound());
    Client third(host, host.bound());
    CHECK_TRUE(first.bind() && second.bind() && third.bind());
    host.manual().advance(milliseconds(10));
    first.send(Client::requestPdu());  // so that the second is idle longest
    CHECK_TRUE(Client::typeOf(first.pdu()) == kms::PduType::response);
    Client fourth(host, host.bound());
    CHECK_TRUE(fourth.bind());
    CHECK_TRUE(second.closedByServer());
    LONGS_EQUAL(3, host.number("listener_connections"));
    third.send(Client::requestPdu());
    CHECK_TRUE(Client::typeOf(third.pdu()) == kms::PduType::response);
}

TEST(ListenerLimits, spareWhoWaitsForAnAnswerWhileAnybodyIsIdle) {
    set("max-connections", 2);
    host.fakeDispatcher.answer = nullptr;
    plugin.start();
    Client waiting(host, host.bound());
    waiting.bind();
    waiting.send(Client::requestPdu());
    CHECK_TRUE(host.runUntil([&] { return host.fakeDispatcher.submissions.size() == 1; }));
    Client idle(host, host.bound());
    idle.bind();
    Client next(host, host.bound());
    CHECK_TRUE(next.bind());
    CHECK_TRUE(idle.closedByServer());
    host.fakeDispatcher.respond(0, granted());
    CHECK_TRUE(Client::typeOf(waiting.pdu()) == kms::PduType::response);
}

TEST(ListenerLimits, perSourceDoNotBindLoopback) {
    set("max-connections-per-source", 1);
    plugin.start();
    Client first(host, host.bound());
    Client second(host, host.bound());
    CHECK_TRUE(first.bind() && second.bind());
    LONGS_EQUAL(0, host.number("listener_evicted_total"));
}

TEST(ListenerLimits, closeWhatSendsNothing) {
    set("idle-timeout", 200);
    plugin.start();
    Client client(host, host.bound());
    CHECK_TRUE(client.bind());
    CHECK_TRUE(client.closedByServer());
    LONGS_EQUAL(1, host.number("listener_idle_total"));
}

TEST(ListenerLimits, closeWhatDripsOctetsButNeverAWholePdu) {
    set("idle-timeout", 300);
    plugin.start();
    Client other(host, host.bound());
    Client client(host, host.bound());
    const Bytes request = Client::bindPdu();
    std::size_t sent = 0;
    CHECK_TRUE(host.runUntil([&] {
        if (sent < request.size() - 1)
            client.send(Octets(request).subspan(sent++, 1));
        host.manual().advance(milliseconds(10));
        client.has(1);
        return client.closed;
    }));
    CHECK_TRUE(sent < request.size());
}

TEST(ListenerLimits, leaveACallItsTimeToBeAnswered) {
    set("idle-timeout", 100);
    host.fakeDispatcher.answer = nullptr;
    plugin.start();
    Client client(host, host.bound());
    client.bind();
    client.send(Client::requestPdu());
    CHECK_TRUE(host.runUntil([&] { return host.fakeDispatcher.submissions.size() == 1; }));
    for (int i = 0; i < 20; ++i) {
        host.manual().advance(milliseconds(100));
        host.manual().turn(milliseconds(0));
    }
    host.fakeDispatcher.respond(0, granted());
    CHECK_TRUE(Client::typeOf(client.pdu()) == kms::PduType::response);
}

TEST(ListenerLimits, endAnAssociationThatIsTooOldHoweverBusyItIs) {
    set("association-timeout", 500);
    plugin.start();
    Client client(host, host.bound());
    CHECK_TRUE(client.bind());
    CHECK_TRUE(host.runUntil([&] {
        client.send(Client::requestPdu());
        host.manual().advance(milliseconds(20));
        client.has(~std::size_t{0});
        return client.closed;
    }));
    LONGS_EQUAL(1, host.number("listener_aged_total"));
}

TEST(ListenerLimits, stopReadingFromWhoDoesNotTakeItsAnswers) {
    set("idle-timeout", 600'000);
    set("association-timeout", 0);
    plugin.start();
    Client client(host, host.bound(), "", 4096);
    CHECK_TRUE(client.bind());
    const Bytes request = Client::requestPdu();
    std::size_t sent = 0;
    std::size_t at = 0;
    int idleRounds = 0;
    while (idleRounds < 50) {  // until the listener takes no more
        const std::size_t some = client.sendSome(Octets(request).subspan(at));
        sent += some;
        at = (at + some) % request.size();
        host.manual().turn(milliseconds(0));
        idleRounds = some == 0 ? idleRounds + 1 : 0;
    }
    CHECK_TRUE(sent < 1024 * 1024);
    CHECK_TRUE(host.fakeDispatcher.submissions.size() * 200 < 1024 * 1024);
    CHECK_TRUE(host.number("listener_unread_total") >= 1);
    Client other(host, host.bound());
    CHECK_TRUE(other.bind());
    // It takes them after all: all are there, in order and whole.
    const std::size_t whole = sent / request.size();
    for (std::size_t i = 0; i < whole; ++i)
        CHECK_TRUE(Client::typeOf(client.pdu()) == kms::PduType::response);
}

TEST(ListenerLimits, makeRoomWhenThereAreNoMoreDescriptors) {
    plugin.start();
    rlimit before{};
    getrlimit(RLIMIT_NOFILE, &before);
    std::vector<std::unique_ptr<Client>> clients;
    for (int i = 0; i < 8; ++i) {
        clients.push_back(std::make_unique<Client>(host, host.bound()));
        CHECK_TRUE(clients.back()->bind());
    }
    // A client of the test's own needs a descriptor, too: it is there before the limit falls.
    const int mine = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int highest = dup(mine);
    close(highest);
    const rlimit tight{static_cast<rlim_t>(highest), before.rlim_max};
    setrlimit(RLIMIT_NOFILE, &tight);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(host.bound().port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    LONGS_EQUAL(0, connect(mine, reinterpret_cast<const sockaddr*>(&to), sizeof to));
    const bool seen = counted("listener_exhausted_total", 1) && counted("listener_accepted_total", 9);
    setrlimit(RLIMIT_NOFILE, &before);
    close(mine);
    CHECK_TRUE(seen);
    CHECK_TRUE(clients[0]->closedByServer());
    LONGS_EQUAL(1, host.number("listener_evicted_total"));
}

TEST(ListenerLimits, hangUpOnNewcomersWithoutSpinningWhenNothingCanMakeRoom) {
    plugin.start();
    rlimit before{};
    getrlimit(RLIMIT_NOFILE, &before);
    const int mine = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int highest = dup(mine);
    close(highest);
    const rlimit tight{static_cast<rlim_t>(highest), before.rlim_max};
    setrlimit(RLIMIT_NOFILE, &tight);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(host.bound().port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    LONGS_EQUAL(0, connect(mine, reinterpret_cast<const sockaddr*>(&to), sizeof to));
    char octet = 0;
    ssize_t got = -1;
    const bool hungUp = host.runUntil([&] {
        got = recv(mine, &octet, 1, MSG_DONTWAIT);
        return got == 0 || (got < 0 && errno == ECONNRESET);
    });
    setrlimit(RLIMIT_NOFILE, &before);
    close(mine);
    CHECK_TRUE(hungUp);
    Client next(host, host.bound());
    CHECK_TRUE(next.bind());
}

TEST(ListenerLimits, servesThousandsInPlacesThatAreUsedAgain) {
    set("max-connections", 300);
    plugin.start();
    for (int i = 0; i < 1000; ++i) {
        Client client(host, host.bound());
        client.send(Client::bindPdu());
        client.send(Client::requestPdu());
        CHECK_TRUE(Client::typeOf(client.pdu()) == kms::PduType::bindAck);
        CHECK_TRUE(Client::typeOf(client.pdu()) == kms::PduType::response);
    }
    CHECK_TRUE(host.runUntil([&] { return host.number("listener_connections") == 0; }));
    LONGS_EQUAL(1000, host.number("listener_accepted_total"));
    LONGS_EQUAL(0, host.number("listener_evicted_total"));
}
