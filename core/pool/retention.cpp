#include "pool/retention.h"

#include <algorithm>
#include <limits>
#include <span>
#include <string>

#include "pool/events.h"
#include "pool/minutes.h"

namespace muster::pool {

namespace {

constexpr int kSlice = 2000;  // clients looked at in one transaction
// Neighbours in one B-tree: cheap; more than a transaction of the applier adds.
constexpr int kEventSlice = 20'000;
constexpr int kBlockSlice = 64;
constexpr std::chrono::hours kAgeRound{1};
constexpr std::int64_t kMinute = 60'000;
constexpr std::int64_t kDay = std::int64_t{24} * 60 * kMinute;
constexpr std::int64_t kCountedFor = 30 * kDay;
/// The least part of the journal that is kept, whatever the size of the rest.
constexpr std::int64_t kLeastJournal = 1000;

}  // namespace

Retention::Retention(Connection& connection, LiveTotals& totals, std::chrono::hours age, std::uint64_t octets)
    : connection_(connection),
      totals_(totals),
      age_(age),
      octets_(octets),
      clock_({AgeClock::Milliseconds(meta("clock")), AgeClock::Milliseconds(meta("clock-doubted"))}, age) {
    // A database from before this was kept, or from a run of some seconds: its journal knows.
    if (clock_.state().time.count() == 0)
        clock_ = AgeClock({AgeClock::Milliseconds(connection_.value(
                               "SELECT max(ifnull((SELECT time FROM event ORDER BY seq DESC LIMIT 1),0),"
                               "ifnull((SELECT latest FROM requests ORDER BY first DESC LIMIT 1),0))",
                               0)),
                           {}},
                          age);
}

std::int64_t Retention::meta(const char* name) {
    return connection_.value("SELECT value FROM meta WHERE name='" + std::string(name) + "'", 0);
}

std::int64_t Retention::readClock(AgeClock::Milliseconds& doubt) {
    const auto now = std::chrono::steady_clock::now();
    const auto wall =
        std::chrono::duration_cast<AgeClock::Milliseconds>(std::chrono::system_clock::now().time_since_epoch());
    const bool believed = clock_.ahead().count() == 0;
    const auto time = clock_.advance(wall, std::chrono::duration_cast<AgeClock::Milliseconds>(now - clockRead_));
    clockRead_ = now;
    if (believed)
        doubt = clock_.ahead();
    return time.count();
}

void Retention::keepClock() {
    auto keep = connection_.prepare("INSERT INTO meta VALUES(?1,?2) ON CONFLICT(name) DO UPDATE SET value=?2");
    if (!keep)
        return;
    for (const auto& [name, value] :
         {std::pair("clock", clock_.state().time), std::pair("clock-doubted", clock_.state().doubted)}) {
        keep->bind(1, std::string_view(name));
        keep->bind(2, std::int64_t{value.count()});
        (void)keep->run();  // a failure shows itself with the next transaction
    }
}

std::uint64_t Retention::used() {
    const std::int64_t pages =
        connection_.value("PRAGMA page_count", 0) - connection_.value("PRAGMA freelist_count", 0);
    return static_cast<std::uint64_t>(pages) * static_cast<std::uint64_t>(connection_.value("PRAGMA page_size", 4096));
}

void Retention::next(Step step) noexcept {
    step_ = step;
    cursor_.clear();
}

bool Retention::clients(const char* condition, std::int64_t limit) {
    // By the key, a slice at a time: no index is there to find them by age, and none is paid for.
    auto edge =
        connection_.prepare("SELECT max(cmid) FROM (SELECT cmid FROM client WHERE cmid>?1 ORDER BY cmid LIMIT ?2)");
    if (!edge)
        return false;
    edge->bind(1, std::as_bytes(std::span(cursor_)));
    edge->bind(2, std::int64_t{kSlice});
    if (!edge->step() || edge->isNull(0))
        return false;
    const Octets last = edge->blob(0);
    const std::string to(reinterpret_cast<const char*>(last.data()), last.size());
    edge->reset();
    if (!connection_.execute("BEGIN IMMEDIATE"))
        return false;
    if (!dropClients(condition, to, limit) || !connection_.execute("COMMIT")) {
        (void)connection_.execute("ROLLBACK");
        return false;
    }
    cursor_ = to;
    return true;
}

bool Retention::dropClients(const char* condition, const std::string& to, std::int64_t limit) {
    auto count = connection_.prepare(
        "SELECT count(*) FROM (SELECT DISTINCT cmid,application FROM client WHERE cmid>?1 AND cmid<=?2)");
    auto drop =
        connection_.prepare(std::string("DELETE FROM client WHERE cmid>?1 AND cmid<=?2 AND last_seen<?3") + condition);
    auto surplus = connection_.prepare("DELETE FROM surplus WHERE cmid>?1 AND cmid<=?2 AND last_seen<?3");
    auto total = connection_.prepare("UPDATE meta SET value=value-?1 WHERE name=?2");
    if (!count || !drop || !surplus || !total)
        return false;
    for (Statement* statement : {&*count, &*drop, &*surplus}) {
        statement->bind(1, std::as_bytes(std::span(cursor_)));
        statement->bind(2, std::as_bytes(std::span(to)));
    }
    drop->bind(3, limit);
    surplus->bind(3, limit);
    const auto counted = [&] {
        const std::int64_t clients = count->step() ? count->integer(0) : 0;
        count->reset();
        return clients;
    };
    const std::int64_t before = counted();
    if (!drop->run())
        return false;
    const std::int64_t machines = connection_.changes();
    if (!surplus->run())
        return false;
    if (machines == 0)
        return true;
    const std::int64_t clients = before - counted();
    for (const auto& [change, name] : {std::pair(machines, "machines"), std::pair(clients, "clients")}) {
        total->bind(1, change);
        total->bind(2, std::string_view(name));
        if (!total->run())
            return false;
    }
    totals_.addRows(-machines, -clients);
    droppedClients_ += static_cast<std::uint64_t>(machines);
    return true;
}

bool Retention::journal(std::int64_t keepFrom, bool byAge) {
    // Both tables up to one number, so that neither runs ahead of the other.
    const std::int64_t event =
        connection_.value("SELECT seq FROM event ORDER BY seq LIMIT 1 OFFSET " + std::to_string(kEventSlice),
                          std::numeric_limits<std::int64_t>::max());
    const std::int64_t block =
        connection_.value("SELECT first FROM requests ORDER BY first LIMIT 1 OFFSET " + std::to_string(kBlockSlice),
                          std::numeric_limits<std::int64_t>::max());
    const std::int64_t below = std::min(event, block);
    const char* const age = byAge ? " AND latest<?2" : " AND last<?2";
    auto count = connection_.prepare(std::string("SELECT sum(count) FROM requests WHERE first<?1") + age);
    auto blocks = connection_.prepare(std::string("DELETE FROM requests WHERE first<?1") + age);
    auto events =
        connection_.prepare(std::string("DELETE FROM event WHERE seq<?1") + (byAge ? " AND time<?2" : " AND seq<?2"));
    if (!count || !blocks || !events)
        return false;
    for (Statement* statement : {&*count, &*blocks, &*events}) {
        statement->bind(1, below);
        statement->bind(2, keepFrom);
    }
    const std::int64_t requests = count->step() ? count->integer(0) : 0;
    count->reset();
    if (!connection_.execute("BEGIN IMMEDIATE"))
        return false;
    bool good = blocks->run();
    std::int64_t dropped = good ? requests : 0;
    good = good && events->run();
    dropped += good ? connection_.changes() : 0;
    if (!good || !connection_.execute("COMMIT")) {
        (void)connection_.execute("ROLLBACK");
        return false;
    }
    droppedJournal_ += static_cast<std::uint64_t>(dropped);
    return dropped > 0 && below != std::numeric_limits<std::int64_t>::max();
}

bool Retention::work(std::mutex& writing, const std::function<void(EventRecord)>& note) {
    const auto now = std::chrono::steady_clock::now();
    AgeClock::Milliseconds doubt{};
    const std::int64_t time = readClock(doubt);
    const std::int64_t ageLimit = time - std::chrono::duration_cast<std::chrono::milliseconds>(age_).count();
    bool ended = false;
    {
        const std::lock_guard quiet(writing);
        // Ten per cent below the limit is where a round ends, so that the next one is not due at once.
        const std::uint64_t target = octets_ - octets_ / 10;
        switch (step_) {
            case Step::idle:
                if (used() > octets_) {
                    bySize_ = true;
                    droppedClients_ = droppedJournal_ = 0;
                    next(Step::once);
                } else if (now >= nextAge_) {
                    nextAge_ = now + kAgeRound;
                    keepClock();
                    // A failure shows itself with the next transaction.
                    (void)connection_.execute(
                        ("DELETE FROM minute WHERE time<" + std::to_string(time / kMinute - kMinutesKept)).c_str());
                    next(Step::journalByAge);
                } else {
                    return false;
                }
                break;
            case Step::journalByAge:
                if (!journal(ageLimit, true))
                    next(Step::clientsByAge);
                break;
            case Step::clientsByAge:
                if (!clients("", ageLimit))
                    next(Step::vacuum);
                break;
            case Step::once:
                // An hour's grace: a machine that is about to activate is not dropped between its first two requests.
                if (used() <= target)
                    next(Step::vacuum);
                else if (!clients(" AND requests=1 AND activated=0", time - 60 * kMinute))
                    next(Step::journal);
                break;
            case Step::journal: {
                const std::int64_t last = connection_.value(
                    "SELECT max(ifnull((SELECT max(seq) FROM event),0),"
                    "ifnull((SELECT last FROM requests ORDER BY first DESC LIMIT 1),0))",
                    0);
                if (used() <= target)
                    next(Step::vacuum);
                else if (!journal(last - kLeastJournal, false))
                    next(Step::unseen);
                break;
            }
            case Step::unseen:
                if (used() <= target || !clients("", time - kCountedFor))
                    next(Step::vacuum);
                break;
            case Step::vacuum: {
                if (connection_.value("PRAGMA freelist_count", 0) > 1024 &&
                    connection_.execute("PRAGMA incremental_vacuum(512)"))
                    return true;
                next(Step::idle);
                ended = bySize_;
                bySize_ = false;
                break;
            }
        }
    }
    if (doubt.count() > 0)
        note(storeEvent(kEventClockAhead, std::to_string(doubt.count() / kDay) + " days"));
    if (ended && droppedClients_ + droppedJournal_ > 0)
        note(storeEvent(kEventRetention, std::to_string(droppedClients_) + " clients, " +
                                             std::to_string(droppedJournal_) + " entries of the journal"));
    return step_ != Step::idle;
}

}  // namespace muster::pool
