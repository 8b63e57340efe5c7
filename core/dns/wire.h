/// Pieces of DNS messages, read and written by ldns: for the other files of this room, nobody else includes it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "muster/result.h"
#include "muster/types.h"

#include "ldns/ldns.h"

// ldns/common.h makes macros of these, which later headers of the standard library do not survive.
#undef bool
#undef false
#undef true

namespace muster::dns::wire {

constexpr std::size_t kHeader = 12;
constexpr std::size_t kMaxMessage = 65535;
constexpr std::uint16_t kIn = 1;  // classes: RFC 1035 3.2.4, RFC 2136 1.3
constexpr std::uint16_t kNone = 254;
constexpr std::uint16_t kAny = 255;
constexpr std::uint16_t kOpt = 41;  // types: RFC 6891, RFC 8945
constexpr std::uint16_t kTsig = 250;
constexpr std::uint32_t kTopBit = 0x80000000U;

struct Free {
    void operator()(ldns_rdf* rdf) const noexcept { ldns_rdf_deep_free(rdf); }
    void operator()(ldns_rr* rr) const noexcept { ldns_rr_free(rr); }
    void operator()(ldns_rr_list* list) const noexcept { ldns_rr_list_deep_free(list); }
    void operator()(ldns_pkt* packet) const noexcept { ldns_pkt_free(packet); }
    void operator()(std::uint8_t* octets) const noexcept { std::free(octets); }
};
template <class T>
using Owned = std::unique_ptr<T, Free>;

/// A record as far as every reader wants to know it.
struct RawRecord {
    std::string owner;  ///< as Reader::name gives it
    std::uint16_t type = 0;
    std::uint16_t of = 0;  ///< class
    std::uint32_t ttl = 0;
    std::size_t at = 0;    ///< where the record begins
    std::size_t next = 0;  ///< where the one after it begins
};

/// Walks over a message. Every position is checked before ldns sees it.
class Reader {
public:
    explicit Reader(Octets message);

    std::size_t size() const noexcept { return size_; }
    std::size_t left(std::size_t at) const noexcept { return at < size_ ? size_ - at : 0; }
    /// Both: with left(at) looked at before.
    std::uint16_t word(std::size_t at) const noexcept { return ldns_read_uint16(wire_.data() + at); }
    std::uint8_t octet(std::size_t at) const noexcept { return wire_[at]; }

    /// The name at `at` as octets of the wire, uncompressed, in lower case; `at` is behind it then.
    std::optional<std::string> name(std::size_t& at) const;
    std::optional<RawRecord> record(std::size_t at) const;
    /// The record's data by ldns, if they are so many fields and fill the length that the record says.
    Owned<ldns_rr> data(const RawRecord& record, std::size_t fields) const;

private:
    std::vector<std::uint8_t> wire_;
    std::size_t size_;
};

std::string_view octetsOf(const ldns_rdf* rdf) noexcept;
/// In lower case (the length of a label is below 'A').
std::string lowered(std::string_view octets);

/// A name of the wire as text; nothing if it is the root or has characters that no host's name has.
std::optional<std::string> textOf(std::string_view octets);
/// The text of plainName() as octets of the wire.
std::string wireOf(std::string_view text);
/// True where `name` is `zone` or below it; both as octets of the wire, in lower case.
bool within(std::string_view name, std::string_view zone) noexcept;

/// The address of an A or AAAA record; nothing if it cannot be read.
std::optional<Address> addressOf(const Reader& reader, const RawRecord& record);

/// Why `answer` does not answer `request`: another id, opcode or question, or a request itself. Empty: it does.
/// An answer to an update need not repeat the zone (RFC 2136 3.8), one to what could not be read no question.
std::string strangeness(const Reader& answer, const Reader& request);
/// The TSIG record of a message with whole sections.
/// @error malformed  a section cannot be read, or there are two, or it is not the very last (RFC 8945 5.1)
Result<std::optional<RawRecord>> signatureIn(const Reader& message);

/// Fields and records as ldns wants them. Null, false: out of memory, or no name.
Owned<ldns_rdf> nameField(std::string_view text);
Owned<ldns_rdf> numberField(std::uint16_t value);
bool push(ldns_rr& rr, Owned<ldns_rdf> field);
/// Without data.
Owned<ldns_rr> emptyRecord(std::string_view name, std::uint16_t type, std::uint16_t of, std::uint32_t ttl);
std::vector<std::byte> copied(const std::uint8_t* octets, std::size_t size);

}  // namespace muster::dns::wire
