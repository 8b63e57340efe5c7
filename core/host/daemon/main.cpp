/// musterd: the daemon of a Muster appliance.
#include <cstdio>
#include <exception>
#include <sys/stat.h>
#include <unistd.h>
#include <variant>

#include "host/daemon/command_line.h"
#include "host/daemon/daemon.h"
#include "host/daemon/log.h"
#include "host/supervise/rights.h"
#include "host/supervise/signals.h"

int main(int argc, char** argv) {
    using namespace muster;
    using namespace muster::daemon;
    Log log(STDERR_FILENO, Log::stderrIsJournal());
    try {
        auto parsed = parseCommandLine(argc, argv);
        if (const auto* farewell = std::get_if<Farewell>(&parsed)) {
            std::fprintf(farewell->code == ExitCode::good ? stdout : stderr, "%s\n", farewell->text.c_str());
            return static_cast<int>(farewell->code);
        }
        ::umask(0077);
        supervise::blockSignals();
        if (const auto dropped = supervise::dropCapabilities(); !dropped)
            log.write(Severity::warning, "core", dropped.error().text());
        Daemon daemon(std::get<CommandLine>(std::move(parsed)), log);
        return static_cast<int>(daemon.run());
    } catch (const std::exception& error) {
        log.write(Severity::critical, "core", std::string("internal error: ") + error.what());
    } catch (...) {
        log.write(Severity::critical, "core", "internal error: something that is no std::exception");
    }
    return static_cast<int>(ExitCode::internal);
}
