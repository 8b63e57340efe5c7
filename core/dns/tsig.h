/// TSIG: a message signed with a shared secret, and whether an answer was signed with the same.
///
/// The record is written and read by ldns; the MAC is ours, over mbedTLS. ldns's own functions do not serve: signing
/// takes the time from the system's clock and the secret as text that it copies and does not wipe; verifying wants the
/// message through ldns_wire2pkt, which loses memory on hostile ones (NLnetLabs/ldns issue 317), and looks at the MAC
/// alone, not at id, time, algorithm, key name or the TSIG error.
/// @source RFC 8945
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "muster/result.h"
#include "muster/types.h"

#include "dns/secret.h"

namespace muster::dns {

enum class Algorithm : std::uint8_t { hmacSha256, hmacSha512 };
constexpr const char* name(Algorithm algorithm) noexcept {
    return algorithm == Algorithm::hmacSha256 ? "hmac-sha256" : "hmac-sha512";
}
/// "hmac-sha256" and "hmac-sha512" in any case, with or without the last dot; nothing for others.
std::optional<Algorithm> algorithmFrom(std::string_view text);

struct TsigKey {
    using Algorithm = dns::Algorithm;
    std::string name;  ///< as plainName() gives it
    Algorithm algorithm = Algorithm::hmacSha256;
    Secret secret;
};

constexpr std::chrono::seconds kFudge{300};  ///< what RFC 8945 10 recommends

struct SignedMessage {
    std::vector<std::byte> octets;  ///< the whole message, TSIG record included
    std::vector<std::byte> mac;     ///< the answer's MAC covers it
    Timestamp timeSigned;           ///< whole seconds
    std::chrono::seconds fudge{0};
};

/// @param message  with its header, without TSIG; sections are not looked into
/// @param now      1970 to 2^48 s; cut to seconds
/// @param fudge    1 to 65535 s
/// @error malformed  no message, one that has 65535 additional records or gets longer than 65535 octets, a key without
///                   name or secret, or a time that TSIG cannot carry
/// @thread any; pure
Result<SignedMessage> sign(Octets message, const TsigKey& key, Timestamp now, std::chrono::seconds fudge = kFudge);

enum class TsigError : std::uint16_t {
    none = 0,
    badSig = 16,
    badKey = 17,
    badTime = 18,
    badTrunc = 22
};  // others occur

struct TsigVerdict {
    enum class Kind : std::uint8_t {
        unsigned_,     ///< it has no TSIG record
        good,          ///< signed with our key, in time, without a TSIG error
        badMac,        ///< not signed with our secret, not over this message, or not in answer to our request
        badKeyName,    ///< signed with a key of another name
        badAlgorithm,  ///< signed by another algorithm
        outsideFudge,  ///< the MAC is right; signed at another time than ours
        serverError,   ///< the server says with `error` that it does not accept our signature
        malformed,     ///< cannot be read, or the TSIG record is not one, the last, of class ANY and TTL 0
        stranger,      ///< no answer to the request at all: another id, opcode or question (zone), or a request itself
    };
    Kind kind = Kind::unsigned_;
    std::uint16_t error = 0;  ///< what the TSIG record says; a TsigError or another. Of a right or wrong MAC alike
    /// The MAC is that of our secret over this answer and our request: `error`, `serverTime` and the code of the answer
    /// are the server's own word. An answer of BADKEY or BADSIG never has it (RFC 8945 5.3.2): anybody may have sent
    /// it.
    bool authentic = false;
    bool hasMac = false;                  ///< a MAC stands in it, right or wrong: "the answer was signed"
    std::optional<Timestamp> serverTime;  ///< of BADTIME, and of outsideFudge: the server's clock
    std::string words;                    ///< one sentence; empty with `good` and `unsigned_`

    bool good() const noexcept { return kind == Kind::good; }
};

/// Whether the answer was signed by who has our key, for this request, now.
///
/// A full MAC is required: a truncated one is a badMac. The original id of the TSIG record goes into the MAC in place
/// of the header's (RFC 8945 4.3.2), so that an answer through a forwarder holds; the header's must be the request's.
/// The fudge is the answer's, but no more than the request's or kFudge, whichever is greater.
/// @param answer   hostile: a whole message as it came, at most 65535 octets
/// @param request  what sign() made
/// @thread any; pure
TsigVerdict verify(Octets answer, const SignedMessage& request, const TsigKey& key, Timestamp now);

}  // namespace muster::dns
