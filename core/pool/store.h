/// The store: what must survive a power cut before a client is answered, and where the pool and the journal live.
///
/// A record goes to the intake (an append-only log, synced in groups) and is applied to SQLite afterwards by a thread
/// of its own. See docs/decisions/0002-intake.md.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "muster/event.h"
#include "muster/json.h"
#include "muster/pool.h"
#include "muster/result.h"
#include "muster/types.h"

namespace muster::pool {

/// One request and its outcome: a row of the journal, and what the pool learns of the client.
struct RequestRecord {
    Timestamp received;
    Address source;
    ActivationRequest request;  ///< opaque versions: only major and minor are set
    bool wellFormed = true;
    bool counted = false;  ///< the authority counted this client
    bool fresh = true;     ///< false: no client row (over the limit for new CMIDs, wrong seal, …)
    HResult result = HResult::ok;
    std::uint32_t fault = 0;    ///< RPC fault status; 0: none
    std::uint32_t count = 0;    ///< the count in the answer
    std::string_view reason;    ///< constant text: "a real client asked the lab"
    std::string_view upstream;  ///< whose answer it was; text that lives as long as the process. Empty: no host's
    std::uint32_t waited = 0;   ///< microseconds that the request was with upstreams
    std::uint8_t attempts = 0;  ///< upstreams that were asked
};

struct EventRecord {
    Timestamp when;
    std::uint32_t id = 0;
    Severity severity = Severity::info;
    std::string source;   ///< "core", a plugin's name
    std::string message;  ///< filled in and escaped
    Json fields;          ///< object
};

struct StoreConfig {
    std::string directory;               ///< STATE or STATE/lab; made (0700) when missing
    bool degraded = false;               ///< a database that cannot be used is renamed aside and a new one begun
    std::size_t intakeLimit = 8u << 20;  ///< octets of records not yet applied; beyond it answers wait
    std::chrono::hours retentionAge{24 * 400};
    std::uint64_t retentionOctets = 300u << 20;    ///< of the database file
    std::size_t segmentOctets = 8u << 20;          ///< of each of the intake's two files
    bool direct = true;                            ///< the intake writes past the page cache where it can
    std::chrono::milliseconds applyDelay{1000};    ///< how long a record may wait in the intake for company
    std::chrono::milliseconds checkAfter{60'000};  ///< from the start to the one check of the whole database
};

/// How an append ended. `notDurable`: the store failed; it is kept in memory and written when the store is back.
enum class Durability : std::uint8_t { durable, notDurable };

/// What slmgr calls the cumulative requests, since the database was made: each record once, over restarts too.
struct Totals {
    std::uint64_t requests = 0;
    std::uint64_t failed = 0;  ///< refused with an HRESULT, or faulted
    /// Well-formed version 4 requests by the licence status that the client gave, 0 to 6.
    std::array<std::uint64_t, 7> byLicenseStatus{};
    std::uint64_t machines = 0;  ///< rows of the pool
    std::uint64_t clients = 0;   ///< different (application, CMID)
};

class Store : public Pool {
public:
    /// Opens or makes the database, replays the intake. Ready when it returns.
    /// @error storage       directory or file cannot be used: `detail` says what to do (exit 78 on the command line)
    /// @error incompatible  written by a newer Muster
    static Result<std::unique_ptr<Store>> open(StoreConfig config);

    /// Takes records in one piece. `done` is called exactly once, on the intake's thread or before append() returns,
    /// when all of them are on disk (synced) or the store has failed. @thread any; never waits for the disk
    virtual void append(std::vector<RequestRecord> records, std::function<void(Durability)> done) = 0;
    /// Records a request of the appliance's own, in a table of its own, on the way of all others.
    /// @param done  as with append()  @thread any
    virtual void appendOwn(const Guid& cmid, std::function<void(Durability)> done) = 0;
    /// The CMID of the last of them, once it is applied; nothing: there is none, or it cannot be read.
    /// @thread any but a reactor's
    virtual std::optional<Guid> lastOwn() = 0;
    /// Journals an event; nobody waits for it. @thread any
    virtual void journal(EventRecord event) = 0;

    /// False: certainly never seen. True: seen, or (rarely) a false positive. Reads no disk. @thread any
    virtual bool isKnown(const Guid& application, const Guid& cmid) const noexcept = 0;

    /// Kept in memory, so that status and slmgr's lines cost no query. @thread any
    virtual Totals totals() const = 0;

    /// Waits until all that was acknowledged before is applied, at most `limit`. False: not in time.
    virtual bool settle(std::chrono::milliseconds limit) = 0;

    /// Alarm text while something is wrong ("database is read-only: …"), else empty. @thread any
    virtual std::string trouble() const = 0;
};

}  // namespace muster::pool
