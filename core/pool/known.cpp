#include "pool/known.h"

#include <algorithm>
#include <bit>

namespace muster::pool {

namespace {

constexpr std::size_t kSmallest = 16'384;
constexpr std::size_t kBitsPerClient = 16;
constexpr int kProbes = 8;

}  // namespace

Known::Layer::Layer(std::size_t room) : capacity(std::bit_ceil(room)), mask(capacity * kBitsPerClient - 1) {
    const std::size_t count = capacity * kBitsPerClient / 64;
    words = std::make_unique<std::atomic<std::uint64_t>[]>(count);  // C++20: value-initialised, all zero
}

bool Known::Layer::has(std::uint64_t hash) const noexcept {
    const std::uint64_t stride = (hash >> 32) | 1;
    for (int probe = 0; probe < kProbes; ++probe, hash += stride * 0x9e3779b97f4a7c15U) {
        const std::uint64_t bit = (hash >> 7) & mask;
        if ((words[bit / 64].load(std::memory_order_relaxed) & (std::uint64_t{1} << (bit % 64))) == 0)
            return false;
    }
    return true;
}

void Known::Layer::set(std::uint64_t hash) noexcept {
    const std::uint64_t stride = (hash >> 32) | 1;
    for (int probe = 0; probe < kProbes; ++probe, hash += stride * 0x9e3779b97f4a7c15U) {
        const std::uint64_t bit = (hash >> 7) & mask;
        words[bit / 64].fetch_or(std::uint64_t{1} << (bit % 64), std::memory_order_relaxed);
    }
    size.fetch_add(1, std::memory_order_relaxed);
}

Known::Known(std::size_t expected) {
    layers_[0] = std::make_unique<Layer>(std::max(kSmallest, expected + expected / 4));
    used_.store(1, std::memory_order_release);
}

std::uint64_t Known::hashOf(const Guid& application, const Guid& cmid) noexcept {
    const GuidHash hash;
    return std::uint64_t{hash(cmid)} ^ std::rotl(std::uint64_t{hash(application)}, 23);
}

bool Known::hasHash(std::uint64_t hash) const noexcept {
    for (std::size_t used = used_.load(std::memory_order_acquire); used-- > 0;)
        if (layers_[used]->has(hash))
            return true;
    return false;
}

bool Known::has(const Guid& application, const Guid& cmid) const noexcept {
    return hasHash(hashOf(application, cmid)) || !filled_.load(std::memory_order_acquire);
}

void Known::add(const Guid& application, const Guid& cmid) noexcept {
    const std::uint64_t hash = hashOf(application, cmid);
    if (hasHash(hash))
        return;
    std::size_t used = used_.load(std::memory_order_acquire);
    Layer* layer = layers_[used - 1].get();
    if (layer->size.load(std::memory_order_relaxed) >= layer->capacity && used < kLayers) {
        const std::lock_guard lock(growing_);
        used = used_.load(std::memory_order_acquire);
        layer = layers_[used - 1].get();
        if (layer->size.load(std::memory_order_relaxed) >= layer->capacity && used < kLayers) {
            try {
                layers_[used] = std::make_unique<Layer>(layer->capacity * 2);
                layer = layers_[used].get();
                used_.store(used + 1, std::memory_order_release);
            } catch (const std::bad_alloc&) {
                // It goes on in the full layer: more unknown clients are taken for known, none is lost.
            }
        }
    }
    layer->set(hash);
}

std::size_t Known::octets() const noexcept {
    std::size_t sum = 0;
    for (std::size_t i = 0; i < used_.load(std::memory_order_acquire); ++i)
        sum += layers_[i]->capacity * kBitsPerClient / 8;
    return sum;
}

}  // namespace muster::pool
