#include "pool/database.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <filesystem>
#include <sqlite3.h>
#include <sys/statvfs.h>
#include <system_error>
#include <unistd.h>

namespace muster::pool {

namespace {

constexpr const char* kTurnedReadOnly =
    "the file system has turned read-only, as it does when its disk fails: see the system's log, "
    "and repair it or mount another disk in its place";

/// SQLite says "readonly" of a file that may not be written and of a whole file system alike.
bool onReadOnlyFileSystem(const std::string& path) {
    struct statvfs about {};
    if (statvfs(path.c_str(), &about) == 0 && (about.f_flag & ST_RDONLY) != 0)
        return true;
    // An ext4 that met an error refuses all writes, and newer kernels do not say so there. It is asked by a file
    // without a name: to open and close the database itself would drop SQLite's locks on it.
    const std::string directory = std::filesystem::path(path).parent_path().string();
    const int fd = ::open(directory.c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
    const bool refused = fd < 0 && errno == EROFS;
    if (fd >= 0)
        ::close(fd);
    return refused;
}

/// The system's own error behind the last I/O error: of the log, or of the file; 0: it did not say.
int refusalOf(sqlite3* handle) noexcept {
    int error = sqlite3_system_errno(handle);  // what was done since may have covered it
    sqlite3_file* log = nullptr;
    if (error == 0 &&
        sqlite3_file_control(handle, "main", SQLITE_FCNTL_JOURNAL_POINTER, static_cast<void*>(&log)) == SQLITE_OK &&
        log != nullptr && log->pMethods != nullptr)
        log->pMethods->xFileControl(log, SQLITE_FCNTL_LAST_ERRNO, &error);
    if (error == 0)
        sqlite3_file_control(handle, "main", SQLITE_FCNTL_LAST_ERRNO, &error);
    return error;
}

}  // namespace

void Statement::Finalize::operator()(sqlite3_stmt* handle) const noexcept {
    sqlite3_finalize(handle);
}

void Statement::bind(int index, std::int64_t value) noexcept {
    sqlite3_bind_int64(handle_.get(), index, value);
}

void Statement::bind(int index, std::string_view text) noexcept {
    // A null pointer would bind NULL; an empty text is a text.
    sqlite3_bind_text(handle_.get(), index, text.data() ? text.data() : "", static_cast<int>(text.size()),
                      SQLITE_STATIC);
}

void Statement::bind(int index, Octets blob) noexcept {
    if (blob.empty())
        sqlite3_bind_zeroblob(handle_.get(), index, 0);
    else
        sqlite3_bind_blob(handle_.get(), index, blob.data(), static_cast<int>(blob.size()), SQLITE_STATIC);
}

void Statement::bindNull(int index) noexcept {
    sqlite3_bind_null(handle_.get(), index);
}

bool Statement::step() noexcept {
    code_ = sqlite3_step(handle_.get());
    return code_ == SQLITE_ROW;
}

bool Statement::run() noexcept {
    code_ = sqlite3_step(handle_.get());
    const int ended = sqlite3_reset(handle_.get());
    return (code_ == SQLITE_DONE || code_ == SQLITE_ROW) && ended == SQLITE_OK;
}

void Statement::reset() noexcept {
    sqlite3_reset(handle_.get());
}

std::int64_t Statement::integer(int column) const noexcept {
    return sqlite3_column_int64(handle_.get(), column);
}

bool Statement::isNull(int column) const noexcept {
    return sqlite3_column_type(handle_.get(), column) == SQLITE_NULL;
}

std::string_view Statement::text(int column) const noexcept {
    const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(handle_.get(), column));
    return text ? std::string_view(text, static_cast<std::size_t>(sqlite3_column_bytes(handle_.get(), column)))
                : std::string_view();
}

Octets Statement::blob(int column) const noexcept {
    const auto* data = static_cast<const std::byte*>(sqlite3_column_blob(handle_.get(), column));
    return data ? Octets(data, static_cast<std::size_t>(sqlite3_column_bytes(handle_.get(), column))) : Octets();
}

Guid Statement::guid(int column) const noexcept {
    Guid guid;
    const Octets from = blob(column);
    if (from.size() == guid.octets.size())
        std::copy(from.begin(), from.end(), guid.octets.begin());
    return guid;
}

Result<std::unique_ptr<Connection>> Connection::open(const std::string& path, Use use,
                                                     const std::function<bool()>& isRight) {
    sqlite3* handle = nullptr;
    const int flags = (use == Use::write ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY) |
                      SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE | SQLITE_OPEN_EXRESCODE;
    const int code = sqlite3_open_v2(path.c_str(), &handle, flags, nullptr);
    // Also a failed open gives a handle, which has the words.
    std::unique_ptr<Connection> connection(new Connection(handle, path));
    if (code != SQLITE_OK)
        return fail(connection->problem("cannot open"));
    if (isRight) {
        int moved = 0;
        sqlite3_file_control(handle, "main", SQLITE_FCNTL_HAS_MOVED, &moved);
        if (moved != 0 || !isRight())
            return fail(Code::storage, "database " + path,
                        "its name leads to another file, or to none; Muster puts its own back, ask again in a moment");
    }
    sqlite3_busy_timeout(handle, 2000);
    sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
    sqlite3_db_config(handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
    // The log keeps the size that it once had, up to 128 MiB: written over it costs less than made anew.
    // 2 MiB of cache do: the kernel's page cache does the rest (docs/decisions/0002-intake.md).
    const char* settings = use == Use::write
                               ? "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"
                                 "PRAGMA wal_autocheckpoint=0; PRAGMA mmap_size=0; PRAGMA cache_size=-2048;"
                                 "PRAGMA temp_store=MEMORY; PRAGMA journal_size_limit=134217728;"
                               : "PRAGMA query_only=1; PRAGMA mmap_size=0; PRAGMA cache_size=-512;"
                                 "PRAGMA temp_store=MEMORY;";
    // Only a new file: SQLite writes this one into the file every time, also into one that is refused afterwards.
    if (use == Use::write && connection->value("PRAGMA page_count", 1) == 0)
        if (auto set = connection->execute("PRAGMA auto_vacuum=INCREMENTAL"); !set)
            return fail(set.error());
    if (auto set = connection->execute(settings); !set)
        return fail(set.error());
    return connection;
}

Connection::~Connection() {
    sqlite3_close_v2(handle_);
}

Result<void> Connection::execute(const char* sql) {
    if (sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr) != SQLITE_OK)
        return fail(problem(""));
    return {};
}

Result<Statement> Connection::prepare(std::string_view sql) {
    sqlite3_stmt* statement = nullptr;
    if (sqlite3_prepare_v3(handle_, sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT, &statement,
                           nullptr) != SQLITE_OK)
        return fail(problem("cannot prepare a statement"));
    return Statement(statement);
}

std::int64_t Connection::value(std::string_view sql, std::int64_t fallback) {
    auto statement = prepare(sql);
    return statement && statement->step() && !statement->isNull(0) ? statement->integer(0) : fallback;
}

Error Connection::problem(std::string_view what) const {
    const int code = handle_ ? sqlite3_extended_errcode(handle_) : SQLITE_NOMEM;
    std::string detail(what);
    if (!detail.empty())
        detail += ": ";
    detail += handle_ ? sqlite3_errmsg(handle_) : "out of memory";
    detail += " (SQLite " + std::to_string(code) + ")";
    // SQLite says "disk I/O error" of whatever the system refused.
    const int system = handle_ && (code & 0xff) == SQLITE_IOERR ? refusalOf(handle_) : 0;
    if (system != 0)
        detail += ": " + std::generic_category().message(system);
    const bool turned = system == EROFS || ((code & 0xff) == SQLITE_READONLY && onReadOnlyFileSystem(path_));
    detail += "; ";
    detail += turned ? kTurnedReadOnly : remedy(code);
    return {Code::storage, "database " + path_, std::move(detail)};
}

int Connection::changes() const noexcept {
    return sqlite3_changes(handle_);
}

std::string remedy(int sqliteCode) {
    switch (sqliteCode & 0xff) {
        case SQLITE_FULL:
            return "the disk is full: make room, Muster goes on by itself";
        case SQLITE_READONLY:
            return "the file is read-only: make it writable for Muster's user, it goes on by itself";
        case SQLITE_CANTOPEN:
        case SQLITE_PERM:
        case SQLITE_AUTH:
            return "check that the directory exists and that file and directory belong to Muster's user";
        case SQLITE_NOTADB:
        case SQLITE_CORRUPT:
            return "move the file away or restore a backup; with --degraded Muster sets it aside itself";
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
            return "another program holds it: close that one";
        case SQLITE_IOERR:
            return "the disk reports errors: check the medium and the system's log";
        default:
            return "see the system's log";
    }
}

}  // namespace muster::pool
