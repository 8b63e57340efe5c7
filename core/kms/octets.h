/// Integers in octets, for those who have checked the bounds already. Everything that reads from the network checks
/// first and says so beside the call.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "muster/types.h"

namespace muster::kms {

/// How the sender of a PDU writes integers: the first octet of its data representation label (C706 14.2.5).
/// KMS bodies are little-endian whatever the PDU says.
enum class ByteOrder : std::uint8_t { little, big };

/// @param from  at least sizeof(T) octets
template <class T>
constexpr T load(const std::byte* from, ByteOrder order = ByteOrder::little) noexcept {
    static_assert(std::is_unsigned_v<T>);
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < sizeof(T); ++i) {
        const std::size_t at = order == ByteOrder::little ? i : sizeof(T) - 1 - i;
        value |= std::to_integer<std::uint64_t>(from[at]) << (8 * i);
    }
    return static_cast<T>(value);
}

/// Little-endian, as everything that Muster writes. @param to  room for sizeof(T) octets
template <class T>
constexpr void store(std::byte* to, T value) noexcept {
    static_assert(std::is_unsigned_v<T>);
    const std::uint64_t wide = value;
    for (std::size_t i = 0; i < sizeof(T); ++i)
        to[i] = static_cast<std::byte>((wide >> (8 * i)) & 0xFFU);
}

}  // namespace muster::kms
