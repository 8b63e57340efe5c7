#include "pool/rescue.h"

#include <cerrno>
#include <ctime>
#include <fcntl.h>
#include <filesystem>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pool/replay.h"
#include "pool/schema.h"

namespace muster::pool {

namespace {

constexpr std::int64_t kPage = 4096;
constexpr std::size_t kCopyAtOnce = std::size_t{256} << 10;

bool exists(const std::string& path) noexcept {
    struct stat status {};
    return lstat(path.c_str(), &status) == 0;
}

std::string nowText() {
    const std::time_t now = std::time(nullptr);
    std::tm parts{};
    gmtime_r(&now, &parts);
    char text[32];
    return {text, std::strftime(text, sizeof text, "%Y%m%dT%H%M%SZ", &parts)};
}

void removeWithLog(const std::string& path) noexcept {
    for (const char* suffix : {"", "-wal", "-shm"})
        unlink((path + suffix).c_str());
}

Result<void> copyFile(const HeldFile& from, const std::string& to) {
    const int fd = open(to.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return fail(systemError(to, "make the file", errno));
    std::vector<char> buffer(kCopyAtOnce);
    off_t at = 0;
    int error = 0;
    for (;;) {
        const ssize_t got = pread(from.descriptor(), buffer.data(), buffer.size(), at);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            error = errno;
        if (got <= 0)
            break;
        for (ssize_t done = 0; done < got && error == 0;) {
            const ssize_t written = pwrite(fd, buffer.data() + done, static_cast<std::size_t>(got - done), at + done);
            if (written < 0 && errno == EINTR)
                continue;
            if (written <= 0)
                error = written == 0 ? EIO : errno;
            else
                done += written;
        }
        if (error != 0)
            break;
        at += got;
    }
    close(fd);
    if (error == 0)
        return {};
    unlink(to.c_str());
    return fail(systemError(to, "copy the database", error));
}

Result<void> syncFile(const std::string& path) {
    const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return fail(systemError(path, "open the file", errno));
    const int code = fsync(fd);
    const int error = errno;
    close(fd);
    if (code != 0)
        return fail(systemError(path, "sync", error));
    return {};
}

/// Whether a failure is the disk's, so that another try may do better; else it is the content's.
bool isOfTheDisk(Connection& connection) noexcept {
    const int code = sqlite3_errcode(connection.handle()) & 0xff;
    if (sqlite3_extended_errcode(connection.handle()) == SQLITE_IOERR_SHORT_READ)
        return false;  // octets are missing: no other try finds them
    return code == SQLITE_FULL || code == SQLITE_IOERR || code == SQLITE_CANTOPEN || code == SQLITE_READONLY ||
           code == SQLITE_NOMEM;
}

struct Copy {
    std::unique_ptr<Connection> connection;  ///< nullptr: the content is not to be used
    std::uint64_t applied = 0;
    std::string problem;
};

/// The old content at `to`, read whole. @error storage  the disk's
Result<Copy> copyOld(const DatabaseFiles& files, const RescueOrder& order, const std::string& to) {
    Copy copy;
    if (!files.database().held() || (files.database().size() == 0 && files.log().size() == 0)) {
        copy.problem = "nothing of it is left";
        return copy;
    }
    if (auto copied = copyFile(files.database(), to); !copied)
        return fail(copied.error());
    // Of a database without octets SQLite throws the log away, and a young log has everything.
    if (files.database().size() < kPage && truncate(to.c_str(), kPage) != 0)
        return fail(systemError(to, "copy the database", errno));
    if (files.log().held())
        if (auto copied = copyFile(files.log(), to + "-wal"); !copied)
            return fail(copied.error());
    auto connection = Connection::open(to, Connection::Use::write);
    if (!connection) {
        copy.problem = connection.error().detail;
        return copy;
    }
    const bool ours = (*connection)->value("PRAGMA application_id", 0) == kApplicationId &&
                      (*connection)->value("PRAGMA user_version", 0) == kSchemaVersion;
    if (!ours || !isSound(**connection, copy.problem)) {
        if (isOfTheDisk(**connection))
            return fail((*connection)->problem("cannot read the copy"));
        if (copy.problem.empty())
            copy.problem = "it is another program's";
        return copy;
    }
    const std::int64_t applied = (*connection)->value("SELECT value FROM meta WHERE name='applied'", -1);
    if (applied < 0 || static_cast<std::uint64_t>(applied) > order.applied ||
        identityOf(**connection) != order.identity) {
        copy.problem = "it holds another appliance's records";
        return copy;
    }
    copy.applied = static_cast<std::uint64_t>(applied);
    copy.connection = std::move(*connection);
    return copy;
}

std::string range(std::uint64_t first, std::uint64_t last) {
    return std::to_string(first) + " to " + std::to_string(last);
}

/// What the intake's files have between what the copy holds and what the old one held.
Result<void> catchUp(Tables& tables, const RescueOrder& order, Rescued& out) {
    const std::uint64_t from = tables.applied();
    std::vector<Piece> pieces;
    std::uint64_t last = from;
    std::uint64_t missing = 0;
    auto replay = readIntake(order.directory, from, true);
    if (replay) {
        for (const Found& found : replay->records) {
            if (found.seq > order.applied)
                break;  // still in memory
            auto record = decode(found.payload);
            if (!record)
                continue;
            missing += found.previous > last ? found.previous - last : 0;
            last = found.seq;
            pieces.push_back(pieceOf(found.seq, std::move(*record)));
        }
    }
    missing += order.applied - last;
    if (auto applied = tables.apply(pieces, order.applied, true); !applied)
        return applied;
    if (missing > 0) {
        out.whole = false;
        out.lost = std::to_string(missing) + " of the records " + range(from + 1, order.applied) +
                   " are neither in what is left of the database nor in the intake";
    }
    return {};
}

/// Renames what is at the database's names and is none of ours; removes what is.
void clearNames(const DatabaseFiles& files, bool keepOld, std::string& said) {
    std::string aside;
    const auto clear = [&](const HeldFile& held, const std::string& path, bool keep) {
        if (!exists(path))
            return;
        const bool ours = held.isAt(path);
        if (ours && !keep) {
            unlink(path.c_str());
            return;
        }
        const std::string name = setAside(path, ours ? "broken" : "replaced");
        if (!name.empty())
            aside += (aside.empty() ? "" : ", ") + name;
    };
    // The log and its index first: a database that lies there is never without the log that belongs to it.
    clear(files.index(), files.indexPath(), false);
    clear(files.log(), files.logPath(), keepOld);
    clear(files.database(), files.path(), keepOld);
    if (!aside.empty())
        said += "; what was there is kept as " + aside;
}

}  // namespace

std::string setAside(const std::string& path, const char* why) {
    const std::string base = path + "." + why + "-" + nowText();
    for (int copy = 0; copy < 1000; ++copy) {
        const std::string name = copy == 0 ? base : base + "-" + std::to_string(copy);
        if (exists(name))
            continue;
        return rename(path.c_str(), name.c_str()) == 0 ? name : std::string();
    }
    return {};
}

Result<void> makeDirectory(const std::string& directory, bool above) {
    struct stat status {};
    if (stat(directory.c_str(), &status) == 0) {
        if (!S_ISDIR(status.st_mode))
            return fail(Code::storage, directory, "this is no directory; name another one, or move it away");
        return {};
    }
    const auto parent = std::filesystem::path(directory).parent_path().string();
    if (above && !parent.empty() && parent != directory && !exists(parent))
        if (auto made = makeDirectory(parent, true); !made)
            return made;
    if (mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST)
        return fail(systemError(directory, "make the directory", errno));
    return {};
}

std::int64_t identityOf(Connection& connection) {
    return connection.value("SELECT value FROM meta WHERE name='identity'", 0);
}

bool isSound(Connection& connection, std::string& problem) {
    auto check = connection.prepare("PRAGMA quick_check(1)");
    if (!check) {
        problem = check.error().detail;
        return false;
    }
    const Resetting reset(*check);
    problem = check->step() ? std::string(check->text(0)) : connection.problem("quick_check").detail;
    if (problem != "ok")
        return false;
    problem.clear();
    return true;
}

Result<Rescued> rescue(const DatabaseFiles& files, const RescueOrder& order) {
    const std::string& path = files.path();
    const std::string part = path + ".rescue";
    const std::string whole = path + ".put-back";
    if (auto made = makeDirectory(order.directory, true); !made)
        return fail(made.error());
    removeWithLog(part);

    Rescued out;
    auto copy = copyOld(files, order, part);
    if (!copy) {
        removeWithLog(part);
        return fail(copy.error());
    }
    const bool fresh = copy->connection == nullptr;
    if (fresh) {
        removeWithLog(part);
        auto connection = Connection::open(part, Connection::Use::write);
        if (!connection)
            return fail(connection.error());
        if (auto migrated = migrate(**connection); !migrated)
            return fail(migrated.error());
        copy->connection = std::move(*connection);
    }
    {
        auto tables = Tables::open(*copy->connection);
        if (!tables)
            return fail(tables.error());
        if ((*tables)->applied() < order.applied)
            if (auto caught = catchUp(**tables, order, out); !caught)
                return fail(caught.error());
    }
    // All of it in the one file: then it is moved as one.
    if (auto emptied = copy->connection->execute("PRAGMA synchronous=FULL; PRAGMA wal_checkpoint(TRUNCATE)"); !emptied)
        return fail(emptied.error());
    copy->connection.reset();
    if (exists(part + "-wal"))
        return fail(Code::storage, part, "the copy's log could not be emptied; it is tried again");
    if (auto synced = syncFile(part); !synced)
        return fail(synced.error());
    if (rename(part.c_str(), whole.c_str()) != 0)
        return fail(systemError(part, "rename the file", errno));
    if (auto synced = syncDirectory(order.directory); !synced)
        return fail(synced.error());

    out.done = fresh       ? "what was in it cannot be read (" + copy->problem + "); a new one was begun"
               : out.whole ? "all that it held was put back"
                           : "what could be read of it was put back";
    // Held before it has the name, and so whatever happens to the name.
    out.file.hold(whole);
    if (!out.file.held())
        return fail(systemError(whole, "open the file", errno));
    clearNames(files, fresh || !out.whole, out.done);
    if (rename(whole.c_str(), path.c_str()) != 0)
        return fail(systemError(whole, "put the file in its place", errno));
    if (auto synced = syncDirectory(order.directory); !synced)
        return fail(synced.error());

    auto connection = Connection::open(path, Connection::Use::write);
    if (!connection)
        return fail(connection.error());
    auto tables = Tables::open(**connection);
    if (!tables)
        return fail(tables.error());
    if (!out.file.isAt(path))
        return fail(Code::storage, "database " + path, "it was replaced again a moment later");
    out.connection = std::move(*connection);
    out.tables = std::move(*tables);
    return out;
}

std::string finishRescue(const std::string& path) {
    const std::string whole = path + ".put-back";
    removeWithLog(path + ".rescue");
    if (!exists(whole))
        return {};
    std::string said = "a copy that was made before the power went was put in its place";
    const DatabaseFiles none(path);
    clearNames(none, true, said);
    if (rename(whole.c_str(), path.c_str()) != 0)
        return {};
    return said;
}

}  // namespace muster::pool
