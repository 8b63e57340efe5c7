/// Whom to ask, and in which order. Sticky by construction: a client's upstream follows from the list and from who the
/// client is, not from what was asked before, so that it is the same over renewals and restarts.
/// @source docs/decisions/0003-relay.md
/// @thread any; pure, but that it reads the members' health
#pragma once

#include <array>
#include <cstdint>

#include "muster/exchange.h"

#include "roster.h"

namespace muster::relay {

struct Question {
    std::uint16_t version = 4;        ///< major
    const char* family = nullptr;     ///< nullptr: none knows the product
    const Guid* counted = nullptr;    ///< nullptr: sealed
    const Address* source = nullptr;  ///<
    std::uint64_t client = 0;         ///< clientOf()
    Monotonic now{};
    Timestamp wall{};
};

enum class Spread : std::uint8_t {
    primary,   ///< of equal priority the first is asked, the others stand by
    weighted,  ///< of equal priority each has a share of the clients by its weight
};

struct Order {
    std::array<std::uint8_t, kMaxUpstreams> entries{};  ///< indexes into the roster
    std::uint8_t size = 0;
};

/// Those that may serve it: best first, ejected ones last. Empty: none may.
Order choose(const Roster& roster, const Question& question, Spread spread) noexcept;

/// The same for the same client in every process of this version.
std::uint64_t clientOf(const ActivationRequest& request, const Address& source) noexcept;

}  // namespace muster::relay
