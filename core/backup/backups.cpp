#include "backup/backups.h"

#include <algorithm>
#include <array>
#include <sodium.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

#include "api/values.h"
#include "backup/database.h"
#include "backup/events.h"
#include "backup/sealing.h"
#include "backup/wishes.h"
#include "pool/schema.h"

namespace muster::backup {

namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kSpare = 64 << 20;              // octets that are left for those who serve clients
constexpr std::size_t kPiece = 64 * 1024;               // octets of an upload
constexpr std::int64_t kLookAtRoom = 16 * 1024 * 1024;  // octets of it between two looks
constexpr int kNice = 10;                               // below whatever serves
constexpr auto kSetAsideHolds = std::chrono::milliseconds(100);
constexpr int kTries = 3;  // for files that change while they are opened

std::string hostName() {
    std::array<char, 256> name{};
    return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "";
}

Result<void> judgePassword(const std::string& password) {
    if (password.empty() || (password.size() >= kShortestPassword && password.size() <= kLongestPassword))
        return {};
    return fail(Code::malformed, "password", "has to be of 12 to 256 octets; choose another");
}

/// Whether the name still means the file that is open.
bool isStill(const fs::path& path, const DiskFile& file) noexcept {
    struct stat named {};
    struct stat open {};
    return ::stat(path.c_str(), &named) == 0 && ::fstat(file.fd(), &open) == 0 && named.st_ino == open.st_ino &&
           named.st_dev == open.st_dev;
}

}  // namespace

Backups::Gathered::~Gathered() {
    inputs.clear();
    for (const fs::path& copy : copies)
        ::unlink(copy.c_str());
}

Backups::Backups(Surroundings surroundings) : around_(std::move(surroundings)), shelf_(around_.directories.state) {}

void Backups::start() {
    // A state directory that cannot be written yet has an alarm of its own; the shelf is opened again by the first
    // backup.
    (void)shelf_.open();
    shelf_.tidy();
    due_ = readDue();
    thread_ = std::thread([this] {
        ::pthread_setname_np(::pthread_self(), "backup");
        ::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), kNice);
        run();
    });
}

void Backups::stop() noexcept {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    changed_.notify_all();
    if (thread_.joinable())
        thread_.join();
}

// ---- made

bool Backups::isOpen(const Part& part) const {
    return (part.name == "pool" && around_.mode == Mode::relay) || (part.name == "lab" && around_.mode == Mode::lab);
}

Result<fs::path> Backups::databaseFor(const Part& part, const std::string& path, Gathered& into) {
    const fs::path copy = shelf_.directory() / ("." + std::string(part.name) + ".copy");
    ::unlink(copy.c_str());
    into.copies.push_back(copy);
    if (!isOpen(part)) {
        if (auto copied = copyDatabase(around_.directories.state / path, copy); !copied)
            return fail(copied.error());
        return copy;
    }
    pool::Archive* const store = around_.store();
    if (store == nullptr)
        return fail(
            Code::missing, std::string(part.name),
            "Muster goes on without its database now; when it is back (\"musterctl status\"), make the backup again");
    if (auto copied = store->backup(copy.string()); !copied)
        return fail(copied.error());
    return copy;
}

/// What others replace meanwhile is opened before anything of it is read, so that all is of one moment.
Result<void> Backups::gatherPart(const Part& part, Gathered& into) {
    std::vector<std::pair<fs::path, Input>> found;
    for (int tries = 1;; ++tries) {
        found.clear();
        bool whole = true;
        for (const Present& present : backup::present(around_.directories, part)) {
            if (present.kind == FileKind::passing || (present.kind == FileKind::attached && isOpen(part)))
                continue;
            fs::path path = fileOf(around_.directories, present.path);
            if (present.kind == FileKind::database) {
                auto copy = databaseFor(part, present.path, into);
                if (!copy)
                    return fail(copy.error());
                path = std::move(*copy);
            }
            auto file = DiskFile::open(path);
            if (!file) {
                whole = whole && file.error().code != Code::missing;  // gone again: looked at anew
                if (file.error().code != Code::missing)
                    return fail(file.error());
                continue;
            }
            found.emplace_back(std::move(path), Input{{present.path, 0, {}}, std::move(*file)});
        }
        for (const auto& [path, input] : found)
            whole = whole && isStill(path, input.file);
        if (whole)
            break;
        if (tries == kTries)
            return fail(Code::conflict, "backup",
                        "files of part " + std::string(part.name) + " change all the time; try again");
    }
    for (auto& [path, input] : found) {
        auto size = input.file.size();
        if (!size)
            return fail(size.error());
        auto hash = hashOf(input.file, *size);
        if (!hash)
            return fail(hash.error());
        input.entry.size = *size;
        input.entry.sha256 = std::move(*hash);
        into.inputs.push_back(std::move(input));
    }
    if (!found.empty())
        into.about.parts.emplace_back(part.name);
    else
        into.about.leftOut.push_back({std::string(part.name), "there is nothing of it"});
    return {};
}

