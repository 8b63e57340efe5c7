#include "host/supervise/notifier.h"

#include <cstdlib>

#include "CppUTest/TestHarness.h"

#include "host/supervise/test/fake_systemd.h"

using muster::supervise::Notifier;
using muster::supervise::test::FakeSystemd;

TEST_GROUP(Notifier) {
    FakeSystemd systemd;
    Notifier notifier;
};

TEST(Notifier, saysReadyWithAStatusOfOneLine) {
    notifier.ready("lab: 2 plugins\nSTOPPING=1");
    STRCMP_EQUAL("READY=1\nSTATUS=lab: 2 plugins STOPPING=1", systemd.message().c_str());
}

TEST(Notifier, asksForTheWatchdogAtHalfOfWhatSystemdWaits) {
    ::setenv("WATCHDOG_USEC", "10000000", 1);
    LONGS_EQUAL(5000, notifier.watchdogInterval().count());
    ::setenv("WATCHDOG_PID", "1", 1);  // meant for another process
    LONGS_EQUAL(0, notifier.watchdogInterval().count());
    ::unsetenv("WATCHDOG_PID");
    ::unsetenv("WATCHDOG_USEC");
    LONGS_EQUAL(0, notifier.watchdogInterval().count());
}

TEST(Notifier, isSilentWithoutSystemd) {
    systemd.leave();
    notifier.ready("nobody listens");
    notifier.watchdog();
    STRCMP_EQUAL("", systemd.message().c_str());
}
