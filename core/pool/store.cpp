#include <algorithm>
#include <atomic>
#include <cerrno>
#include <filesystem>
#include <sqlite3.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

#include "pool/applier.h"
#include "pool/archive.h"
#include "pool/events.h"
#include "pool/intake.h"
#include "pool/keeper.h"
#include "pool/known.h"
#include "pool/reader.h"
#include "pool/replay.h"
#include "pool/rescue.h"
#include "pool/schema.h"
#include "pool/sums.h"

namespace muster::pool {

namespace {

constexpr std::size_t kReplayAtOnce = 4096;  // records of one transaction
constexpr std::size_t kFiles = 2;
constexpr std::chrono::milliseconds kReadersWait{250};

/// Closes on leaving; the lock goes with it.
class Lock {
public:
    static Result<Lock> take(const std::string& path) {
        const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd < 0) {
            // A read-only directory needs no guard against a second writer.
            if (errno == EROFS)
                return Lock(-1);
            return fail(systemError(path, "open the file", errno));
        }
        Lock lock(fd);
        if (flock(fd, LOCK_EX | LOCK_NB) != 0)
            return fail(Code::storage, path,
                        "another Muster uses this directory; stop it, or name another directory for this one");
        return lock;
    }
    Lock(Lock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    Lock& operator=(Lock&&) = delete;
    ~Lock() {
        if (fd_ >= 0)
            close(fd_);
    }
    /// Takes it anew when the file went with its directory: a second Muster would find a free one.
    void renew(const std::string& path) {
        struct stat there {};
        struct stat ours {};
        if (fd_ < 0 || (stat(path.c_str(), &there) == 0 && fstat(fd_, &ours) == 0 && there.st_ino == ours.st_ino &&
                        there.st_dev == ours.st_dev))
            return;
        if (auto taken = take(path))
            std::swap(fd_, taken->fd_);
    }

private:
    explicit Lock(int fd) noexcept : fd_(fd) {}
    int fd_;
};

bool exists(const std::string& path) noexcept {
    return access(path.c_str(), F_OK) == 0;
}

constexpr int kContentCodes[] = {SQLITE_NOTADB, SQLITE_CORRUPT, SQLITE_ERROR};

/// Whether a failure lies in the file's content, so that another file would do.
bool isContent(Connection* connection) noexcept {
    if (!connection)
        return false;
    const int code = sqlite3_errcode(connection->handle()) & 0xff;
    return code == SQLITE_NOTADB || code == SQLITE_CORRUPT || code == SQLITE_ERROR || code == SQLITE_CONSTRAINT;
}

/// The same by an error's words, where the connection has gone or has been rolled back meanwhile.
bool isContent(const Error& error) {
    return std::any_of(std::begin(kContentCodes), std::end(kContentCodes), [&](int code) {
        return error.detail.find("(SQLite " + std::to_string(code) + ")") != std::string::npos;
    });
}

struct Opened {
    std::unique_ptr<Connection> connection;
    std::unique_ptr<Tables> tables;
    bool fresh = false;
};

struct OpenFailure {
    Error error;
    bool content = false;  ///< renaming the file aside would help
};

tl::expected<Opened, OpenFailure> openDatabase(const std::string& path, bool intakeHasFiles) {
    Opened opened;
    struct stat status {};
    const bool there = stat(path.c_str(), &status) == 0;
    opened.fresh = !there || (status.st_size == 0 && !intakeHasFiles);
    if (there && status.st_size == 0 && intakeHasFiles)
        return tl::unexpected(
            OpenFailure{{Code::storage, "database " + path,
                         "the file is empty though records were kept before; " + remedy(SQLITE_NOTADB)},
                        true});
    auto connection = Connection::open(path, Connection::Use::write);
    if (!connection)
        return tl::unexpected(OpenFailure{connection.error(), isContent(connection.error())});
    opened.connection = std::move(*connection);
    if (auto migrated = migrate(*opened.connection); !migrated) {
        const bool content =
            migrated.error().code != Code::incompatible &&
            (isContent(opened.connection.get()) || sqlite3_errcode(opened.connection->handle()) == SQLITE_OK);
        return tl::unexpected(OpenFailure{migrated.error(), content});
    }
    if (sqlite3_db_readonly(opened.connection->handle(), "main") == 1 && access(path.c_str(), W_OK) == 0)
        return tl::unexpected(OpenFailure{{Code::storage, "database " + path,
                                           "its header says that it must not be written; " + remedy(SQLITE_NOTADB)},
                                          true});
    auto tables = Tables::open(*opened.connection);
    if (!tables)
        return tl::unexpected(OpenFailure{tables.error(), isContent(opened.connection.get())});
    opened.tables = std::move(*tables);
    // The last commit: its pages are read, and damage in them is found before anybody relies on it.
    auto last = opened.connection->prepare(
        "SELECT (SELECT seq FROM event ORDER BY seq DESC LIMIT 1),"
        "(SELECT records FROM requests ORDER BY first DESC LIMIT 1)");
    if (!last)
        return tl::unexpected(OpenFailure{last.error(), isContent(opened.connection.get())});
    if (!last->step())
        return tl::unexpected(
            OpenFailure{opened.connection->problem("cannot read the journal"), isContent(opened.connection.get())});
    return opened;
}

bool hasIntakeFiles(const std::string& directory) {
    std::error_code problem;
    for (const auto& entry : std::filesystem::directory_iterator(directory, problem)) {
        const std::string name = entry.path().filename().string();
        if (name.starts_with("intake-") && name.ends_with(".log"))
            return true;
    }
    return false;
}

/// Applies what the intake holds; the last transaction is durable and takes the highest number of all.
Result<void> applyReplay(Tables& tables, Replay& replay) {
    std::vector<Piece> pieces;
    for (const Found& found : replay.records) {
        auto record = decode(found.payload);
        if (!record) {
            replay.alarms.push_back("record " + std::to_string(found.seq) + ": " + record.error().detail);
            continue;
        }
        pieces.push_back(pieceOf(found.seq, std::move(*record)));
        if (pieces.size() == kReplayAtOnce) {
            if (auto done = tables.apply(pieces, found.seq, false); !done)
                return done;
            pieces.clear();
        }
    }
    return tables.apply(pieces, replay.highest, true);
}

Segment::Way wayOf(const StoreConfig& config) noexcept {
    return config.direct ? Segment::Way::best : Segment::Way::cached;
}

class FileStore final : public Archive {
public:
    FileStore(const StoreConfig& config, Lock lock, Opened opened, std::vector<std::unique_ptr<Segment>> free)
        : lock_(std::move(lock)),
          files_(databasePath(config)),
          reader_(files_),
          known_(static_cast<std::size_t>(opened.connection->value("PRAGMA page_count", 0)) * 4096 / 300),
          totals_(opened.tables->totals()),
          applier_(applierConfig(config), std::move(opened.connection), std::move(opened.tables), files_, totals_,
                   noteTaker()),
          intake_({config.directory, config.segmentOctets, config.intakeLimit, wayOf(config)}, applier_,
                  std::move(free), applier_.safe() + 1, totals_, noteTaker()),
          keeper_({config.directory, config.checkAfter, [this, path = lockPath(config)] { lock_.renew(path); }}, files_,
                  applier_, intake_, reader_, noteTaker()) {}

