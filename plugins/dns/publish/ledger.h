/// What the publisher must not forget over a restart: which records it put where, and what a person withdrew.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "muster/result.h"
#include "muster/types.h"

#include "dns/update.h"

namespace muster::publisher {

/// A record of ours in DNS, or one that may be there: it is remembered before it is sent.
struct Published {
    std::string domain;  ///< for which it was put there
    std::string zone;
    std::string server;  ///< the primary as the settings gave it: "HOST:PORT"; empty: found by SOA
    std::string auth;    ///< name(Auth)
    std::string key;
    dns::Record record;

    bool operator==(const Published&) const = default;
};

/// Where, and how to get there again when the settings have forgotten it.
/// The text of STATE/dns/published, a record a line, its parts parted by tabs:
///     domain zone server auth key name SRV ttl priority weight port target
///     domain zone server auth key name A|AAAA ttl address
/// @param text     hostile; at most Ledger::kMaxFile octets
/// @param damaged  lines that are none
/// @thread any; pure
std::vector<Published> readPublished(std::string_view text, std::size_t& damaged);
std::string writePublished(const std::vector<Published>& records);

/// @thread any but a reactor's
class Ledger {
public:
    struct Withdrawal {
        std::string by;
        Timestamp when{};
    };
    static constexpr const char* kAll = "*";  ///< a withdrawal of every domain, also of those to come

    /// @param directory  has `published` and `withdrawn`; what is wrong in them is left out, and trouble() tells
    explicit Ledger(std::string directory);

    /// What was wrong with the files; empty: nothing.
    const std::string& trouble() const noexcept { return trouble_; }

    std::vector<Published> published() const;
    std::vector<Published> published(std::string_view domain, std::string_view zone) const;
    /// From now on these are all of that domain in that zone.
    /// @error storage  in force, but it would not survive a restart
    Result<void> remember(std::string_view domain, std::string_view zone, std::vector<Published> records);

    /// Who withdrew that domain, if somebody did.
    std::optional<Withdrawal> withdrawn(const std::string& domain) const;
    /// @param domain  or kAll. @error storage, busy (too many)
    Result<void> withdraw(const std::string& domain, const Withdrawal& withdrawal);
    /// @param domain  or kAll. @param others  where all are withdrawn and one comes back: those that stay so
    Result<void> allow(const std::string& domain, const std::vector<std::string>& others);

    static constexpr std::size_t kMaxFile = std::size_t{512} * 1024;
    static constexpr std::size_t kMaxRecords = 2048;
    static constexpr std::size_t kMaxWithdrawals = 256;

private:
    void readFiles();
    Result<void> writeWithdrawnLocked() const;

    const std::string directory_;
    std::string trouble_;
    mutable std::mutex mutex_;
    std::vector<Published> published_;
    std::map<std::string, Withdrawal, std::less<>> withdrawn_;
};

}  // namespace muster::publisher
