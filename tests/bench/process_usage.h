/// What another process of the same user has used, by the kernel's own accounting.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <sys/types.h>

namespace muster::bench {

/// CPU time of all threads of `pid`, ended ones included, user and kernel, to the nanosecond.
/// Nothing when the process is gone. @source clock_getcpuclockid(3)
std::optional<std::chrono::nanoseconds> cpuTime(pid_t pid);

struct Memory {
    std::uint64_t residentKiB = 0;   ///< VmRSS
    std::uint64_t anonymousKiB = 0;  ///< RssAnon: what the process itself allocated
};
/// Nothing when the process is gone. @source proc(5), /proc/PID/status
std::optional<Memory> memory(pid_t pid);

/// Pins the calling thread, and what it starts, to one core. False when the core does not exist.
bool pinTo(int core);

/// Raises the soft limit of open files to the hard one; returns it.
std::uint64_t raiseFileLimit();

}  // namespace muster::bench
