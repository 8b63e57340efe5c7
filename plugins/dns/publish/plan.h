/// What has to change in one zone so that a wish comes true, as lines for people and as one update for the server.
/// Pure: what stands there was read before.
///
/// Only Muster's own records are touched, by their exact data: those that the ledger says we put there, and SRV records
/// with our target. All others of the set stay, whoever put them there.
/// @source RFC 2136, RFC 2782; docs/decisions/0004-dns.md
/// @thread any; pure
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "dns/update.h"
#include "publish/wish.h"

namespace muster::publisher {

/// All records of one type at one name, as the zone's primary has them.
struct Present {
    std::string name;
    dns::Type type = dns::Type::srv;
    std::vector<dns::Record> records;  ///< with the TTL of the set
};

struct PlanLine {
    enum class Change : std::uint8_t { stays, added, removed };
    Change change = Change::stays;
    dns::Record record;
    bool ours = false;
    std::string why;  ///< "not ours", "its port changes to 1700"
};
constexpr char sign(PlanLine::Change change) noexcept {
    return change == PlanLine::Change::added ? '+' : change == PlanLine::Change::removed ? '-' : '=';
}

struct Plan {
    std::vector<PlanLine> lines;  ///< by name and type; what stays, what goes, what comes
    bool changes = false;         ///< something is removed or added
    /// What brings it about; with `refresh` it also adds anew what stands already. Nothing to change and no refresh:
    /// without additions and removals.
    dns::Update update;
    /// What is ours in the zone once it is done: what the ledger has to know before it is sent.
    std::vector<dns::Record> ours;
};

struct PlanInput {
    std::string zone;
    std::vector<dns::Record> wanted;      ///< recordsOf(); empty: all that is ours is to go
    std::string target;                   ///< SRV records with it are ours at `owner`; empty: none
    std::string owner;                    ///< ownerOf()
    std::vector<dns::Record> remembered;  ///< of the ledger, in this zone
    std::vector<dns::Record> shared;      ///< addresses that another domain of ours still wants: they stay
    std::vector<Present> present;         ///< each name and type of `wanted` and `remembered`; a set that is not there
                                          ///< is there without records
    bool refresh = false;
    /// Whether a TTL that is not as wanted is a difference. Some servers round or bound TTLs: what was written is not
    /// written again for that alone.
    bool ttlCounts = true;
};

Plan makePlan(const PlanInput& input);

}  // namespace muster::publisher
