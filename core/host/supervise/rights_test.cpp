#include "host/supervise/rights.h"

#include <cerrno>
#include <fstream>
#include <string>
#include <sys/wait.h>
#include <unistd.h>

#include "CppUTest/TestHarness.h"

namespace {

/// Runs `check` in a child, because what it gives up never comes back.
int inChild(int (*check)()) {
    const pid_t child = ::fork();
    if (child == 0)
        ::_exit(check());
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace

TEST_GROUP(Rights){};

TEST(Rights, noCapabilityIsLeftButTheOneForLowPorts) {
    LONGS_EQUAL(0, inChild([] {
                    if (!muster::supervise::dropCapabilities())
                        return 1;
                    std::ifstream status("/proc/self/status");
                    for (std::string line; std::getline(status, line);)
                        if (line.rfind("CapPrm:", 0) == 0 || line.rfind("CapEff:", 0) == 0) {
                            const auto bits = std::stoull(line.substr(8), nullptr, 16);
                            if ((bits & ~(1ULL << 10U)) != 0)  // CAP_NET_BIND_SERVICE is 10
                                return 2;
                        } else if (line.rfind("NoNewPrivs:", 0) == 0 && line.back() != '1') {
                            return 3;
                        }
                    return 0;
                }));
}

TEST(Rights, noProgramCanBeStartedAfterwards) {
    const int seen = inChild([] {
        if (const auto denied = muster::supervise::denyExec(); !denied)
            return denied.error().code == muster::Code::missing ? 77 : 1;
        ::execl("/bin/true", "true", static_cast<char*>(nullptr));
        return errno == EPERM ? 0 : 2;
    });
#ifdef MUSTER_SECCOMP
    LONGS_EQUAL(0, seen);
#else
    LONGS_EQUAL(77, seen);
#endif
}
