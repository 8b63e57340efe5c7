/// The authority of production: each answer comes from one of the organisation's licensed KMS hosts.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "muster/authority.h"
#include "muster/plugin.h"

#include "control/duties.h"
#include "control/settings.h"
#include "control/upstream_changes.h"
#include "discovery/finder.h"
#include "engine/lane.h"
#include "engine/prober.h"
#include "engine/sentry.h"
#include "learning/learned.h"
#include "learning/learned_keeper.h"
#include "learning/readings.h"
#include "stop_signal.h"

namespace muster::relay {

class Relay final : public Plugin, private Authority {
public:
    explicit Relay(Host& host) : host_(host) {}

    void start() override;
    void stop() noexcept override;
    void settingsChanged() override;

private:
    // --- the authority
    Mode mode() const noexcept override { return Mode::relay; }
    void decide(Exchange& exchange) noexcept override;
    void forget(const Guid&, const Guid&) noexcept override {}  // the hosts count, and forget by themselves
    std::vector<HostKeyStatus> keys() const override;
    bool answersWithoutRecord() const noexcept override { return true; }
    std::uint32_t activationInterval() const noexcept override;
    std::uint32_t renewalInterval() const noexcept override;
    std::vector<std::string> troubles() const override;
    std::vector<LicensedHost> licensedHosts() const override;
    IntervalRecord intervals() const noexcept;

    // --- who there is
    void readSettings();
    void rebuild();
    void found(const std::vector<Found>& found);
    void deploy();
    void tellReadings(const std::atomic<bool>& stopping);
    static std::vector<Subject> subjectsOf(const Roster& roster);
    std::shared_ptr<Member> memberOf(const Upstream& upstream);
    RosterRef roster() const;
    /// Nothing: the settings do not name it.
    std::optional<Duty> configuredDuty(const std::string& name) const;
    Json configured(const std::string& name) const;

    // --- operations
    void registerOperations();
    Result<Reply> list(const Call& call);
    Result<Reply> show(const Call& call);
    Result<Reply> check(const Call& call);
    Result<Reply> discover(const Call& call);
    Result<Reply> setDuty(const Call& call, Duty duty);
    Result<Reply> add(const Call& call);
    Result<Reply> change(const Call& call);
    Result<Reply> remove(const Call& call);
    Result<void> apply(Result<UpstreamList> list, const Call& call, const std::string& comment);
    Result<Reply> counts(const Call& call);
    Json picture(const Entry& entry, const std::vector<Reading>& readings) const;
    std::vector<std::vector<Reading>> readingsOf(const Roster& roster) const;

    Host& host_;
    std::unique_ptr<Sentry> sentry_;
    std::unique_ptr<Policy> policy_;
    std::unique_ptr<Duties> duties_;
    std::vector<std::unique_ptr<Lane>> lanes_;
    std::unique_ptr<Prober> prober_;
    std::unique_ptr<Finder> finder_;
    Learned learned_;
    std::unique_ptr<LearnedKeeper> keeper_;
    Gauge* available_ = nullptr;
    StopSignal signal_;

    mutable std::mutex mutex_;  ///< of what follows
    Config config_;
    std::vector<Found> found_;
    std::map<std::string, std::shared_ptr<Member>> members_;  ///< by name, host and port
    RosterRef roster_;
    std::uint64_t edition_ = 0;  ///< of roster_ and config_

    std::vector<std::uint64_t> adopted_;  ///< by reactor, which alone touches its own: an older edition comes too late
};

}  // namespace muster::relay
