/// The writing end of the database: applies pieces of the intake to clients and journal. One object, one thread.
#pragma once

#include <array>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "pool/compact.h"
#include "pool/database.h"
#include "pool/minutes.h"
#include "pool/piece.h"
#include "pool/totals.h"

namespace muster::pool {

constexpr std::int64_t kNamesPerCmid = 1000;     ///< machines kept per CMID and application
constexpr std::size_t kAddressesPerClient = 64;  ///< the latest included
constexpr std::size_t kMaxProducts =
    10'000;  ///< combinations of application, counted ID and activation ID kept as a number
constexpr std::size_t kMaxUpstreams = 1000;  ///< names of upstreams, of all times

class Tables {
public:
    /// @param connection  writing, schema in place; outlives this
    static Result<std::unique_ptr<Tables>> open(Connection& connection);

    /// One transaction: all of `pieces`, and that `applied` is the last record in here. After a failure nothing of it
    /// is in the database. @param durable  the commit, and all before it, survives a power cut when this returns
    Result<void> apply(std::span<const Piece> pieces, std::uint64_t applied, bool durable);

    std::uint64_t applied() const noexcept { return applied_; }
    /// As the database has them. Reads it.
    Totals totals();
    /// What the last transaction added to machines and clients.
    std::int64_t newMachines() const noexcept { return newMachines_; }
    std::int64_t newClients() const noexcept { return newClients_; }

private:
    struct Touch {
        const RequestRecord* record;
        std::uint64_t seq;
        std::int64_t product;
        std::int64_t upstream;
        std::uint64_t head;  ///< the CMID's first 8 octets, big-endian: sorted by it, neighbours share a page
        std::uint64_t tail;  ///< of the rest of the key, mixed: sorting never looks at the record
    };
    struct ProductKey {
        Guid application;
        Guid counted;
        Guid sku;
        bool operator==(const ProductKey&) const = default;
    };
    struct ProductHash {
        std::size_t operator()(const ProductKey& key) const noexcept {
            const GuidHash hash;
            return hash(key.sku) ^ (hash(key.counted) << 1) ^ (hash(key.application) << 2);
        }
    };

    explicit Tables(Connection& connection) noexcept : connection_(connection) {}
    Result<void> prepare();
    /// What the database has as numbers: products and upstreams.
    Result<void> loadNumbers();
    Result<void> applyAll(std::span<const Piece> pieces);
    bool writeBlock();
    bool addRequest(const RequestRecord& record, std::uint64_t seq);
    bool addEvent(const StoredEvent& event, std::uint64_t seq);
    bool remove(const Removal& removal);
    bool keepOwn(const OwnRequest& own);
    bool writeTotals();
    bool flushClients();
    /// Who says that it had another CMID before takes that one's place in the count, also after a restart.
    bool retirePrevious(const RequestRecord& record);
    static bool namesPrevious(const RequestRecord& record) noexcept;
    /// `group`: one client's requests from one address, in order.
    bool writeClient(std::span<const Touch> group);
    bool addClient(std::span<const Touch> group, std::int64_t countedAt);
    std::int64_t product(const ActivationRequest& request);
    /// -1: cannot be written.
    std::int64_t upstream(std::string_view name);

    Connection& connection_;
    Statement begin_, commit_, rollback_, position_, addTotal_;
    Statement insertBlock_, insertEvent_, insertProduct_, insertUpstream_;
    Statement updateClient_, insertClient_, countNames_, updateSurplus_, insertSurplus_;
    Statement retireClient_, retireSurplus_;
    Statement removeClients_, removeSurplus_, countApplications_;
    Statement addMinute_, keepOwn_;
    std::unordered_map<ProductKey, std::int64_t, ProductHash> products_;
    ProductKey lastProduct_{};
    std::int64_t lastProductId_ = -1;
    std::unordered_map<std::string, std::int64_t> upstreams_;
    std::string lastUpstream_;
    std::int64_t lastUpstreamId_ = 0;
    std::vector<Touch> touched_;
    std::vector<const RequestRecord*> retiring_;  // those that name a CMID whose place they take
    BlockWriter block_;
    MinuteTally minutes_;
    Totals added_;  // by this transaction; machines and clients apart, as they may shrink
    std::int64_t newMachines_ = 0;
    std::int64_t newClients_ = 0;
    std::uint64_t applied_ = 0;
};

}  // namespace muster::pool
