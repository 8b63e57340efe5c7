/// What musterd and its helper say to each other: one update, one outcome, each one packet of a socket pair. Both ends
/// take the other's words for hostile.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "muster/result.h"
#include "muster/secure_update.h"
#include "muster/types.h"

namespace muster::nsupdate {

constexpr std::size_t kMaxPacket = std::size_t{48} * 1024;  ///< octets of either kind
constexpr std::size_t kMaxRecords = 64;                     ///< of each list of an update
constexpr std::size_t kMaxPrerequisites = 8;
constexpr std::size_t kMaxWords = std::size_t{4} * 1024;  ///< octets of an outcome's words
constexpr std::size_t kMaxPath = 1024;                    ///< octets of a keytab's path
constexpr std::size_t kMaxPrincipal = 256;                ///< and of a realm
constexpr std::chrono::milliseconds kMinLimit{100};
constexpr std::chrono::milliseconds kMaxLimit{120'000};

/// Whether all of it may be done: names are names (dns::plainName), all in the zone, numbers within their ranges,
/// lists within the bounds above, principal, realm and path printable and no option of a program.
/// @error malformed  what is wrong, and where
Result<void> check(const SecureUpdate& update);

/// @param number  comes back with the outcome: an answer that came too late is told from the next
/// @error malformed  as check(), or longer than kMaxPacket
Result<std::vector<std::byte>> encodeRequest(std::uint32_t number, const SecureUpdate& update);
/// @param packet  hostile
/// @error malformed  as check(), or no request
Result<std::pair<std::uint32_t, SecureUpdate>> decodeRequest(Octets packet);

/// An outcome or an error, whose texts are cut to kMaxWords.
std::vector<std::byte> encodeAnswer(std::uint32_t number, const Result<SecureUpdateOutcome>& answer);
/// @param packet  hostile
/// @error malformed  no answer; of the inner result: what the other end said
Result<std::pair<std::uint32_t, Result<SecureUpdateOutcome>>> decodeAnswer(Octets packet);

}  // namespace muster::nsupdate
