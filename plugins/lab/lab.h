/// The authority of lab mode: a whole KMS host under Muster's own seal. README.md says what it is for; decision.h in
/// which order it looks.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "muster/authority.h"
#include "muster/plugin.h"

#include "count_table.h"
#include "decision.h"
#include "key_file.h"
#include "key_ring.h"
#include "kms/lab_seal.h"

namespace muster::lab {

class Lab final : public Plugin, public Authority {
public:
    explicit Lab(Host& host) : host_(host) {}

    // --- Plugin
    void start() override;
    void stop() noexcept override {}
    void settingsChanged() override;

    // --- Authority
    Mode mode() const noexcept override { return Mode::lab; }
    void decide(Exchange& exchange) noexcept override;
    void forget(const Guid& application, const Guid& cmid) noexcept override;
    std::vector<HostKeyStatus> keys() const override;
    bool answersWithoutRecord() const noexcept override { return false; }
    std::uint32_t activationInterval() const noexcept override { return activationInterval_; }
    std::uint32_t renewalInterval() const noexcept override { return renewalInterval_; }

private:
    struct Numbers {
        Counter* granted = nullptr;
        Counter* refused = nullptr;
        Counter* realClients = nullptr;
        Counter* uncountedVirtual = nullptr;
        Gauge* count = nullptr;
    };
    /// What is told after the lock is given back: writing to the journal may wait.
    struct Change {
        std::string partialKey;
        std::string family;
        std::string group;
        bool works = false;
    };

    void readSettings();
    void restoreCounts();
    void registerOperations();
    std::vector<Change> refresh() const;
    std::vector<Change> refreshLocked() const;
    void tell(const std::vector<Change>& changes) const;
    void tellOfRealClient(const Exchange& exchange, Timestamp now);
    Outcome outcomeOf(Exchange& exchange);

    Result<Reply> issueKey(const Call& call) const;
    Result<Reply> sealKey() const;
    Result<Reply> addKey(const Call& call);
    Result<Reply> listKeys() const;
    Result<Reply> removeKey(const Call& call);
    Result<Reply> show() const;
    Json described(const RingKey& key) const;
    std::vector<InstalledKey> installed() const;
    void put(std::vector<InstalledKey> keys);

    Host& host_;
    Numbers numbers_;
    std::string sealFile_;
    std::vector<kms::LabSeal> seals_;  // one for each reactor
    std::unique_ptr<KeyFile> keyFile_;
    std::uint32_t hostBuild_ = 0;
    std::atomic<std::uint32_t> activationInterval_{120};
    std::atomic<std::uint32_t> renewalInterval_{10080};

    std::mutex changing_;  // one change of the installed keys at a time; taken before mutex_
    mutable std::mutex mutex_;
    Rules rules_;                   // under mutex_
    mutable KeyRing ring_;          // under mutex_; reading it looks for families that came or went
    mutable CountTable table_;      // under mutex_; reading it drops what has expired
    Timestamp toldOfRealClient_{};  // under mutex_
};

}  // namespace muster::lab
