#include "responder.h"

#include <arpa/inet.h>
#include <cerrno>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "CppUTest/TestHarness.h"

#include "muster/test/manual_reactor.h"

#include "dns/system_names.h"
#include "test_query.h"

using namespace muster;
using namespace muster::publisher;
using publisher::test::query;

namespace {

using Bytes = std::vector<std::byte>;

ResponderSettings settings(std::uint32_t rate = 20) {
    return {{{"corp.example", {{0, 100, 1688, "muster-01.corp.example"}}, "muster-01.corp.example", {}, {}, 1}}, rate};
}

class Socket {
public:
    Socket(const Address& to, int type) : fd_(::socket(AF_INET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
        sockaddr_in v4{};
        v4.sin_family = AF_INET;
        v4.sin_port = htons(to.port);
        v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        const int done = ::connect(fd_, reinterpret_cast<const sockaddr*>(&v4), sizeof v4);
        CHECK(done == 0 || errno == EINPROGRESS);
    }
    ~Socket() { ::close(fd_); }
    Socket(const Socket&) = delete;
    Socket& operator=(const Socket&) = delete;

    bool send(const Bytes& octets) const { return ::send(fd_, octets.data(), octets.size(), MSG_NOSIGNAL) > 0; }
    /// What is there now; nothing: no more. @return false: the peer has closed
    bool take(Bytes& into) const {
        std::byte buffer[8192];
        const ssize_t got = ::recv(fd_, buffer, sizeof buffer, 0);
        if (got > 0)
            into.insert(into.end(), buffer, buffer + got);
        return got > 0 || (got < 0 && errno == EAGAIN);
    }

private:
    int fd_;
};

Bytes framed(const Bytes& message) {
    Bytes out{static_cast<std::byte>(message.size() >> 8U), static_cast<std::byte>(message.size() & 0xFFU)};
    out.insert(out.end(), message.begin(), message.end());
    return out;
}

bool cut(const Bytes& message) {
    return (std::to_integer<unsigned>(message.at(2)) & 0x02U) != 0;
}

}  // namespace

TEST_GROUP(NameResponder) {
    muster::test::ManualReactor reactor;
    NameResponder responder{reactor};
    Address at;

    void setup() override {
        const auto sockets = NameResponder::open(*Address::parse("127.0.0.1:0"));
        CHECK(sockets.has_value());
        sockaddr_in local{};
        socklen_t size = sizeof local;
        CHECK(::getsockname(sockets->tcp, reinterpret_cast<sockaddr*>(&local), &size) == 0);
        at = *Address::parse("127.0.0.1:" + std::to_string(ntohs(local.sin_port)));
        responder.apply(settings());
        CHECK(responder.listen(*sockets).has_value());
    }
    void teardown() override {
        responder.stop();
        LONGS_EQUAL(0, reactor.watching());
        LONGS_EQUAL(0, reactor.timers());
    }
    Bytes exchange(Socket & socket, const Bytes& message) {
        Bytes answer;
        CHECK(socket.send(message));
        CHECK(reactor.runUntil([&] {
            (void)socket.take(answer);
            return !answer.empty();
        }));
        return answer;
    }
    bool closes(Socket & socket) {
        Bytes rest;
        return reactor.runUntil([&] { return !socket.take(rest); });
    }
};

TEST(NameResponder, answersByUdpAndByTcp) {
    Socket udp(at, SOCK_DGRAM);
    const Bytes datagram = exchange(udp, query());
    CHECK(dns::readAnswer(datagram, {"_vlmcs._tcp.corp.example", dns::Type::srv, 0x1234})->services.size() == 1);
    Socket tcp(at, SOCK_STREAM);
    CHECK(exchange(tcp, framed(query())) == framed(datagram));
    LONGS_EQUAL(2, responder.counts().answered.load());
}

TEST(NameResponder, answersQueriesOnOneConnectionInTheirOrderHoweverTheyAreCut) {
    Socket tcp(at, SOCK_STREAM);
    Bytes all;
    for (unsigned i = 0; i < 5; ++i) {
        const Bytes one = framed(query({.id = i}));
        all.insert(all.end(), one.begin(), one.end());
    }
    reactor.turn();
    Bytes got;
    for (const std::byte octet : all) {
        CHECK(tcp.send({octet}));
        reactor.turn();
    }
    const std::size_t each = framed(respond(query(), settings().zones, Carriage::tcp).octets).size();
    CHECK(reactor.runUntil([&] { return tcp.take(got) && got.size() >= 5 * each; }));
    for (unsigned i = 0; i < 5; ++i)
        LONGS_EQUAL(i, std::to_integer<unsigned>(got[i * each + 3]));
}

TEST(NameResponder, limitsTheRateAndTellsHonestAskersToUseTcp) {
    responder.apply(settings(3));
    Socket udp(at, SOCK_DGRAM);
    for (int i = 0; i < 3; ++i)
        CHECK_FALSE(cut(exchange(udp, query())));
    CHECK(udp.send(query()));            // dropped
    CHECK(cut(exchange(udp, query())));  // slips
    LONGS_EQUAL(1, responder.counts().limited.load());
    LONGS_EQUAL(1, responder.counts().slipped.load());
    Socket tcp(at, SOCK_STREAM);
    Bytes whole = exchange(tcp, framed(query()));
    whole.erase(whole.begin(), whole.begin() + 2);
    CHECK_FALSE(cut(whole));
}

TEST(NameResponder, answersNoAnswersAndNothingThatIsTooLong) {
    Socket udp(at, SOCK_DGRAM);
    CHECK(udp.send(query({.flags = 0x8180})));
    CHECK(udp.send(Bytes(kMaxQuery + 1, std::byte{0})));
    CHECK(udp.send(Bytes(3, std::byte{0})));
    CHECK(reactor.runUntil([&] { return responder.counts().dropped.load() == 3; }));
    Bytes nothing;
    (void)udp.take(nothing);
    CHECK(nothing.empty());
    Socket tcp(at, SOCK_STREAM);
    reactor.turn();
    CHECK(tcp.send({std::byte{0xFF}, std::byte{0xFF}}));
    CHECK(closes(tcp));
}

TEST(NameResponder, closesConnectionsThatAreIdle) {
    Socket idle(at, SOCK_STREAM);
    CHECK(reactor.runUntil([&] { return responder.connections() == 1; }));
    CHECK(idle.send({std::byte{0}}));  // half a length is no query
    reactor.turn(std::chrono::milliseconds(20));
    reactor.advance(NameResponder::kIdle);
    CHECK(closes(idle));
    LONGS_EQUAL(0, responder.connections());
}

TEST(NameResponder, boundsConnectionsAndQueriesOnEach) {
    std::vector<std::unique_ptr<Socket>> many;
    for (std::size_t i = 0; i < NameResponder::kMaxOfNetwork + 5; ++i)
        many.push_back(std::make_unique<Socket>(at, SOCK_STREAM));
    CHECK(reactor.runUntil([&] { return responder.counts().connections.load() == many.size(); }));
    LONGS_EQUAL(NameResponder::kMaxOfNetwork, responder.connections());
    LONGS_EQUAL(5, responder.counts().shed.load());
    Bytes all;
    for (std::size_t i = 0; i < NameResponder::kMaxOfConnection + 10; ++i) {
        const Bytes one = framed(query());
        all.insert(all.end(), one.begin(), one.end());
    }
    CHECK(many[0]->send(all));
    Bytes got;
    CHECK(reactor.runUntil([&] { return !many[0]->take(got); }));
    const std::size_t each = framed(respond(query(), settings().zones, Carriage::tcp).octets).size();
    LONGS_EQUAL(NameResponder::kMaxOfConnection * each, got.size());
}

TEST(NameResponder, doesNotPileUpAnswersForAPeerThatDoesNotRead) {
    Socket tcp(at, SOCK_STREAM);
    CHECK(reactor.runUntil([&] { return responder.connections() == 1; }));
    const Bytes one = framed(query());
    for (int i = 0; i < 50; ++i) {
        (void)tcp.send(one);
        reactor.turn();
    }
    LONGS_EQUAL(1, responder.connections());
    reactor.advance(NameResponder::kLifetime);
    CHECK(reactor.runUntil([&] { return responder.connections() == 0; }));
}

TEST(NameResponder, saysWhyItCannotListen) {
    const auto taken = NameResponder::open(at);
    CHECK(!taken && taken.error().code == Code::duplicate);
    const auto elsewhere = NameResponder::open(*Address::parse("192.0.2.1:0"));
    CHECK(!elsewhere && elsewhere.error().code == Code::internal);
}
