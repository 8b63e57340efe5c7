/// What the lab answers, and in which order it looks: the first that applies decides.
///
///     1  not a request of a known shape                          0x8007000D
///     2  protocol version 5 or 6, which the lab cannot read      0x8007000D
///     3  sealed by somebody else: a real Windows client          0x8007000D
///     4  an N-policy that no edition has                         0xC004D104
///     5  the client's clock more than 4 hours off                0xC004F06C
///     6  no host key installed                                   0xC004F041
///     7  a product that no loaded family knows                   0xC004F042, or 0xC004F06C as an un-updated host
///     8  a product of another application than it says           0xC004F042
///     9  a product that no installed key covers                  0xC004F042
///    10  more new machines from there than allowed               an RPC fault: server too busy
///
/// Only what passes all of them may be counted.
/// @source docs/kms.md, "What a host returns"
/// @thread any; pure
#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

#include "muster/types.h"

namespace muster::lab {

/// From the settings.
struct Rules {
    std::vector<std::uint32_t> extraThresholds;  ///< N-policies to take beside 25 and 5
    bool unUpdatedHost = false;                  ///< plays a host without the update for a newer generation

    bool takesThreshold(std::uint32_t required) const noexcept;
};

/// What is known of one request when it is decided.
struct Facts {
    bool wellFormed = false;
    bool sealed = false;  ///< under this lab's own key
    bool opaque = false;
    std::uint32_t requiredClients = 0;
    FileTime clientTime;
    Timestamp received{};
    bool anyKey = false;       ///< at least one host key is installed
    bool familyKnown = false;  ///< a loaded family has the counted ID
    bool sameApplication = false;
    bool covered = false;
    bool overNewClientLimit = false;
};

struct Verdict {
    enum class Kind : std::uint8_t { granted, refused, tooBusy };
    Kind kind = Kind::granted;
    HResult code = HResult::ok;
    const char* reason = "";  ///< for the journal: constant text
    bool realClient = false;  ///< sealed by somebody else
};

/// A clock may be this far off, in either direction.
constexpr std::chrono::hours kClockTolerance{4};

Verdict judge(const Facts& facts, const Rules& rules) noexcept;

}  // namespace muster::lab
