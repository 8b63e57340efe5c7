/// Whether an upstream can be asked, from what its probes and its traffic show, and why, in words.
///
/// Leaves service after `ejectAfter` failures in a row, returns after `returnAfter` successes in a row: a host that
/// flaps stays out. Only failures of the way to the host count; what it answers is another matter (learned.h), or a
/// hostile client could talk a host out of service.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>

#include "muster/types.h"

#include "relay/upstream.h"

namespace muster::relay {

struct HealthRules {
    unsigned ejectAfter = 3;   ///< failures in a row, 1 to 100
    unsigned returnAfter = 2;  ///< successes in a row, 1 to 100
};

enum class Condition : std::uint8_t { untried, up, down };
constexpr const char* name(Condition condition) noexcept {
    return condition == Condition::up ? "up" : condition == Condition::down ? "down" : "untried";
}

/// @thread any, but for the constructor
class Health {
public:
    /// What a change of condition tells: nothing if there was none.
    struct Turn {
        bool changed = false;
        Condition to = Condition::untried;
        std::string why;  ///< as explain()
    };
    struct Picture {
        Condition condition = Condition::untried;
        Timestamp since{};            ///< of the condition; zero: untried
        std::uint32_t failures = 0;   ///< in a row
        std::uint32_t successes = 0;  ///< in a row
        Timestamp firstFailure{};     ///< of the row
        Ending failedBy = Ending::unreachable;
        std::string detail;  ///< of the last failure: "connection refused"
        Timestamp lastSuccess{};
        Timestamp lastAnswer{};  ///< to a client
        std::uint32_t lastCount = 0;
        bool lastCountKnown = false;
    };

    void setRules(const HealthRules& rules);

    /// A bind was accepted, or a call came back. @param probe  found by a probe: those alone bring a host back
    Turn succeeded(Timestamp wall, Monotonic now, bool probe);
    /// @param detail  one clause
    Turn failed(Timestamp wall, Ending ending, std::string_view detail);
    /// A client got its answer; costs two stores.
    void answered(Timestamp wall, std::uint32_t count, bool countKnown) noexcept;

    Condition condition() const noexcept { return condition_.load(std::memory_order_relaxed); }
    bool usable() const noexcept { return condition() != Condition::down; }
    /// When it came back last; the epoch of the clock if it was never away.
    Monotonic returned() const noexcept {
        return Monotonic(Monotonic::duration(returned_.load(std::memory_order_relaxed)));
    }
    /// It went down not longer ago than `span`, or is not down.
    bool recentlyUp(Timestamp wall, std::chrono::milliseconds span) const noexcept;

    Picture picture() const;

private:
    std::string explainLocked() const;

    mutable std::mutex mutex_;
    HealthRules rules_;
    Picture picture_;  ///< but for what the atomics hold
    std::atomic<Condition> condition_{Condition::untried};
    std::atomic<bool> clean_{false};  ///< up, and no failure since: succeeded() has nothing to do
    std::atomic<Monotonic::rep> returned_{0};
    std::atomic<std::int64_t> downSince_{0};
    std::atomic<std::int64_t> lastSuccess_{0};
    std::atomic<std::int64_t> lastAnswer_{0};
    std::atomic<std::uint64_t> lastCount_{0};  ///< the count, and bit 32 if there was one
};

/// "3 of 3 binds timed out since 14:02; last answer 13:58, count 50", in local time, with the date where it is not
/// today's. @param now  for what "today" means
std::string explain(const Health::Picture& picture, Timestamp now);

}  // namespace muster::relay
