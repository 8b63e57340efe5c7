#include "host/supervise/listen_sockets.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

#include "CppUTest/TestHarness.h"

#include "host/supervise/test/fake_systemd.h"

using muster::Address;
using muster::Code;
using muster::supervise::ListenSockets;
using muster::supervise::Notifier;
using muster::supervise::test::FakeSystemd;

namespace {

bool accepts(const Address& address) {
    sockaddr_in system{};
    system.sin_family = AF_INET;
    system.sin_port = htons(address.port);
    system.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
    const bool connected = ::connect(fd, reinterpret_cast<sockaddr*>(&system), sizeof system) == 0;
    ::close(fd);
    return connected;
}

}  // namespace

TEST_GROUP(ListenSockets) {
    FakeSystemd systemd;
    Notifier notifier;
    std::vector<std::string> log;
    ListenSockets sockets{notifier, [this](muster::Severity, std::string_view text) { log.emplace_back(text); }};
    Address anyPort = *Address::parse("127.0.0.1:0");
};

TEST(ListenSockets, listensAndGivesSystemdADuplicateUnderItsAddress) {
    const auto fd = sockets.open(anyPort);
    CHECK(fd.has_value());
    const Address bound = sockets.bound().at(0);
    CHECK(bound.port != 0);
    CHECK(accepts(bound));
    int noDelay = 0;
    socklen_t size = sizeof noDelay;
    CHECK_EQUAL(0, ::getsockopt(*fd, IPPROTO_TCP, TCP_NODELAY, &noDelay, &size));
    CHECK(noDelay != 0);
    STRCMP_EQUAL(("FDSTORE=1\nFDPOLL=0\nFDNAME=muster-127.0.0.1_" + std::to_string(bound.port)).c_str(),
                 systemd.message().c_str());
    LONGS_EQUAL(1, systemd.descriptors.size());
}

TEST(ListenSockets, takesOverWhatSystemdKeptWhenAddressAndPortAreTheSame) {
    std::vector<muster::supervise::PassedDescriptor> kept;
    Address bound;
    {
        ListenSockets before(notifier, [](muster::Severity, std::string_view) {});
        CHECK(before.open(anyPort).has_value());
        bound = before.bound().at(0);
        systemd.message();
        kept.push_back({::dup(systemd.descriptors.at(0)), "muster-before"});
    }
    CHECK(accepts(bound));  // between two runs: the kernel queues
    sockets.adopt(kept);
    const auto fd = sockets.open(bound);
    CHECK(fd.has_value());
    LONGS_EQUAL(kept[0].fd, *fd);
    sockets.dropUnclaimed();
    CHECK(accepts(bound));
    STRCMP_EQUAL("", systemd.message().c_str());  // systemd has it already
}

TEST(ListenSockets, closesWhatItKeptForAnAddressThatNobodyWantsNow) {
    Address bound;
    {
        ListenSockets before(notifier, [](muster::Severity, std::string_view) {});
        CHECK(before.open(anyPort).has_value());
        bound = before.bound().at(0);
        systemd.message();
        sockets.adopt({{::dup(systemd.descriptors.at(0)), "muster-before"}});
    }
    CHECK(sockets.open(anyPort).has_value());
    systemd.message();
    sockets.dropUnclaimed();
    STRCMP_EQUAL("FDSTOREREMOVE=1\nFDNAME=muster-before", systemd.message().c_str());
    CHECK_FALSE(accepts(bound));  // although systemd still holds its duplicate
}

TEST(ListenSockets, doesNotTakeWhatIsNoListeningSocket) {
    sockets.adopt({{::socket(AF_INET, SOCK_STREAM, 0), "stray"}});
    STRCMP_EQUAL("FDSTOREREMOVE=1\nFDNAME=stray", systemd.message().c_str());
    LONGS_EQUAL(1, log.size());
}

TEST(ListenSockets, saysThatAnotherProgramHasThePort) {
    ListenSockets other(notifier, [](muster::Severity, std::string_view) {});
    CHECK(other.open(anyPort).has_value());
    const auto refused = sockets.open(other.bound().at(0));
    CHECK(!refused.has_value());
    CHECK(refused.error().code == Code::duplicate);
    STRCMP_CONTAINS("another program listens there", refused.error().detail.c_str());
}

TEST(ListenSockets, saysThatNoInterfaceHasTheAddress) {
    const auto refused = sockets.open(*Address::parse("192.0.2.1:1688"));
    CHECK(!refused.has_value());
    CHECK(refused.error().code == Code::missing);
}

TEST(ListenSockets, closeEndsTheListeningAlsoForSystemdsDuplicate) {
    CHECK(sockets.open(anyPort).has_value());
    const Address bound = sockets.bound().at(0);
    systemd.message();
    sockets.close(anyPort);
    STRCMP_CONTAINS("FDSTOREREMOVE=1", systemd.message().c_str());
    CHECK_FALSE(accepts(bound));
    CHECK(sockets.bound().empty());
    CHECK(sockets.open(bound).has_value());
}
