/// One created plugin: the Host that it sees, the ledger of what it has registered, its threads, and the containment of
/// what it throws.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "muster/plugin.h"

#include "host/plugins/family_registry.h"
#include "host/plugins/gate.h"
#include "host/plugins/judge.h"
#include "host/plugins/services.h"
#include "host/plugins/socket_book.h"

namespace muster::plugins {

/// What all instances share.
struct Commons {
    Services& services;
    FamilyRegistry& families;
    SocketBook& sockets;
    Counter& faults;  ///< plugin_faults_total: exceptions contained after start
    /// Refuses (Fault) an authority that may not be, or whose mode another plugin serves.
    std::function<void(const std::string& plugin, Mode mode)> mayDecide;
};

/// @thread create(), start(), publish-side functions and finish(): the plugin host's, one at a time
class Instance final : public Host, public std::enable_shared_from_this<Instance> {
public:
    Instance(std::shared_ptr<Commons> commons, std::shared_ptr<const JudgedPlugin> judged);
    ~Instance() override;
    Instance(const Instance&) = delete;
    Instance& operator=(const Instance&) = delete;

    /// nullopt: done. What it throws comes back as the Error.
    std::optional<Error> create();
    std::optional<Error> start();
    std::optional<Error> settingsChanged();

    /// What was collected. Handlers are wrapped: they hold the gate and contain what the plugin throws.
    std::vector<api::Registration> takeOperations() { return std::move(operations_); }
    const std::set<std::string>& metrics() const noexcept { return metrics_; }
    /// Wrapped likewise; nullptr: it registered none.
    const std::shared_ptr<Authority>& authority() const noexcept { return authority_; }

    Gate& gate() noexcept { return *gate_; }
    /// stop(), the threads' end, destroy(), on a thread of its own; waits at most `limit`.
    /// False: it is still busy with it; the thread keeps this instance alive. Asked again it waits again.
    bool finish(std::chrono::milliseconds limit);

    const JudgedPlugin& judged() const noexcept { return *judged_; }
    /// What came out of a thread of the plugin's: "beat: late"; empty: nothing.
    std::string threadFault() const;
    /// Makes the directory that stateDirectory() could not make where state is optional, once it can be made.
    void makeLackingDirectory() noexcept;

    // --- Host
    std::string_view name() const noexcept override { return judged_->name; }
    Mode mode() const noexcept override { return commons_.services.mode(); }
    std::string stateDirectory() override { return directory(commons_.services.stateDirectory()); }
    std::string sharedDirectory() override { return directory(commons_.services.sharedDirectory()); }
    std::optional<SettingValue> settingValue(std::string_view key) const override;
    Result<std::uint32_t> changeSettings(const std::vector<SettingEdit>& edits, std::string_view author,
                                         std::string_view comment) override;
    std::string settingFixed(std::string_view key) const override;
    void log(Severity severity, std::string_view text) override;
    void event(std::uint32_t id, Json fields) override;
    void audit(AuditNote note) override;
    void troubles(std::vector<std::string> lines) override;
    Counter& counter(std::string_view name, std::string_view help) override;
    Gauge& gauge(std::string_view name, std::string_view help) override;
    void operation(const Operation& operation, Handler handler) override;
    unsigned reactorCount() const noexcept override { return commons_.services.reactorCount(); }
    Reactor& reactor(unsigned index) noexcept override { return commons_.services.reactor(index); }
    Dispatcher& dispatcher() noexcept override { return commons_.services.dispatcher(); }
    Families& families() noexcept override { return commons_.families; }
    Pool& pool() noexcept override { return commons_.services.pool(); }
    void onReactors(const std::function<void(Reactor&)>& work) override { commons_.services.onReactors(work); }
    void thread(std::string_view name, std::function<void(const std::atomic<bool>& stopping)> work) override;
    Result<int> listenSocket(const Address& address) override;
    void closeListenSocket(const Address& address) noexcept override;
    std::vector<Address> listening() const override;
    std::vector<LicensedHost> licensedHosts() const override;
    Result<SecureUpdateOutcome> secureUpdate(const SecureUpdate& update) override;
    FrontAnswer serve(const FrontRequest& request) noexcept override;
    void authority(Authority& authority) override;

private:
    struct Slot;           // a plugin's handler, until it is taken away
    class GatedAuthority;  // an authority behind the gate
    std::string directory(const std::string& above);
    Handler guarded(Handler handler, std::string what);
    void registering(const std::string& what) const;
    void work(const std::string& name, const std::function<void(const std::atomic<bool>&)>& body) noexcept;

    const std::shared_ptr<Commons> shared_;  // a wedged plugin may outlive the plugin host
    Commons& commons_;
    const std::shared_ptr<const JudgedPlugin> judged_;
    const std::shared_ptr<Gate> gate_ = std::make_shared<Gate>();
    Plugin* plugin_ = nullptr;
    std::atomic<bool> lacksDirectory_{false};
    std::atomic<bool> open_{false};  // within create() or start(): registrations are taken

    // the ledger
    std::vector<api::Registration> operations_;
    std::vector<std::shared_ptr<Slot>> slots_;
    std::set<std::string> metrics_;
    std::shared_ptr<Authority> authority_;

    mutable std::mutex mutex_;  // threads_, threadFault_, finishing_, finished_
    std::vector<std::thread> threads_;
    std::atomic<bool> stopping_{false};
    std::string threadFault_;
    bool finishing_ = false;
    bool finished_ = false;
    std::condition_variable ended_;
};

}  // namespace muster::plugins