    ~FileStore() override {
        stopping_ = true;
        if (filler_.joinable())
            filler_.join();
        intake_.stop();
        sums_.stop();
        keeper_.stop();  // before the applier: what was removed is put back, and then written to
        applier_.stop();
        reader_.close();
    }
    FileStore(const FileStore&) = delete;
    FileStore& operator=(const FileStore&) = delete;

    /// Whether the database that was opened is still where it belongs, and is held there.
    bool inPlace() const { return files_.inPlace(); }

    void start() {
        applier_.start();
        intake_.start();
        keeper_.start();
        filler_ = std::thread([this] { fillKnown(); });
    }

    void append(std::vector<RequestRecord> records, std::function<void(Durability)> done) override {
        if (records.empty()) {
            if (done)
                done(Durability::durable);
            return;
        }
        for (const RequestRecord& record : records)
            if (record.wellFormed && record.fresh && !record.request.isOpaque())
                known_.add(record.request.application, record.request.cmid);
        Piece piece;
        piece.requests = std::move(records);
        piece.done = std::move(done);
        intake_.push(std::move(piece));
    }

    void journal(EventRecord event) override {
        Piece piece;
        piece.note = std::make_unique<Note>(stored(event));
        intake_.push(std::move(piece));
    }

    void appendOwn(const Guid& cmid, std::function<void(Durability)> done) override {
        Piece piece;
        piece.note = std::make_unique<Note>(OwnRequest{
            std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now()), cmid});
        piece.done = std::move(done);
        intake_.push(std::move(piece));
    }

