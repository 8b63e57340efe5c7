/// How long an upstream takes to answer: a histogram from which median and 99th percentile are read, each at most 13 %
/// too high. Two days side by side, so that what is shown is always of the last 24 to 48 hours.
/// @thread one at a time: whoever holds it locks
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "muster/types.h"

namespace muster::relay {

class AnswerTimes {
public:
    /// Eight steps to each doubling of the time; below 8 microseconds one step each.
    static constexpr std::size_t kSteps = 8;
    static constexpr std::size_t kBuckets = kSteps * 30;
    static constexpr std::chrono::hours kPeriod{24};
    using Histogram = std::array<std::uint32_t, kBuckets>;

    static constexpr std::size_t bucketOf(std::uint32_t microseconds) noexcept;
    /// The largest time, in microseconds, that falls into a bucket.
    static constexpr std::uint32_t ceilingOf(std::size_t bucket) noexcept;

    void add(std::uint32_t microseconds, Timestamp now) noexcept;

    /// Microseconds that the given share (0 to 1) of the answers did not take longer than; 0: none was seen.
    std::uint32_t quantile(double share) const noexcept;
    std::uint64_t seen() const noexcept;

    Histogram present{};  ///< since `begun`
    Histogram before{};   ///< the period before that
    Timestamp begun{};
};

constexpr std::size_t AnswerTimes::bucketOf(std::uint32_t microseconds) noexcept {
    if (microseconds < kSteps)
        return microseconds;
    std::size_t doublings = 0;  // beyond the first kSteps
    for (std::uint32_t rest = microseconds / (2 * kSteps); rest != 0; rest /= 2)
        ++doublings;
    return kSteps * (doublings + 1) + ((microseconds >> doublings) - kSteps);
}

constexpr std::uint32_t AnswerTimes::ceilingOf(std::size_t bucket) noexcept {
    if (bucket < kSteps)
        return static_cast<std::uint32_t>(bucket);
    const std::size_t doublings = bucket / kSteps - 1;
    const std::uint64_t next = static_cast<std::uint64_t>(bucket % kSteps + kSteps + 1) << doublings;
    return static_cast<std::uint32_t>(next - 1);
}

static_assert(AnswerTimes::bucketOf(UINT32_MAX) == AnswerTimes::kBuckets - 1);
static_assert(AnswerTimes::ceilingOf(AnswerTimes::kBuckets - 1) == UINT32_MAX);

}  // namespace muster::relay
