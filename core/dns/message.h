/// DNS messages as Muster needs them: one question, and the SRV and address records of its answer. Pure: no socket.
/// Names and records are read by ldns one at a time; a whole message is not given to it, since ldns_wire2pkt loses
/// memory on some (two TSIG records, NLnetLabs/ldns issue 317).
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

enum class Type : std::uint16_t { a = 1, cname = 5, aaaa = 28, srv = 33 };  // RFC 1035 3.2.2, RFC 3596, RFC 2782
constexpr const char* name(Type type) noexcept {
    return type == Type::a ? "A" : type == Type::cname ? "CNAME" : type == Type::aaaa ? "AAAA" : "SRV";
}

enum class Rcode : std::uint16_t {  // others occur
    noError = 0,
    formatError = 1,
    serverFailure = 2,
    nameError = 3,
    notImplemented = 4,
    refused = 5,
    badVersion = 16,  // RFC 6891 6.1.3
};

constexpr std::size_t kMaxServices = 64;   ///< SRV records used of one answer
constexpr std::size_t kMaxAddresses = 16;  ///< addresses used of one host
constexpr std::size_t kMaxAliases = 8;     ///< CNAME records followed
constexpr std::size_t kMaxRecords = 1024;  ///< in an answer; and as many looked at behind it
constexpr std::uint16_t kUdpPayload = 1232;

/// A host or domain name as records and people write it, without its last dot and in lower case: labels of 1 to 63
/// letters, digits, '-' and '_', 253 characters in all. Nothing for anything else.
std::optional<std::string> plainName(std::string_view text);

struct Question {
    std::string name;  ///< as plainName() gives it; absolute
    Type type = Type::a;
    std::uint16_t id = 0;
};

struct Service {
    std::uint16_t priority = 0;
    std::uint16_t weight = 0;
    std::uint16_t port = 0;  ///< never 0
    std::string target;      ///< as plainName() gives it
};

struct Glue {
    std::string host;
    Address address;  ///< port 0
};

struct Answer {
    Rcode rcode = Rcode::noError;
    bool authoritative = false;
    bool recursive = false;  ///< the server offers recursion
    bool truncated = false;  ///< ask again by TCP; nothing else is read
    /// Where the aliases lead: the question's own name without any. With no records of the type and no error, the
    /// question is to be asked again for this name.
    std::string name;
    /// The least of all records used, aliases included; 0 where there are none. Above 2^31 is 0 (RFC 2181 8).
    std::chrono::seconds ttl{0};
    std::vector<Service> services;   ///< at most kMaxServices, of lowest priority; no two alike
    bool noService = false;          ///< a record with the target ".": decidedly not here (RFC 2782)
    std::size_t unusable = 0;        ///< SRV records left out: port 0, or a target that is no host name
    std::size_t surplus = 0;         ///< SRV records left out: more than kMaxServices
    std::vector<Address> addresses;  ///< at most kMaxAddresses, port 0; without those that can be nobody's
    std::vector<Glue> glue;          ///< addresses in the additional section for the targets of `services`
};

/// A query with recursion desired. @param edns  with an OPT record for answers of up to kUdpPayload octets (RFC 6891)
/// @error malformed  the name is none
Result<std::vector<std::byte>> encodeQuestion(const Question& question, bool edns);

/// @param message  hostile: a whole message as it came, at most 65535 octets
/// @error conflict   it does not answer this question: another id, name or type, or a query. By UDP: wait on
/// @error malformed  it does, and cannot be read, or its aliases go round in a circle
/// @source RFC 1035 4.1, RFC 2181 5.2 and 8, RFC 2782, RFC 5452 9.1
/// @thread any; pure
Result<Answer> readAnswer(Octets message, const Question& question);

}  // namespace muster::dns
