#include "host/supervise/notifier.h"

#include <algorithm>
#include <exception>
#include <string>

#include "host/supervise/systemd.h"

namespace muster::supervise {

namespace {

/// The protocol has one assignment a line.
std::string oneLine(std::string_view text) {
    std::string line(text);
    std::replace_if(
        line.begin(), line.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; }, ' ');
    return line;
}

}  // namespace

void Notifier::ready(std::string_view status) noexcept try {
    systemd::notify("READY=1\nSTATUS=" + oneLine(status));
} catch (const std::exception&) {
}

void Notifier::status(std::string_view status) noexcept try {
    systemd::notify("STATUS=" + oneLine(status));
} catch (const std::exception&) {
}

void Notifier::watchdog() noexcept {
    systemd::notify("WATCHDOG=1");
}

void Notifier::stopping() noexcept {
    systemd::notify("STOPPING=1");
}

void Notifier::reloading() noexcept {
    systemd::notify("RELOADING=1");
}

void Notifier::storeDescriptor(int fd, std::string_view name) noexcept try {
    // FDPOLL=0: a listening socket is kept whatever the network does to it meanwhile.
    systemd::notify("FDSTORE=1\nFDPOLL=0\nFDNAME=" + oneLine(name), fd);
} catch (const std::exception&) {
}

void Notifier::dropDescriptor(std::string_view name) noexcept try {
    systemd::notify("FDSTOREREMOVE=1\nFDNAME=" + oneLine(name));
} catch (const std::exception&) {
}

std::chrono::milliseconds Notifier::watchdogInterval() const noexcept {
    const auto wait = systemd::watchdog();
    if (wait.count() <= 0)
        return {};
    return std::max(std::chrono::duration_cast<std::chrono::milliseconds>(wait / 2), std::chrono::milliseconds(1));
}

}  // namespace muster::supervise
