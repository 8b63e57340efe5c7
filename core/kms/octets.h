/// Integers in octets, for those who have checked the bounds already. Everything that reads from the network checks
/// first and says so beside the call.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "muster/types.h"

namespace muster::kms {

/// How the sender of a PDU writes integers: the first octet of its data representation label (C706 14.2.5).
/// KMS bodies are little-endian whatever the PDU says.
enum class ByteOrder : std::uint8_t { little, big };

template <class T>
constexpr T reversed(T value) noexcept {
    static_assert(std::is_unsigned_v<T>);
    if constexpr (sizeof(T) == 8)
        return static_cast<T>(__builtin_bswap64(value));
    else if constexpr (sizeof(T) == 4)
        return static_cast<T>(__builtin_bswap32(value));
    else if constexpr (sizeof(T) == 2)
        return static_cast<T>(__builtin_bswap16(value));
    else
        return value;
}

constexpr ByteOrder kNativeOrder = std::endian::native == std::endian::little ? ByteOrder::little : ByteOrder::big;

/// @param from  at least sizeof(T) octets
template <class T>
T load(const std::byte* from, ByteOrder order = ByteOrder::little) noexcept {
    T value;
    std::memcpy(&value, from, sizeof value);
    return order == kNativeOrder ? value : reversed(value);
}

/// Little-endian, as everything that Muster writes. @param to  room for sizeof(T) octets
template <class T>
void store(std::byte* to, T value) noexcept {
    const T little = kNativeOrder == ByteOrder::little ? value : reversed(value);
    std::memcpy(to, &little, sizeof little);
}

}  // namespace muster::kms
