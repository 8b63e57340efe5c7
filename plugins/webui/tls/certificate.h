/// Certificates: made on the box, asked for, judged when somebody uploads one, described for people.
/// @source RFC 5280 (fields), RFC 6125 and RFC 2818 3.1 (names), RFC 2986 (requests), RFC 7468 (PEM)
/// @thread any; pure but for random numbers
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "muster/result.h"
#include "muster/types.h"

namespace muster::tls {

constexpr std::size_t kMaxUpload = std::size_t{64} * 1024;  ///< octets of PEM
constexpr std::size_t kMaxChain = 8;                        ///< certificates in it
constexpr std::size_t kMaxNames = 64;                       ///< that a certificate of ours may have

/// How long a certificate that the box makes for itself is good: whoever trusts it has looked at its fingerprint once,
/// and each new one teaches people to click the warning away; beyond 825 days Apple's systems take none, whoever signed
/// it (https://support.apple.com/103769), and scanners call it a finding.
constexpr std::chrono::days kOwnLifetime{824};
/// It is renewed when less than this is left: scanners call fewer than 60 days a finding.
constexpr std::chrono::days kRenewBefore{62};

/// What a box is called: the host name first (it becomes CN), then other names and addresses, as text:
/// "muster.example.org", "192.0.2.7", "2001:db8::7".
using Names = std::vector<std::string>;

/// One certificate, for people.
struct Description {
    std::string subject;  ///< "CN=muster.example.org", unprintable octets replaced
    std::string issuer;
    Names names;  ///< of the subject alternative name: DNS names and addresses
    Timestamp notBefore;
    Timestamp notAfter;
    std::string fingerprint;  ///< SHA-256 of the DER: "3F:9A:…", 95 characters, as browsers and openssl show it
    std::string key;          ///< "ECDSA P-256", "RSA 3072"
    bool selfSigned = false;
};

/// A private key and what goes with it, both PEM, in the one text that is stored and served: key, then chain.
struct Pair {
    std::string pem;
    std::vector<Description> chain;     ///< the server's own first
    std::vector<std::string> warnings;  ///< sentences; it can be used all the same
    bool own = false;                   ///< the box made it; what somebody uploads never is
};

/// From when a certificate that the box makes now is good: from the firmware's build on, so that no clock that nobody
/// has set yet makes it the future's; from the day before on where less than half of its life is left of that.
/// @param now  a time before the build is none: that clock is wrong
Timestamp beginOfOwn(Timestamp built, Timestamp now);
/// Whether one that the box made is to be renewed: its end is near, or it is not valid now. Never by a wrong clock.
bool isDue(const Description& own, Timestamp built, Timestamp now);

/// A certificate signed by its own key: ECDSA P-256, SHA-256, random serial of 128 bits, for a TLS server alone, good
/// for kOwnLifetime.
/// @param names      1 to kMaxNames
/// @param notBefore  see beginOfOwn()
/// @param key        PEM, other blocks may be in it; empty: a new one
/// @error malformed  a name that is neither a host name nor an address: named; a key that cannot be read
Result<Pair> makeOwn(const Names& names, Timestamp notBefore, const std::string& key = {});

/// What an authority is asked to sign.
struct Request {
    std::string pem;  ///< PKCS#10, for the authority
    std::string key;  ///< the new private key, PEM; goes to judge() when the certificate comes
};

/// @error malformed  as makeOwn()
Result<Request> makeRequest(const Names& names);

/// Judges what somebody uploads: certificates in PEM with their key among them, or without it when they answer a
/// request. The chain is put in order. Refused, with what was found and what to do: no PEM, a foreign block, a key with
/// a password, no key or two, a key that fits none of them, keys but EC P-256, P-384 and RSA from 2048 bits, a
/// certificate for something else than a server, signed with SHA-1 or MD5, expired, or with others that are not its
/// chain.
/// @param requestKey  of the request that waits for its certificate; empty: none waits
/// @param expected    names by which the box is called; a certificate that covers none of them gets a warning
/// @param now         by which "expired" and "not yet valid" (a warning) are judged
/// @error malformed   longer than kMaxUpload, or as above
/// @error denied      understood, and not fit
Result<Pair> judge(std::string_view upload, const std::string& requestKey, const Names& expected, Timestamp now);

/// Reads what is stored: key and chain. Judges no dates: a box with an expired certificate must be reachable.
/// @error malformed  not a key and its chain
Result<Pair> readPair(const std::string& pem);

}  // namespace muster::tls
