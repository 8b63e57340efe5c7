/// How late it is for those who drop what is old: a clock that went ahead by years must not empty the pool.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace muster::pool {

/// Follows the wall clock as long as that goes with the time that passes. One that went ahead by more than `slack` is
/// believed after kDoubt of running time, so that somebody can set it right before anything is lost; meanwhile this
/// clock goes on by itself. One that went back is believed at once: it only keeps more.
/// @thread one
class AgeClock {
public:
    using Milliseconds = std::chrono::milliseconds;
    static constexpr Milliseconds kDoubt = std::chrono::hours(7 * 24);
    static constexpr Milliseconds kLeastSlack = std::chrono::hours(24);

    /// What is kept from start to start.
    struct State {
        Milliseconds time{};     ///< since 1970; 0: nothing is known
        Milliseconds doubted{};  ///< for how long the wall clock was too far ahead
    };

    /// @param age  after which things are dropped: a tenth of it may be lost to a wrong clock, but no more
    AgeClock(State state, Milliseconds age) noexcept : state_(state), slack_(std::max(kLeastSlack, age / 10)) {}

    /// The time after `passed` more of running. @param wall  since 1970
    Milliseconds advance(Milliseconds wall, Milliseconds passed) noexcept {
        const bool known = state_.time.count() > 0;
        state_.time += passed;
        if (known && wall > state_.time + slack_ && (state_.doubted += passed) < kDoubt) {
            ahead_ = wall - state_.time;
            return state_.time;
        }
        state_ = {wall, {}};
        ahead_ = {};
        return wall;
    }

    const State& state() const noexcept { return state_; }
    /// By how much the wall clock is ahead and not believed; 0: it is believed.
    Milliseconds ahead() const noexcept { return ahead_; }

private:
    State state_;
    Milliseconds slack_;
    Milliseconds ahead_{};
};

}  // namespace muster::pool
