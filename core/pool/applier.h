/// The thread that brings what is on disk in the intake into the database: late, in large transactions, at low
/// priority.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "pool/files.h"
#include "pool/rescue.h"
#include "pool/tables.h"

namespace muster::pool {

class Retention;

struct ApplierConfig {
    std::size_t limit = 8u << 20;           ///< octets waiting
    std::chrono::milliseconds delay{1000};  ///< how long a record may wait for company
    std::chrono::hours retentionAge{24 * 400};
    std::uint64_t retentionOctets = 300u << 20;
};

class Applier {
public:
    /// @param connection  writing, with the schema, given over with the tables on it
    /// @param note  takes an event of the store's own. @thread the applier's
    Applier(ApplierConfig config, std::unique_ptr<Connection> connection, std::unique_ptr<Tables> tables,
            DatabaseFiles& files, LiveTotals& totals, std::function<void(EventRecord)> note);
    ~Applier();
    Applier(const Applier&) = delete;
    Applier& operator=(const Applier&) = delete;

    void start();
    /// Applies what waits, unless the store is in trouble, and ends the thread.
    void stop() noexcept;

    /// In the order of their numbers. @thread any; never waits
    void push(std::deque<Piece> pieces);
    /// Room for more, or trouble, or `stopped` is true. Waits for one of them, at most `limit`. True: there is room.
    bool waitForRoom(std::chrono::milliseconds limit);
    /// All records up to `seq` are to be safe from a power cut soon: their file is to be used again. @thread any
    void wantSafe(std::uint64_t seq);
    bool waitForSafe(std::uint64_t seq, std::chrono::milliseconds limit);
    std::uint64_t safe() const noexcept { return safe_.load(std::memory_order_acquire); }
    /// Waits until everything up to `seq` is applied.
    bool settle(std::uint64_t seq, std::chrono::milliseconds limit);

    /// The sums as they are now. @thread any
    Totals totals() const noexcept { return totals_.now(); }
    /// Of the database. @thread any
    std::int64_t identity() const noexcept { return identity_.load(std::memory_order_relaxed); }
    /// The last record that it has. @thread any
    std::uint64_t inDatabase() const noexcept { return inDatabase_.load(std::memory_order_relaxed); }

    std::string trouble() const;
    bool troubled() const noexcept { return troubled_.load(std::memory_order_acquire); }
    /// The file is not where it belongs (a sentence), or is again (empty): nothing is written meanwhile. @thread any
    void misplaced(std::string sentence);
    /// Goes on with the database that `make` gives; it gets the last record that the old one had, and that one's
    /// identity. Meanwhile nothing is written. What waits is written to the new one. @thread any
    Result<Rescued> replace(const std::function<Result<Rescued>(std::uint64_t applied, std::int64_t identity)>& make);

    /// No transaction begins while this is held: the end of a checkpoint needs a moment of quiet.
    std::mutex& quiet() noexcept { return writing_; }
    /// Pages in the write-ahead log after the last commit.
    int walPages() const noexcept { return walPages_.load(std::memory_order_relaxed); }
    /// All of the log is in the database: the next transaction begins it anew. @thread any
    void checkpointed() noexcept { walPages_.store(0, std::memory_order_relaxed); }
    /// Opens the database anew before the next transaction: a checkpoint's sync failed. @thread any
    void reopen() noexcept { reopen_.store(true, std::memory_order_release); }

private:
    void run();
    bool applyOnce(bool durable);
    bool ensureOpen();
    void setTrouble(std::string sentence);
    bool open();
    void beginWith();

    const ApplierConfig config_;
    DatabaseFiles& files_;
    LiveTotals& totals_;
    const std::function<void(EventRecord)> note_;
    std::mutex retaining_;  // the connection stays while retention works on it; taken before writing_
    std::mutex writing_;    // taken before mutex_
    std::unique_ptr<Connection> connection_;
    std::unique_ptr<Tables> tables_;
    std::unique_ptr<Retention> retention_;
    std::deque<Piece> batch_;                   // in work
    std::atomic<std::uint64_t> inDatabase_{0};  // the last record that is in it
    std::atomic<std::int64_t> identity_{0};     // of the database

    mutable std::mutex mutex_;
    std::condition_variable work_;      // for the thread
    std::condition_variable progress_;  // for those who wait for it
    std::deque<Piece> waiting_;
    std::size_t octets_ = 0;  // of waiting_ and of the batch in work
    std::chrono::steady_clock::time_point oldest_;
    std::uint64_t applied_ = 0;
    std::uint64_t wanted_ = 0;
    std::string trouble_;
    std::string misplaced_;
    bool urgent_ = false;
    bool stopping_ = false;
    std::atomic<bool> troubled_{false};
    std::atomic<bool> reopen_{false};
    std::atomic<std::uint64_t> safe_{0};
    std::atomic<int> walPages_{0};
    std::thread thread_;
};

/// Lowers the priority of the calling thread and names it.
void beBackground(const char* name, int nice) noexcept;

}  // namespace muster::pool
