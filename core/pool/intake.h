/// The thread that makes records durable: what waited during the last sync goes to disk in one write and one sync.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "pool/applier.h"
#include "pool/segment.h"

namespace muster::pool {

struct IntakeConfig {
    std::string directory;
    std::size_t segmentOctets = 8u << 20;  ///< of one file; there are two
    std::size_t limit = 8u << 20;          ///< octets queued, and again octets kept while the store is in trouble
    Segment::Way way = Segment::Way::best;
};

class Intake {
public:
    /// @param free  files whose records are all safe in the database
    /// @param next  the first sequence number to give
    /// @param note  takes an event of the store's own
    Intake(IntakeConfig config, Applier& applier, std::vector<std::unique_ptr<Segment>> free, std::uint64_t next,
           LiveTotals& totals, std::function<void(EventRecord)> note);
    ~Intake();
    Intake(const Intake&) = delete;
    Intake& operator=(const Intake&) = delete;

    void start();
    /// Writes what is queued, unless the store is in trouble, and ends the thread. Every `done` was called then.
    void stop() noexcept;

    /// @thread any; never waits for the disk. `done` is called on this thread when there is no room
    void push(Piece piece);
    /// The last number that is on disk. @thread any
    std::uint64_t acknowledged() const noexcept { return acknowledged_.load(std::memory_order_acquire); }
    std::string trouble() const;
    /// Looks whether the file in use is where it belongs; if not, another is begun. @thread any
    void check();

private:
    struct Retired {
        std::unique_ptr<Segment> segment;
        std::uint64_t last;   // its highest number
        bool broken = false;  // not to be written again; removed once its records are safe
    };

    void run();
    /// Waits for what is to be done: something queued, or the time of `retry` while there is a backlog. False: to end.
    bool take(std::deque<Piece>& batch, std::chrono::steady_clock::time_point retry);
    bool writeBacklog();
    /// Records that found no room and that nobody was told of.
    std::uint64_t lostNow() const noexcept {
        return lost_.load(std::memory_order_relaxed) + overflow_.load(std::memory_order_relaxed) -
               lostSaid_.load(std::memory_order_relaxed);
    }
    /// Numbers and encodes `batch`, makes it durable. False: it failed, and `batch` is as before.
    bool write(std::deque<Piece>& batch);
    bool ensureRoom(std::size_t octets);
    bool makeSegment();
    void removeBroken();
    void fail(std::string sentence);
    void keep(std::deque<Piece>& batch);
    void accept(std::deque<Piece>& batch);

    const IntakeConfig config_;
    Applier& applier_;
    LiveTotals& totals_;
    const std::function<void(EventRecord)> note_;

    // of the thread
    std::vector<std::unique_ptr<Segment>> free_;
    std::vector<Retired> retired_;
    std::uint64_t next_;
    unsigned nextName_ = 0;
    std::vector<std::byte> framed_;
    std::vector<std::byte> payload_;
    std::deque<Piece> backlog_;  // notDurable was said of them; written when the store is back
    std::size_t backlogOctets_ = 0;

    mutable std::mutex mutex_;
    std::condition_variable work_;
    std::deque<Piece> queue_;
    std::size_t queued_ = 0;  // octets
    std::string trouble_;
    std::atomic<bool> stopping_{false};       // set under the mutex
    std::atomic<std::uint64_t> overflow_{0};  // records refused by push()
    std::atomic<std::uint64_t> lost_{0};      // records for which the backlog had no room
    std::atomic<std::uint64_t> lostSaid_{0};
    std::atomic<std::size_t> kept_{0};        // records in the backlog
    std::atomic<std::int64_t> busySince_{0};  // milliseconds of the steady clock; 0: not busy
    std::atomic<std::uint64_t> acknowledged_;
    std::atomic<bool> misplaced_{false};
    std::mutex activeMutex_;  // active_ is looked at by check()
    std::unique_ptr<Segment> active_;
    std::thread thread_;
};

}  // namespace muster::pool
