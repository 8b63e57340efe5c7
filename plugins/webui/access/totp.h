/// One-time codes from an authenticator app: RFC 6238 with SHA-1, 6 digits, 30 s, which is what all apps do.
/// @thread any; pure
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "muster/types.h"

namespace muster::webui {

constexpr std::size_t kTotpSecret = 20;  ///< octets (RFC 4226 4, R6)

/// The number of 30-s steps since 1970; 0 before.
std::uint64_t totpStep(Timestamp time) noexcept;
/// RFC 4226 5.3. @param digits  6 to 8
std::string hotp(std::string_view secret, std::uint64_t counter, unsigned digits = 6);
/// The step of which `code` is: this one, the one before or the one after; later than `last` in any case, so that no
/// code serves twice. Blanks in `code` do not count. Nothing: it is none of them.
std::optional<std::uint64_t> totpMatch(std::string_view secret, std::string_view code, Timestamp now,
                                       std::uint64_t last);
/// What goes into the QR code: "otpauth://totp/Muster%20HOST:alice?secret=…&issuer=…".
/// @param issuer  what the app shows above the account, such as "Muster kms1"; no colon in it
std::string otpauthUri(std::string_view issuer, std::string_view account, std::string_view secret);

}  // namespace muster::webui
