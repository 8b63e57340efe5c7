/// One exchange on its way over upstreams: who is asked, who was, until when.
/// @thread its reactor's
#pragma once

#include <cstdint>

#include "muster/exchange.h"

#include "choice.h"
#include "roster.h"

namespace muster::relay {

class Association;
class Channel;

struct Passage {
    enum class State : std::uint8_t {
        free,
        waiting,  ///< for an association of `channel`
        calling,  ///< `association` has its call
        resting,  ///< all were tried; they are tried again at `attemptDue`
    };
    State state = State::free;
    bool again = false;    ///< was sent a second time to this upstream: the first association was stale
    bool refused = false;  ///< `refusal` is what the first host that refused said
    std::uint8_t at = 0;   ///< in `order`
    std::uint8_t attempts = 0;
    Order order;
    Exchange* exchange = nullptr;
    RosterRef roster;  ///< what `order` points into
    Monotonic began{};
    Monotonic deadline{};    ///< of all attempts together
    Monotonic attemptDue{};  ///< of this attempt
    HResult refusal = HResult::ok;
    const char* refusedBy = "";
    Channel* channel = nullptr;
    Association* association = nullptr;
    Passage* newer = nullptr;  ///< list of those under way, or of the free ones
    Passage* older = nullptr;  ///<

    const Entry& entry() const noexcept { return (*roster)[order.entries[at]]; }
};

}  // namespace muster::relay
