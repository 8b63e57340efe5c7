/// Latencies counted in logarithmic buckets of 1/64: any quantile to 1.6 %, in 30 KiB, whatever the run's length.
#pragma once

#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace muster::bench {

class Histogram {
public:
    void add(std::uint64_t nanoseconds) noexcept {
        ++counts_[bucket(nanoseconds)];
        ++total_;
        if (nanoseconds > largest_)
            largest_ = nanoseconds;
    }
    std::uint64_t total() const noexcept { return total_; }
    std::uint64_t largest() const noexcept { return largest_; }

    /// The smallest value that at least `fraction` (0 to 1) of all do not exceed, in nanoseconds; 0 when empty.
    std::uint64_t quantile(double fraction) const noexcept {
        const auto wanted = static_cast<std::uint64_t>(std::ceil(fraction * static_cast<double>(total_)));
        std::uint64_t seen = 0;
        for (std::size_t i = 0; i < counts_.size(); ++i) {
            seen += counts_[i];
            if (seen >= wanted && seen > 0)
                return upperEnd(i) < largest_ ? upperEnd(i) : largest_;
        }
        return largest_;
    }
    void clear() noexcept { *this = Histogram{}; }

private:
    static constexpr unsigned kSubBits = 6;
    static constexpr std::size_t kSub = std::size_t{1} << kSubBits;

    // Below kSub each value has its own bucket; above, the leading bit picks a row and the next six bits a column.
    static std::size_t bucket(std::uint64_t value) noexcept {
        if (value < kSub)
            return static_cast<std::size_t>(value);
        const unsigned shift = static_cast<unsigned>(std::bit_width(value)) - 1 - kSubBits;
        return (static_cast<std::size_t>(shift) + 1) * kSub + static_cast<std::size_t>((value >> shift) - kSub);
    }
    static std::uint64_t upperEnd(std::size_t index) noexcept {
        if (index < kSub)
            return index;
        const unsigned shift = static_cast<unsigned>(index / kSub) - 1;
        return ((static_cast<std::uint64_t>(index % kSub) + kSub + 1) << shift) - 1;
    }

    std::array<std::uint64_t, kSub*(64 - kSubBits + 1)> counts_{};
    std::uint64_t total_ = 0;
    std::uint64_t largest_ = 0;
};

}  // namespace muster::bench
