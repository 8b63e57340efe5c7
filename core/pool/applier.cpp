#include "pool/applier.h"

#include <algorithm>
#include <pthread.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "pool/events.h"
#include "pool/retention.h"

namespace muster::pool {

namespace {

constexpr std::size_t kEnough = std::size_t{4} << 20;  // octets that are applied without waiting for company
constexpr std::chrono::milliseconds kRetry{250};
constexpr int kMostWalPages = 24'000;  // 94 MiB: then the applier waits for the checkpoint

using Clock = std::chrono::steady_clock;

}  // namespace

void beBackground(const char* name, int nice) noexcept {
    pthread_setname_np(pthread_self(), name);
    // On Linux the nice value is the thread's own.
    setpriority(PRIO_PROCESS, static_cast<id_t>(syscall(SYS_gettid)), nice);
}

Applier::Applier(ApplierConfig config, std::unique_ptr<Connection> connection, std::unique_ptr<Tables> tables,
                 DatabaseFiles& files, LiveTotals& totals, std::function<void(EventRecord)> note)
    : config_(std::move(config)),
      files_(files),
      totals_(totals),
      note_(std::move(note)),
      connection_(std::move(connection)),
      tables_(std::move(tables)) {
    safe_ = applied_ = tables_->applied();
    identity_ = identityOf(*connection_);
    beginWith();
    files_.hold();
}

Applier::~Applier() {
    stop();
}

void Applier::beginWith() {
    inDatabase_ = tables_->applied();
    walPages_.store(0, std::memory_order_relaxed);  // as far as is known

    sqlite3_wal_hook(
        connection_->handle(),
        [](void* self, sqlite3*, const char*, int pages) {
            static_cast<Applier*>(self)->walPages_.store(pages, std::memory_order_relaxed);
            return SQLITE_OK;
        },
        this);
    retention_ = std::make_unique<Retention>(*connection_, totals_, config_.retentionAge, config_.retentionOctets);
}

void Applier::start() {
    thread_ = std::thread([this] { run(); });
}

void Applier::stop() noexcept {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    work_.notify_all();
    progress_.notify_all();
    if (thread_.joinable())
        thread_.join();
}

void Applier::push(std::deque<Piece> pieces) {
    if (pieces.empty())
        return;
    bool wake = false;
    {
        const std::lock_guard lock(mutex_);
        // One wake-up for the first, one when it is enough: in between the thread sleeps.
        wake = waiting_.empty();
        if (wake)
            oldest_ = Clock::now();
        const std::size_t before = octets_;
        for (Piece& piece : pieces) {
            octets_ += piece.octets();
            waiting_.push_back(std::move(piece));
        }
        wake = wake || (before < kEnough && octets_ >= kEnough);
    }
    if (wake)
        work_.notify_one();
}

bool Applier::waitForRoom(std::chrono::milliseconds limit) {
    std::unique_lock lock(mutex_);
    if (octets_ <= config_.limit)
        return true;
    progress_.wait_for(lock, limit, [this] { return octets_ <= config_.limit || stopping_ || troubled(); });
    return octets_ <= config_.limit;
}

void Applier::wantSafe(std::uint64_t seq) {
    {
        const std::lock_guard lock(mutex_);
        wanted_ = std::max(wanted_, seq);
    }
    work_.notify_one();
}

bool Applier::waitForSafe(std::uint64_t seq, std::chrono::milliseconds limit) {
    std::unique_lock lock(mutex_);
    progress_.wait_for(lock, limit, [&] { return safe() >= seq || stopping_ || troubled(); });
    return safe() >= seq;
}

bool Applier::settle(std::uint64_t seq, std::chrono::milliseconds limit) {
    std::unique_lock lock(mutex_);
    if (applied_ >= seq)
        return true;
    urgent_ = true;
    work_.notify_one();
    progress_.wait_for(lock, limit, [&] { return applied_ >= seq || stopping_ || troubled(); });
    return applied_ >= seq;
}

std::string Applier::trouble() const {
    const std::lock_guard lock(mutex_);
    return misplaced_.empty() ? trouble_ : misplaced_;
}

void Applier::misplaced(std::string sentence) {
    const std::lock_guard lock(mutex_);
    misplaced_ = std::move(sentence);
    troubled_.store(!misplaced_.empty() || !trouble_.empty(), std::memory_order_release);
    work_.notify_one();
    progress_.notify_all();
}

void Applier::setTrouble(std::string sentence) {
    bool changed = false;
    {
        const std::lock_guard lock(mutex_);
        changed = sentence.empty() != trouble_.empty();
        trouble_ = std::move(sentence);
        troubled_.store(!misplaced_.empty() || !trouble_.empty(), std::memory_order_release);
        progress_.notify_all();
    }
    if (changed)
        note_(storeEvent(troubled() ? kEventTrouble : kEventRecovered, trouble()));
}

bool Applier::ensureOpen() {
    if (connection_ && !reopen_.exchange(false))
        return true;
    // The last connection that closes writes into the file of that name, and removes the log of that name; and what is
    // wrong with them is not seen any more when they were opened anew.
    if (files_.look([this] { return walPages(); }).state != DatabaseFiles::State::good) {
        reopen_ = true;
        return false;  // the keeper sees it as well: it judges them, and puts them back
    }
    files_.changing();
    retention_.reset();
    tables_.reset();
    connection_.reset();
    const bool opened = open();
    if (!opened)
        files_.resume();
    return opened;
}

bool Applier::open() {
    auto connection = files_.connect(Connection::Use::write);
    if (!connection) {
        if (files_.inPlace())  // else the keeper has the words
            setTrouble(connection.error().text());
        return false;
    }
    auto tables = Tables::open(**connection);
    if (!tables) {
        setTrouble(tables.error().text());
        return false;
    }
    if (!files_.inPlace() || identityOf(**connection) != identity_)
        return false;  // another one was put there a moment ago
    connection_ = std::move(*connection);
    tables_ = std::move(*tables);
    beginWith();
    files_.reopened();
    return true;
}

Result<Rescued> Applier::replace(
    const std::function<Result<Rescued>(std::uint64_t applied, std::int64_t identity)>& make) {
    const std::lock_guard unretained(retaining_);
    const std::lock_guard quiet(writing_);
    files_.changing();
    if (connection_)  // closed, it would write to files that are not its own any more, and remove others' logs
        sqlite3_db_config(connection_->handle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
    auto made = make(inDatabase_, identity_);
    if (!made) {
        files_.cancel();
        return made;
    }
    retention_.reset();
    tables_.reset();
    connection_ = std::move(made->connection);
    tables_ = std::move(made->tables);
    reopen_ = false;
    identity_ = identityOf(*connection_);
    beginWith();
    files_.hold(std::move(made->file));
    safe_.store(inDatabase_, std::memory_order_release);
    const std::lock_guard lock(mutex_);
    applied_ = inDatabase_;
    if (!made->whole) {
        totals_.restart(tables_->totals());
        for (const std::deque<Piece>* pieces : {&batch_, &waiting_})
            for (const Piece& piece : *pieces)
                totals_.add(piece);
    }
    progress_.notify_all();
    return made;
}

bool Applier::applyOnce(bool durable) {
    const std::lock_guard quiet(writing_);
    if (!ensureOpen())
        return false;
    std::deque<Piece>& batch = batch_;
    // A commit that failed late may have happened all the same: what is in already is not applied twice.
    while (!batch.empty() && batch.front().last() <= tables_->applied())
        batch.pop_front();
    const std::uint64_t last = batch.empty() ? tables_->applied() : batch.back().last();
    std::vector<Piece> pieces(std::make_move_iterator(batch.begin()), std::make_move_iterator(batch.end()));
    const auto done = tables_->apply(pieces, last, durable);
    if (!done) {
        batch.assign(std::make_move_iterator(pieces.begin()), std::make_move_iterator(pieces.end()));
        setTrouble(done.error().text());
        reopen_ = true;  // after a failed sync nothing that this connection believes to be written is sure
        return false;
    }
    totals_.addRows(tables_->newMachines(), tables_->newClients());
    batch.clear();
    inDatabase_ = last;
    if (durable)
        safe_.store(last, std::memory_order_release);
    return true;
}

void Applier::run() {
    beBackground("pool-apply", 10);
    std::deque<Piece>& batch = batch_;  // taken and given back between two transactions
    std::size_t inWork = 0;
    bool failed = false;
    auto retentionDue = Clock::now() + Retention::kPause;
    std::unique_lock lock(mutex_);
    for (;;) {
        const auto wantsSafe = [this] { return wanted_ > safe() && applied_ >= wanted_; };
        if (failed || !misplaced_.empty()) {
            if (stopping_)
                return;
            work_.wait_for(lock, kRetry, [this] { return stopping_; });
            if (!misplaced_.empty())
                continue;
        } else if (batch.empty()) {
            const auto due = [&] { return stopping_ || urgent_ || octets_ >= kEnough || wanted_ > safe(); };
            // Also under load: one slice between two transactions.
            if (!stopping_ && Clock::now() >= retentionDue) {
                lock.unlock();
                bool more = false;
                {
                    const std::lock_guard retained(retaining_);
                    more = retention_ && retention_->work(writing_, note_);
                }
                retentionDue = more ? Clock::now() : Clock::now() + Retention::kPause;
                lock.lock();
            }
            if (waiting_.empty() && !wantsSafe() && !stopping_) {
                urgent_ = false;
                work_.wait_until(lock, retentionDue, [&] { return stopping_ || !waiting_.empty() || wantsSafe(); });
                continue;
            }
            if (!waiting_.empty())
                work_.wait_until(lock, oldest_ + config_.delay, due);
            else if (stopping_ && !wantsSafe())
                return;
            urgent_ = false;
        }
        if (walPages() > kMostWalPages && !stopping_ && !failed) {
            work_.wait_for(lock, kRetry, [this] { return stopping_ || walPages() <= kMostWalPages; });
            if (!stopping_ && walPages() > kMostWalPages * 2)
                continue;
        }
        if (batch.empty()) {
            batch.swap(waiting_);
            inWork = octets_;
        }
        const std::uint64_t last = batch.empty() ? applied_ : batch.back().last();
        const bool durable = wanted_ > safe() && last >= wanted_;
        if (batch.empty() && !durable) {
            if (stopping_)
                return;
            continue;
        }
        lock.unlock();
        const bool done = applyOnce(durable);
        if (done && failed)
            setTrouble({});
        failed = !done;
        lock.lock();
        if (done) {
            applied_ = std::max(applied_, last);
            octets_ -= inWork;
            inWork = 0;
            oldest_ = Clock::now();
            progress_.notify_all();
        } else if (stopping_) {
            return;
        }
    }
}

}  // namespace muster::pool
