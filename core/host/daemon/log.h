/// The daemon's log: one line per message on stderr, as journald reads it.
#pragma once

#include <atomic>
#include <string>
#include <string_view>

#include "muster/event.h"

namespace muster::daemon {

/// Texts come from everywhere, also from the network: control characters (C0, DEL, C1) and what is no UTF-8 become
/// \xNN, so that a line stays one line and no terminal is given orders.
std::string escaped(std::string_view text);

/// @thread any; a line is written in one call
class Log {
public:
    /// @param fd       2; a test has its own
    /// @param journal  with syslog's priority in front ("<6>"), else with time and level for people
    explicit Log(int fd, bool journal) noexcept : fd_(fd), journal_(journal) {}

    /// True when stderr goes to journald. @source systemd.exec(5), JOURNAL_STREAM
    static bool stderrIsJournal() noexcept;

    void setLevel(Severity least) noexcept { least_.store(least, std::memory_order_relaxed); }
    /// @param channel  "core" or a plugin's name
    void write(Severity severity, std::string_view channel, std::string_view text) const noexcept;

private:
    const int fd_;
    const bool journal_;
    std::atomic<Severity> least_{Severity::info};
};

}  // namespace muster::daemon
