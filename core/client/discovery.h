/// Where a client finds its KMS host: a name that was given, or the SRV records of `_vlmcs._tcp` in its domain.
/// @source RFC 2782; docs/kms.md, "DNS publishing"
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "muster/result.h"
#include "muster/types.h"

namespace muster::client {

constexpr std::uint16_t kDefaultPort = 1688;

/// A host as a person or a record names it; not yet resolved.
struct Endpoint {
    std::string host;  ///< a name, or a numeric address without brackets
    std::uint16_t port = kDefaultPort;

    bool operator==(const Endpoint&) const = default;
    /// "kms.example.org:1688", "[::1]:1688"
    std::string text() const;
    /// "HOST", "HOST:PORT", "[V6]:PORT", "V6"; nothing for any other shape.
    static std::optional<Endpoint> parse(std::string_view text);
};

struct Srv {
    std::uint16_t priority = 0;
    std::uint16_t weight = 0;
    Endpoint target;
};

/// The SRV records of a DNS answer.
/// @param message  hostile: a whole DNS message as it came
/// @return         at most 256 records; what is no SRV of class IN, and a target "." (RFC 2782: no service), is left
/// out
/// @error malformed  it is no DNS answer
/// @thread any; pure
Result<std::vector<Srv>> parseSrv(Octets message);

/// The order in which the hosts are tried.
/// @param byWeight  Windows 7 and 2008 R2: lowest priority first, by weight among equals (RFC 2782). Vista and 2008:
///                  at random, whatever the records say
/// @thread one at a time per generator
std::vector<Endpoint> order(std::vector<Srv> records, bool byWeight, std::mt19937_64& random);

/// Why there is no host: what the client's event 12288 carries.
struct LookupFailure {
    HResult code = HResult::rpcServerUnavailable;
    std::string detail;
};

/// Asks the system's resolver, or one server.
/// @thread any; each call has a resolver of its own. May take some seconds when no server answers
class SrvLookup {
public:
    /// @param domain  "example.org"; the SRV records are at _vlmcs._tcp below it
    /// @param server  instead of those in /etc/resolv.conf; IPv4
    SrvLookup(std::string domain, std::optional<Address> server);

    tl::expected<std::vector<Srv>, LookupFailure> operator()() const;

private:
    std::string name_;
    std::optional<Address> server_;
};

/// The domain of this machine: of its host name, else the first of the resolver's search list; empty if there is none.
std::string systemDomain();

}  // namespace muster::client
