#include "pool/keeper.h"

#include <algorithm>
#include <sqlite3.h>

#include "pool/events.h"
#include "pool/rescue.h"

namespace muster::pool {

namespace {

constexpr std::chrono::milliseconds kTick{250};
constexpr std::chrono::minutes kIdleCheckpoint{1};  ///< a smaller log is emptied that often
constexpr int kFewPages = 256;
constexpr std::chrono::milliseconds kLongestPause{10'000};  ///< between two tries to put the files back

}  // namespace

Keeper::Keeper(KeeperConfig config, DatabaseFiles& files, Applier& applier, Intake& intake, Reader& reader,
               std::function<void(EventRecord)> note)
    : config_(std::move(config)),
      files_(files),
      applier_(applier),
      intake_(intake),
      reader_(reader),
      note_(std::move(note)) {}

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

void Keeper::lookAtFiles() {
    DatabaseFiles::Finding found = files_.look([this] { return applier_.walPages(); });
    if (found.state == DatabaseFiles::State::suspicious) {
        const std::string problem = judgeContent();
        if (problem.empty()) {
            files_.remember();
            return;
        }
        found.sentence += ", and now " + problem;
    } else if (found.state == DatabaseFiles::State::good) {
        if (misplaced_) {  // as it was: whoever took it away put it back
            misplaced_ = false;
            applier_.misplaced({});
            reader_.resume();
            note_(storeEvent(kEventRecovered, {}));
        }
        return;
    }
    if (!misplaced_) {
        misplaced_ = true;
        nextRepair_ = {};
        repairPause_ = kTick;
        applier_.misplaced(found.sentence + "; it is being put back");
        reader_.suspend();
        note_(storeEvent(kEventTrouble, applier_.trouble()));
    }
    if (std::chrono::steady_clock::now() >= nextRepair_)
        repair(found.sentence);
}

void Keeper::repair(const std::string& what) {
    connection_.reset();
    const Totals before = applier_.totals();
    const auto done = applier_.replace([this](std::uint64_t applied, std::int64_t identity) {
        return rescue(files_, {config_.directory, applied, identity});
    });
    if (!done) {
        // Each try may cost a copy of the whole: they become rarer.
        repairPause_ = std::min(repairPause_ * 2, kLongestPause);
        nextRepair_ = std::chrono::steady_clock::now() + repairPause_;
        applier_.misplaced(what + " and cannot be put back yet: " + done.error().text());
        return;
    }
    config_.keepLock();
    misplaced_ = false;
    reader_.resume();
    applier_.misplaced({});
    note_(storeEvent(kEventPutBack, what + ": " + done->done));
    if (!done->whole) {
        const Totals now = applier_.totals();
        note_(storeEvent(kEventRecordsLost, done->lost + "; of " + std::to_string(before.machines) + " machines " +
                                                std::to_string(now.machines) + " are left"));
    }
    note_(storeEvent(kEventRecovered, {}));
}

std::string Keeper::judgeContent() {
    const std::uint64_t expected = applier_.inDatabase();  // it may grow while this reads
    auto opened = files_.connect(Connection::Use::read);
    if (!opened)
        return "it cannot be opened: " + opened.error().detail;
    if (identityOf(**opened) != applier_.identity())
        return "it holds another appliance's records";
    std::string problem;
    if (!isSound(**opened, problem))
        return "it is damaged: " + problem;
    // What another program has taken back would be missing without a word.
    const std::int64_t applied = (*opened)->value("SELECT value FROM meta WHERE name='applied'", -1);
    if (applied < 0 || static_cast<std::uint64_t>(applied) < expected)
        return "it is an older copy";
    applier_.reopen();  // its cache knows the pages as they were
    return {};
}

void Keeper::checkpoint() {
    if (!connection_) {
        auto opened = files_.connect(Connection::Use::write);
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
    files_.remember();
    if (code != SQLITE_OK && code != SQLITE_BUSY) {
        // A sync that failed once may report success the next time without having written: all connections go, and the
        // log is copied again from its beginning.
        connection_.reset();
        applier_.reopen();
    }
    lastCheckpoint_ = std::chrono::steady_clock::now();
}

void Keeper::checkDatabase() {
    auto opened = files_.connect(Connection::Use::read);
    if (!opened)
        return;
    Connection& connection = **opened;
    sqlite3_progress_handler(
        connection.handle(), 10'000, [](void* self) { return static_cast<Keeper*>(self)->stopping_.load() ? 1 : 0; },
        this);
    std::string problem;
    const bool sound = isSound(connection, problem);
    if (stopping_)
        return;
    note_(sound ? storeEvent(kEventChecked, {}) : storeEvent(kEventCheckFailed, problem));
}

void Keeper::run() {
    beBackground("pool-keep", 15);
    const auto checkAt = std::chrono::steady_clock::now() + config_.checkAfter;
    bool checked = false;
    while (pause()) {
        if (!checked && std::chrono::steady_clock::now() >= checkAt) {
            checked = true;
            checkDatabase();
        }
        lookAtFiles();
        intake_.check();
        if (misplaced_)
            continue;
        const int pages = applier_.walPages();
        const bool idle = std::chrono::steady_clock::now() - lastCheckpoint_ > kIdleCheckpoint;
        if (pages > kCheckpointPages || (idle && pages > kFewPages))
            checkpoint();
    }
    lookAtFiles();  // what was removed a moment ago is in nobody's hands when this process is gone
}

}  // namespace muster::pool
