/// Keeps the database below its limits of age and size, a little at a time, between the applier's transactions.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>

#include "pool/age_clock.h"
#include "pool/database.h"
#include "pool/store.h"
#include "pool/totals.h"

namespace muster::pool {

/// By age: journal rows and clients older than `age`. By size: first clients that were seen once and never activated,
/// then the journal, oldest first, then clients unseen for longer than a host counts them (30 days). Freed pages go
/// back to the file system.
class Retention {
public:
    static constexpr std::chrono::milliseconds kPause{5000};  ///< between two looks when nothing is to do

    Retention(Connection& connection, LiveTotals& totals, std::chrono::hours age, std::uint64_t octets);

    /// One slice: at most some thousand rows. True: there is more to do.
    /// @param writing  held while it writes
    /// @param note  told when a round by size is over, and when the clock went ahead and is not believed
    bool work(std::mutex& writing, const std::function<void(EventRecord)>& note);

private:
    enum class Step : std::uint8_t { idle, journalByAge, clientsByAge, once, journal, unseen, vacuum };

    std::uint64_t used();
    /// The time to measure ages by, since 1970. @param doubt  gets by how much the clock went ahead, when that is new
    std::int64_t readClock(AgeClock::Milliseconds& doubt);
    void keepClock();
    std::int64_t meta(const char* name);
    bool clients(const char* condition, std::int64_t limit);
    bool dropClients(const char* condition, const std::string& to, std::int64_t limit);
    bool journal(std::int64_t keepFrom, bool byAge);
    void next(Step step) noexcept;

    Connection& connection_;
    LiveTotals& totals_;
    std::chrono::hours age_;
    std::uint64_t octets_;
    AgeClock clock_;
    std::chrono::steady_clock::time_point clockRead_ = std::chrono::steady_clock::now();
    Step step_ = Step::idle;
    std::string cursor_;  // of clients(): the last CMID looked at, 16 octets
    std::chrono::steady_clock::time_point nextAge_{};
    std::uint64_t droppedClients_ = 0;
    std::uint64_t droppedJournal_ = 0;
    bool bySize_ = false;
};

}  // namespace muster::pool