Result<void> Backups::gather(const Wish& wish, Gathered& into) {
    for (const Part& part : parts()) {
        const bool named = has(wish.parts, part.name);
        if (!wish.parts.empty() && !named) {
            into.about.leftOut.push_back({std::string(part.name), "it was not asked for"});
            continue;
        }
        if (part.secret && wish.password.empty()) {
            if (named)
                return fail(Code::denied, std::string(part.name),
                            "holds secrets, which no backup has in clear; give a password");
            into.about.leftOut.push_back({std::string(part.name), "it holds secrets, and no password was given"});
            continue;
        }
        const std::size_t before = into.inputs.size();
        if (auto done = gatherPart(part, into); !done) {
            // A mode that does not serve now, or a store that is not there, keeps no other part from being saved.
            const bool other =
                (part.name == "pool" || part.name == "lab") && (!isOpen(part) || around_.store() == nullptr);
            if (!other || named || stopping_)
                return done;
            into.inputs.resize(before);
            into.about.leftOut.push_back({std::string(part.name), done.error().text().substr(0, 200)});
        }
    }
    if (into.inputs.empty())
        return fail(Code::missing, "backup", "there is nothing of these parts; name others, or none for all");
    if (into.inputs.size() > kMaxFiles)
        return fail(Code::busy, "backup", "more than 4,096 files; remove old revisions");
    return {};
}

Result<void> Backups::haveRoom(std::uint64_t octets) const {
    const auto there = room(around_.directories.state);
    if (!there)
        return fail(there.error());
    if (*there >= octets + kSpare)
        return {};
    return fail(Code::storage, "backup",
                "no room: " + std::to_string((octets + kSpare) >> 20) + " MiB are needed and " +
                    std::to_string(*there >> 20) + " MiB are free; remove old backups, or make room otherwise");
}

Result<Item> Backups::make(const Wish& wish, Origin origin) {
    const std::unique_lock work(work_, std::try_to_lock);
    if (!work.owns_lock())
        return fail(Code::busy, "backup", "another one is being made, checked or restored; try again");
    if (auto opened = shelf_.open(); !opened)
        return fail(opened.error());
    std::uint64_t all = 0;
    for (const Part& part : parts())
        for (const Present& file : present(around_.directories, part)) {
            std::error_code unknown;
            const auto size = fs::file_size(fileOf(around_.directories, file.path), unknown);
            all += unknown || file.kind == FileKind::passing ? 0 : size;
        }
    if (auto enough = haveRoom(2 * all);
        !enough)  // the copy of the database beside the backup, then the one that is checked
        return fail(enough.error());
    Manifest manifest;
    manifest.poolSchema = pool::kSchemaVersion;
    Gathered gathered;
    gathered.about.muster = around_.version;
    gathered.about.made = wallNow();
    gathered.about.by = wish.by;
    gathered.about.host = hostName();
    gathered.about.mode = muster::name(around_.mode);
    if (auto done = gather(wish, gathered); !done)
        return fail(done.error());
    manifest.about = gathered.about;
    for (const Input& input : gathered.inputs)
        manifest.files.push_back(input.entry);

    const fs::path making = shelf_.directory() / ".making";
    ::unlink(making.c_str());  // what an earlier attempt left
    auto file = DiskFile::make(making);
    if (!file)
        return fail(file.error());
    const auto made = [&]() -> Result<std::string> {
        FileSink sink(*file);
        if (auto written = writeArchive(sink, manifest, gathered.inputs, wish.password, stopping_); !written)
            return fail(written.error());
        gathered.inputs.clear();
        for (const fs::path& copy : gathered.copies)
            ::unlink(copy.c_str());
        if (auto verified = verify(making, wish.password); !verified)
            return fail(verified.error());
        std::string name = shelf_.freeName(manifest.about.made, origin);
        if (auto kept = shelf_.keep(making, name, wallNow()); !kept)
            return fail(kept.error());
        return name;
    }();
    if (!made) {
        ::unlink(making.c_str());
        return fail(made.error());
    }
    around_.event(kBackupMade, json({{"name", *made}, {"by", wish.by}, {"parts", joined(manifest.about.parts)}}));
    return shelf_.find(*made);
}