    std::optional<Guid> lastOwn() override {
        const auto own = reader_.ownRequest();
        return own && *own ? std::optional((*own)->cmid) : std::nullopt;
    }

    void remove(const Guid& cmid, std::function<void(Durability)> done) override {
        Piece piece;
        piece.note = std::make_unique<Note>(
            Removal{std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now()), cmid});
        piece.done = std::move(done);
        intake_.push(std::move(piece));
    }

    bool isKnown(const Guid& application, const Guid& cmid) const noexcept override {
        return known_.has(application, cmid);
    }

    bool settle(std::chrono::milliseconds limit) override { return applier_.settle(intake_.acknowledged(), limit); }

    Totals totals() const override { return totals_.now(); }

    Reader& reader() noexcept override { return reader_; }

    Result<PoolSum> sum() override { return sums_.get(); }

    Result<void> backup(const std::string& path) override {
        settle(std::chrono::seconds(10));
        return reader_.backup(path, stopping_);
    }

    std::string trouble() const override {
        std::string text = applier_.trouble();
        return text.empty() ? intake_.trouble() : text;
    }

    std::vector<CountedClient> counted(const Guid& application, Timestamp since, std::size_t limit) override {
        settle(kReadersWait);
        return reader_.counted(application, since, limit).value_or(std::vector<CountedClient>());
    }

    std::vector<Application> applications() override {
        settle(kReadersWait);
        return reader_.applications().value_or(std::vector<Application>());
    }

    static std::string databasePath(const StoreConfig& config) { return config.directory + "/pool.db"; }
    static std::string lockPath(const StoreConfig& config) { return config.directory + "/pool.lock"; }

private:
    static ApplierConfig applierConfig(const StoreConfig& config) {
        return {config.intakeLimit, config.applyDelay, config.retentionAge, config.retentionOctets};
    }
    std::function<void(EventRecord)> noteTaker() {
        return [this](EventRecord event) { journal(std::move(event)); };
    }
    void fillKnown() {
        beBackground("pool-known", 5);
        const auto filled = reader_.keys([this](const Guid& application, const Guid& cmid) {
            known_.add(application, cmid);
            return !stopping_.load(std::memory_order_relaxed);
        });
        // If the table cannot be read all stay "known": nobody is turned away for it.
        if (filled)
            known_.filled();
    }

    Lock lock_;
    std::atomic<bool> stopping_{false};
    DatabaseFiles files_;  // before all connections: closed after them
    Reader reader_;
    Known known_;
    LiveTotals totals_;
    Applier applier_;
    Intake intake_;
    Keeper keeper_;
    Sums sums_{[this] {
                   return reader_.sum(
                       std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now()));
               },
               [this] { return intake_.acknowledged(); }};
    std::thread filler_;
};

