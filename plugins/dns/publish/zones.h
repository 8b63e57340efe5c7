/// In which zone a name is, who takes updates for that zone, and who serves it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "muster/types.h"

#include "publish/outside.h"

namespace muster::publisher {

struct NameServer {
    std::string name;                ///< as NS or SOA name it, or as the settings do; an address where it has no name
    std::vector<Address> addresses;  ///< with ports; empty: `problem` says why
    std::string problem;
    bool primary = false;  ///< takes the updates

    /// "ns1.corp.example (10.0.0.53:53)"
    std::string text() const;
};

struct Zone {
    std::string apex;                 ///< as dns::plainName() gives it
    std::vector<NameServer> servers;  ///< the primary first; no address twice
    std::string note;  ///< what is odd and does not matter for updates: "its NS records could not be read"

    const NameServer& primary() const { return servers.front(); }
};

/// Why something could not be done, before or after an update was sent.
struct Trouble {
    std::uint32_t hresult = 0;
    std::string code;      ///< as UpdateVerdict::code
    std::string triple;    ///< empty: no update was answered
    std::string sentence;  ///<
};

using Zoned = tl::expected<Zone, Trouble>;

/// Finds the zone of `name` by SOA, from the name upwards, and its primary (the SOA's MNAME) and name servers (NS).
/// @param zone    empty: found. Given: taken at its word, if `name` is within
/// @param server  empty: the SOA's primary. "HOST", "HOST:PORT", "ADDRESS", "[V6]:PORT". With it nothing is asked of
/// the
///                resolvers but its address, where it has a name: it tells all else itself. A name server that has the
///                address of `server` is asked at the port of `server`
/// @thread any; blocks, a few seconds for each server that does not answer
Zoned findZone(const std::string& name, const std::string& zone, const std::string& server, Outside& outside,
               const dns::Stopped& stopped);

/// "HOST:PORT" as above, port 53 where none is given. Nothing: it is none of these.
struct HostPort {
    std::string host;
    std::uint16_t port = 53;
};
std::optional<HostPort> parseServer(std::string_view text);

}  // namespace muster::publisher
