/// Which clients were ever seen, in memory and approximately: it may err on the side of "known", never of "unknown".
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>

#include "muster/types.h"

namespace muster::pool {

/// Bloom filters in layers: when one is full the next, twice as large, begins. 2 octets per client, 8 probes: fewer
/// than one unknown in 1,000 is taken for known. The hash is keyed per process: nobody can aim at a false positive.
class Known {
public:
    /// @param expected  how many clients the first layer is for; it has room for at least 16,384
    explicit Known(std::size_t expected);

    /// @thread any
    void add(const Guid& application, const Guid& cmid) noexcept;
    /// True for all until filled() was called. @thread any; no lock
    bool has(const Guid& application, const Guid& cmid) const noexcept;
    /// All that the database holds was added.
    void filled() noexcept { filled_.store(true, std::memory_order_release); }

    std::size_t octets() const noexcept;

private:
    struct Layer {
        explicit Layer(std::size_t capacity);
        bool has(std::uint64_t hash) const noexcept;
        void set(std::uint64_t hash) noexcept;

        std::size_t capacity;
        std::uint64_t mask;  // of bits
        std::unique_ptr<std::atomic<std::uint64_t>[]> words;
        std::atomic<std::size_t> size{0};
    };
    static std::uint64_t hashOf(const Guid& application, const Guid& cmid) noexcept;
    bool hasHash(std::uint64_t hash) const noexcept;

    static constexpr std::size_t kLayers = 24;
    std::array<std::unique_ptr<Layer>, kLayers> layers_;
    std::atomic<std::size_t> used_{0};
    std::atomic<bool> filled_{false};
    std::mutex growing_;
};

}  // namespace muster::pool
