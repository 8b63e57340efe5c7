/// Requests a second, over the last ten.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace muster::daemon {

class RequestRate {
public:
    /// Once a second. @param total  requests since the start
    void sample(std::uint64_t total) noexcept {
        const std::uint64_t oldest = totals_[next_];
        const std::uint64_t span = taken_ < kSeconds ? taken_ : kSeconds;
        totals_[next_] = total;
        next_ = (next_ + 1) % kSeconds;
        const std::uint64_t before = taken_ < kSeconds ? totals_[0] : oldest;
        if (taken_ < kSeconds)
            ++taken_;
        perTenSeconds_.store(span == 0 ? 0 : (total - before) * kSeconds / span, std::memory_order_relaxed);
    }
    /// @thread any
    double perSecond() const noexcept {
        return static_cast<double>(perTenSeconds_.load(std::memory_order_relaxed)) / kSeconds;
    }

private:
    static constexpr std::size_t kSeconds = 10;
    std::array<std::uint64_t, kSeconds> totals_{};
    std::size_t next_ = 0;
    std::uint64_t taken_ = 0;
    std::atomic<std::uint64_t> perTenSeconds_{0};
};

}  // namespace muster::daemon
