/// Where a client finds its KMS host: a name that was given, or the SRV records of `_vlmcs._tcp` in its domain. What is
/// said and believed of DNS stands in core/dns; here is what Windows makes of it.
/// @source RFC 2782; docs/kms.md, "DNS publishing"
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tl/expected.hpp"

#include "muster/types.h"

#include "dns/lookup.h"

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

/// Why there is no host: what the client's event 12288 carries.
struct LookupFailure {
    HResult code = HResult::rpcServerUnavailable;
    std::string detail;
};

/// Asks the system's name servers, or one: for the SRV records, and for the addresses of the hosts that they name.
/// @thread any, many at once. May take some seconds when no server answers
class SrvLookup {
public:
    /// @param domain  "example.org"; the SRV records are at _vlmcs._tcp below it
    /// @param server  instead of those in /etc/resolv.conf; port 0 stands for 53
    SrvLookup(std::string domain, std::optional<Address> server);

    /// At most dns::kMaxServices usable records, in no order that a client keeps to: see dns::order().
    tl::expected<std::vector<dns::Service>, LookupFailure> operator()() const;
    /// As the records' own server says, or /etc/hosts where none was given.
    tl::expected<std::vector<Address>, LookupFailure> addresses(const std::string& host) const;

private:
    dns::Lookup lookup() const;

    std::string domain_;
    std::optional<Address> server_;
};

/// The domain of this machine: of its host name, else the first of the resolver's search list; empty if there is none.
std::string systemDomain();

}  // namespace muster::client
