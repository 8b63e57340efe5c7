/// Who decides the answer: relay or lab. Authorities are part of the firmware; this header is not installed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "muster/exchange.h"

namespace muster {

/// What slmgr prints about a KMS host, per key in use. Empty texts, zero identifiers and -1 mean: not known.
struct HostKeyStatus {
    std::string family;       ///< "win7-2008r2"
    std::string group;        ///< "client", "A", "B", "C"
    std::string name;         ///< "Windows Server 2008 R2 C (Datacenter & Itanium)"
    std::string description;  ///< with the channel: "… VOLUME_KMS_C channel"
    Guid activationId;
    Guid application;
    std::string epid;
    std::string partialKey;          ///< the last five characters
    std::int64_t currentCount = -1;  ///< -1: not enabled, or no request yet
    Timestamp installed{};
    /// "Licensed"; of another machine's key what its answers show, and no more.
    std::string licenseStatus = "Licensed";
    /// It is another machine's key: its count and status are what answers showed; all else of that host is not known.
    bool elsewhere = false;
};

class Authority {
public:
    virtual ~Authority() = default;

    virtual Mode mode() const noexcept = 0;
    /// Decides; completes the exchange now or later, exactly once. @thread the exchange's reactor
    virtual void decide(Exchange& exchange) noexcept = 0;
    /// A person removed this client: it no longer counts. @thread any
    virtual void forget(const Guid& application, const Guid& cmid) noexcept = 0;
    /// One entry per installed key; empty: no key, nothing is answered. @thread any
    virtual std::vector<HostKeyStatus> keys() const = 0;
    /// Whether an answer may leave although its record is not durable in time: the relay's do, the lab's don't.
    virtual bool answersWithoutRecord() const noexcept = 0;
    virtual std::uint32_t activationInterval() const noexcept = 0;  ///< minutes
    virtual std::uint32_t renewalInterval() const noexcept = 0;     ///< minutes
    /// What keeps it from serving everybody now, a clause each, as `musterctl status` shows it; empty: nothing.
    /// @thread any
    virtual std::vector<std::string> troubles() const { return {}; }
    /// Whom it asks, as Host::licensedHosts() tells others. @thread any
    virtual std::vector<LicensedHost> licensedHosts() const { return {}; }
};

}  // namespace muster
