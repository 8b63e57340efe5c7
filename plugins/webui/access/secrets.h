/// Random numbers, digests and comparisons for what must not be guessed. One place, so that one place is audited.
/// @thread any
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace muster::webui {

/// From the kernel's generator; waits for it at boot. @error Fault internal  the system gives none
std::string randomOctets(std::size_t count);
/// Every character of `alphabet` (2 to 256) as likely as any other. @error Fault internal  as above
std::string randomText(std::string_view alphabet, std::size_t count);

/// 32 octets (FIPS 180-4).
std::string sha256(std::string_view octets);
/// 32 octets (RFC 2104).
std::string hmacSha256(std::string_view key, std::string_view message);
/// 20 octets; for RFC 4226 alone. @param key  any length
std::string hmacSha1(std::string_view key, std::string_view message);

/// Takes a time that depends on the lengths alone.
bool sameSecret(std::string_view a, std::string_view b) noexcept;
/// Overwrites and empties; the compiler does not leave it out.
void wipe(std::string& secret) noexcept;

/// Lower case.
std::string hex(std::string_view octets);
/// Lower case only, as hex() writes. Nothing for anything else.
std::optional<std::string> fromHex(std::string_view text);
/// RFC 4648 6, without padding: "JBSWY3DP".
std::string base32(std::string_view octets);

/// A to Z as a to z; all else stays.
std::string lowerAscii(std::string_view text);

}  // namespace muster::webui
