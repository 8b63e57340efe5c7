/// One life of the daemon in one mode: from the settings to ready, until a signal or another mode, and back.
#pragma once

#include <atomic>
#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "muster/result.h"
#include "muster/types.h"

#include "api/operations.h"
#include "audit/recorder.h"
#include "backup/backups.h"
#include "host/control/control_server.h"
#include "host/daemon/command_line.h"
#include "host/daemon/core_operations.h"
#include "host/daemon/firewall.h"
#include "host/daemon/log.h"
#include "host/daemon/present_store.h"
#include "host/daemon/request_rate.h"
#include "host/daemon/services.h"
#include "host/daemon/worker.h"
#include "host/dispatch/activation_dispatcher.h"
#include "host/nsupdate/helper.h"
#include "host/plugins/metrics.h"
#include "host/plugins/plugin_host.h"
#include "host/reactor/epoll_reactor.h"
#include "host/reactor/reactor_pool.h"
#include "host/settings/settings.h"
#include "host/supervise/listen_sockets.h"
#include "host/supervise/notifier.h"

namespace muster::daemon {

/// Members in the order of construction; each may use those above it. What a request can reach is taken out of service
/// in stop(), so that the destructors only free.
class Life {
public:
    /// What outlives all lives of the process.
    struct Premises {
        const CommandLine& line;
        const std::filesystem::path& state;  ///< empty: nothing is kept (--check)
        Log& log;
        supervise::Notifier& notifier;
        supervise::ListenSockets& sockets;
        std::function<void()> denyExec;             ///< once all has started
        nsupdate::Helper* nsupdate;                 ///< nullptr: there is none
        audit::Recorder* audit;                     ///< nullptr: nothing is kept (--check)
        std::string keptMode;                       ///< what STATE/mode says; "unreadable" where it says nothing
        std::string storeTrouble;                   ///< why a mode that has a store has none yet; empty: it has one
        PresentStore::Open openStore;               ///< how to look for it
        std::optional<backup::Plan> restored = {};  ///< what was put in place before this life
        std::string restoreTrouble = {};            ///< why what lies ready could not be
    };

    Life(Premises premises, Mode mode, std::string chosenBy, std::unique_ptr<settings::SettingsStore> settings,
         std::unique_ptr<pool::Archive> store);
    ~Life() { stop("it could not start"); }
    Life(const Life&) = delete;
    Life& operator=(const Life&) = delete;

    /// @error  what a person has to do something about
    Result<void> start();
    /// Until a signal, or until the next life is wanted: true then.
    bool loop();
    /// Why the next life is wanted. @thread after loop()
    const char* whyAnew() const noexcept { return why_.load(); }
    void stop(const char* reason) noexcept;
    /// After stop(): this object must not be destroyed.
    bool wedged() const { return plugins_.anyWedged(); }

    /// Everything that is wrong with the settings and the plugins' parts of them, judged without serving.
    Result<void> check();

private:
    Result<void> judge(const settings::Report& report) const;
    Result<void> registerOperations();
    Result<void> registerPoolOperations(pool::Archive& archive);
    Result<void> startControl();
    void lookForStore();
    std::string productName(const Guid& counted, const Guid& sku);
    Result<void> listensWhereTold() const;
    bool hasPlugin(std::string_view wanted) const;
    std::unique_ptr<backup::Backups> makeBackups();
    void beginAnew(const char* why);
    Result<void> chooseMode(Mode wanted, const std::string& caller);
    void coreSettingsChanged();
    void lookAgain();
    void durabilityChanged(bool durable);
    void everySecond();
    void kickWatchdog();
    void drainThenStop(Monotonic until);
    void syncCounters();
    void tellStatus();

    const Premises premises_;
    Log& log_;
    const Mode mode_;
    std::atomic<bool> ready_{false};
    std::atomic<bool> durable_{true};
    RequestRate rate_;
    std::unique_ptr<settings::SettingsStore> settings_;
    api::OperationTable table_;
    plugins::Metrics metrics_;
    reactor::EpollReactor loop_;  // this thread's: signals, ticks, the watchdog
    Worker worker_;
    reactor::ReactorPool reactors_;
    PresentStore store_;
    DaemonServices services_;
    plugins::PluginHost plugins_;
    dispatch::ActivationDispatcher dispatcher_;
    std::unique_ptr<backup::Backups> backups_;  // nullptr: nothing is kept
    Firewall firewall_;
    CoreView view_;
    std::optional<control::ControlServer> control_;
    std::chrono::milliseconds watchdog_{0};
    bool draining_ = false;
    bool stopped_ = false;
    std::atomic<bool> beginAnew_{false};
    std::atomic<const char*> why_{""};
    std::string statusTold_;
    Monotonic nextLook_{};  // for the store
    Monotonic nextTrim_{};
};

}  // namespace muster::daemon
