/// What people ask the store: clients, journal, sums. Each answer is read in slices of at most 100 ms with no
/// transaction between them, so that no reader keeps the write-ahead log from being emptied.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "pool/database.h"
#include "pool/files.h"
#include "pool/minutes.h"
#include "pool/record.h"
#include "pool/store.h"

namespace muster::pool {

/// A row of the pool: one machine.
struct Client {
    Guid cmid;
    Guid application;
    std::string machine;
    Guid counted;  ///< KMS counted ID
    Guid sku;
    Timestamp firstSeen;
    Timestamp lastSeen;
    std::int64_t requests = 0;
    bool activated = false;  ///< it once said that it is licensed, or got an answer with a sufficient count
    std::uint32_t licenseStatus = 0;
    std::uint32_t minutesToExpiry = 0;
    bool isVirtual = false;
    std::uint32_t required = 0;
    HResult result = HResult::ok;
    std::uint32_t fault = 0;
    std::uint32_t count = 0;
    std::optional<Timestamp> countedAt;
    std::vector<Address> addresses;  ///< latest first; without port
    std::int64_t moreAddresses = 0;
    std::uint64_t lastSeq = 0;
    std::string upstream;  ///< whose answer was its latest from a host; empty: no host ever answered it
};

enum class ClientOrder : std::uint8_t { lastSeen, name, cmid };

/// All that is set must hold.
struct ClientQuery {
    std::optional<Guid> counted = std::nullopt;
    std::string machinePrefix = {};  ///< case does not matter in ASCII
    std::string cmidPrefix = {};     ///< of the usual text form, lower case
    std::string address = {};        ///< host text of any of its addresses
    std::optional<std::uint32_t> licenseStatus = std::nullopt;
    std::optional<bool> isVirtual = std::nullopt;
    std::optional<bool> sharesCmid = std::nullopt;  ///< whether its CMID has another name as well
    std::optional<Timestamp> seenSince = std::nullopt;
    std::string upstream = {};                  ///< name; case does not matter in ASCII
    ClientOrder order = ClientOrder::lastSeen;  ///< newest first; the others ascending
    std::size_t limit = 100;                    ///< 1 to 10,000
    std::string cursor = {};                    ///< as the page before gave it; empty: from the beginning
};

struct ClientPage {
    std::vector<Client> clients;
    std::string next;  ///< empty: that was all
};

/// A row of the journal: a request (id 12290) or an event.
struct JournalEntry {
    std::uint64_t seq = 0;
    Timestamp time;
    std::uint32_t id = 0;
    std::string machine;
    Guid cmid;
    Severity severity = Severity::info;
    std::string source;
    std::string message;  ///< a request's reason
    Json fields;
    // of a request
    Address address;
    bool wellFormed = true;
    bool counted = false;
    ActivationRequest request;
    HResult result = HResult::ok;
    std::uint32_t fault = 0;
    std::uint32_t count = 0;
    std::string upstream;        ///< whose answer it was; empty: no host's
    std::uint32_t attempts = 0;  ///< upstreams that were asked
    std::uint32_t waited = 0;    ///< microseconds with them

