/// Giving up what the daemon does not need. @source capabilities(7), seccomp(2)
#pragma once

#include "muster/result.h"

namespace muster::supervise {

constexpr unsigned kLowPorts = 10;  ///< CAP_NET_BIND_SERVICE

/// Keeps one capability if it is there, and nothing else; no program started from here can gain any (no_new_privs).
/// Before the first thread: capabilities belong to threads.
/// @param kept  of <linux/capability.h>, below 32
/// @error denied  the system's words
Result<void> dropCapabilities(unsigned kept = kLowPorts);

/// From now on no thread of this process, present or to come, can start a program: execve and execveat fail with EPERM.
/// @error missing  this build has no libseccomp, or the kernel no seccomp; the unit's own filter still holds
Result<void> denyExec();

}  // namespace muster::supervise
