/// Reading and writing octets of the wire, within memory that somebody else owns. Never throws, never allocates.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "muster/types.h"

#include "kms/octets.h"

namespace muster::kms {

/// Reads from the front. A read beyond the end gives zero or nothing, and from then on ok() is false: check once,
/// after the last read that matters.
class Reader {
public:
    explicit Reader(Octets octets, ByteOrder order = ByteOrder::little) noexcept : octets_(octets), order_(order) {}

    bool ok() const noexcept { return ok_; }
    std::size_t at() const noexcept { return at_; }
    std::size_t left() const noexcept { return octets_.size() - at_; }
    ByteOrder order() const noexcept { return order_; }

    std::uint8_t u8() noexcept { return number<std::uint8_t>(); }
    std::uint16_t u16() noexcept { return number<std::uint16_t>(); }
    std::uint32_t u32() noexcept { return number<std::uint32_t>(); }
    std::uint64_t u64() noexcept { return number<std::uint64_t>(); }

    /// The next `size` octets, as a view; empty if fewer are left.
    Octets take(std::size_t size) noexcept {
        if (size > left()) {
            fail();
            return {};
        }
        const Octets taken = octets_.subspan(at_, size);
        at_ += size;
        return taken;
    }
    void skip(std::size_t size) noexcept { take(size); }
    /// Skips to the next multiple of `step` (a power of two), counted from where this reader began.
    void align(std::size_t step) noexcept { skip((step - at_ % step) % step); }

    /// In this reader's byte order on the wire; in Windows memory order in the Guid.
    Guid guid() noexcept {
        Guid guid;
        const Octets taken = take(guid.octets.size());
        if (taken.empty())
            return guid;
        std::memcpy(guid.octets.data(), taken.data(), taken.size());
        if (order_ == ByteOrder::big) {
            swap(guid, 0, 3);
            swap(guid, 1, 2);
            swap(guid, 4, 5);
            swap(guid, 6, 7);
        }
        return guid;
    }

private:
    void fail() noexcept {
        ok_ = false;
        at_ = octets_.size();
    }
    static void swap(Guid& guid, std::size_t a, std::size_t b) noexcept {
        const std::byte kept = guid.octets[a];
        guid.octets[a] = guid.octets[b];
        guid.octets[b] = kept;
    }
    template <class T>
    T number() noexcept {
        const Octets taken = take(sizeof(T));
        return taken.empty() ? T{0} : load<T>(taken.data(), order_);
    }

    Octets octets_;
    std::size_t at_ = 0;
    ByteOrder order_;
    bool ok_ = true;
};

/// Writes little-endian at the end of what it wrote. What does not fit is not written, and from then on ok() is false.
class Writer {
public:
    explicit Writer(std::span<std::byte> room) noexcept : room_(room) {}

    bool ok() const noexcept { return ok_; }
    std::size_t size() const noexcept { return size_; }
    std::size_t left() const noexcept { return room_.size() - size_; }
    Octets written() const noexcept { return room_.first(size_); }
    /// Forgets all that was written after the first `size` octets, and any failure since.
    void rewind(std::size_t size) noexcept {
        size_ = size < size_ ? size : size_;
        ok_ = true;
    }

    void u8(std::uint8_t value) noexcept { number(value); }
    void u16(std::uint16_t value) noexcept { number(value); }
    void u32(std::uint32_t value) noexcept { number(value); }
    void u64(std::uint64_t value) noexcept { number(value); }
    void guid(const Guid& guid) noexcept { octets(guid.octets); }
    void octets(Octets octets) noexcept {
        if (!fits(octets.size()))
            return;
        if (!octets.empty())
            std::memcpy(room_.data() + size_, octets.data(), octets.size());
        size_ += octets.size();
    }
    void zeros(std::size_t count) noexcept {
        if (!fits(count))
            return;
        if (count != 0)
            std::memset(room_.data() + size_, 0, count);
        size_ += count;
    }
    /// Zeros to the next multiple of `step` (a power of two), counted from `from`.
    void align(std::size_t step, std::size_t from = 0) noexcept { zeros((step - (size_ - from) % step) % step); }
    /// Overwrite octets that were written before.
    void patchU8(std::size_t at, std::uint8_t value) noexcept {
        if (ok_ && at < size_)
            room_[at] = std::byte{value};
    }
    void patchU16(std::size_t at, std::uint16_t value) noexcept {
        if (!ok_ || at + 2 > size_)
            return;
        store(room_.data() + at, value);
    }

private:
    bool fits(std::size_t size) noexcept {
        if (!ok_ || size > left())
            ok_ = false;
        return ok_;
    }
    template <class T>
    void number(T value) noexcept {
        if (!fits(sizeof(T)))
            return;
        store(room_.data() + size_, value);
        size_ += sizeof(T);
    }

    std::span<std::byte> room_;
    std::size_t size_ = 0;
    bool ok_ = true;
};

}  // namespace muster::kms
