/// One query in, one answer out: authoritative for `_vlmcs._tcp.<domain>` alone. Pure.
/// @source RFC 1035 4.1, RFC 2782, RFC 2308 2, RFC 6891, RFC 7766, RFC 8482
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "muster/types.h"

#include "dns/message.h"

namespace muster::publisher {

/// The zone _vlmcs._tcp.DOMAIN: its apex has SOA, NS and the SRV records; below it stand only hosts that are named so.
struct ResponderZone {
    struct Host {
        std::string name;                ///< as plainName() gives it
        std::vector<Address> addresses;  ///< ports are not looked at
    };
    std::string domain;                  ///< as plainName() gives it: "corp.example"
    std::vector<dns::Service> services;  ///< at most kMaxAnswered are answered; none: withdrawn
    std::string nameServer;              ///< this machine's full host name: NS and MNAME
    std::vector<Host> hosts;             ///< used where they lie within the zone: targets and the name server
    std::chrono::seconds ttl{3600};
    std::uint32_t serial = 1;
};
constexpr std::size_t kMaxAnswered = 16;

constexpr std::size_t kMaxQuery = 4096;  ///< octets; a longer one is dropped

enum class Carriage : std::uint8_t {
    udp,
    tcp,
    cut,  ///< by UDP, and only to say that TCP is to be used (TC): what rate limiting lets slip
};

struct Response {
    enum class Kind : std::uint8_t {
        dropped,    ///< no answer: it is no query (an answer is never answered), or too short to have an id
        answered,   ///< from the zone: records, none of the kind, or no such name
        refused,    ///< about something else, or another class
        malformed,  ///< FORMERR
        other,      ///< NOTIMP, BADVERS, NOTAUTH
    };
    Kind kind = Kind::dropped;
    std::vector<std::byte> octets;  ///< by UDP at most what the asker takes, and never above dns::kUdpPayload
};

/// @param query  hostile: a whole message as it came
/// @thread any
Response respond(Octets query, const std::vector<ResponderZone>& zones, Carriage carriage);

}  // namespace muster::publisher