Result<Item> Backups::create(const Wish& wish) {
    if (auto judged = judgeParts(wish.parts); !judged)
        return fail(judged.error());
    if (auto judged = judgePassword(wish.password); !judged)
        return fail(judged.error());
    if (auto may = mayKeepMore(); !may)
        return fail(may.error());
    return make(wish, Origin::person);
}

Result<void> Backups::mayKeepMore() const {
    const auto items = list();
    if (!items)
        return fail(items.error());
    if (std::count_if(items->begin(), items->end(), [](const Item& item) {
            return item.origin == Origin::person || item.origin == Origin::uploaded;
        }) >= static_cast<std::ptrdiff_t>(Shelf::kMost))
        return fail(Code::busy, "backup", "64 are kept here already; remove one (\"musterctl backup remove\")");
    return {};
}

// ---- checked

Result<void> Backups::verify(const fs::path& path, const std::string& password) {
    auto file = DiskFile::open(path);
    if (!file)
        return fail(file.error());
    auto reader = ArchiveReader::open(std::make_unique<FileSource>(std::move(*file)), password);
    if (!reader)
        return fail(reader.error());
    std::uint64_t largest = 0;
    for (const FileEntry& entry : (*reader)->manifest().files)
        if (placeOf(entry.path)->kind == FileKind::database)
            largest = std::max(largest, entry.size);
    if (auto enough = haveRoom(largest); !enough)
        return enough;

    /// A database is laid down, looked at when it is whole, and removed.
    class Laid final : public ByteSink {
    public:
        Laid(fs::path path, const std::atomic<bool>& stopping) : path_(std::move(path)), stopping_(stopping) {}
        ~Laid() override { ::unlink(path_.c_str()); }
        Result<void> begin() {
            ::unlink(path_.c_str());
            auto made = DiskFile::make(path_);
            if (!made)
                return fail(made.error());
            file_ = std::move(*made);
            return {};
        }
        Result<void> write(Octets octets) override { return file_.write(octets); }
        Result<void> finish() override {
            const auto checked = checkDatabase(path_, stopping_);
            ::unlink(path_.c_str());
            return checked ? Result<void>() : fail(checked.error());
        }

    private:
        const fs::path path_;
        const std::atomic<bool>& stopping_;
        DiskFile file_;
    } laid(shelf_.directory() / ".checking", stopping_);
    return (*reader)->read(
        [&](const FileEntry& entry) -> Result<ByteSink*> {
            if (placeOf(entry.path)->kind != FileKind::database)
                return nullptr;
            if (auto begun = laid.begin(); !begun)
                return fail(begun.error());
            return &laid;
        },
        stopping_);
}

Result<Item> Backups::check(std::string_view name, const std::string& password) {
    auto item = find(name);
    if (!item)
        return item;
    if (item->origin == Origin::restore)
        return fail(Code::incompatible, std::string(name),
                    "was put aside by a restore and is no backup; it can be restored or removed");
    const std::unique_lock work(work_, std::try_to_lock);
    if (!work.owns_lock())
        return fail(Code::busy, "backup", "another one is being made, checked or restored; try again");
    const auto path = shelf_.pathOf(name);
    if (!path)
        return fail(path.error());
    auto verified = verify(*path, password.empty() && item->encrypted ? around_.policy().password : password);
    if (verified || verified.error().code == Code::malformed || verified.error().code == Code::incompatible)
        shelf_.note(name, wallNow(), verified ? "" : verified.error().detail);
    if (!verified) {
        verified.error().subject = name;
        return fail(verified.error());
    }
    return find(name);
}

Result<void> Backups::remove(std::string_view name) {
    const std::unique_lock work(work_, std::try_to_lock);
    if (!work.owns_lock())
        return fail(Code::busy, "backup", "another one is being made, checked or restored; try again");
    return shelf_.remove(name);
}

// ---- fetched and brought

Result<DiskFile> Backups::open(std::string_view name) const {
    const auto path = shelf_.pathOf(name);
    if (!path)
        return fail(path.error());
    if (*originOf(name) == Origin::restore)
        return fail(Code::incompatible, std::string(name),
                    "was put aside by a restore and is no file; restore it, and make a backup of what comes back");
    return DiskFile::open(*path);
}

