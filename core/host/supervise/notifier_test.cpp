#include "host/supervise/notifier.h"

#include <cstdlib>

#include "CppUTest/TestHarness.h"

#include "host/supervise/test/fake_systemd.h"

using muster::supervise::Notifier;
using muster::supervise::test::FakeSystemd;

namespace {

/// nullptr: not set.
void setVariable(const char* name, const char* value) {
    if (value != nullptr)
        ::setenv(name, value, 1);  // NOLINT(concurrency-mt-unsafe): one thread
    else
        ::unsetenv(name);  // NOLINT(concurrency-mt-unsafe): one thread
}

}  // namespace

TEST_GROUP(Notifier) {
    FakeSystemd systemd;
    Notifier notifier;
};

TEST(Notifier, saysReadyWithAStatusOfOneLine) {
    notifier.ready("lab: 2 plugins\nSTOPPING=1");
    STRCMP_EQUAL("READY=1\nSTATUS=lab: 2 plugins STOPPING=1", systemd.message().c_str());
}

TEST(Notifier, asksForTheWatchdogAtHalfOfWhatSystemdWaits) {
    setVariable("WATCHDOG_USEC", "10000000");
    LONGS_EQUAL(5000, notifier.watchdogInterval().count());
    setVariable("WATCHDOG_PID", "1");  // meant for another process
    LONGS_EQUAL(0, notifier.watchdogInterval().count());
    setVariable("WATCHDOG_PID", nullptr);
    setVariable("WATCHDOG_USEC", nullptr);
    LONGS_EQUAL(0, notifier.watchdogInterval().count());
}

TEST(Notifier, isSilentWithoutSystemd) {
    systemd.leave();
    notifier.ready("nobody listens");
    notifier.watchdog();
    STRCMP_EQUAL("", systemd.message().c_str());
}
