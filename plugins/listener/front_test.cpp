/// Several fronts on reactors with threads of their own: what they share is shared safely. Preset tsan is the judge.
#include "front.h"

#include <atomic>
#include <thread>

#include "CppUTest/TestHarness.h"

#include "muster/test/fake_host.h"

#include "host/reactor/reactor_pool.h"
#include "test_client.h"

using namespace muster;
using namespace muster::listener;
using muster::listener::test::Client;

namespace {

/// Answers every second request before submit() returns, the others a round later.
class SomeAtOnce final : public Dispatcher {
public:
    void submit(Reactor& reactor, Responder& responder, std::uint64_t token, const Address&, Octets) noexcept override {
        if (submitted.fetch_add(1) % 2 == 0)
            responder.respond(token, listener::test::granted());
        else
            reactor.post([&responder, token] { responder.respond(token, listener::test::granted()); });
    }
    void detach(Reactor&, Responder&) noexcept override {}

    std::atomic<std::size_t> submitted{0};
};

/// A blocking client: how many of its requests were answered before the connection ended.
std::size_t converse(std::uint16_t port, int source, std::size_t requests) {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in from{};
    from.sin_family = AF_INET;
    from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + static_cast<std::uint32_t>(source));
    ::bind(fd, reinterpret_cast<const sockaddr*>(&from), sizeof from);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    std::size_t answered = 0;
    if (connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0) {
        const auto exchange = [fd](const std::vector<std::byte>& pdu, std::size_t answer) {
            if (send(fd, pdu.data(), pdu.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(pdu.size()))
                return false;
            std::vector<std::byte> room(answer);
            return recv(fd, room.data(), room.size(), MSG_WAITALL) == static_cast<ssize_t>(answer);
        };
        if (exchange(Client::bindPdu(), 60))
            while (answered < requests && exchange(Client::requestPdu(), 200))
                ++answered;
    }
    close(fd);
    return answered;
}

}  // namespace

TEST_GROUP(Front) {
    muster::test::FakeHost host;
    SomeAtOnce dispatcher;
    std::unique_ptr<Shared> shared;
    std::vector<std::shared_ptr<Front>> fronts;
    std::vector<Front*> all;
    std::unique_ptr<reactor::ReactorPool> pool;
    std::uint16_t port = 0;

    void begin(unsigned reactors, std::size_t connections) {
        pool = std::make_unique<reactor::ReactorPool>(reactors);
        shared = std::make_unique<Shared>(host, connections);
        Limits limits;
        limits.allow = *Networks::parse({"127.0.0.0/8"});
        limits.connections = limits.connectionsPerSource = connections;
        limits.idle = std::chrono::seconds(30);
        for (unsigned i = 0; i < reactors; ++i) {
            fronts.push_back(std::make_shared<Front>(pool->at(i), dispatcher, *shared, all));
            all.push_back(fronts.back().get());
        }
        const int fd = *host.listenSocket(*Address::parse("127.0.0.1:0"));
        port = host.bound().port;
        const auto common = std::make_shared<const Limits>(limits);
        pool->onReactors([&](Reactor& reactor) {
            fronts[reactor.index()]->apply(common);
            CHECK_TRUE(fronts[reactor.index()]->listen(fd, 10'000, reactors > 1).has_value());
        });
    }
    std::size_t converseFrom(unsigned threads, unsigned connections, std::size_t requests) const {
        std::atomic<std::size_t> answered{0};
        std::vector<std::thread> clients;
        for (unsigned t = 0; t < threads; ++t)
            clients.emplace_back([&, t] {
                for (unsigned i = 0; i < connections; ++i)
                    answered += converse(port, static_cast<int>(t), requests);
            });
        for (std::thread& client : clients)
            client.join();
        return answered;
    }
    void teardown() override {
        if (!pool)
            return;
        pool->onReactors([&](Reactor& reactor) { fronts[reactor.index()]->stop(); });
        LONGS_EQUAL(0, shared->connections.load());
        LONGS_EQUAL(0, host.number("listener_connections"));
        fronts.clear();
        pool.reset();
    }
};

TEST(Front, answersEveryRequestWhicheverOfThemAccepted) {
    begin(3, 100);
    LONGS_EQUAL(4 * 25 * 10, converseFrom(4, 25, 10));
    LONGS_EQUAL(4 * 25 * 10, dispatcher.submitted.load());
    LONGS_EQUAL(0, host.number("listener_evicted_total"));
}

TEST(Front, makesRoomAcrossReactorsWhenAllPlacesAreTaken) {
    begin(3, 4);
    converseFrom(8, 25, 3);
    LONGS_EQUAL(8 * 25, host.number("listener_accepted_total"));
    CHECK_TRUE(converse(port, 1, 1) == 1);
}
