/// Response rate limiting: so many answers a second for one network, since the source of a datagram may be a lie and
/// the answer a weapon.
#pragma once

#include <cstdint>
#include <vector>

#include "muster/types.h"

namespace muster::publisher {

/// A fixed table: whatever comes, nothing grows. @thread one at a time
class ResponseRate {
public:
    enum class Verdict : std::uint8_t {
        answer,
        slip,  ///< every second one that is over: an answer that says "use TCP", so that an honest asker gets through
        drop,
    };

    explicit ResponseRate(std::size_t networks = 4096);

    /// @param perSecond  also so many at once; 0: no limit
    Verdict take(const Address& source, std::uint32_t perSecond, Monotonic now) noexcept;

    /// The network that an address counts for: its /24, of IPv6 its /56.
    static std::uint64_t networkOf(const Address& source) noexcept;

private:
    struct Entry {
        std::uint64_t network = 0;
        Monotonic filled{};
        std::uint32_t tokens = 0;
        bool used = false;
        bool slipped = false;
    };
    static constexpr std::size_t kWays = 4;

    Entry& find(std::uint64_t network, std::uint32_t perSecond, Monotonic now) noexcept;

    std::uint64_t salt_;
    std::vector<Entry> entries_;
};

}  // namespace muster::publisher
