/// What the listener's settings say, in one piece.
#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

#include "muster/networks.h"
#include "muster/plugin.h"

namespace muster::listener {

/// Section [listener] of the settings.
extern const std::span<const Field> kSettings;

struct Limits {
    std::vector<Address> addresses;
    Networks allow;
    std::size_t connections = 0;           ///< in all
    std::size_t connectionsPerSource = 0;  ///< loopback is exempt
    std::chrono::milliseconds idle{};      ///< without a whole PDU
    std::chrono::milliseconds total{};     ///< of one association; zero: as long as it likes
    std::uint32_t ratePerSource = 0;       ///< requests a minute; 0: off. Loopback is exempt
};

/// @error malformed  an address or network that is none, an address twice, or no address at all
Result<Limits> readLimits(const Host& host);

}  // namespace muster::listener
