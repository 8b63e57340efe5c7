/// The daemon as a process: its state directory, its mode, its lives one after the other.
#pragma once

#include <memory>
#include <string>

#include "muster/result.h"
#include "muster/types.h"

#include "audit/recorder.h"
#include "host/daemon/command_line.h"
#include "host/daemon/life.h"
#include "host/daemon/log.h"
#include "host/nsupdate/helper.h"
#include "host/supervise/listen_sockets.h"
#include "host/supervise/notifier.h"
#include "host/supervise/state_lock.h"

namespace muster::daemon {

class Daemon {
public:
    Daemon(CommandLine line, Log& log);
    ~Daemon();
    Daemon(const Daemon&) = delete;
    Daemon& operator=(const Daemon&) = delete;

    /// Until a signal ends it. The calling thread becomes the control loop; its signals are blocked (blockSignals()).
    /// What was wrong has been said on the log.
    ExitCode run();

private:
    Life::Premises premises(std::string keptMode, std::string storeTrouble = {}, PresentStore::Open openStore = {});
    ExitCode check();
    Result<void> putInPlace(std::optional<backup::Plan>& restored);
    void denyExec();
    /// The state directory: --state, else what the settings file says.
    Result<std::filesystem::path> stateDirectory() const;
    ExitCode say(const Error& error, ExitCode code) const;
    ExitCode sayText(const std::string& text, ExitCode code) const;

    const CommandLine line_;
    Log& log_;
    std::filesystem::path state_;
    std::unique_ptr<nsupdate::Helper> nsupdate_;  // forked before the first thread
    std::unique_ptr<audit::Recorder> audit_;      // one for all modes
    supervise::Notifier notifier_;
    supervise::ListenSockets sockets_;
    [[maybe_unused]] bool execDenied_ = false;
};

}  // namespace muster::daemon
