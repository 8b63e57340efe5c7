/// musterd-system: the one privileged helper of a Muster box.
#include <chrono>
#include <csignal>
#include <cstdio>
#include <exception>
#include <linux/capability.h>
#include <pwd.h>
#include <string>
#include <sys/stat.h>
#include <unistd.h>

#include "CLI/CLI.hpp"

#include "host/supervise/rights.h"
#include "host/supervise/systemd.h"
#include "system/box.h"
#include "system/server.h"

namespace {

using namespace muster;
using namespace muster::system;

constexpr int kUsage = 64;  // sysexits.h
constexpr int kInternal = 70;
constexpr int kConfiguration = 78;

struct Options {
    Places places;
    std::string socket;
    std::string user = "muster";
    std::string programs;
    std::int64_t trialSeconds = 90;
};

/// The prefix is the journal's priority. @source sd-daemon(3)
void write(bool trouble, const std::string& text) {
    static const bool kJournal = ::getenv("JOURNAL_STREAM") != nullptr;  // NOLINT(concurrency-mt-unsafe): one thread
    std::fprintf(stderr, "%s%s\n", !kJournal ? "" : trouble ? "<4>" : "<6>", text.c_str());
}

int listen(const Options& options, uid_t peer, const Log& log) {
    const auto passed = supervise::systemd::takeListenNames();
    if (passed.size() > 1) {
        log(true, "systemd passed " + std::to_string(passed.size()) + " sockets; one is wanted");
        return -1;
    }
    if (passed.size() == 1) {
        if (const auto good = checkListening(supervise::systemd::kFirstDescriptor); !good) {
            log(true, good.error().text());
            return -1;
        }
        return supervise::systemd::kFirstDescriptor;
    }
    if (options.socket.empty()) {
        log(true, "systemd passed no socket, and no --socket PATH is given");
        return -1;
    }
    const auto made = listenAt(options.socket, peer);
    if (!made)
        log(true, made.error().text());
    return made ? *made : -1;
}

int run(const Options& options) {
    const Log log = write;
    const passwd* const user = ::getpwnam(options.user.c_str());  // NOLINT(concurrency-mt-unsafe): one thread
    if (user == nullptr) {
        log(true, "there is no user " + options.user + "; name the one that musterd runs as: --user NAME");
        return kConfiguration;
    }
    const uid_t peer = user->pw_uid;
    const int listening = listen(options, peer, log);
    if (listening < 0)
        return kConfiguration;
    // What needs more is asked of systemd's own daemons and of RAUC, over the bus.
    if (const auto dropped = supervise::dropCapabilities(CAP_NET_ADMIN); !dropped)
        log(true, dropped.error().text());

    Box box(options.places, Programs(options.programs), BootClock::ofTheSystem(),
            std::chrono::seconds(options.trialSeconds), log);
    box.start();
    supervise::systemd::notify("READY=1");
    log(false, "ready, for user " + options.user);
    const auto served = serve(listening, peer, box, log);
    ::close(listening);
    if (!served) {
        log(true, served.error().text());
        return kInternal;
    }
    log(false, "stopped");
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    Options options;
    CLI::App app{"Does for musterd what needs root on a Muster box, and nothing else.", "musterd-system"};
    app.footer(
        "Exit status: 0 stopped cleanly, 64 the command line is wrong, 70 internal error, 78 a person is needed.");
    app.set_version_flag("--version", "musterd-system " MUSTER_VERSION);
    app.add_option("--user", options.user, "The only user that may ask")->type_name("NAME")->capture_default_str();
    app.add_option("--socket", options.socket, "Listen there, where systemd passes no socket")->type_name("PATH");
    app.add_option("--keep", options.places.keep, "What lasts; root's alone")->type_name("DIR")->capture_default_str();
    app.add_option("--run", options.places.run, "Below it systemd and nftables read what is written")
        ->type_name("DIR")
        ->capture_default_str();
    app.add_option("--update", options.places.update, "Where musterd puts bundle.raucb")
        ->type_name("DIR")
        ->capture_default_str();
    app.add_option("--reset-flag", options.places.resetFlag, "The file that tells the initrd to begin anew")
        ->type_name("FILE")
        ->capture_default_str();
    app.add_option("--zones", options.places.zones, "The time zones")->type_name("DIR")->capture_default_str();
    app.add_option("--programs", options.programs, "Programs of the same names in there, for tests")->type_name("DIR");
    app.add_option("--trial", options.trialSeconds, "Seconds until unconfirmed network settings go back")
        ->type_name("SECONDS")
        ->check(CLI::Range(1, 600))
        ->capture_default_str();
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& end) {
        return app.exit(end) == 0 ? 0 : kUsage;
    }
    for (std::filesystem::path* path : {&options.places.keep, &options.places.run, &options.places.update,
                                        &options.places.resetFlag, &options.places.zones})
        *path = std::filesystem::absolute(*path);
    try {
        ::umask(0022);
        sigset_t ends;
        ::sigemptyset(&ends);
        ::sigaddset(&ends, SIGTERM);
        ::sigaddset(&ends, SIGINT);
        ::pthread_sigmask(SIG_BLOCK, &ends, nullptr);
        return run(options);
    } catch (const std::exception& error) {
        write(true, std::string("internal error: ") + error.what());
    }
    return kInternal;
}
