/// The sums that status and slmgr's lines show: in the database as of the last transaction, in memory as of now.
#pragma once

#include <mutex>

#include "pool/piece.h"

namespace muster::pool {

/// Adds one request to `totals`; machines and clients are the tables' to count.
void addTo(Totals& totals, const RequestRecord& record) noexcept;

/// Requests are counted when they are on disk, machines and clients when they are in the database.
class LiveTotals {
public:
    explicit LiveTotals(const Totals& atStart) noexcept : totals_(atStart) {}

    /// @thread any, all of them
    void add(const Piece& piece) noexcept;
    void addRows(std::int64_t machines, std::int64_t clients) noexcept;
    /// Begins anew with these.
    void restart(const Totals& totals) noexcept;
    Totals now() const noexcept;

private:
    mutable std::mutex mutex_;
    Totals totals_;
};

}  // namespace muster::pool
