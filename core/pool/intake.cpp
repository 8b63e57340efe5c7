#include "pool/intake.h"

#include <algorithm>
#include <pthread.h>
#include <unistd.h>

#include "pool/compact.h"
#include "pool/events.h"

namespace muster::pool {

namespace {

constexpr std::size_t kMostAtOnce = std::size_t{1} << 20;  // octets of one write
constexpr std::chrono::milliseconds kRetry{250};
constexpr std::size_t kSegments = 2;
constexpr std::int64_t kSilence = 1000;  // milliseconds

std::int64_t ticks() noexcept {
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now().time_since_epoch())
        .count();
}

/// Says how long the thread has been busy with one batch.
class Busy {
public:
    explicit Busy(std::atomic<std::int64_t>& since) noexcept : since_(since) {
        since_.store(ticks(), std::memory_order_relaxed);
    }
    ~Busy() { since_.store(0, std::memory_order_relaxed); }
    Busy(const Busy&) = delete;
    Busy& operator=(const Busy&) = delete;

private:
    std::atomic<std::int64_t>& since_;
};

}  // namespace

Intake::Intake(IntakeConfig config, Applier& applier, std::vector<std::unique_ptr<Segment>> free, std::uint64_t next,
               LiveTotals& totals, std::function<void(EventRecord)> note)
    : config_(std::move(config)),
      applier_(applier),
      totals_(totals),
      note_(std::move(note)),
      free_(std::move(free)),
      next_(next),
      acknowledged_(next - 1) {}

Intake::~Intake() {
    stop();
}

void Intake::start() {
    thread_ = std::thread([this] { run(); });
}

void Intake::stop() noexcept {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    work_.notify_all();
    if (thread_.joinable())
        thread_.join();
}

void Intake::push(Piece piece) {
    const std::size_t octets = piece.octets();
    bool wake = false;
    bool taken = false;
    {
        const std::lock_guard lock(mutex_);
        taken = !stopping_ && queued_ + octets <= config_.limit * 2;
        if (taken) {
            wake = queue_.empty();
            queued_ += octets;
            queue_.push_back(std::move(piece));
        }
    }
    if (wake)
        work_.notify_one();
    if (!taken) {
        // It was moved only if it was taken.
        overflow_.fetch_add(piece.records(), std::memory_order_relaxed);  // NOLINT(bugprone-use-after-move): see above
        if (piece.done)
            piece.done(Durability::notDurable);
    }
}

std::string Intake::trouble() const {
    std::string text;
    {
        const std::lock_guard lock(mutex_);
        text = trouble_;
    }
    const std::int64_t since = busySince_.load(std::memory_order_relaxed);
    if (text.empty() && since != 0)
        if (const std::int64_t waiting = ticks() - since; waiting > kSilence)
            text = "the disk has not answered for " + std::to_string(waiting / 1000) +
                   " s: check the medium and the system's log";
    if (text.empty())
        return text;
    if (const std::size_t kept = kept_.load(std::memory_order_relaxed); kept > 0)
        text += "; " + std::to_string(kept) + " records are kept in memory until it does";
    if (const std::uint64_t lost = lostNow(); lost > 0)
        text += ", " + std::to_string(lost) + " later ones found no room and are lost (setting pool.intake-limit)";
    return text;
}

void Intake::check() {
    const std::lock_guard lock(activeMutex_);
    if (active_ && !active_->inPlace())
        misplaced_.store(true, std::memory_order_release);
}

bool Intake::makeSegment() {
    // A name that is taken belongs to a file that was set aside or is still needed: the next one then.
    for (int tries = 0; tries < 100; ++tries) {
        const std::string path = config_.directory + "/intake-" + std::to_string(nextName_++) + ".log";
        if (access(path.c_str(), F_OK) == 0)
            continue;
        auto made = Segment::create(path, config_.segmentOctets, config_.way);
        if (made)
            if (auto synced = syncDirectory(config_.directory); !synced)
                made = muster::fail(synced.error());
        if (!made) {
            fail(made.error().text());
            return false;
        }
        const std::lock_guard lock(activeMutex_);
        active_ = std::move(*made);
        return true;
    }
    fail(config_.directory + ": no free name for a file of the intake; move intake-*.log away");
    return false;
}

