/// Dynamic updates: what shall change in a zone as one message, and what its server says to that.
///
/// What this cannot say on purpose: "delete the whole set" and "delete all sets of a name". Records go by their exact
/// data, so that nobody else's can go with them.
/// @source RFC 2136
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "muster/result.h"
#include "muster/types.h"

#include "dns/message.h"
#include "dns/tsig.h"

namespace muster::dns {

constexpr std::size_t kMaxUpdateRecords = 256;  ///< prerequisites, removals and additions in all

/// A record as it stands in a zone.
struct Record {
    std::string name;             ///< absolute, as plainName() gives it
    Type type = Type::srv;        ///< srv, a or aaaa
    std::chrono::seconds ttl{0};  ///< 0 to 2^31 - 1; not looked at in removals and prerequisites
    Service service;              ///< of srv
    Address address;              ///< of a and aaaa; its port is not looked at

    bool operator==(const Record&) const = default;
};

/// One message; the server carries out all of it or nothing.
struct Update {
    struct Prerequisite {
        enum class Kind : std::uint8_t {
            nameInUse,     ///< the name has some record (RFC 2136 2.4.4)
            nameNotInUse,  ///< it has none (2.4.5)
            rrsetExists,   ///< it has records of `type` (2.4.1)
            rrsetMissing,  ///< it has none of `type` (2.4.3)
            rrsetIs,       ///< its records of `type` are exactly `is`, whatever their TTL (2.4.2)
        };
        Kind kind = Kind::nameInUse;
        std::string name;
        Type type = Type::any;   ///< of the rrset… kinds
        std::vector<Record> is;  ///< of rrsetIs: at least one, each with that name and type
    };

    std::string zone;  ///< apex, as plainName() gives it
    std::vector<Prerequisite> prerequisites;
    std::vector<Record> remove;  ///< by exact data; one that is not there is no failure. Before the additions
    std::vector<Record> add;     ///< one that is there with its TTL stays as it is
};

/// The message, not yet signed: sections in the order of the lists, header flags zero but for the opcode.
/// @param id  randomId(), where it is to be sent
/// @error malformed  a name that is none or lies outside the zone, a type or address that does not fit, port 0, a TTL
///                   beyond its range, nothing to change, more than kMaxUpdateRecords
/// @thread any; pure
Result<std::vector<std::byte>> encodeUpdate(const Update& update, std::uint16_t id);

struct UpdateAnswer {
    Rcode rcode = Rcode::noError;
    bool isSigned = false;  ///< a MAC stands in it; `tsig` says what that is worth
    TsigVerdict tsig;
};

/// For transact(): whether this answers that update at all: its id, QR, opcode and, where it is repeated, its zone.
bool answersUpdate(Octets answer, Octets request);

/// @param answer   hostile: a whole message as it came, at most 65535 octets
/// @error conflict   it does not answer this request
/// @error malformed  it does, and cannot be read
/// @thread any; pure
/// Of a request that was not signed; `tsig` is unsigned_, or malformed for an answer that is signed all the same.
Result<UpdateAnswer> readUpdateAnswer(Octets answer, Octets request);
/// Of a signed one. The code stands in `rcode` whether or not the signature holds: see `tsig` before you believe it.
Result<UpdateAnswer> readUpdateAnswer(Octets answer, const SignedMessage& request, const TsigKey& key, Timestamp now);

}  // namespace muster::dns
