#include "probe.h"

#include <arpa/inet.h>
#include <atomic>
#include <future>
#include <netinet/in.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

#include "CppUTest/TestHarness.h"

#include "muster/test/manual_reactor.h"

#include "kms/pdu.h"
#include "relay/scripted_host.h"

using namespace muster;
using namespace muster::publisher;

namespace {

/// A KMS host on a thread of its own: Muster's RPC server on a real port.
class Host {
public:
    Host() {
        std::promise<Address> ready;
        auto address = ready.get_future();
        thread_ = std::thread([this, &ready] {
            test::ManualReactor reactor;
            relay::test::ScriptedHost host(reactor);
            ready.set_value(*Address::parse(host.address()));
            while (!stop_)
                reactor.turn(std::chrono::milliseconds(5));
            calls_ = host.asked.size();
        });
        address_ = address.get();
    }
    ~Host() { end(); }
    Host(const Host&) = delete;
    Host& operator=(const Host&) = delete;

    const Address& address() const { return address_; }
    /// KMS requests that came in all.
    std::size_t end() {
        stop_ = true;
        if (thread_.joinable())
            thread_.join();
        return calls_;
    }

private:
    std::atomic<bool> stop_{false};
    std::size_t calls_ = 0;
    Address address_;
    std::thread thread_;
};

/// A port of 127.0.0.1 that takes one connection, says something to whatever comes, and closes after that.
class Speaker {
public:
    /// @param says  empty: nothing, and the connection stays open until the end
    /// @param open  false: closes without a word
    explicit Speaker(std::vector<unsigned char> says, bool open = true) {
        fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in local{};
        local.sin_family = AF_INET;
        local.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof local;
        CHECK(::bind(fd_, reinterpret_cast<const sockaddr*>(&local), size) == 0 && ::listen(fd_, 4) == 0 &&
              ::getsockname(fd_, reinterpret_cast<sockaddr*>(&local), &size) == 0);
        address_ = *Address::parse("127.0.0.1:" + std::to_string(ntohs(local.sin_port)));
        thread_ = std::thread([this, says = std::move(says), open] {
            const int peer = ::accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC);
            unsigned char buffer[512];
            if (open && peer >= 0 && ::recv(peer, buffer, sizeof buffer, 0) > 0 && !says.empty())
                (void)::send(peer, says.data(), says.size(), MSG_NOSIGNAL);
            while (open && says.empty() && peer >= 0 && ::recv(peer, buffer, sizeof buffer, 0) > 0) {
            }
            ::close(peer);
        });
    }
    ~Speaker() {
        ::shutdown(fd_, SHUT_RDWR);
        thread_.join();
        ::close(fd_);
    }
    Speaker(const Speaker&) = delete;
    Speaker& operator=(const Speaker&) = delete;
    const Address& address() const { return address_; }

private:
    int fd_ = -1;
    Address address_;
    std::thread thread_;
};

Address closedPort() {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in local{};
    local.sin_family = AF_INET;
    local.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof local;
    CHECK(::bind(fd, reinterpret_cast<const sockaddr*>(&local), size) == 0 &&
          ::getsockname(fd, reinterpret_cast<sockaddr*>(&local), &size) == 0);
    ::close(fd);
    return *Address::parse("127.0.0.1:" + std::to_string(ntohs(local.sin_port)));
}

const dns::Stopped kGoOn = [] { return false; };
// Generous where an answer is expected.
const ProbeTerms kTerms{std::chrono::seconds(20), std::chrono::seconds(20), 8};

Probe one(const Address& address, const ProbeTerms& terms = kTerms) {
    return probeAll({address}, terms, kGoOn).at(0);
}

}  // namespace

TEST_GROUP(Probe){};

TEST(Probe, findsAKmsHostAndAsksItForNothing) {
    Host host;
    const Probe probe = one(host.address());
    CHECK(probe.port == Probe::Port::open);
    CHECK(probe.rpc == Probe::Rpc::kms);
    STRCMP_EQUAL("", probe.words.c_str());
    LONGS_EQUAL(0, host.end());
}

TEST(Probe, saysThatNothingListens) {
    const Probe probe = one(closedPort());
    CHECK(probe.port == Probe::Port::closed);
    CHECK(probe.rpc == Probe::Rpc::notTried);
    STRCMP_EQUAL("refuses the connection: nothing listens on that port", probe.words.c_str());
}

TEST(Probe, tellsOtherServicesFromKmsHosts) {
    const std::string http = "HTTP/1.1 400 Bad Request\r\n\r\n";
    Speaker web({http.begin(), http.end()});
    const Probe probe = one(web.address());
    CHECK(probe.port == Probe::Port::open);
    CHECK(probe.rpc == Probe::Rpc::other);
    STRCMP_EQUAL("answers with what is no RPC", probe.words.c_str());

    Speaker closes({}, false);
    CHECK(one(closes.address()).rpc == Probe::Rpc::other);
}

TEST(Probe, tellsAnRpcServerWithoutTheKmsInterface) {
    // bind_ack for call 2, Windows' first: provider rejection, abstract syntax not supported (C706 12.6.4.4)
    Speaker rpc({5, 0, 12, 3, 16, 0, 0,   0,   60,  0, 0, 0, 2, 0, 0, 0, 0xd0, 0x16, 0xd0, 0x16,
                 1, 0, 0,  0, 4,  0, '1', '3', '5', 0, 0, 0, 1, 0, 0, 0, 2,    0,    1,    0,
                 0, 0, 0,  0, 0,  0, 0,   0,   0,   0, 0, 0, 0, 0, 0, 0, 0,    0,    0,    0});
    const Probe probe = one(rpc.address());
    CHECK(probe.rpc == Probe::Rpc::other);
    STRCMP_EQUAL("speaks RPC, but has no KMS interface", probe.words.c_str());
}

TEST(Probe, doesNotWaitForEver) {
    Speaker silent({});
    const Probe probe = one(silent.address(), {std::chrono::seconds(20), std::chrono::milliseconds(50), 8});
    CHECK(probe.port == Probe::Port::open);
    CHECK(probe.rpc == Probe::Rpc::silent);
}

TEST(Probe, keepsTheirOrderWithFewConnectionsAtATime) {
    Host host;
    std::vector<Address> addresses;
    addresses.reserve(40);
    const Address closed = closedPort();
    for (int i = 0; i < 40; ++i)
        addresses.push_back(i % 2 == 0 ? host.address() : closed);
    const auto probes = probeAll(addresses, {std::chrono::seconds(20), std::chrono::seconds(20), 3}, kGoOn);
    LONGS_EQUAL(40, probes.size());
    for (std::size_t i = 0; i < probes.size(); ++i)
        CHECK((probes[i].rpc == Probe::Rpc::kms) == (i % 2 == 0));
}

TEST(Probe, isBrokenOffWhenToldTo) {
    Speaker silent({});
    const auto probes = probeAll({silent.address()}, kTerms, [] { return true; });
    CHECK(probes.at(0).port == Probe::Port::notTried);
}