Result<void> Backups::receive(const Next& next, std::int64_t announced, const fs::path& path) {
    const std::int64_t limit = around_.policy().uploadLimit;
    const auto tooLong = [&] {
        return fail(
            Code::denied, "upload",
            "longer than " + api::sizeText(limit) + " (setting backup.upload-limit); raise it, or bring another one");
    };
    if (announced > limit)
        return tooLong();
    if (auto enough = haveRoom(static_cast<std::uint64_t>(std::max<std::int64_t>(announced, 0))); !enough)
        return enough;
    ::unlink(path.c_str());
    const auto file = DiskFile::make(path);
    if (!file)
        return fail(file.error());
    std::vector<std::byte> buffer(kPiece);
    for (std::int64_t all = 0, looked = 0;;) {
        if (stopping_)
            return fail(Code::busy, "upload", "Muster stops or begins anew; try again");
        const auto got = next(buffer);
        if (!got)
            return fail(got.error());
        if (*got == 0)
            return file->sync();
        all += static_cast<std::int64_t>(*got);
        if (all > limit)
            return tooLong();
        if (all - looked >= kLookAtRoom) {
            looked = all;
            if (auto enough = haveRoom(0); !enough)
                return enough;
        }
        if (auto written = file->write(Octets(buffer).first(*got)); !written)
            return written;
    }
}

Result<Item> Backups::upload(const Next& next, std::int64_t announced) {
    const std::unique_lock one(upload_, std::try_to_lock);
    if (!one.owns_lock())
        return fail(Code::busy, "upload", "another one is under way; try again");
    if (auto opened = shelf_.open(); !opened)
        return fail(opened.error());
    if (auto may = mayKeepMore(); !may)
        return fail(may.error());
    const fs::path coming = shelf_.directory() / ".uploading";
    auto kept = [&]() -> Result<Item> {
        if (auto received = receive(next, announced, coming); !received)
            return fail(received.error());
        auto file = DiskFile::open(coming);
        if (!file)
            return fail(file.error());
        FileSource source(std::move(*file));
        const auto head = readHead(source);
        if (!head)
            return fail(head.error());
        const std::lock_guard work(work_);
        const auto verified = verify(coming, head->encrypted ? around_.policy().password : "");
        if (!verified && !(head->encrypted && verified.error().code == Code::denied))
            return fail(verified.error());
        const std::string name = shelf_.freeName(wallNow(), Origin::uploaded);
        if (auto taken = shelf_.keep(coming, name, verified ? std::optional(wallNow()) : std::nullopt); !taken)
            return fail(taken.error());
        return shelf_.find(name);
    }();
    if (!kept)
        ::unlink(coming.c_str());
    return kept;
}

// ---- offered

std::optional<Item> Backups::newest() const {
    const auto items = list();
    if (items)
        for (const Item& item : *items)
            if (item.origin != Origin::restore && item.verified)
                return item;
    return std::nullopt;
}

std::vector<std::string> Backups::setAside() const {
    if (around_.mode == Mode::none)
        return {};
    const std::lock_guard lock(mutex_);
    const Monotonic now = std::chrono::steady_clock::now();
    if (setAsideOf_ && now - setAsideSeen_ < kSetAsideHolds)
        return setAside_;
    setAsideSeen_ = now;
    // Nothing comes or goes without the directory's time being changed; that time is coarse, so that what was read
    // within two seconds of a change is read again.
    const fs::path& state = around_.directories.state;
    std::error_code unknown;
    const auto changed = fs::last_write_time(around_.mode == Mode::lab ? state / "lab" : state, unknown);
    if (unknown || setAsideOf_ != changed) {
        setAside_ = readSetAside();
        setAsideOf_.reset();
        if (!unknown && fs::file_time_type::clock::now() - changed > std::chrono::seconds(2))
            setAsideOf_ = changed;
    }
    return setAside_;
}

std::vector<std::string> Backups::readSetAside() const {
    std::vector<std::string> names;
    const Part& part = *partOf(around_.mode == Mode::lab ? "lab" : "pool");
    for (const Present& file : present(around_.directories, part))
        if (file.path.find("pool.db.damaged-") != std::string::npos && !file.path.ends_with("-wal") &&
            !file.path.ends_with("-shm"))
            names.push_back(file.path);
    return names;
}

bool Backups::isNeeded() const {
    return (around_.mode != Mode::none && around_.store() == nullptr) || !setAside().empty();
}

std::vector<std::string> Backups::troubles() const {
    std::vector<std::string> lines;
    const std::vector<std::string> damaged = setAside();
    if (!damaged.empty()) {
        const auto offered = newest();
        lines.push_back("a damaged database was set aside as " + damaged.back() + " in the state directory; " +
                        (offered ? "the newest verified backup is " + offered->name + " (\"musterctl backup restore " +
                                       offered->name + "\")"
                                 : std::string("no verified backup is here")) +
                        ", or remove that file");
    }
    const std::lock_guard lock(mutex_);
    if (!dailyTrouble_.empty())
        lines.push_back("the daily backup cannot be made: " + dailyTrouble_);
    return lines;
}

}  // namespace muster::backup
