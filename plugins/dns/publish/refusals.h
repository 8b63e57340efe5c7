/// What a name server's answer to an update means, in a number that Windows people know, in a word for programs, and in
/// a sentence for the administrator.
///
/// Servers say the same thing in different ways: a wrong key is NOTAUTH with BADSIG from BIND and Knot, and an unsigned
/// REFUSED from PowerDNS; a name that the policy does not allow is REFUSED from BIND, and NOTAUTH with BADKEY from
/// Knot, which says that of an unknown key, too. So the triple of code, TSIG error and "was the answer signed" is what
/// is read, and where it leaves more than one cause, all are named.
/// @source RFC 2136 2.2 and 3, RFC 8945 5.2 and 5.3, [MS-ERREF] 2.2 for the numbers, docs/kms.md for the event
/// @thread any; pure
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "muster/secure_update.h"

#include "dns/exchange.h"
#include "dns/update.h"
#include "publish/wish.h"

namespace muster::publisher {

/// How one update ended, as far as the network tells.
struct Sent {
    dns::Ending ending = dns::Ending::timedOut;
    std::string words;                          ///< of all endings but `answered`
    dns::UpdateAnswer answer;                   ///< of answered
    Timestamp at{};                             ///< our clock
    std::string server;                         ///< who was asked: "ns1.corp.example (10.0.0.53:53)"
    std::optional<SecureUpdateOutcome> secure;  ///< of Auth::gss, where it ran; `ending` is answered then
};

/// Who it was that asked.
struct Asker {
    Auth auth = Auth::none;
    std::string key;        ///< of tsig, its name; of gss, the principal
    std::string algorithm;  ///< of tsig
};

struct UpdateVerdict {
    enum class Kind : std::uint8_t {
        applied,     ///< the server says so, and it is the server that says it
        unverified,  ///< it may have been applied: only reading back tells
        overtaken,   ///< a prerequisite did not hold: somebody was quicker; read, and plan anew
        refused,     ///< not applied
        unanswered,  ///< nobody said anything usable; it may have been applied
    };
    Kind kind = Kind::unanswered;
    std::uint32_t hresult = 0;  ///< 0x8007xxxx; 0 with `applied`
    std::string code;           ///< "notauth-badkey": letters, digits, '-'; never changes its meaning
    std::string triple;         ///< "NOTAUTH, TSIG error BADKEY, answer not signed"
    std::string sentence;       ///< what it means, whose fault it may be, what to do; empty with `applied`
};

UpdateVerdict judgeUpdate(const Sent& sent, const Asker& asker, const dns::Update& update);

/// "0x80072338"
std::string hresultText(std::uint32_t hresult);

/// DNS_ERROR_RCODE_… and relatives as an HRESULT: 9001 to 9010 for codes 1 to 10, 9016 to 9018 for BADSIG, BADKEY,
/// BADTIME. @source [MS-ERREF] 2.2
constexpr std::uint32_t fromDnsError(std::uint32_t error) noexcept {
    return 0x80070000U | error;
}
constexpr std::uint32_t kTimeout = 0x800705B4;      ///< ERROR_TIMEOUT
constexpr std::uint32_t kUnreachable = 0x800704CF;  ///< ERROR_NETWORK_UNREACHABLE
constexpr std::uint32_t kBadPacket = fromDnsError(9502);
constexpr std::uint32_t kNoCredentials = 0x8009030E;  ///< SEC_E_NO_CREDENTIALS

}  // namespace muster::publisher
