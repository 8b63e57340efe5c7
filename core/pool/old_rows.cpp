#include "pool/old_rows.h"

#include <cstring>
#include <sqlite3.h>

#include "pool/compact.h"

namespace muster::pool {

namespace {

Guid guidAt(Octets octets, std::size_t at) noexcept {
    Guid guid;
    std::memcpy(guid.octets.data(), octets.data() + at, guid.octets.size());
    return guid;
}

/// `reason` points into the row.
RequestRecord recordOf(Statement& row) {
    RequestRecord record;
    const auto number = [&row](int column) { return static_cast<std::uint32_t>(row.integer(column)); };
    record.received = Timestamp(std::chrono::milliseconds(row.integer(1)));
    const Octets address = row.blob(4);
    if (address.size() == 4)
        record.source.octets = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0};
    if (address.size() == 4 || address.size() == 16)
        std::memcpy(record.source.octets.data() + (16 - address.size()), address.data(), address.size());
    record.source.port = static_cast<std::uint16_t>(row.integer(5));
    record.wellFormed = (row.integer(6) & 1) != 0;
    record.counted = (row.integer(6) & 2) != 0;
    record.fresh = (row.integer(6) & 4) != 0;
    ActivationRequest& request = record.request;
    request.major = static_cast<std::uint16_t>(row.integer(7) >> 16);
    request.minor = static_cast<std::uint16_t>(row.integer(7) & 0xffff);
    if (const Octets guids = row.blob(9); guids.size() == 48) {
        request.application = guidAt(guids, 0);
        request.counted = guidAt(guids, 16);
        request.sku = guidAt(guids, 32);
    }
    request.machine.assign(row.text(2));
    request.cmid = row.guid(3);
    request.requiredClients = number(10);
    request.clientTime.ticks = static_cast<std::uint64_t>(row.integer(11));
    request.vmInfo = number(12);
    request.licenseStatus = number(13);
    request.minutesToExpiry = number(14);
    request.previousCmid = row.guid(15);
    record.result = static_cast<HResult>(number(16));
    record.fault = number(17);
    record.count = number(18);
    record.reason = row.text(19);
    record.attempts = static_cast<std::uint8_t>(row.integer(21));
    record.waited = number(22);
    return record;
}

}  // namespace

Result<void> rowsToBlocks(Connection& connection) {
    auto rows = connection.prepare(
        "SELECT seq,time,machine,cmid,address,port,flags,version,product,guids,required,client_time,vm_info,"
        "license_status,minutes,previous_cmid,result,fault,count,message,upstream,attempts,waited "
        "FROM journal WHERE flags IS NOT NULL ORDER BY seq");
    auto insert = connection.prepare("INSERT INTO requests(first,last,latest,count,records) VALUES(?1,?2,?3,?4,?5)");
    if (!rows || !insert)
        return fail(rows ? insert.error() : rows.error());
    BlockWriter block;
    const auto write = [&] {
        if (block.empty())
            return true;
        insert->bind(1, static_cast<std::int64_t>(block.first()));
        insert->bind(2, static_cast<std::int64_t>(block.last()));
        insert->bind(3, block.latest());
        insert->bind(4, static_cast<std::int64_t>(block.records()));
        insert->bind(5, block.octets());
        const bool written = insert->run();
        block.clear();
        return written;
    };
    while (rows->step()) {
        const RowNumbers numbers{static_cast<std::uint64_t>(rows->integer(8)),
                                 static_cast<std::uint64_t>(rows->integer(20))};
        block.add(static_cast<std::uint64_t>(rows->integer(0)), recordOf(*rows), numbers);
        if (block.full() && !write())
            return fail(connection.problem("cannot write"));
    }
    if (rows->code() != SQLITE_DONE || !write())
        return fail(connection.problem("cannot bring the journal to this version"));
    return {};
}

}  // namespace muster::pool
