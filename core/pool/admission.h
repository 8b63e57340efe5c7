/// How many CMIDs that nobody knew one source may bring in an hour: a bound on what a stranger can put into the pool.
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <unordered_map>

#include "muster/types.h"

namespace muster::pool {

class Admission {
public:
    /// @param perHour  setting pool.new-clients-per-hour; 0: no bound
    explicit Admission(std::uint32_t perHour) noexcept : perHour_(perHour) {}

    /// Counts one new CMID of `source`. False: it brought as many already; nothing is counted then.
    /// Loopback is never refused. A source's hour begins with its first new CMID.
    /// An IPv6 source is its /64: within it one machine has as many addresses as it likes.
    /// @thread any
    bool admit(const Address& source, Monotonic now);

    /// @thread any
    void setPerHour(std::uint32_t perHour) noexcept;

    /// Sources remembered at once. When there are more, those whose hour is over go, then the one with the fewest new
    /// CMIDs of a few looked at: who brings many is remembered.
    static constexpr std::size_t kMaxSources = 16'384;

private:
    struct Key {
        std::uint64_t high;
        std::uint64_t low;
        bool operator==(const Key&) const = default;
    };
    struct KeyHash {
        std::size_t operator()(const Key& key) const noexcept;
    };
    struct Hour {
        Monotonic began;
        std::uint32_t brought = 0;
    };
    void makeRoom(Monotonic now);

    std::mutex mutex_;
    std::uint32_t perHour_;
    std::unordered_map<Key, Hour, KeyHash> sources_;
    Monotonic swept_{};
};

}  // namespace muster::pool
