/// Timers of one reactor: a binary heap over slots that are used again, so that a timer can be cancelled in O(log n)
/// and an old id never names a newer timer.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "muster/types.h"

namespace muster::reactor {

/// @thread one; not locked
class TimerQueue {
public:
    using Id = std::uint64_t;  ///< generation above, slot + 1 below; never 0

    Id add(Monotonic due, std::function<void()> task);
    /// Does nothing for an id that has run or been cancelled.
    void cancel(Id id) noexcept;
    /// When the earliest is due; nothing if there is none.
    std::optional<Monotonic> next() const noexcept;
    /// Takes out the earliest task that is due at `now`; empty if none is. In the order of their due times, those of
    /// one time in the order in which they were added.
    std::function<void()> takeDue(Monotonic now) noexcept;
    std::size_t size() const noexcept { return heap_.size(); }

private:
    struct Slot {
        Monotonic due;
        std::uint64_t order = 0;
        std::uint32_t generation = 0;
        std::uint32_t position = kFree;  ///< index into heap_
        std::function<void()> task;
    };
    static constexpr std::uint32_t kFree = UINT32_MAX;

    bool earlier(std::uint32_t a, std::uint32_t b) const noexcept;
    void place(std::size_t position, std::uint32_t slot) noexcept;
    void rise(std::size_t position) noexcept;
    void sink(std::size_t position) noexcept;
    std::function<void()> remove(std::size_t position) noexcept;

    std::vector<Slot> slots_;
    std::vector<std::uint32_t> heap_;
    std::vector<std::uint32_t> free_;
    std::uint64_t added_ = 0;
};

}  // namespace muster::reactor
