/// The KMS body: an activation request and its answer. Version 4 is in the clear and is read field by field; versions
/// 5 and 6 are a version number and octets that only the two ends can read.
///
/// Every integer is little-endian, every GUID in Windows memory order. Lengths are exact: a body that is one octet too
/// long is as malformed as one that is too short.
///
/// @source docs/kms.md, "The request, version 4", "The answer, version 4", "Versions 5 and 6"
/// @thread any; pure
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "tl/expected.hpp"

#include "muster/types.h"

namespace muster::kms {

constexpr std::size_t kSealSize = 16;
using Seal = std::array<std::byte, kSealSize>;

/// Where the fields of a version 4 request are.
struct Request4 {
    static constexpr std::size_t kVersion = 0;  ///< minor, then major; 16 bits each
    static constexpr std::size_t kVmInfo = 4;
    static constexpr std::size_t kLicenseStatus = 8;
    static constexpr std::size_t kMinutesToExpiry = 12;
    static constexpr std::size_t kApplication = 16;
    static constexpr std::size_t kSku = 32;
    static constexpr std::size_t kCounted = 48;
    static constexpr std::size_t kCmid = 64;
    static constexpr std::size_t kRequiredClients = 80;
    static constexpr std::size_t kClientTime = 84;
    static constexpr std::size_t kPreviousCmid = 92;
    static constexpr std::size_t kMachineName = 108;
    static constexpr std::size_t kMachineNameSize = 128;  ///< 64 UTF-16 units, the terminator one of them
    static constexpr std::size_t kSeal = 236;
    static constexpr std::size_t kSize = 252;
};

/// Where the fields of a version 4 answer are; what follows the ePID is counted from its end.
struct Answer4 {
    static constexpr std::size_t kVersion = 0;
    static constexpr std::size_t kEpidSize = 4;  ///< octets, terminator included
    static constexpr std::size_t kEpid = 8;
    static constexpr std::size_t kCmidAfter = 0;
    static constexpr std::size_t kClientTimeAfter = 16;
    static constexpr std::size_t kCountAfter = 24;
    static constexpr std::size_t kActivationIntervalAfter = 28;
    static constexpr std::size_t kRenewalIntervalAfter = 32;
    static constexpr std::size_t kSealAfter = 36;
    static constexpr std::size_t kFixedSize = 60;     ///< of an answer without its ePID
    static constexpr std::size_t kMaxEpidSize = 128;  ///< 64 UTF-16 units
    static constexpr std::size_t kMaxSize = kFixedSize + kMaxEpidSize;
};

constexpr std::size_t kOpaqueRequestSize = 260;    ///< of versions 5 and 6, always
constexpr std::size_t kMaxOpaqueAnswerSize = 384;  ///< longer than any known answer

enum class BodyError : std::uint8_t {
    noVersion,       ///< fewer than four octets
    unknownVersion,  ///< neither 4.0, 5.0 nor 6.0
    wrongSize,       ///< not the length that this version has
    badEpidSize,     ///< an answer whose ePID is odd, empty, longer than 64 units, or not as long as it says
};
/// One clause for a log line: "its length is not that of its version".
const char* text(BodyError error) noexcept;

/// @param body     hostile
/// @param request  cleared, then filled as far as can be told: a version 4 body of the right length whole, all others
///                 only `major` and `minor`. The machine name ends at its terminator or after 64 units; a lone
///                 surrogate becomes U+FFFD
tl::expected<void, BodyError> decodeRequest(Octets body, ActivationRequest& request) noexcept;

/// Writes a version 4 request; the seal is left zero. A machine name longer than 63 units is cut between characters.
void encodeRequest(const ActivationRequest& request, std::span<std::byte, Request4::kSize> out) noexcept;

/// @param answer  cleared, then filled; of versions 5 and 6 only `major` and `minor`
tl::expected<void, BodyError> decodeAnswer(Octets body, ActivationAnswer& answer);

/// Writes a version 4 answer; the seal is left zero.
/// @return  how much was written, 60 + the ePID's octets; 0 if `out` is too small or the ePID longer than 63 units
std::size_t encodeAnswer(const ActivationAnswer& answer, std::span<std::byte> out) noexcept;

/// Makes the answer to another client out of one that encodeAnswer() wrote: version, CMID, time and count are replaced,
/// ePID and intervals stay. @param answer  what was written, whole
void readdressAnswer(std::span<std::byte> answer, const ActivationRequest& request, std::uint32_t count) noexcept;

/// What the seal covers: all before it. @param body  a version 4 request or answer of right length, at least 16 octets
constexpr Octets sealedPart(Octets body) noexcept {
    return body.first(body.size() - kSealSize);
}
constexpr Octets sealPart(Octets body) noexcept {
    return body.last(kSealSize);
}

}  // namespace muster::kms
