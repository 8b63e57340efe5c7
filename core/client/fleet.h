/// Many machines from a few words: names, client machine IDs, products, which of them are virtual, cloned or have a
/// wrong clock.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "muster/result.h"

#include "client/windows_client.h"

namespace muster::client {

struct FleetPlan {
    std::size_t clients = 1;
    std::vector<Edition> products;                 ///< taken in turn; not empty
    std::string namePattern;                       ///< with {n} for the machine's number, from 1
    std::optional<std::uint64_t> cmidSeed;         ///< the same seed gives the same CMIDs; without: random ones
    std::size_t virtualMachines = 0;               ///< the last so many
    std::size_t duplicates = 0;                    ///< the first so many share one CMID, as clones of one image do
    std::chrono::seconds skew{0};                  ///< of the clocks
    std::optional<std::size_t> skewed;             ///< of the last so many; without: of all
    std::optional<std::uint32_t> requiredClients;  ///< instead of the product's own N-policy
    bool honourActivationInterval = false;
};

constexpr std::size_t kMaxClients = 1'000'000;

/// @error malformed  a pattern without {n} for more than one machine, or names of more than 63 characters
///                   (of UTF-16 units, as the wire counts them); more virtual, cloned or skewed machines than machines
Result<std::vector<Profile>> makeFleet(const FleetPlan& plan);

/// "5h", "-90s", "3m", "2d"; without a unit: seconds. @return nothing for any other shape, or beyond 100 years
std::optional<std::chrono::milliseconds> parseDuration(std::string_view text) noexcept;

}  // namespace muster::client
