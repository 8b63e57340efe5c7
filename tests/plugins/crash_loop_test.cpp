/// A plugin that takes the daemon with it, again and again: real processes that really die.
#include <csignal>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cage.h"

using namespace muster;

TEST_GROUP_BASE(CrashLoop, zoo::Cage){
    /// One life of the daemon in a process of its own, ended by `last`. @return the signal that ended it, or 0
    template <class Last> int live(Last && last){const pid_t child = fork();
if (child == 0) {
    const rlimit none{0, 0};  // no core files
    setrlimit(RLIMIT_CORE, &none);
    signal(SIGABRT, SIG_DFL);
    open();
    last();
    _exit(0);
}
int status = 0;
CHECK_TRUE(child > 0 && waitpid(child, &status, 0) == child);
return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}
/// As a power cut or kill -9 ends it.
int dieUncleanly() {
    return live([] {});
}
}
;

TEST(CrashLoop, quarantinesThePluginThatWasStartingAtTwoCrashes) {
    admit("aborts-in-start");
    admit("fit");
    LONGS_EQUAL(SIGABRT, live([] {}));
    LONGS_EQUAL(SIGABRT, live([] {}));
    open();
    CHECK_STATE("quarantined", "aborts-in-start");
    CHECK_EQUAL(std::string("was starting when the daemon died, 2 times in a row; see the log, then: musterctl plugin "
                            "clear aborts-in-start"),
                reason("aborts-in-start"));
    CHECK_STATE("started", "fit");
    CHECK_FALSE(host->safeMode());
    CHECK_TRUE(services.hasLogged("the daemon died in start of plugin aborts-in-start (strike 2 of 2)"));
}

TEST(CrashLoop, aQuarantineEndsWhenAPersonClearsIt) {
    admit("aborts-in-start");
    live([] {});
    live([] {});
    LONGS_EQUAL(0, live([&] { host->stop(); }));
    LONGS_EQUAL(SIGABRT, live([&] {
                    const auto ignored = host->clear("aborts-in-start");  // does not return
                    _exit(ignored ? 1 : 2);
                }));
}

TEST(CrashLoop, aQuarantineEndsWithAnotherFirmware) {
    admit("aborts-in-start");
    live([] {});
    live([] {});
    options.firmwareVersion = "1.1.0";
    LONGS_EQUAL(SIGABRT, live([] {}));
}

TEST(CrashLoop, aGoodStartForgetsAStrike) {
    admit("aborts-in-start");
    LONGS_EQUAL(SIGABRT, live([] {}));
    admit("v2/aborts-in-start");
    LONGS_EQUAL(0, live([] {}));
    admit("aborts-in-start");
    LONGS_EQUAL(SIGABRT, live([] {}));
    LONGS_EQUAL(SIGABRT, live([] {}));  // would be quarantined by now if the first were remembered
    open();
    CHECK_STATE("quarantined", "aborts-in-start");
}

TEST(CrashLoop, entersSafeModeAfterThreeUncleanStartsWithNoCulprit) {
    admit("fit");
    admit("needs-fit");
    admit("family-fit");
    for (int i = 0; i < 4; ++i)
        LONGS_EQUAL(0, dieUncleanly());
    open();
    CHECK_TRUE(host->safeMode());
    CHECK_STATE("started", "fit");  // in the safe set
    CHECK_STATE("started", "family-fit");
    CHECK_STATE("stopped", "needs-fit");
    CHECK_EQUAL(std::string("safe mode: not started; musterctl plugin clear needs-fit starts it"), reason("needs-fit"));
    CHECK_TRUE(host->clear("needs-fit").has_value());
    CHECK_STATE("started", "needs-fit");
}

TEST(CrashLoop, threeUncleanStartsAreNotYetTooMany) {
    for (int i = 0; i < 3; ++i)
        dieUncleanly();
    open();
    CHECK_FALSE(host->safeMode());
}

TEST(CrashLoop, aHealthyRunClearsTheCount) {
    for (int i = 0; i < 3; ++i)
        dieUncleanly();
    live([&] {
        const auto now = std::chrono::steady_clock::now();
        host->tick(now);
        host->tick(now + std::chrono::seconds(59));
    });
    live([&] {
        const auto now = std::chrono::steady_clock::now();
        CHECK_TRUE(host->safeMode());
        host->tick(now);
        host->tick(now + std::chrono::seconds(60));
    });
    open();
    CHECK_FALSE(host->safeMode());
}

TEST(CrashLoop, aCleanStopClearsTheCount) {
    for (int i = 0; i < 3; ++i)
        dieUncleanly();
    live([&] { host->stop(); });
    dieUncleanly();
    open();
    CHECK_FALSE(host->safeMode());
}

TEST(CrashLoop, safeModeCanBeSwitchedOff) {
    options.uncleanLimit = 0;
    for (int i = 0; i < 5; ++i)
        dieUncleanly();
    open();
    CHECK_FALSE(host->safeMode());
}

TEST(CrashLoop, aGuardFileThatMakesNoSenseIsNoHindrance) {
    admit("fit");
    std::ofstream(state.path() / "plugin-guard")
        << "crumb ../../etc/passwd start\nunclean many\nquarantined\n\xff\xfe\nstrike fit -1\n";
    open();
    CHECK_STATE("started", "fit");
}

TEST(CrashLoop, aStateDirectoryThatCannotBeWrittenIsNoHindranceButIsSaid) {
    options.guardDirectory = "/proc/nowhere";
    admit("fit");
    open();
    CHECK_STATE("started", "fit");
    CHECK_TRUE(services.hasLogged("a plugin that crashes at start would not be noticed"));
}
