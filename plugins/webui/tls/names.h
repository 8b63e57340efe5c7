/// Names in certificates: which texts are names, and their DER as subject alternative name. Internal.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "muster/result.h"

#include "tls/certificate.h"

namespace muster::tls {

/// 4 or 16 octets of a numeric address; nothing for any other text. No zone ("%eth0").
std::optional<std::vector<std::uint8_t>> addressOctets(const std::string& text);
/// Letters, digits, hyphens and dots as RFC 1123 2.1 has it, at most 253 octets; no final dot.
bool isHostName(std::string_view text) noexcept;
/// @error malformed  none, too many, or one that is neither: named
Result<void> checkNames(const Names& names);
/// GeneralNames of RFC 5280 4.2.1.6: dNSName [2] and iPAddress [7]. @param names  checked
std::vector<std::uint8_t> subjectAltName(const Names& names);
/// Whether a certificate for `pattern` is good for `name`: the same, or a wildcard for its first label (RFC
/// 6125 6.4.3).
bool covers(std::string_view pattern, std::string_view name) noexcept;

}  // namespace muster::tls
