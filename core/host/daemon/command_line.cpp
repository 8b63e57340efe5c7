#include "host/daemon/command_line.h"

#include <algorithm>
#include <sstream>
#include <string_view>

#include "CLI/CLI.hpp"

#include "muster/types.h"

namespace muster::daemon {

namespace {

bool isName(std::string_view host) noexcept {
    constexpr std::string_view kName = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
    return !host.empty() && host.size() <= 253 && host.find_first_not_of(kName) == std::string_view::npos;
}

/// "kms.example.org", "10.0.0.7:1688", "[2001:db8::7]:1688".
bool isHost(std::string_view text) {
    const std::size_t colon = text.find(':', text.empty() || text.front() != '[' ? 0 : text.find(']'));
    const std::string host(text.substr(0, colon));
    const std::string port(colon == std::string_view::npos ? "1688" : text.substr(colon + 1));
    // Address knows which ports and which IPv6 addresses there are.
    const bool bracket = !host.empty() && host.front() == '[';
    const auto address = Address::parse((bracket ? host : "127.0.0.1") + ":" + port);
    return address && address->port != 0 && (bracket || isName(host));
}

Farewell usage(const std::string& sentence) {
    return {ExitCode::usage, "musterd: " + sentence + "; \"musterd --help\" shows what there is"};
}

}  // namespace

std::variant<CommandLine, Farewell> parseCommandLine(int argc, const char* const* argv) {
    CommandLine line;
    CLI::App app{"Muster's daemon: answers, counts and explains volume activation.", "musterd"};
    app.footer(
        "With a file:     musterd --config /etc/muster/muster.toml\n"
        "Without one:     musterd --relay kms.example.org --state DIR --listen 0.0.0.0:1688\n"
        "A test host:     musterd --lab --state DIR --listen 127.0.0.1:1688\n"
        "It is ready when \"musterctl --control PATH status\" exits 0.\n"
        "Exit status: 0 stopped cleanly, 64 the command line is wrong, 70 internal error,\n"
        "78 settings, state directory or database need a person.");
    app.set_version_flag("--version", "musterd " MUSTER_VERSION);
    app.add_option("--config", line.config, "Settings file (TOML)")->type_name("FILE");
    app.add_flag("--lab", line.lab, "Play the whole host for this run, under the lab's own seal");
    app.add_option("--relay", line.relay,
                   "Relay to that licensed KMS host in this run; may be repeated, the first is asked first")
        ->type_name("HOST:PORT")
        ->expected(1)
        ->allow_extra_args(false)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    app.add_option("--state", line.state, "Directory for everything that is kept")->type_name("DIR");
    app.add_option("--listen", line.listen, "Listen there for clients; may be repeated")
        ->type_name("ADDRESS:PORT")
        ->expected(1)
        ->allow_extra_args(false)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    app.add_option("--web", line.web, "Serve the page and the API there; may be repeated")
        ->type_name("ADDRESS:PORT")
        ->expected(1)
        ->allow_extra_args(false)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    app.add_option("--control", line.control, "Path of the control socket")->type_name("PATH");
    app.add_option("--system", line.system, "Path of musterd-system's socket, on a Muster box")->type_name("PATH");
    app.add_option("--set", line.set, "Overrule one setting for this run; may be repeated")
        ->type_name("SECTION.KEY=VALUE")
        ->expected(1)
        ->allow_extra_args(false)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    app.add_option("--plugins", line.plugins, "Take plugins from there alone; may be repeated")
        ->type_name("DIR")
        ->expected(1)
        ->allow_extra_args(false)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    app.add_flag("--degraded", line.degraded, "Rename a database that cannot be used aside and go on with a new one");
    app.add_flag("--check", line.check, "Judge the settings and plugins, say what is wrong, and end");
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& end) {
        std::ostringstream out;
        std::ostringstream errors;
        if (app.exit(end, out, errors) == 0)
            return Farewell{ExitCode::good, out.str()};
        return usage(end.what());
    }
    if (line.lab && !line.relay.empty())
        return usage("--lab and --relay exclude each other: a run has one mode");
    if (line.lab && !line.config.empty())
        return usage("--lab and --config exclude each other: with a file the mode is chosen by \"musterctl mode set\"");
    if (!line.relay.empty() && !line.config.empty())
        return usage(
            "--relay and --config exclude each other: with a file the hosts are its setting relay.upstreams, and the "
            "mode is chosen by \"musterctl mode set\"");
    if (line.config.empty() && line.state.empty())
        return usage("either --config FILE or --state DIR is needed");
    for (const std::string& address : line.listen)
        if (!Address::parse(address))
            return usage("--listen: \"" + address + "\" is no ADDRESS:PORT such as 127.0.0.1:1688 or [::1]:1688");
    for (const std::string& address : line.web)
        if (!Address::parse(address))
            return usage("--web: \"" + address + "\" is no ADDRESS:PORT such as 0.0.0.0:443 or [::1]:8443");
    for (auto host = line.relay.begin(); host != line.relay.end(); ++host) {
        if (!isHost(*host))
            return usage("--relay: \"" + *host +
                         "\" is no HOST:PORT such as kms.example.org:1688, 10.0.0.7 or [2001:db8::7]:1688");
        if (std::find(line.relay.begin(), host, *host) != host)
            return usage("--relay: " + *host + " is there twice");
    }
    for (const std::string& setting : line.set)
        if (!line.relay.empty() && setting.rfind("relay.upstreams=", 0) == 0)
            return usage("--relay and --set relay.upstreams exclude each other: the former says the latter");
    for (const std::string& setting : line.set)
        if (const std::size_t equals = setting.find('='); equals == std::string::npos || setting.find('.') >= equals)
            return usage("--set: \"" + setting + "\" is not SECTION.KEY=VALUE such as core.log-level=debug");
    return line;
}

}  // namespace muster::daemon
