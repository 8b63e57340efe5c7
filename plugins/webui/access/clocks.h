/// The two clocks of this room, injected so that tests move time by hand.
#pragma once

#include <chrono>
#include <functional>

#include "muster/types.h"

namespace muster::webui {

/// Both are called from any thread.
struct Clocks {
    /// For what people read and what outlives a restart: created, last used, expiry, TOTP. May step.
    std::function<Timestamp()> wall = wallNow;
    /// For rates and ages of sessions: an appliance without a battery clock steps by years at its first NTP answer.
    std::function<Monotonic()> steady = [] { return std::chrono::steady_clock::now(); };
};

}  // namespace muster::webui
