/// DNS messages as Muster needs them: one question, and what its answer says of services, addresses, zones and name
/// servers. Pure: no socket. Names and records are read by ldns one at a time; a whole message is not given to it,
/// since ldns_wire2pkt loses memory on some (two TSIG records, NLnetLabs/ldns issue 317).
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "muster/result.h"
#include "muster/types.h"

namespace muster::dns {

enum class Type : std::uint16_t {  // RFC 1035 3.2.2, RFC 3596, RFC 2782
    a = 1,
    ns = 2,
    cname = 5,
    soa = 6,
    aaaa = 28,
    srv = 33,
    any = 255,  ///< in prerequisites of an update only
};
constexpr const char* name(Type type) noexcept {
    switch (type) {
        case Type::a:
            return "A";
        case Type::ns:
            return "NS";
        case Type::cname:
            return "CNAME";
        case Type::soa:
            return "SOA";
        case Type::aaaa:
            return "AAAA";
        case Type::srv:
            return "SRV";
        case Type::any:
            return "ANY";
    }
    return "?";
}

enum class Rcode : std::uint16_t {  // others occur
    noError = 0,
    formatError = 1,
    serverFailure = 2,
    nameError = 3,
    notImplemented = 4,
    refused = 5,
    yxDomain = 6,  // RFC 2136 2.2, and the next four
    yxRrset = 7,
    nxRrset = 8,
    notAuth = 9,  // also: the signature is not accepted (RFC 8945 5.2)
    notZone = 10,
    badVersion = 16,  // RFC 6891 6.1.3
};

/// "NOERROR", "REFUSED", "NOTAUTH" …; the number of one that has no name here.
std::string text(Rcode rcode);

constexpr std::size_t kMaxServices = 64;     ///< SRV records used of one answer
constexpr std::size_t kMaxAddresses = 16;    ///< addresses used of one host
constexpr std::size_t kMaxNameServers = 16;  ///< name servers used of one zone
constexpr std::size_t kMaxAliases = 8;       ///< CNAME records followed
constexpr std::size_t kMaxRecords = 1024;    ///< in an answer; and as many looked at behind it
constexpr std::uint16_t kUdpPayload = 1232;

/// A host or domain name as records and people write it, without its last dot and in lower case: labels of 1 to 63
/// letters, digits, '-' and '_', 253 characters in all. Nothing for anything else.
std::optional<std::string> plainName(std::string_view text);

struct Question {
    std::string name;  ///< as plainName() gives it; absolute
    Type type = Type::a;
    std::uint16_t id = 0;
    bool recursion = true;  ///< RD: false where a server is asked for what it knows itself
};

struct Service {
    std::uint16_t priority = 0;
    std::uint16_t weight = 0;
    std::uint16_t port = 0;  ///< never 0
    std::string target;      ///< as plainName() gives it

    bool operator==(const Service&) const = default;
};

struct Glue {
    std::string host;
    Address address;  ///< port 0
};

/// The start of a zone (RFC 1035 3.3.13), without what only its secondaries need.
struct Soa {
    std::string zone;     ///< whose it is, as plainName() gives it; "." for the root
    std::string primary;  ///< MNAME, as plainName() gives it; empty if it is no host's name
    std::uint32_t serial = 0;
    std::chrono::seconds ttl{0};
    std::chrono::seconds minimum{0};  ///< how long a denial is kept (RFC 2308 4)
};

struct Answer {
    Rcode rcode = Rcode::noError;
    bool authoritative = false;
    bool recursive = false;  ///< the server offers recursion
    bool truncated = false;  ///< ask again by TCP; nothing else is read
    Type type = Type::a;     ///< what was asked for
    /// Where the aliases lead: the question's own name without any. With no records of the type and no error, the
    /// question is to be asked again for this name.
    std::string name;
    /// The least of all records used, aliases included; 0 where there are none. Above 2^31 is 0 (RFC 2181 8).
    std::chrono::seconds ttl{0};
    /// The TTL of the records asked for alone: what stands in the zone, when an authoritative server is asked.
    std::chrono::seconds recordTtl{0};
    std::vector<Service> services;   ///< at most kMaxServices, of lowest priority; no two alike
    bool noService = false;          ///< a record with the target ".": decidedly not here (RFC 2782)
    std::size_t unusable = 0;        ///< SRV records left out: port 0, or a target that is no host name
    std::size_t surplus = 0;         ///< SRV records left out: more than kMaxServices
    std::vector<Address> addresses;  ///< at most kMaxAddresses, port 0; without those that can be nobody's
    /// Addresses in the additional section: for the targets of `services`, or for `nameServers` and `soa->primary`.
    std::vector<Glue> glue;
    /// Of a SOA question its answer; else the zone of `name` as the authority section of a denial names it (RFC 2308).
    std::optional<Soa> soa;
    /// Of an NS question its answer; else what the authority section names for a zone that `name` is in.
    std::vector<std::string> nameServers;  ///< at most kMaxNameServers; sorted, no two alike
    /// A referral: the zone, below the server's own, that `nameServers` serve and that `name` is in; else empty.
    std::string delegated;
    std::size_t matching = 0;  ///< records of the type asked for at `name`, usable or not

    /// Something of what was asked for is in it.
    bool usable() const noexcept {
        const bool zone = type == Type::soa || (type == Type::ns && !nameServers.empty());
        return !services.empty() || !addresses.empty() || (zone && matching > 0);
    }
};

/// A query. @param edns  with an OPT record for answers of up to kUdpPayload octets (RFC 6891)
/// @error malformed  the name is none, or the type is `any`
Result<std::vector<std::byte>> encodeQuestion(const Question& question, bool edns);

/// @param message  hostile: a whole message as it came, at most 65535 octets
/// @error conflict   it does not answer this question: another id, name or type, or a query. By UDP: wait on
/// @error malformed  it does, and cannot be read, or its aliases go round in a circle
/// @source RFC 1035 4.1, RFC 2181 5.2 and 8, RFC 2308 2, RFC 2782, RFC 5452 9.1
/// @thread any; pure
Result<Answer> readAnswer(Octets message, const Question& question);

}  // namespace muster::dns