    bool isRequest() const noexcept { return id == kRequestId; }
    static constexpr std::uint32_t kRequestId = 12290;
};

struct JournalQuery {
    std::optional<std::uint32_t> id = std::nullopt;
    std::string machinePrefix = {};
    std::optional<Guid> cmid = std::nullopt;
    std::optional<Timestamp> since = std::nullopt;
    std::string upstream = {};                          ///< requests that this one answered; case does not matter
    std::uint64_t before = 0;                           ///< only numbers below it; 0: from the newest. Newest first
    std::optional<std::uint64_t> after = std::nullopt;  ///< only numbers above it, oldest first
    std::size_t limit = 100;                            ///< 1 to 10,000
};

struct JournalPage {
    std::vector<JournalEntry> entries;
    std::uint64_t next = 0;  ///< for `before` (or `after`): 0: that was all
};

struct ProductSum {
    Guid application{};
    Guid counted{};
    std::uint64_t machines = 0;
    std::uint64_t cmids = 0;
    std::uint64_t virtualMachines = 0;
    std::uint64_t countedCmids = 0;  ///< counted within the last 30 days
    // of the client that was seen last
    Timestamp lastSeen{};
    std::uint32_t count = 0;     ///< in its answer
    std::uint32_t required = 0;  ///< its N-policy
    std::string upstream = {};   ///< whose answer was its latest from a host; empty: no host ever answered it
};

struct PoolSum {
    std::vector<ProductSum> products;
    std::uint64_t machines = 0;
    std::uint64_t cmids = 0;
    std::uint64_t virtualMachines = 0;
    std::uint64_t duplicateCmids = 0;         ///< CMIDs with more than one machine name
    std::uint64_t duplicateMachines = 0;      ///< machines that share theirs
    std::array<std::uint64_t, 7> statuses{};  ///< machines by the licence status that they gave, where it is one
    std::uint64_t surplus = 0;                ///< requests under names beyond the first thousand of a CMID
};

/// Requests within one stretch of time, by how they ended.
struct Stretch {
    Timestamp begin;
    std::array<std::uint64_t, kEndings> counts{};  ///< by Ending
};

struct History {
    std::optional<Timestamp> begins;  ///< the oldest minute that is known at all; nothing: no request ever came
    std::vector<Stretch> stretches;   ///< oldest first; those without a request are left out
};

class Reader {
public:
    explicit Reader(const DatabaseFiles& files) noexcept : files_(files) {}
    /// The database is being put back: nothing is opened by its name until resume(); a call then fails that finds no
    /// open connection.
    void suspend() noexcept {
        const std::lock_guard lock(mutex_);
        suspended_ = true;
    }
    /// From now on only connections that are opened anew are used.
    void resume() noexcept {
        const std::lock_guard lock(mutex_);
        suspended_ = false;
        ++age_;
        idle_.clear();
    }
    /// Closes what is open and idle. The last connection of all empties the write-ahead log if it may write.
    void close() noexcept {
        const std::lock_guard lock(mutex_);
        idle_.clear();
    }

    /// @error malformed  the cursor is none of ours
    /// @error storage    the database cannot be read
    Result<ClientPage> clients(const ClientQuery& query);
    /// All machines of that CMID, in all applications; empty: not known.
    Result<std::vector<Client>> client(const Guid& cmid);
    /// May be shorter than the limit and yet have a next: after two seconds of looking it gives what it has.
    Result<JournalPage> journal(const JournalQuery& query);
    Result<PoolSum> sum(Timestamp now);
    /// Requests from the stretch with `since` on. Stretches of `width`, at least one minute, begin at multiples of it
    /// since 1970; the newest 10,000 are given.
    Result<History> history(Timestamp since, std::chrono::minutes width);
    Result<std::vector<CountedClient>> counted(const Guid& application, Timestamp since, std::size_t limit);
    Result<std::vector<Pool::Application>> applications();
    /// Calls `each` with all clients in the order of their key; only application and CMID are set. False from `each`
    /// ends it.
    Result<void> keys(const std::function<bool(const Guid& application, const Guid& cmid)>& each);
    /// The last request of the appliance's own; nothing: there was none.
    Result<std::optional<OwnRequest>> ownRequest();
    /// A copy of the whole database in a new file. @error duplicate  the file exists
    Result<void> backup(const std::string& path, const std::atomic<bool>& stopping);

private:
    /// A connection for the time of one call. Declared before the statements on it.
    class Lease {
    public:
        Lease(Reader& reader, std::unique_ptr<Connection> connection) noexcept
            : reader_(reader), connection_(std::move(connection)), age_(reader.age()) {}
        ~Lease() { reader_.release(std::move(connection_), age_); }
        Lease(const Lease&) = delete;
        Lease& operator=(const Lease&) = delete;
        Connection& operator*() const noexcept { return *connection_; }
        Connection* operator->() const noexcept { return connection_.get(); }

    private:
        Reader& reader_;
        std::unique_ptr<Connection> connection_;
        std::uint64_t age_;
    };
    Result<std::unique_ptr<Connection>> acquire();
    void release(std::unique_ptr<Connection> connection, std::uint64_t age) noexcept;
    std::uint64_t age() noexcept {
        const std::lock_guard lock(mutex_);
        return age_;
    }
    /// Calls `row` for each client from `fromCmid` on. False from `row` ends it.
    Result<void> scan(const char* columns, const Guid& fromCmid, const std::function<bool(Statement&)>& row);

    const DatabaseFiles& files_;
    std::mutex mutex_;
    std::vector<std::unique_ptr<Connection>> idle_;
    std::uint64_t age_ = 0;  ///< of the file: how often it was put back
    bool suspended_ = false;
};

}  // namespace muster::pool
