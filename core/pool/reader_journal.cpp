/// The part of Reader that reads the journal, and the one that copies the whole file.
#include <algorithm>
#include <cerrno>
#include <chrono>
#include <fcntl.h>
#include <limits>
#include <sqlite3.h>
#include <system_error>
#include <thread>
#include <unistd.h>

#include "api/json_text.h"
#include "pool/compact.h"
#include "pool/numbers.h"
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

bool sameText(std::string_view a, std::string_view b) noexcept {
    return a.size() == b.size() && hasPrefix(a, b);
}

JournalEntry eventOf(Statement& row) {
    JournalEntry entry;
    entry.seq = static_cast<std::uint64_t>(row.integer(0));
    entry.time = timeOf(row.integer(1));
    entry.id = static_cast<std::uint32_t>(row.integer(2));
    entry.machine = row.text(3);
    entry.cmid = row.guid(4);
    entry.message = row.text(5);
    const std::int64_t severity = row.isNull(6) ? static_cast<int>(Severity::info) : row.integer(6);
    entry.severity = static_cast<Severity>(std::clamp<std::int64_t>(severity, 0, static_cast<int>(Severity::critical)));
    entry.source = row.text(7);
    if (!row.isNull(8))
        // The database's content is not trusted to be well-formed: what is no JSON is shown as no fields.
        entry.fields = api::parseJson(row.text(8)).value_or(Json());
    return entry;
}

JournalEntry requestOf(std::uint64_t seq, const RequestRecord& record, const RowNumbers& rows, const Numbers& numbers) {
    JournalEntry entry;
    entry.seq = seq;
    entry.time = record.received;
    entry.id = JournalEntry::kRequestId;
    entry.machine = record.request.machine.view();
    entry.cmid = record.request.cmid;
    entry.message = record.reason;
    entry.address = record.source;
    entry.address.scopeId = 0;
    entry.wellFormed = record.wellFormed;
    entry.counted = record.counted;
    entry.request = record.request;
    if (rows.product != 0) {
        const Numbers::Product product = numbers.product(static_cast<std::int64_t>(rows.product));
        entry.request.application = product.application;
        entry.request.counted = product.counted;
        entry.request.sku = product.sku;
    }
    entry.result = record.result;
    entry.fault = record.fault;
    entry.count = record.count;
    entry.attempts = record.attempts;
    entry.waited = record.waited;
    entry.upstream = record.upstream;
    if (const std::string* name = numbers.upstream(static_cast<std::int64_t>(rows.upstream)))
        entry.upstream = *name;
    return entry;
}

/// Requests and events in one order, from one number on, in one direction.
class JournalWalk {
public:
    JournalWalk(Connection& connection, const JournalQuery& query, const Numbers& numbers) noexcept
        : connection_(connection), query_(query), numbers_(numbers), forward_(query.after.has_value()) {
        if (!query_.upstream.empty())
            for (const auto& [id, name] : numbers_.upstreams)
                if (sameText(name, query_.upstream))
                    upstreams_.push_back(static_cast<std::uint64_t>(id));
    }

    Result<void> prepare();
    enum class End : std::uint8_t { all, page, pause, failed };
    /// Adds to `page` what comes after `at`, and moves it along. `page`: the page is full and there is more; `pause`:
    /// `until` has come.
    End walk(std::uint64_t& at, std::size_t limit, Clock::time_point until, JournalPage& page);

private:
    bool before(std::uint64_t a, std::uint64_t b) const noexcept { return forward_ ? a < b : a > b; }
    bool wantsRequests() const noexcept { return !query_.id || *query_.id == JournalEntry::kRequestId; }
    bool wantsEvents() const noexcept { return query_.upstream.empty(); }
    bool wanted(const RequestRecord& record, const RowNumbers& rows) const;
    bool wanted(Statement& event) const;
    /// The requests of the block in `blocks_` that are wanted and lie after `at`, in the order of the walk.
    void readMatches(std::uint64_t at);

    Connection& connection_;
    const JournalQuery& query_;
    const Numbers& numbers_;
    const bool forward_;
    std::vector<std::uint64_t> upstreams_;  // numbers of the one that is asked for
    Statement events_;
    Statement blocks_;
    std::vector<JournalEntry> matches_;
};

Result<void> JournalWalk::prepare() {
    auto events =
        connection_.prepare(std::string("SELECT seq,time,id,machine,cmid,message,severity,source,fields FROM event ") +
                            (forward_ ? "WHERE seq>?1 ORDER BY seq" : "WHERE seq<?1 ORDER BY seq DESC"));
    // Forward from the block that may hold the number itself.
    auto blocks = connection_.prepare(
        std::string("SELECT first,last,latest,records FROM requests ") +
        (forward_ ? "WHERE first>=ifnull((SELECT max(first) FROM requests WHERE first<=?1),0) ORDER BY first"
                  : "WHERE first<?1 ORDER BY first DESC"));
    if (!events || !blocks)
        return fail(events ? blocks.error() : events.error());
    events_ = std::move(*events);
    blocks_ = std::move(*blocks);
    return {};
}

