/// The order in which a client tries the hosts of one set of SRV records.
#pragma once

#include <cstdint>
#include <random>
#include <vector>

#include "dns/message.h"

namespace muster::dns {

enum class SrvChoice : std::uint8_t {
    atRandom,  ///< Windows Vista and Server 2008: whatever priority and weight say (docs/kms.md, "DNS publishing")
    byWeight,  ///< Windows 7, Server 2008 R2 and later: lowest priority first, among equals by weight
};

/// By weight: of those of one priority the ones of weight 0 stand in front; a number from 0 to the sum of all weights,
/// both included, is drawn; the first whose running sum reaches it is next; then again with the rest (RFC 2782, page
/// 3 and 4). So a record of weight 0 beside others has a small chance, and among such alone each has the same.
/// @thread one at a time per generator
std::vector<Service> order(std::vector<Service> services, SrvChoice choice, std::mt19937_64& random);

}  // namespace muster::dns
