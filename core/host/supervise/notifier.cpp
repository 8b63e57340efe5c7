#include "host/supervise/notifier.h"

#include <algorithm>
#include <cstdint>
#include <exception>
#include <string>
#include <systemd/sd-daemon.h>

namespace muster::supervise {

namespace {

/// The protocol has one assignment a line.
std::string oneLine(std::string_view text) {
    std::string line(text);
    std::replace_if(
        line.begin(), line.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; }, ' ');
    return line;
}

void tell(const std::string& message) noexcept {
    ::sd_notify(0, message.c_str());
}

}  // namespace

void Notifier::ready(std::string_view status) noexcept try {
    tell("READY=1\nSTATUS=" + oneLine(status));
} catch (const std::exception&) {
}

void Notifier::status(std::string_view status) noexcept try {
    tell("STATUS=" + oneLine(status));
} catch (const std::exception&) {
}

void Notifier::watchdog() noexcept {
    ::sd_notify(0, "WATCHDOG=1");
}

void Notifier::stopping() noexcept {
    ::sd_notify(0, "STOPPING=1");
}

void Notifier::reloading() noexcept {
    ::sd_notify(0, "RELOADING=1");
}

void Notifier::storeDescriptor(int fd, std::string_view name) noexcept try {
    // FDPOLL=0: a listening socket is kept whatever the network does to it meanwhile.
    const std::string message = "FDSTORE=1\nFDPOLL=0\nFDNAME=" + oneLine(name);
    ::sd_pid_notify_with_fds(0, 0, message.c_str(), &fd, 1);
} catch (const std::exception&) {
}

void Notifier::dropDescriptor(std::string_view name) noexcept try {
    tell("FDSTOREREMOVE=1\nFDNAME=" + oneLine(name));
} catch (const std::exception&) {
}

std::chrono::milliseconds Notifier::watchdogInterval() const noexcept {
    std::uint64_t microseconds = 0;
    if (::sd_watchdog_enabled(0, &microseconds) <= 0)
        return {};
    return std::chrono::milliseconds(std::max<std::uint64_t>(microseconds / 2000, 1));
}

}  // namespace muster::supervise
