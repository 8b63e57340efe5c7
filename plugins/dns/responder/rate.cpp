#include "rate.h"

#include <algorithm>
#include <random>

namespace muster::publisher {

namespace {

/// Nobody who does not know the salt can aim at one place of the table (the finalizer of splitmix64).
std::uint64_t mixed(std::uint64_t value) noexcept {
    value ^= value >> 30U;
    value *= 0xBF58476D1CE4E5B9U;
    value ^= value >> 27U;
    value *= 0x94D049BB133111EBU;
    return value ^ value >> 31U;
}

}  // namespace

ResponseRate::ResponseRate(std::size_t networks) : entries_(std::max<std::size_t>(networks / kWays, 1) * kWays) {
    std::random_device device;
    salt_ = std::uint64_t{device()} << 32U | device();
}

std::uint64_t ResponseRate::networkOf(const Address& source) noexcept {
    std::uint64_t network = 0;
    // 2^56 and above never begins with a v4 prefix: those have their top octet set to 1 and the rest short.
    const auto begin = source.octets.begin() + (source.isV4() ? 12 : 0);
    for (auto octet = begin; octet != begin + (source.isV4() ? 3 : 7); ++octet)
        network = network << 8U | *octet;
    return source.isV4() ? network | std::uint64_t{1} << 56U : network;
}

ResponseRate::Entry& ResponseRate::find(std::uint64_t network, std::uint32_t perSecond, Monotonic now) noexcept {
    const std::size_t set = mixed(network ^ salt_) % (entries_.size() / kWays) * kWays;
    Entry* oldest = &entries_[set];
    for (std::size_t i = set; i < set + kWays; ++i) {
        Entry& entry = entries_[i];
        if (entry.used && entry.network == network)
            return entry;
        if (!entry.used || (oldest->used && entry.filled < oldest->filled))
            oldest = &entry;
    }
    *oldest = {network, now, perSecond, true, false};
    return *oldest;
}

ResponseRate::Verdict ResponseRate::take(const Address& source, std::uint32_t perSecond, Monotonic now) noexcept {
    if (perSecond == 0)
        return Verdict::answer;
    Entry& entry = find(networkOf(source), perSecond, now);
    const auto step = std::chrono::nanoseconds(std::chrono::seconds(1)) / perSecond;
    if (now > entry.filled && now - entry.filled >= step) {
        const auto steps = (now - entry.filled) / step;
        entry.tokens = steps >= perSecond - std::min(entry.tokens, perSecond)
                           ? perSecond
                           : entry.tokens + static_cast<std::uint32_t>(steps);
        entry.filled = entry.tokens == perSecond ? now : entry.filled + steps * step;
    }
    if (entry.tokens > 0) {
        --entry.tokens;
        return Verdict::answer;
    }
    entry.slipped = !entry.slipped;
    return entry.slipped ? Verdict::drop : Verdict::slip;
}

}  // namespace muster::publisher
