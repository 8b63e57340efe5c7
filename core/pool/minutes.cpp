#include "pool/minutes.h"

#include <sqlite3.h>

#include "pool/compact.h"

namespace muster::pool {

namespace {

constexpr std::int64_t kMinute = 60'000;  // milliseconds

}  // namespace

Ending endingOf(const RequestRecord& record) noexcept {
    if (record.fault != 0)
        return Ending::faulted;
    if (record.result != HResult::ok)
        return Ending::refused;
    return !record.request.isOpaque() && record.count < record.request.requiredClients ? Ending::shortOf
                                                                                       : Ending::answered;
}

void MinuteTally::add(const RequestRecord& record) {
    const std::int64_t minute = record.received.time_since_epoch().count() / kMinute;
    if (minutes_.empty() || minute != lastMinute_) {
        last_ = &minutes_[minute];
        lastMinute_ = minute;
    }
    ++(*last_)[static_cast<std::size_t>(endingOf(record))];
}

bool MinuteTally::write(Statement& upsert) const {
    for (const auto& [minute, counts] : minutes_) {
        upsert.bind(1, minute);
        int column = 2;
        for (const std::int64_t count : counts)
            upsert.bind(column++, count);
        if (!upsert.run())
            return false;
    }
    return true;
}

Result<void> minutesFromBlocks(Connection& connection) {
    auto blocks = connection.prepare("SELECT first,records FROM requests WHERE latest>=?1 ORDER BY first");
    auto upsert = connection.prepare(MinuteTally::kUpsert);
    if (!blocks || !upsert)
        return fail(blocks ? upsert.error() : blocks.error());
    // As far back from the newest, whatever the clock says now.
    blocks->bind(1, connection.value("SELECT ifnull(max(latest),0) FROM requests", 0) - kMinutesKept * kMinute);
    MinuteTally tally;
    while (blocks->step())
        // What a damaged block still gives is counted; the journal's own reader says that it is damaged.
        (void)readBlock(blocks->blob(1), static_cast<std::uint64_t>(blocks->integer(0)),
                        [&](std::uint64_t, const RequestRecord& record, const RowNumbers&) { tally.add(record); });
    if (blocks->code() != SQLITE_DONE || !tally.write(*upsert))
        return fail(connection.problem("cannot count the journal by minute"));
    return {};
}

}  // namespace muster::pool
