/// Between the UTF-16LE of the wire and the UTF-8 of everything else. Nothing is refused: what cannot be read becomes
/// U+FFFD, so that a name is never lost for one bad unit.
/// @thread any; pure
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "muster/types.h"

namespace muster::kms {

/// Reads up to the first zero unit, or to the end where there is none; an odd last octet is ignored. A surrogate
/// without its partner becomes U+FFFD.
/// @param out  3 octets for each unit always suffice; a character that does not fit whole ends the text
/// @return     how many octets of UTF-8 were written
std::size_t utf16ToUtf8(Octets units, std::span<char> out) noexcept;

/// Writes without a terminator. Octets that are no UTF-8 (also over-long forms and surrogates) become U+FFFD each.
/// @param out  a character that does not fit whole ends the text: never half a surrogate pair
/// @return     how many octets of UTF-16LE were written: twice the number of units
std::size_t utf8ToUtf16(std::string_view text, std::span<std::byte> out) noexcept;

/// How many UTF-16 units `text` takes.
std::size_t utf16Units(std::string_view text) noexcept;

}  // namespace muster::kms
