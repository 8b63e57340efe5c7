#include "host/daemon/log.h"

#include <array>
#include <string>
#include <unistd.h>

#include "CppUTest/TestHarness.h"

using muster::Severity;
using muster::daemon::escaped;
using muster::daemon::Log;

TEST_GROUP(Log) {
    std::array<int, 2> ends{-1, -1};

    void setup() override {
        CHECK_EQUAL(0, ::pipe(ends.data()));
    }
    void teardown() override {
        ::close(ends[0]);
        ::close(ends[1]);
    }
    std::string read() const {
        std::array<char, 512> text{};
        const ssize_t size = ::read(ends[0], text.data(), text.size());
        return {text.data(), size > 0 ? static_cast<std::size_t>(size) : 0};
    }
};

TEST(Log, writesSyslogsPriorityForTheJournal) {
    const Log log(ends[1], true);
    log.write(Severity::warning, "listener", "::1 refused");
    STRCMP_EQUAL("<4>listener: ::1 refused\n", read().c_str());
}

TEST(Log, writesTimeAndLevelForPeople) {
    const Log log(ends[1], false);
    log.write(Severity::error, "core", "disk full");
    STRCMP_CONTAINS("Z error core: disk full\n", read().c_str());
}

TEST(Log, keepsQuietBelowItsLevel) {
    Log log(ends[1], true);
    log.setLevel(Severity::error);
    log.write(Severity::warning, "core", "not this");
    log.write(Severity::error, "core", "this");
    STRCMP_EQUAL("<3>core: this\n", read().c_str());
}

TEST(Log, aMachineNameCannotBreakTheLineNorOrderTheTerminalAbout) {
    STRCMP_EQUAL("pc\\x1b[31m\\x0aroot: yes\\x7f", escaped("pc\x1b[31m\nroot: yes\x7f").c_str());
    STRCMP_EQUAL("\\xc2\\x9b31m", escaped("\xC2\x9B"
                                          "31m")
                                      .c_str());  // C1: an escape sequence in two octets
}

TEST(Log, keepsUtf8AndShowsWhatIsNone) {
    STRCMP_EQUAL("Büro-Ω \\xff\\xc3", escaped("Büro-Ω \xFF\xC3").c_str());
}
