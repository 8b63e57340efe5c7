/// The part of Reader that reads the journal, and the one that copies the whole file.
#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <fcntl.h>
#include <sqlite3.h>
#include <system_error>
#include <thread>
#include <unistd.h>

#include "api/json_text.h"
#include "pool/reader.h"
#include "pool/segment.h"

namespace muster::pool {

namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::milliseconds kSlice{100};
constexpr std::chrono::milliseconds kLongest{2000};
constexpr int kLookAtClock = 256;

Timestamp timeOf(std::int64_t milliseconds) noexcept {
    return Timestamp(std::chrono::milliseconds(milliseconds));
}

bool hasPrefix(std::string_view text, std::string_view prefix) noexcept {
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
    return text.size() >= prefix.size() &&
           std::equal(prefix.begin(), prefix.end(), text.begin(), [&](char a, char b) { return lower(a) == lower(b); });
}

Guid guidAt(Octets octets, std::size_t at) noexcept {
    Guid guid;
    if (octets.size() >= at + 16)
        std::copy_n(octets.begin() + static_cast<std::ptrdiff_t>(at), 16, guid.octets.begin());
    return guid;
}

JournalEntry entryOf(Statement& row) {
    JournalEntry entry;
    entry.seq = static_cast<std::uint64_t>(row.integer(0));
    entry.time = timeOf(row.integer(1));
    entry.id = static_cast<std::uint32_t>(row.integer(2));
    entry.machine = row.text(3);
    entry.cmid = row.guid(4);
    entry.message = row.text(20);
    entry.source = row.text(22);
    const std::int64_t severity = row.isNull(21) ? static_cast<int>(Severity::info) : row.integer(21);
    entry.severity = static_cast<Severity>(std::clamp<std::int64_t>(severity, 0, static_cast<int>(Severity::critical)));
    if (!row.isNull(23))
        // The database's content is not trusted to be well-formed: what is no JSON is shown as no fields.
        entry.fields = api::parseJson(row.text(23)).value_or(Json());
    if (!entry.isRequest() || row.isNull(7))
        return entry;
    const auto number = [&row](int column) { return static_cast<std::uint32_t>(row.integer(column)); };
    const Octets address = row.blob(5);
    if (address.size() == 4)
        entry.address.octets = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0};
    if (address.size() == 4 || address.size() == 16)
        std::memcpy(entry.address.octets.data() + (16 - address.size()), address.data(), address.size());
    entry.address.port = static_cast<std::uint16_t>(row.integer(6));
    entry.wellFormed = (row.integer(7) & 1) != 0;
    entry.counted = (row.integer(7) & 2) != 0;
    ActivationRequest& request = entry.request;
    request.major = static_cast<std::uint16_t>(row.integer(8) >> 16);
    request.minor = static_cast<std::uint16_t>(row.integer(8) & 0xffff);
    if (const Octets guids = row.blob(10); guids.size() == 48) {
        request.application = guidAt(guids, 0);
        request.counted = guidAt(guids, 16);
        request.sku = guidAt(guids, 32);
    } else {
        request.application = row.guid(24);
        request.counted = row.guid(25);
        request.sku = row.guid(26);
    }
    request.cmid = entry.cmid;
    request.requiredClients = number(11);
    request.clientTime.ticks = static_cast<std::uint64_t>(row.integer(12));
    request.vmInfo = number(13);
    request.licenseStatus = number(14);
    request.minutesToExpiry = number(15);
    request.previousCmid = row.guid(16);
    request.machine.assign(entry.machine);
    entry.result = static_cast<HResult>(number(17));
    entry.fault = number(18);
    entry.count = number(19);
    entry.upstream = row.text(27);
    entry.attempts = number(28);
    entry.waited = number(29);
    return entry;
}

/// Renames without replacing: a file that came into being meanwhile is the user's.
bool renameToFree(const std::string& from, const std::string& to) noexcept {
    if (link(from.c_str(), to.c_str()) != 0)
        return false;
    unlink(from.c_str());
    return true;
}

}  // namespace

