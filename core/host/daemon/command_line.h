/// What `musterd` understands on its command line.
#pragma once

#include <filesystem>
#include <string>
#include <variant>
#include <vector>

namespace muster::daemon {

/// @source sysexits.h, whose numbers service managers know
enum class ExitCode : int {
    good = 0,
    usage = 64,          ///< the command line
    internal = 70,       ///< our own mistake
    configuration = 78,  ///< settings, state directory or database: a person has to do something
};

struct CommandLine {
    std::filesystem::path config;  ///< empty: without a file
    bool lab = false;              ///< the lab for this run, whatever STATE/mode says
    /// Upstreams, and with them the relay for this run; the first is the primary. Each "HOST" or "HOST:PORT".
    std::vector<std::string> relay;
    std::filesystem::path state;  ///< empty: core.state-directory
    std::vector<std::string> listen;
    std::vector<std::string> web;                      ///< where the page and the API are served
    std::filesystem::path control;                     ///< empty: core.control-socket, else STATE/control.sock
    std::string system = "/run/muster-system/socket";  ///< of musterd-system; who is not there offers nothing
    std::vector<std::string> set;
    std::vector<std::filesystem::path> plugins;  ///< empty: the standard directories
    bool degraded = false;
    bool check = false;

    /// The option that chose the mode of this run: "--lab", "--relay"; nullptr: STATE/mode decides.
    const char* modeOption() const noexcept { return lab ? "--lab" : relay.empty() ? nullptr : "--relay"; }
};

/// The program ends here: a text for stdout (code 0) or stderr.
struct Farewell {
    ExitCode code = ExitCode::good;
    std::string text;
};

std::variant<CommandLine, Farewell> parseCommandLine(int argc, const char* const* argv);

}  // namespace muster::daemon
