/// From what was seen to what it means. Pure.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "muster/types.h"

#include "dns/lookup.h"
#include "owners.h"
#include "probe.h"
#include "verdict.h"

namespace muster::publisher {

/// A domain that is watched, and how our record in it is set.
struct WatchedDomain {
    std::string domain;  ///< as plainName() gives it
    std::string target;  ///< ours; empty: none of ours is meant to be here
    std::uint16_t port = 1688;
    std::uint16_t priority = 0;
    std::uint16_t weight = 0;
    bool expected = false;  ///< our record is to be there just now: published, or entered by hand
    /// The last refresh that succeeded; nothing where the record does not age (entered by hand), or nobody knows.
    std::optional<Timestamp> refreshed;
};

/// One target and port in one domain.
struct Sight {
    std::string target;
    std::uint16_t port = 0;
    struct Order {
        std::uint16_t priority = 0;
        std::uint16_t weight = 0;
        bool operator==(const Order&) const = default;
    };
    std::vector<Order> orders;  ///< of all its records, no two alike; never empty
    dns::AddressAnswer addresses;
    Owner owner;
    std::vector<Probe> probes;  ///< of its addresses, or of the first of them
};

Judgement judge(const Sight& sight, const WatchedDomain& domain, Timestamp now);
/// Our record is not there. @param who  says so: "10.0.0.53:53", "ns1.corp.example and ns2.corp.example"
Judgement judgeMissing(const WatchedDomain& domain, const std::string& who);

/// What one name server of the zone has.
struct ServerView {
    std::string name;
    Address address;
    std::string problem;  ///< why its answer does not count; empty: it does
    std::vector<dns::Service> services;
    std::chrono::seconds ttl{0};
};
/// `ours` where all that answer have the same, also where only one does. Else `serversDiffer`: which has what.
Judgement judgeServers(const std::vector<ServerView>& servers);

/// Active Directory's defaults: so long a record's time stamp may stand still, and so long afterwards it may age.
/// Within the first of them refreshes change nothing, so that its time stamp may be 7 days older than our last refresh.
/// @source docs/kms.md, "DNS publishing"
constexpr std::chrono::hours kNoRefresh{7 * 24};
constexpr std::chrono::hours kRefresh{7 * 24};
/// It is told so long before the earliest time at which the record may go.
constexpr std::chrono::hours kScavengeNotice{48};

}  // namespace muster::publisher
