/// What the plugin host gets from the rest of the daemon.
#pragma once

#include <atomic>
#include <filesystem>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

#include "audit/recorder.h"
#include "host/daemon/log.h"
#include "host/daemon/present_store.h"
#include "host/dispatch/activation_dispatcher.h"
#include "host/nsupdate/helper.h"
#include "host/plugins/services.h"
#include "host/reactor/reactor_pool.h"
#include "host/selftest/self_test.h"
#include "host/settings/settings.h"
#include "host/supervise/listen_sockets.h"
#include "pool/admission.h"

namespace muster::daemon {

/// "{name}" in an event's message replaced by that field; what a field holds is escaped.
std::string eventMessage(std::string_view message, const Json& fields);

/// The pool of the present mode; without a store it is empty.
class PresentPool final : public Pool {
public:
    explicit PresentPool(const PresentStore& store) noexcept : store_(store) {}
    std::vector<CountedClient> counted(const Guid& application, Timestamp since, std::size_t limit) override {
        pool::Store* const store = store_.get();
        return store != nullptr ? store->counted(application, since, limit) : std::vector<CountedClient>();
    }
    std::vector<Application> applications() override {
        pool::Store* const store = store_.get();
        return store != nullptr ? store->applications() : std::vector<Application>();
    }

private:
    const PresentStore& store_;
};

/// Bounds new clients by what the store knows and what their source has brought.
class StoreAdmission final : public dispatch::NewClients {
public:
    StoreAdmission(const PresentStore& store, std::uint32_t perHour) noexcept : store_(store), admission_(perHour) {}
    virtual ~StoreAdmission() = default;
    void setPerHour(std::uint32_t perHour) noexcept { admission_.setPerHour(perHour); }
    bool overLimit(const Address& source, const Guid& application, const Guid& cmid) noexcept override;

private:
    const PresentStore& store_;
    pool::Admission admission_;
};

class DaemonServices final : public plugins::Services {
public:
    struct Parts {
        Log& log;
        settings::SettingsStore& settings;
        api::OperationTable& operations;
        plugins::Metrics& metrics;
        reactor::ReactorPool& reactors;
        supervise::ListenSockets& sockets;
        Mode mode = Mode::none;
        std::filesystem::path directory;  ///< of the mode
        std::filesystem::path shared;     ///< of all modes
        const PresentStore& store;        ///< Mode::none has none
        std::uint32_t newClientsPerHour = 0;
        bool recording = true;                      ///< setting pool.record
        bool stateIsOptional = false;               ///< a relay that goes on although it can keep nothing
        settings::SettingsStore::Later later = {};  ///< runs what a plugin inside of its own code cannot wait for
        nsupdate::Helper* nsupdate = nullptr;       ///< without it there are no updates under GSS-TSIG
        audit::Recorder* audit = nullptr;           ///< without it nothing is noted
    };
    explicit DaemonServices(const Parts& parts);

    /// Before the first plugin starts.
    void setDispatcher(dispatch::ActivationDispatcher& dispatcher) noexcept { dispatcher_ = &dispatcher; }
    /// What a changed section is to be told to.
    void setSettingsChanged(settings::SettingsStore::Subscriber changed) { settingsChanged_ = std::move(changed); }
    /// From now on a section's mistakes refuse its plugin: all before were judged together.
    void judgeSettings() noexcept { judging_ = true; }
    StoreAdmission& admission() noexcept { return admission_; }
    selftest::SelfTest& selfTest() noexcept { return selfTest_; }
    /// nullptr: none. Valid for ever. @thread any
    Authority* presentAuthority() const noexcept { return authority_.load(std::memory_order_acquire); }
    /// Gives every reactor its present authority and store, or nothing any more. @thread not a reactor's
    void serve(bool on) noexcept;
    /// Whether requests are recorded from now on; those under way end as they began. @thread not a reactor's
    void setRecording(bool on) noexcept;
    /// The store came: requests are recorded in it from now on. @thread not a reactor's
    void storeCame() noexcept;
    /// Whether requests are recorded, if there is a store. @thread any
    bool recording() const noexcept { return recording_.load(std::memory_order_relaxed); }

    Mode mode() const noexcept override { return parts_.mode; }
    std::string stateDirectory() const override { return parts_.directory.string(); }
    std::string sharedDirectory() const override { return parts_.shared.string(); }
    bool stateIsOptional() const noexcept override { return parts_.stateIsOptional; }
    Result<void> describeSettings(std::string_view section, Fields fields) override;
    void forgetSettings(std::string_view section) noexcept override;
    std::optional<SettingValue> setting(std::string_view section, std::string_view key) const override;
    Result<std::uint32_t> changeSettings(std::string_view section,
                                         const std::vector<std::pair<std::string, std::optional<std::string>>>& edits,
                                         std::string_view author, std::string_view comment) override;
    std::string settingFixed(std::string_view section, std::string_view key) const override {
        return parts_.settings.fixedBy(section, key);
    }
    void log(Severity severity, std::string_view channel, std::string_view text) override;
    void journal(std::string_view source, const EventSpec& spec, Json fields) override;
    api::OperationTable& operations() noexcept override { return parts_.operations; }
    plugins::Metrics& metrics() noexcept override { return parts_.metrics; }
    void audit(std::string_view plugin, AuditNote note) override {
        if (parts_.audit != nullptr)
            parts_.audit->note(plugin, std::move(note));
    }
    void troubles(std::string_view plugin, std::vector<std::string> lines) override;
    /// What all plugins said, in the order of their names. @thread any
    std::vector<std::string> pluginTroubles() const;
    void setAuthority(Mode mode, Authority* authority) noexcept override;
    unsigned reactorCount() const noexcept override { return parts_.reactors.count(); }
    Reactor& reactor(unsigned index) noexcept override { return parts_.reactors.at(index); }
    Dispatcher& dispatcher() noexcept override { return *dispatcher_; }
    Pool& pool() noexcept override { return pool_; }
    void onReactors(const std::function<void(Reactor&)>& work) override { parts_.reactors.onReactors(work); }
    Result<int> listenSocket(const Address& address, bool forClients) override {
        return parts_.sockets.open(address, forClients);
    }
    void closeListenSocket(const Address& address) noexcept override { parts_.sockets.close(address); }
    std::vector<Address> listening() const override { return parts_.sockets.bound(); }
    Result<SecureUpdateOutcome> secureUpdate(const SecureUpdate& update) override;
    FrontAnswer serve(const FrontRequest& request) noexcept override;
    std::vector<LicensedHost> licensedHosts() const override {
        const Authority* authority = presentAuthority();
        return authority != nullptr ? authority->licensedHosts() : std::vector<LicensedHost>();
    }

private:
    void giveOut() noexcept;

    Parts parts_;
    PresentPool pool_;
    StoreAdmission admission_;
    selftest::SelfTest selfTest_;
    dispatch::ActivationDispatcher* dispatcher_ = nullptr;
    settings::SettingsStore::Subscriber settingsChanged_;
    std::atomic<Authority*> authority_{nullptr};
    std::atomic<bool> judging_{false};
    std::atomic<bool> recording_;
    mutable std::mutex troublesMutex_;
    std::map<std::string, std::vector<std::string>, std::less<>> troubles_;
    std::mutex serving_;  // two changes at once would leave reactors with one half of each
    bool serves_ = false;
};

}  // namespace muster::daemon
