/// The store's own events: 20500 to 20519.
#pragma once

#include <span>
#include <string>

#include "pool/store.h"

namespace muster::pool {

constexpr std::uint32_t kEventSetAside = 20500;       ///< {text}: the database was renamed and a new one begun
constexpr std::uint32_t kEventIntakeDamaged = 20501;  ///< {text}: records of the intake are missing
constexpr std::uint32_t kEventTrouble = 20502;        ///< {text}: the store cannot write
constexpr std::uint32_t kEventRecovered = 20503;      ///< the store writes again
constexpr std::uint32_t kEventChecked = 20504;        ///< the check after the start found nothing
constexpr std::uint32_t kEventCheckFailed = 20505;    ///< {text}: it found damage
constexpr std::uint32_t kEventRetention = 20506;      ///< {text}: what was dropped to keep the size
constexpr std::uint32_t kEventRecordsLost = 20507;    ///< {text}: trouble lasted longer than memory
constexpr std::uint32_t kEventClientRemoved = 20508;  ///< {cmid} was removed by {who}
constexpr std::uint32_t kEventPutBack = 20509;        ///< {text}: the database's files were put back
constexpr std::uint32_t kEventClockAhead = 20510;     ///< {text}: by how much; nothing is dropped by age meanwhile

/// All of them, for the host's list.
std::span<const EventSpec> storeEvents() noexcept;

/// An event of source "core" now, with `text` as its field and its message filled in.
EventRecord storeEvent(std::uint32_t id, std::string text);

}  // namespace muster::pool
