/// What goes through the intake, as values and as octets. Little-endian, compact, no JSON for requests.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "pool/store.h"

namespace muster::pool {

/// A person removed this client, in every application and under every name.
struct Removal {
    Timestamp when;
    Guid cmid;
};

/// An event as it is kept: its fields are JSON text already.
struct StoredEvent {
    Timestamp when;
    std::uint32_t id = 0;
    Severity severity = Severity::info;
    std::string source;   ///< at most 64 octets
    std::string message;  ///< at most 4 KiB
    std::string fields;   ///< a JSON object, at most 16 KiB
    std::string machine;  ///< member "machine" of the fields, or empty: what the journal is filtered by
    Guid cmid;            ///< member "cmid" of the fields, or zero
};

/// The appliance asked itself: the whole way of a request's record, to a table of its own (core/host/selftest).
struct OwnRequest {
    Timestamp when;
    Guid cmid;  ///< made up for this one
};

using Note = std::variant<StoredEvent, Removal, OwnRequest>;                   ///< what is no client's request
using Record = std::variant<RequestRecord, StoredEvent, Removal, OwnRequest>;  ///< anything

constexpr std::size_t kMaxPayload = std::size_t{24} * 1024;  ///< octets of one encoded record; longer ones are damage

/// Cuts its texts to what may be kept (at a character's border) and renders the fields.
StoredEvent stored(const EventRecord& event);

/// Appends the encoded record to `out`: about 120 octets and the texts for a request. Never more than kMaxPayload.
void encode(const RequestRecord& request, std::vector<std::byte>& out);
void encode(const Note& note, std::vector<std::byte>& out);

/// @param payload  what encode() appended; a request's `reason` and `upstream` point into it afterwards
/// @error malformed     shorter or longer than its own fields say, or a value out of its range
/// @error incompatible  of a kind that only a newer Muster writes
/// @thread any; pure
Result<Record> decode(Octets payload);

/// `text` without what is no UTF-8: each such octet becomes U+FFFD. At most `limit` octets, never half a character.
std::string validUtf8(std::string_view text, std::size_t limit);

}  // namespace muster::pool