void Intake::removeBroken() {
    std::erase_if(retired_, [this](const Retired& one) {
        if (!one.broken || one.last > applier_.safe())
            return false;
        if (one.segment->inPlace())
            unlink(one.segment->path().c_str());
        return true;
    });
}

bool Intake::ensureRoom(std::size_t octets) {
    if (active_ && active_->hasRoom(octets))
        return true;
    if (active_) {
        const std::lock_guard lock(activeMutex_);
        retired_.push_back({std::move(active_), next_ - 1, false});
        applier_.wantSafe(next_ - 1);
    }
    while (!free_.empty()) {
        std::unique_ptr<Segment> next = std::move(free_.back());
        free_.pop_back();
        if (!next->inPlace())
            continue;  // somebody removed it: what was written there nobody would find
        const std::lock_guard lock(activeMutex_);
        active_ = std::move(next);
        active_->rewind();
        return true;
    }
    for (Retired& one : retired_)
        one.broken = one.broken || !one.segment->inPlace();
    removeBroken();
    const auto usable = [](const Retired& one) { return !one.broken; };
    if (std::count_if(retired_.begin(), retired_.end(), usable) < static_cast<std::ptrdiff_t>(kSegments))
        return makeSegment();
    // Both are full: the older one is free as soon as the database has its records for good.
    const auto oldest = std::find_if(retired_.begin(), retired_.end(), usable);
    while (!applier_.waitForSafe(oldest->last, kRetry)) {
        const std::string trouble = applier_.trouble();
        const std::lock_guard lock(mutex_);
        if (!trouble.empty()) {
            trouble_ = trouble;
            return false;
        }
    }
    const std::lock_guard lock(activeMutex_);
    active_ = std::move(oldest->segment);
    retired_.erase(oldest);
    active_->rewind();
    return true;
}

void Intake::fail(std::string sentence) {
    bool changed = false;
    {
        const std::lock_guard lock(mutex_);
        changed = trouble_.empty();
        trouble_ = sentence;
    }
    if (changed)
        note_(storeEvent(kEventTrouble, std::move(sentence)));
}

bool Intake::write(std::deque<Piece>& batch) {
    framed_.clear();
    // The salt is the file's: room first, by an upper bound, then the octets.
    std::size_t bound = 0;
    for (const Piece& piece : batch)
        bound += piece.note ? kMaxPayload + 64 : piece.requests.size() * (1 + kMostCompact + 32);
    if (!ensureRoom(std::min(bound, config_.segmentOctets - kHeadSize)))
        return false;
    if (misplaced_.exchange(false)) {
        const std::lock_guard lock(activeMutex_);
        retired_.push_back({std::move(active_), next_ - 1, true});
        applier_.wantSafe(next_ - 1);  // what only that file had is on its way into the database
    }
    if (!active_ && !ensureRoom(bound))
        return false;
    const std::uint64_t synced = acknowledged();
    std::uint64_t seq = next_;
    std::uint64_t previous = synced;
    const auto add = [&] {
        frame(active_->salt(), {seq, previous, synced}, payload_, framed_);
        previous = seq++;
    };
    for (Piece& piece : batch) {
        piece.first = seq;
        for (const RequestRecord& record : piece.requests) {
            payload_.clear();
            encode(record, payload_);
            add();
        }
        if (piece.note) {
            payload_.clear();
            encode(*piece.note, payload_);
            add();
        }
    }
    const auto written = active_->append(framed_);
    if (!written) {
        {
            const std::lock_guard lock(activeMutex_);
            // What of these numbers reached the disk nobody knows: they are not given again.
            next_ = seq;
            retired_.push_back({std::move(active_), synced, true});
        }
        applier_.wantSafe(synced);
        fail(written.error().text());
        return false;
    }
    next_ = seq;
    acknowledged_.store(seq - 1, std::memory_order_release);
    return true;
}

