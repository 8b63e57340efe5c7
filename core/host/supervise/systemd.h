/// The three things that a service and systemd say to each other, by their documented protocols: libsystemd would bring
/// six more libraries into the process for them.
/// @source sd_notify(3), sd_watchdog_enabled(3), sd_listen_fds(3)
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace muster::supervise::systemd {

/// One datagram to NOTIFY_SOCKET, with a duplicate of `fd` unless that is below 0. Nothing where there is no such
/// socket, or it does not take it. @thread any
void notify(std::string_view message, int fd = -1) noexcept;

/// What systemd waits between two signs of life. Zero: it does not wait, or for another process. @thread any
std::chrono::microseconds watchdog() noexcept;

/// Names of the descriptors from kFirstDescriptor on that were passed to this process; they are closed on exec from now
/// on, and the variables are gone. "unknown": that one has no name. Empty: none. @thread one, at the start
std::vector<std::string> takeListenNames();

constexpr int kFirstDescriptor = 3;

}  // namespace muster::supervise::systemd
