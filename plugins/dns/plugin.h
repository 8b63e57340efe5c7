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
#include "settings.h"

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
    void look(bool everything);
    void lookAgainAndAgain(const std::atomic<bool>& stopping);
    Orders ordersLocked();
    std::string restLocked() const;
    void tell(const News& news);
    void count(const Report& report);
    void sayTroubles();
    Config config() const;
    Network::Hooks networkHooks();

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
    Result<Reply> listKeys(const Call& call);
    Result<Reply> removeKey(const Call& call);
    Result<std::string> domainOf(const Call& call) const;
    Result<Reply> listOf(const std::string& domain) const;
    dns::Stopped stopped() const;

    Host& host_;
    std::unique_ptr<Keys> keys_;
    std::unique_ptr<Ledger> ledger_;
    std::unique_ptr<Network> network_;
    std::unique_ptr<Publisher> publisher_;
    Counter* updates_ = nullptr;
    Counter* refused_ = nullptr;
    Gauge* published_ = nullptr;
    Gauge* failing_ = nullptr;
    std::atomic<bool> stopping_{false};

    mutable std::mutex mutex_;  ///< of what follows
    Config config_;
    Machine machine_;
    std::string problem_;     ///< of the wishes
    Monotonic heardSince_{};  ///< when something listened last
};

}  // namespace muster::publisher