void Intake::keep(std::deque<Piece>& batch) {
    for (Piece& piece : batch) {
        if (piece.done)
            piece.done(Durability::notDurable);
        piece.done = nullptr;
        if (backlogOctets_ + piece.octets() > config_.limit) {
            lost_.fetch_add(piece.records(), std::memory_order_relaxed);
            continue;
        }
        backlogOctets_ += piece.octets();
        kept_.fetch_add(piece.records(), std::memory_order_relaxed);
        backlog_.push_back(std::move(piece));
    }
    batch.clear();
}

void Intake::accept(std::deque<Piece>& batch) {
    std::vector<std::function<void(Durability)>> done;
    done.reserve(batch.size());
    for (Piece& piece : batch) {
        totals_.add(piece);
        if (piece.done)
            done.push_back(std::move(piece.done));
    }
    // Handed over first: who has its answer and asks at once finds it among what settle() waits for.
    applier_.push(std::move(batch));
    batch.clear();
    for (const auto& call : done)
        call(Durability::durable);
}

bool Intake::take(std::deque<Piece>& batch, std::chrono::steady_clock::time_point retry) {
    std::unique_lock lock(mutex_);
    const auto due = [this] { return stopping_ || !queue_.empty(); };
    if (backlog_.empty())
        work_.wait(lock, due);
    else
        work_.wait_until(lock, retry, due);
    std::size_t octets = 0;
    while (!queue_.empty() && octets < kMostAtOnce) {
        octets += queue_.front().octets();
        queued_ -= queue_.front().octets();
        batch.push_back(std::move(queue_.front()));
        queue_.pop_front();
    }
    return !stopping_ || !batch.empty();
}

bool Intake::writeBacklog() {
    const Busy busy(busySince_);
    if (!applier_.waitForRoom(std::chrono::milliseconds(0)) || !write(backlog_))
        return false;
    accept(backlog_);
    backlogOctets_ = 0;
    kept_.store(0, std::memory_order_relaxed);
    {
        const std::lock_guard lock(mutex_);
        trouble_.clear();
    }
    note_(storeEvent(kEventRecovered, {}));
    if (const std::uint64_t lost = lostNow(); lost > 0) {
        note_(storeEvent(kEventRecordsLost, std::to_string(lost) + " records found no room in memory"));
        lostSaid_.fetch_add(lost, std::memory_order_relaxed);
    }
    return true;
}

void Intake::run() {
    pthread_setname_np(pthread_self(), "pool-intake");
    std::deque<Piece> batch;
    auto retry = std::chrono::steady_clock::now();
    while (take(batch, retry)) {
        if (!backlog_.empty()) {
            keep(batch);  // nobody waits for a disk that is known to be gone
            if (std::chrono::steady_clock::now() >= retry && !writeBacklog())
                retry = std::chrono::steady_clock::now() + kRetry;
            continue;
        }
        if (batch.empty())
            continue;
        const Busy busy(busySince_);
        // Beyond the bound answers wait: what is queued stays queued until the applier has caught up.
        bool room = true;
        while (!(room = applier_.waitForRoom(kRetry)) && !applier_.troubled() && !stopping_) {
        }
        if (!room && applier_.troubled()) {
            const std::string trouble = applier_.trouble();
            const std::lock_guard lock(mutex_);
            trouble_ = trouble;
        } else if (write(batch)) {
            accept(batch);
            continue;
        }
        keep(batch);
        retry = std::chrono::steady_clock::now() + kRetry;
    }
    if (!backlog_.empty())
        writeBacklog();
}

}  // namespace muster::pool
