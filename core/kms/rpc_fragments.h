/// Joins the fragments of one call.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>

#include "muster/types.h"

namespace muster::kms {

/// Grows with what has arrived, never with what is announced. @thread one at a time
class FragmentBuffer {
public:
    Octets joined() const noexcept { return {octets_.get(), size_}; }
    std::size_t capacity() const noexcept { return capacity_; }

    /// Whether `more` octets would exceed `limit` in all; asked before they are added, in 64 bits.
    bool exceeds(std::size_t more, std::size_t limit) const noexcept {
        return std::uint64_t{size_} + std::uint64_t{more} > std::uint64_t{limit};
    }
    /// False: no memory; nothing was added.
    bool append(Octets more) noexcept {
        const std::size_t wanted = size_ + more.size();
        if (wanted > capacity_ || !octets_) {
            std::size_t capacity = std::max(capacity_, kFirstCapacity);
            while (capacity < wanted)
                capacity *= 2;
            std::unique_ptr<std::byte[]> larger(new (std::nothrow) std::byte[capacity]);
            if (!larger)
                return false;
            std::copy_n(octets_.get(), size_, larger.get());
            octets_ = std::move(larger);
            capacity_ = capacity;
        }
        std::copy(more.begin(), more.end(), octets_.get() + size_);
        size_ = wanted;
        return true;
    }
    /// Gives the memory back.
    void clear() noexcept {
        octets_.reset();
        size_ = 0;
        capacity_ = 0;
    }

private:
    static constexpr std::size_t kFirstCapacity = 4096;

    std::unique_ptr<std::byte[]> octets_;
    std::size_t size_ = 0;
    std::size_t capacity_ = 0;
};

}  // namespace muster::kms
