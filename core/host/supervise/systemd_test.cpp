#include "host/supervise/systemd.h"

#include <cstdlib>
#include <fcntl.h>
#include <unistd.h>

#include "CppUTest/TestHarness.h"

#include "host/supervise/test/fake_systemd.h"

using namespace muster::supervise;

// NOLINTBEGIN(concurrency-mt-unsafe): one thread
TEST_GROUP(Systemd){void setup() override{::setenv("LISTEN_PID", std::to_string(::getpid()).c_str(), 1);
::setenv("LISTEN_FDS", "2", 1);
::setenv("LISTEN_FDNAMES", "first:second", 1);
}
void teardown() override {
    for (const char* name : {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "WATCHDOG_USEC", "WATCHDOG_PID"})
        ::unsetenv(name);
}
}
;

TEST(Systemd, passesDescriptorsWithTheirNamesOnce) {
    const auto names = systemd::takeListenNames();
    LONGS_EQUAL(2, names.size());
    STRCMP_EQUAL("first", names[0].c_str());
    STRCMP_EQUAL("second", names[1].c_str());
    POINTERS_EQUAL(nullptr, std::getenv("LISTEN_FDS"));
    CHECK_TRUE(systemd::takeListenNames().empty());
}

TEST(Systemd, passesDescriptorsThatHaveFewerNames) {
    ::setenv("LISTEN_FDNAMES", "only", 1);
    const auto names = systemd::takeListenNames();
    LONGS_EQUAL(2, names.size());
    STRCMP_EQUAL("unknown", names[1].c_str());
}

TEST(Systemd, passesNothingToAnotherProcessNorWhatIsNoNumber) {
    ::setenv("LISTEN_PID", "1", 1);
    CHECK_TRUE(systemd::takeListenNames().empty());
    for (const char* count : {"", "-1", "2x", " 2", "99999999999999999999", "1025"}) {
        setup();
        ::setenv("LISTEN_FDS", count, 1);
        CHECK_TRUE(systemd::takeListenNames().empty());
    }
}

TEST(Systemd, closesWhatItPassedOnExec) {
    const int spare = ::open("/dev/null", O_RDONLY);
    const int target = systemd::kFirstDescriptor;
    const int kept = ::fcntl(target, F_DUPFD_CLOEXEC, 100);  // whatever the runner has there
    ::dup2(spare, target);
    ::setenv("LISTEN_FDS", "1", 1);
    LONGS_EQUAL(1, systemd::takeListenNames().size());
    CHECK_TRUE((::fcntl(target, F_GETFD) & FD_CLOEXEC) != 0);
    if (kept >= 0) {
        ::dup2(kept, target);
        ::close(kept);
    } else {
        ::close(target);
    }
    if (spare != target)
        ::close(spare);
}

TEST(Systemd, waitsAsLongAsItSaysWhereItIsMeant) {
    LONGS_EQUAL(0, systemd::watchdog().count());
    for (const char* wrong : {"", "0", "-5", "x", "99999999999999999999"}) {
        ::setenv("WATCHDOG_USEC", wrong, 1);
        LONGS_EQUAL(0, systemd::watchdog().count());
    }
    ::setenv("WATCHDOG_USEC", "30000000", 1);
    LONGS_EQUAL(30'000'000, systemd::watchdog().count());
    ::setenv("WATCHDOG_PID", "1", 1);
    LONGS_EQUAL(0, systemd::watchdog().count());
    ::setenv("WATCHDOG_PID", std::to_string(::getpid()).c_str(), 1);
    LONGS_EQUAL(30'000'000, systemd::watchdog().count());
}

TEST(Systemd, isToldNothingAtAnAddressThatIsNone) {
    for (const char* address : {"", "/", "relative", "@", "vsock:2:1234"}) {
        ::setenv("NOTIFY_SOCKET", address, 1);
        systemd::notify("READY=1");
    }
    ::setenv("NOTIFY_SOCKET", ("/" + std::string(200, 'x')).c_str(), 1);
    systemd::notify("READY=1");
    test::FakeSystemd real;
    systemd::notify("READY=1");
    STRCMP_EQUAL("READY=1", real.message().c_str());
}
// NOLINTEND(concurrency-mt-unsafe)