bool JournalWalk::wanted(const RequestRecord& record, const RowNumbers& rows) const {
    if (query_.cmid && record.request.cmid != *query_.cmid)
        return false;
    if (query_.since && record.received < *query_.since)
        return false;
    if (!query_.upstream.empty() &&
        std::find(upstreams_.begin(), upstreams_.end(), rows.upstream) == upstreams_.end() &&
        !sameText(record.upstream, query_.upstream))
        return false;
    return hasPrefix(record.request.machine.view(), query_.machinePrefix);
}

bool JournalWalk::wanted(Statement& event) const {
    if (query_.id && event.integer(2) != std::int64_t{*query_.id})
        return false;
    if (query_.since && timeOf(event.integer(1)) < *query_.since)
        return false;
    if (query_.cmid && event.guid(4) != *query_.cmid)
        return false;
    return hasPrefix(event.text(3), query_.machinePrefix);
}

void JournalWalk::readMatches(std::uint64_t at) {
    matches_.clear();
    if (query_.since && timeOf(blocks_.integer(2)) < *query_.since)
        return;
    // Damage ends a block: what can be read is shown.
    (void)readBlock(blocks_.blob(3), static_cast<std::uint64_t>(blocks_.integer(0)),
                    [&](std::uint64_t seq, const RequestRecord& record, const RowNumbers& rows) {
                        if (before(at, seq) && wanted(record, rows))
                            matches_.push_back(requestOf(seq, record, rows, numbers_));
                    });
    if (!forward_)
        std::reverse(matches_.begin(), matches_.end());
}

JournalWalk::End JournalWalk::walk(std::uint64_t& at, std::size_t limit, Clock::time_point until, JournalPage& page) {
    const Resetting resetEvents(events_);
    const Resetting resetBlocks(blocks_);
    events_.bind(1, static_cast<std::int64_t>(at));
    blocks_.bind(1, static_cast<std::int64_t>(at));
    bool event = wantsEvents() && events_.step();
    bool block = wantsRequests();
    for (int seen = 1;;) {
        // One block at a time, and with it the events up to its far end; behind the last block, all others.
        block = block && blocks_.step();
        if (block && page.entries.size() == limit)
            return End::page;
        matches_.clear();
        if (block)
            readMatches(at);
        const auto end = block ? static_cast<std::uint64_t>(blocks_.integer(forward_ ? 1 : 0)) : std::uint64_t{0};
        for (std::size_t next = 0;;) {
            const auto eventSeq = event ? static_cast<std::uint64_t>(events_.integer(0)) : 0;
            const bool eventIsDue = event && (!block || !before(end, eventSeq));
            if (!eventIsDue && next == matches_.size())
                break;
            if (page.entries.size() == limit)
                return End::page;
            if (next < matches_.size() && (!eventIsDue || before(matches_[next].seq, eventSeq))) {
                at = matches_[next].seq;
                page.entries.push_back(std::move(matches_[next++]));
            } else {
                at = eventSeq;
                if (wanted(events_))
                    page.entries.push_back(eventOf(events_));
                event = events_.step();
            }
            if (++seen % kLookAtClock == 0 && Clock::now() >= until)
                return End::pause;
        }
        if (!block)
            break;
        at = forward_ ? std::max(at, end) : std::min(at, end);
        if (Clock::now() >= until)
            return End::pause;
    }
    const auto readToTheEnd = [](const Statement& statement, bool asked) {
        return !asked || statement.code() == SQLITE_DONE || statement.code() == SQLITE_ROW;
    };
    return readToTheEnd(events_, wantsEvents()) && readToTheEnd(blocks_, wantsRequests()) ? End::all : End::failed;
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
    const auto numbers = loadNumbers(*connection);
    if (!numbers)
        return fail(numbers.error());
    JournalWalk journal(*connection, query, *numbers);
    if (auto prepared = journal.prepare(); !prepared)
        return fail(prepared.error());
    constexpr auto kTop = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    std::uint64_t at = std::min(query.after ? *query.after : query.before == 0 ? kTop : query.before, kTop);
    const std::size_t limit = std::clamp<std::size_t>(query.limit, 1, 10'000);
    JournalPage page;
    const auto longest = Clock::now() + kLongest;
    for (;;) {
        const auto end = journal.walk(at, limit, Clock::now() + kSlice, page);
        if (end == JournalWalk::End::failed)
            return fail(connection->problem("cannot read the journal"));
        if (end == JournalWalk::End::all)
            return page;
        if (end == JournalWalk::End::page || Clock::now() >= longest) {
            page.next = at;
            return page;
        }
    }
}

Result<void> Reader::backup(const std::string& path, const std::atomic<bool>& stopping) {
    if (access(path.c_str(), F_OK) == 0)
        return fail(Code::duplicate, path, "the file exists; name another one");
    auto source = files_.connect(Connection::Use::read);
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
