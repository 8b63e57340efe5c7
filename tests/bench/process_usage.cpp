#include "process_usage.h"

#include <ctime>
#include <fstream>
#include <sched.h>
#include <string>
#include <sys/resource.h>

namespace muster::bench {

std::optional<std::chrono::nanoseconds> cpuTime(pid_t pid) {
    clockid_t clock{};
    timespec time{};
    if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &time) != 0)
        return std::nullopt;
    return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

std::optional<Memory> memory(pid_t pid) {
    std::ifstream status("/proc/" + std::to_string(pid) + "/status");
    Memory found;
    bool any = false;
    for (std::string word; status >> word;) {
        if (word == "VmRSS:")
            any = static_cast<bool>(status >> found.residentKiB);
        else if (word == "RssAnon:")
            status >> found.anonymousKiB;
    }
    return any ? std::optional(found) : std::nullopt;
}

bool pinTo(int core) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(static_cast<unsigned>(core), &set);
    return sched_setaffinity(0, sizeof set, &set) == 0;
}

std::uint64_t raiseFileLimit() {
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return 0;
    limit.rlim_cur = limit.rlim_max;
    return setrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : 0;
}

}  // namespace muster::bench
