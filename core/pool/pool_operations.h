/// The pool's part of the table of operations: clients, events, sums.
#pragma once

#include <functional>
#include <string>

#include "muster/operation.h"

#include "pool/archive.h"

namespace muster::pool {

/// What the operations need from others. All may be called on any thread, several at a time.
struct PoolContext {
    Archive& archive;  ///< outlives the operations
    /// Display name of an activation ID, or of its counted ID; empty: no loaded family knows them
    std::function<std::string(const Guid& counted, const Guid& sku)> productName;
    /// The authority is to count that client no more
    std::function<void(const Guid& application, const Guid& cmid)> forget;
};

using AddOperation = std::function<void(const Operation&, Handler)>;

/// GET /clients, GET and DELETE /clients/{cmid}, GET /pool, GET /events, GET /events/watch.
void addPoolOperations(const PoolContext& context, const AddOperation& add);

/// ISO 8601, UTC, as isoTime() writes it. Nothing for what is no such time; seconds and milliseconds may be left out.
std::optional<Timestamp> parseIsoTime(std::string_view text);
/// "licensed", "initial-grace", …; the number for what Windows does not know.
std::string licenseStatusWord(std::uint32_t status);
/// The Info line of event 12290: HRESULT, N-policy, machine, CMID, client time, VM info, licence status, minutes to
/// expiry, activation ID. Empty for an opaque version. @source docs/kms.md, "Event log"
std::string requestInfo(const JournalEntry& entry);

}  // namespace muster::pool
