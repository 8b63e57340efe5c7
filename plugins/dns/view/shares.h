/// How many of all new clients ask each host first. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "dns/message.h"
#include "dns/srv_order.h"

namespace muster::publisher {

/// An exact fraction; those of one answer have one denominator, so that their numerators can be added.
struct Share {
    std::uint64_t numerator = 0;
    std::uint64_t denominator = 1;

    bool none() const noexcept { return numerator == 0; }
    bool all() const noexcept { return numerator == denominator; }
};

/// What dns::order() draws first, reckoned instead of drawn. Of the lowest priority, with W the sum of all weights, a
/// number from 0 to W is drawn; 0 falls to whoever stands in front: one of those of weight 0, else one of all.
/// @return  one per service, in their order; together 1
/// @source RFC 2782, page 3 and 4
std::vector<Share> firstShares(const std::vector<dns::Service>& services, dns::SrvChoice choice);

/// "990 of 1,000", "all", "none", "fewer than 1 of 1,000", "more than 999 of 1,000"
std::string ofThousand(const Share& share);
/// The same as the beginning of a sentence about clients: "All", "Half of the", "A third of the", "990 of 1,000"
std::string fractionWords(const Share& share);

}  // namespace muster::publisher
