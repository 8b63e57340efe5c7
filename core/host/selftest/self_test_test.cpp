#include "host/selftest/self_test.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

#include "CppUTest/TestHarness.h"

using namespace muster;
using namespace muster::selftest;

namespace {

Address at(const char* text) {
    return *Address::parse(text);
}

/// A socket that listens, and does to its first connection what it is told.
class Peer {
public:
    Peer() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        CHECK_EQUAL(0, ::bind(fd_, reinterpret_cast<const sockaddr*>(&address), size));
        CHECK_EQUAL(0, ::listen(fd_, 1));
        CHECK_EQUAL(0, ::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size));
        where_ = at("127.0.0.1:1");
        where_.port = ::ntohs(address.sin_port);
    }
    ~Peer() {
        ::close(fd_);
        if (thread_.joinable())
            thread_.join();
    }
    Peer(const Peer&) = delete;
    Peer& operator=(const Peer&) = delete;
    const Address& where() const noexcept { return where_; }
    void answer(const char* text) {
        thread_ = std::thread([this, text] {
            const int connection = ::accept(fd_, nullptr, nullptr);
            char octets[512];
            (void)!::read(connection, octets, sizeof octets);
            (void)!::write(connection, text, std::char_traits<char>::length(text));
            ::shutdown(connection, SHUT_WR);
            (void)!::read(connection, octets, sizeof octets);
            ::close(connection);
        });
    }

private:
    int fd_;
    Address where_;
    std::thread thread_;
};

}  // namespace

TEST_GROUP(SelfTest) {
    SelfTest test;
};

TEST(SelfTest, reachesWhatListensOnAllAddresses) {
    STRCMP_EQUAL("127.0.0.1:1688", reachable(at("0.0.0.0:1688")).text().c_str());
    STRCMP_EQUAL("[::1]:1688", reachable(at("[::]:1688")).text().c_str());
    STRCMP_EQUAL("10.0.0.7:1688", reachable(at("10.0.0.7:1688")).text().c_str());
    STRCMP_EQUAL("[2001:db8::7]:1688", reachable(at("[2001:db8::7]:1688")).text().c_str());
}

TEST(SelfTest, knowsNothingForItsOwnUnlessItAsks) {
    CHECK_FALSE(test.isOwn(Guid{}));
    CHECK_FALSE(test.comesFrom(Address{}));
    CHECK(test.run({}, nullptr)->empty());
    CHECK_FALSE(test.isOwn(Guid{}));
    CHECK_FALSE(test.comesFrom(Address{}));
}

TEST(SelfTest, saysWhereNobodyListens) {
    Address free;
    {
        const Peer peer;
        free = peer.where();
    }
    const auto steps = test.run({free}, nullptr);
    CHECK(steps.has_value());
    LONGS_EQUAL(1, steps->size());
    STRCMP_EQUAL("bind", steps->front().name.c_str());
    CHECK_FALSE(steps->front().good);
    STRCMP_EQUAL(free.text().c_str(), steps->front().where.c_str());
    STRCMP_CONTAINS("refused", steps->front().words.c_str());
}

TEST(SelfTest, saysWhereSomebodyElseListens) {
    Peer peer;
    peer.answer("HTTP/1.1 400 Bad Request\r\n\r\n");
    const auto steps = test.run({peer.where()}, nullptr);
    CHECK(steps.has_value());
    LONGS_EQUAL(1, steps->size());
    CHECK_FALSE(steps->front().good);
    STRCMP_CONTAINS("no RPC server", steps->front().words.c_str());
}
