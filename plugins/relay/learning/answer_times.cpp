#include "answer_times.h"

#include <numeric>

namespace muster::relay {

void AnswerTimes::add(std::uint32_t microseconds, Timestamp now) noexcept {
    // A clock that was set back begins a period as well: otherwise the present one would last until it is caught up.
    if (now - begun >= kPeriod || now < begun) {
        const bool empty = seen() == 0;
        before = now - begun < 2 * kPeriod && !empty ? present : Histogram{};
        present = {};
        begun = now;
    }
    if (std::uint32_t& bucket = present[bucketOf(microseconds)]; bucket != UINT32_MAX)
        ++bucket;
}

std::uint64_t AnswerTimes::seen() const noexcept {
    return std::accumulate(before.begin(), before.end(),
                           std::accumulate(present.begin(), present.end(), std::uint64_t{0}));
}

std::uint32_t AnswerTimes::quantile(double share) const noexcept {
    const std::uint64_t all = seen();
    if (all == 0)
        return 0;
    const auto wanted = static_cast<std::uint64_t>(share * static_cast<double>(all));
    std::uint64_t passed = 0;
    for (std::size_t i = 0; i < kBuckets; ++i) {
        passed += std::uint64_t{present[i]} + before[i];
        if (passed > wanted || passed == all)
            return ceilingOf(i);
    }
    return ceilingOf(kBuckets - 1);
}

}  // namespace muster::relay
