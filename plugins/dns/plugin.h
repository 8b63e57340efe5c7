/// The publisher: puts _vlmcs._tcp records into DNS, watches them, shows them as clients see them.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "muster/plugin.h"

#include "keys.h"
#include "publish/ledger.h"
#include "publish/outside.h"
#include "publish/publisher.h"
#include "responder/responder.h"
#include "settings.h"
#include "view/discover.h"
#include "watch/watch.h"

namespace muster::publisher {

class DnsPlugin final : public Plugin {
public:
    explicit DnsPlugin(Host& host) : host_(host) {}

    void start() override;
    void stop() noexcept override;
    void settingsChanged() override;

private:
    // --- what is wanted
    void readSettings();
    /// @param anew  the settings have changed
    void look(bool everything, bool anew);
    void lookAgainAndAgain(const std::atomic<bool>& stopping);
    Orders ordersLocked();
    std::string restLocked() const;
    void tell(const News& news);
    void count(const Report& report);
    void sayTroubles();
    Config config() const;
    Network::Hooks networkHooks();

    // --- what else stands there: watching.cpp
    void startWatching();
    void stopWatching() noexcept;
    void applyWatching();
    WatchSettings watchSettings() const;
    Watch::Hooks watchHooks();
    ZoneServers serversOf(const std::string& domain, const dns::Stopped& stopped);
    void fillIn(WatchedDomain& domain) const;
    std::vector<KnownUpstream> upstreams() const;
    Owners owners() const;
    void startResponder();
    ResponderSettings responderSettings() const;

    // --- operations
    void registerOperations();
    Result<Reply> list(const Call& call);
    Result<Reply> show(const Call& call);
    Result<Reply> plan(const Call& call);
    Result<Reply> changes(const Call& call);
    Result<Reply> publish(const Call& call);
    Result<Reply> withdraw(const Call& call);
    Result<Reply> check(const Call& call);
    Result<Reply> snippets(const Call& call);
    Result<Reply> addKey(const Call& call);
    Json keyWithoutSecret(std::string_view name) const;
    Result<Reply> listKeys(const Call& call);
    Result<Reply> removeKey(const Call& call);
    void registerWatchOperations();
    Result<Reply> targets(const Call& call);
    Result<Reply> history(const Call& call);
    Result<Reply> discover(const Call& call);
    Result<Reply> view(const Call& call);
    Result<Discovery> discovery(const Call& call);
    Result<std::string> domainOf(const Call& call) const;
    Result<Reply> listOf(const std::string& domain) const;
    dns::Stopped stopped() const;

    Host& host_;
    std::unique_ptr<Keys> keys_;
    std::unique_ptr<Ledger> ledger_;
    std::unique_ptr<Network> network_;
    std::unique_ptr<Publisher> publisher_;
    std::unique_ptr<Watch> watch_;
    std::unique_ptr<NameResponder> responder_;  ///< lives on the first reactor
    Counter* updates_ = nullptr;
    Counter* refused_ = nullptr;
    Gauge* published_ = nullptr;
    Gauge* failing_ = nullptr;
    std::vector<std::string> said_;  ///< of troubles, last; the looking thread's
    std::atomic<bool> stopping_{false};

    mutable std::mutex mutex_;  ///< of what follows
    Config config_;
    Machine machine_;
    bool deaf_ = true;  ///< nothing listened at the last look
    std::vector<Wish> wishes_;
    std::vector<std::string> troubles_;  ///< of the start, for good
    std::uint32_t serial_ = 1;           ///< of the responder's zones: seconds, at the last change
    std::string problem_;                ///< of the wishes
    Monotonic heardSince_{};             ///< when something listened last
};

}  // namespace muster::publisher
