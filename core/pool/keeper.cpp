#include "pool/keeper.h"

#include <sqlite3.h>
#include <sys/stat.h>

#include "pool/events.h"

namespace muster::pool {

namespace {

constexpr std::chrono::milliseconds kTick{250};
constexpr std::chrono::minutes kIdleCheckpoint{1};  ///< a smaller log is emptied that often
constexpr int kFewPages = 256;

}  // namespace

Keeper::Keeper(std::string path, std::chrono::milliseconds checkAfter, Applier& applier, Intake& intake,
               std::function<void(EventRecord)> note)
    : path_(std::move(path)), checkAfter_(checkAfter), applier_(applier), intake_(intake), note_(std::move(note)) {
    struct stat status {};
    if (stat(path_.c_str(), &status) == 0) {
        inode_ = status.st_ino;
        device_ = status.st_dev;
    }
}

Keeper::~Keeper() {
    stop();
}

void Keeper::start() {
    lastCheckpoint_ = std::chrono::steady_clock::now();
    thread_ = std::thread([this] { run(); });
}

void Keeper::stop() noexcept {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    wake_.notify_all();
    if (thread_.joinable())
        thread_.join();
}

bool Keeper::pause() {
    std::unique_lock lock(mutex_);
    wake_.wait_for(lock, kTick, [this] { return stopping_.load(); });
    return !stopping_;
}

void Keeper::lookAtFile() {
    struct stat status {};
    const bool there = stat(path_.c_str(), &status) == 0;
    const bool ours = there && status.st_ino == inode_ && status.st_dev == device_;
    if (ours == !misplaced_)
        return;
    misplaced_ = !ours;
    // Nothing is written over what somebody put there, and nothing is lost: the intake holds what is not applied.
    applier_.misplaced(
        ours ? std::string()
             : "database " + path_ + (there ? " was replaced by another file" : " was removed or renamed") +
                   " while Muster runs; put the file back, or start Muster anew to go on with what is there");
    note_(storeEvent(ours ? kEventRecovered : kEventTrouble, applier_.trouble()));
}

void Keeper::checkpoint() {
    if (!connection_) {
        auto opened = Connection::open(path_, Connection::Use::write);
        if (!opened)
            return;
        connection_ = std::move(*opened);
    }
    int pages = 0;
    int done = 0;
    const auto pass = [&] {
        return sqlite3_wal_checkpoint_v2(connection_->handle(), nullptr, SQLITE_CHECKPOINT_PASSIVE, &pages, &done);
    };
    int code = pass();
    if (code == SQLITE_OK && done < pages) {
        // The long part is done. The rest needs a moment in which nobody adds to it.
        const std::lock_guard quiet(applier_.quiet());
        code = pass();
    }
    if (code == SQLITE_OK && pages >= 0 && done == pages)
        applier_.checkpointed();
    if (code != SQLITE_OK && code != SQLITE_BUSY) {
        // A sync that failed once may report success the next time without having written: all connections go, and the
        // log is copied again from its beginning.
        connection_.reset();
        applier_.reopen();
    }
    lastCheckpoint_ = std::chrono::steady_clock::now();
}

void Keeper::checkDatabase() {
    auto opened = Connection::open(path_, Connection::Use::read);
    if (!opened)
        return;
    Connection& connection = **opened;
    sqlite3_progress_handler(
        connection.handle(), 10'000, [](void* self) { return static_cast<Keeper*>(self)->stopping_.load() ? 1 : 0; },
        this);
    auto check = connection.prepare("PRAGMA quick_check(1)");
    if (!check)
        return;
    const bool row = check->step();
    if (stopping_)
        return;
    std::string verdict;
    if (row)
        verdict = check->text(0);
    else
        verdict = connection.problem("quick_check").detail;
    note_(verdict == "ok" ? storeEvent(kEventChecked, {}) : storeEvent(kEventCheckFailed, verdict));
}

void Keeper::run() {
    beBackground("pool-keep", 15);
    const auto checkAt = std::chrono::steady_clock::now() + checkAfter_;
    bool checked = false;
    while (pause()) {
        if (!checked && std::chrono::steady_clock::now() >= checkAt) {
            checked = true;
            checkDatabase();
        }
        lookAtFile();
        intake_.check();
        if (misplaced_)
            continue;
        const int pages = applier_.walPages();
        const bool idle = std::chrono::steady_clock::now() - lastCheckpoint_ > kIdleCheckpoint;
        if (pages > kCheckpointPages || (idle && pages > kFewPages))
            checkpoint();
    }
}

}  // namespace muster::pool