Result<JournalPage> Reader::journal(const JournalQuery& query) {
    auto acquired = acquire();
    if (!acquired)
        return fail(acquired.error());
    const Lease connection(*this, std::move(*acquired));
    const bool forward = query.after.has_value();
    auto rows = connection->prepare(
        std::string(
            "SELECT j.seq,j.time,j.id,j.machine,j.cmid,j.address,j.port,j.flags,j.version,j.product,j.guids,"
            "j.required,j.client_time,j.vm_info,j.license_status,j.minutes,j.previous_cmid,j.result,j.fault,"
            "j.count,j.message,j.severity,j.source,j.fields,p.application,p.counted,p.sku,u.name,j.attempts,j.waited "
            "FROM journal j LEFT JOIN product p ON p.id=j.product LEFT JOIN upstream u ON u.id=j.upstream ") +
        (forward ? "WHERE j.seq>?1 ORDER BY j.seq" : "WHERE j.seq<?1 ORDER BY j.seq DESC"));
    if (!rows)
        return fail(rows.error());
    constexpr auto kTop = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    std::uint64_t at = forward ? *query.after : query.before == 0 ? kTop : query.before;
    const std::size_t limit = std::clamp<std::size_t>(query.limit, 1, 10'000);
    const auto wanted = [&](Statement& row) {
        if (query.id && row.integer(2) != std::int64_t{*query.id})
            return false;
        if (query.since && timeOf(row.integer(1)) < *query.since)
            return false;
        if (query.cmid && row.guid(4) != *query.cmid)
            return false;
        if (const std::string_view name = query.upstream;
            !name.empty() && (row.text(27).size() != name.size() || !hasPrefix(row.text(27), name)))
            return false;
        return hasPrefix(row.text(3), query.machinePrefix);
    };
    JournalPage page;
    const auto longest = Clock::now() + kLongest;
    bool more = true;
    while (more) {
        rows->bind(1, static_cast<std::int64_t>(std::min(at, kTop)));
        const Resetting reset(*rows);
        const auto end = Clock::now() + kSlice;
        more = false;
        for (int seen = 1; rows->step(); ++seen) {
            if (page.entries.size() == limit) {
                page.next = at;
                break;
            }
            at = static_cast<std::uint64_t>(rows->integer(0));
            if (wanted(*rows))
                page.entries.push_back(entryOf(*rows));
            if (seen % kLookAtClock == 0 && Clock::now() >= end) {
                more = true;
                break;
            }
        }
        if (rows->code() != SQLITE_ROW && rows->code() != SQLITE_DONE)
            return fail(connection->problem("cannot read the journal"));
        if (more && Clock::now() >= longest) {
            page.next = at;
            break;
        }
    }
    return page;
}

Result<void> Reader::backup(const std::string& path, const std::atomic<bool>& stopping) {
    if (access(path.c_str(), F_OK) == 0)
        return fail(Code::duplicate, path, "the file exists; name another one");
    auto source = Connection::open(path_, Connection::Use::read);
    if (!source)
        return fail(source.error());
    const std::string part = path + ".part";
    unlink(part.c_str());  // what an earlier attempt left
    sqlite3* target = nullptr;
    Result<void> outcome;
    if (sqlite3_open_v2(part.c_str(), &target, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, nullptr) != SQLITE_OK) {
        outcome = fail(Code::storage, path, std::string("cannot make the file: ") + sqlite3_errmsg(target));
    } else if (sqlite3_backup* copy = sqlite3_backup_init(target, "main", (*source)->handle(), "main")) {
        // In small steps, each a short read transaction; what is written meanwhile makes it begin anew. After three
        // of those it is done in one piece.
        int code = SQLITE_OK;
        int left = std::numeric_limits<int>::max();
        int anew = 0;
        while (!stopping && (code == SQLITE_OK || code == SQLITE_BUSY)) {
            code = sqlite3_backup_step(copy, anew < 3 ? 1024 : -1);
            if (sqlite3_backup_remaining(copy) >= left)
                ++anew;
            left = sqlite3_backup_remaining(copy);
        }
        const int finished = sqlite3_backup_finish(copy);
        if (code != SQLITE_DONE || finished != SQLITE_OK)
            outcome =
                fail(Code::storage, path, stopping ? "stopped" : std::string("cannot copy: ") + sqlite3_errmsg(target));
    } else {
        outcome = fail(Code::storage, path, std::string("cannot copy: ") + sqlite3_errmsg(target));
    }
    sqlite3_close(target);
    if (outcome && !renameToFree(part, path))
        outcome = fail(systemError(path, "name the copy", errno));
    if (!outcome)
        unlink(part.c_str());
    return outcome;
}

}  // namespace muster::pool