/// What is left of the intake's files once all in them is in the database: two to be used again, the damaged ones under
/// another name.
std::vector<std::unique_ptr<Segment>> sortFiles(Replay& replay, const StoreConfig& config) {
    std::vector<std::unique_ptr<Segment>> free;
    for (std::size_t i = 0; i < replay.files.size(); ++i) {
        const SegmentFile& file = replay.files[i];
        const auto& image = replay.images[i];
        const auto zero = [](std::byte octet) { return octet == std::byte{0}; };
        if (file.damaged && !std::all_of(image.begin(), image.end(), zero)) {
            const std::string name = setAside(file.path, "damaged");
            replay.alarms.push_back(name.empty() ? file.path + " could not be renamed" : "it is kept as " + name);
            continue;
        }
        if (!file.damaged && file.size == config.segmentOctets && free.size() < kFiles)
            if (auto segment = Segment::reuse(file.path, file.salt, wayOf(config))) {
                free.push_back(std::move(*segment));
                continue;
            }
        unlink(file.path.c_str());  // one too many, of another size, or never finished; all in it is in the database
    }
    return free;
}

}  // namespace

Result<std::unique_ptr<Store>> Store::open(StoreConfig config) {
    auto archive = Archive::open(std::move(config));
    if (!archive)
        return fail(archive.error());
    return std::unique_ptr<Store>(std::move(*archive));
}

// NOLINTNEXTLINE(performance-unnecessary-value-param): as Store::open, which gives its own
Result<std::unique_ptr<Archive>> Archive::open(StoreConfig config) {
    // SQLite's own statistics of its memory take a lock at every allocation, and nobody reads them.
    static const int unmeasured = sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    (void)unmeasured;  // too late in a program that used SQLite before: then it only costs time
    if (auto made = makeDirectory(config.directory); !made)
        return fail(made.error());
    auto lock = Lock::take(FileStore::lockPath(config));
    if (!lock)
        return fail(lock.error());

    const std::string path = FileStore::databasePath(config);
    std::vector<EventRecord> events;
    if (const std::string finished = finishRescue(path); !finished.empty())
        events.push_back(storeEvent(kEventPutBack, finished));
    auto opened = openDatabase(path, hasIntakeFiles(config.directory));
    const auto beginAnew = [&](const std::string& why) -> Result<void> {
        const std::string name = setAside(path, "damaged");
        if (name.empty())
            return fail(systemError(path, "rename the file", errno));
        for (const char* suffix : {"-wal", "-shm"})  // they belong to the file that went
            if (exists(path + suffix))
                rename((path + suffix).c_str(), (name + suffix).c_str());
        events.push_back(storeEvent(kEventSetAside, why + "; it is kept as " + name));
        opened = openDatabase(path, false);
        return {};
    };
    if (!opened && opened.error().content && config.degraded)
        if (auto begun = beginAnew(opened.error().error.text()); !begun)
            return fail(begun.error());
    if (!opened)
        return fail(opened.error().error);

    auto replay = readIntake(config.directory, opened->tables->applied(), opened->fresh);
    if (!replay)
        return fail(replay.error());
    auto applied = applyReplay(*opened->tables, *replay);
    if (!applied && config.degraded && isContent(applied.error())) {
        // What is damaged shows with the first page that is written.
        opened->tables.reset();
        opened->connection.reset();
        if (auto begun = beginAnew(applied.error().text()); !begun)
            return fail(begun.error());
        if (!opened)
            return fail(opened.error().error);
        replay = readIntake(config.directory, opened->tables->applied(), opened->fresh);
        if (!replay)
            return fail(replay.error());
        applied = applyReplay(*opened->tables, *replay);
    }
    if (!applied)
        return fail(applied.error());
    std::vector<std::unique_ptr<Segment>> free = sortFiles(*replay, config);
    for (const std::string& alarm : replay->alarms)
        events.push_back(storeEvent(kEventIntakeDamaged, alarm));
    *replay = Replay();  // 16 MiB that nobody needs any more
    (void)syncDirectory(config.directory);

    auto store = std::make_unique<FileStore>(config, std::move(*lock), std::move(*opened), std::move(free));
    if (!store->inPlace())
        return fail(Code::storage, "database " + path,
                    "it was removed or replaced while it was being opened; try again");
    store->start();
    for (EventRecord& event : events)
        store->journal(std::move(event));
    return std::unique_ptr<Archive>(std::move(store));
}

}  // namespace muster::pool
