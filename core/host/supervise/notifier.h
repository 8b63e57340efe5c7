/// What systemd is told about us. Without systemd (no NOTIFY_SOCKET) all of it does nothing.
/// @source sd_notify(3), sd_watchdog_enabled(3)
#pragma once

#include <chrono>
#include <string_view>

namespace muster::supervise {

/// @thread any
class Notifier {
public:
    virtual ~Notifier() = default;
    Notifier() = default;
    Notifier(const Notifier&) = delete;
    Notifier& operator=(const Notifier&) = delete;

    virtual void ready(std::string_view status) noexcept;
    virtual void status(std::string_view status) noexcept;
    virtual void watchdog() noexcept;
    virtual void stopping() noexcept;
    /// SIGHUP is being followed; ready() says when that is done.
    virtual void reloading() noexcept;
    /// Keeps a duplicate of `fd` for the next start, under `name`: printable, without ':'.
    virtual void storeDescriptor(int fd, std::string_view name) noexcept;
    virtual void dropDescriptor(std::string_view name) noexcept;

    /// How often watchdog() is to be called: half of what systemd waits. Zero: no watchdog.
    virtual std::chrono::milliseconds watchdogInterval() const noexcept;
};

}  // namespace muster::supervise
