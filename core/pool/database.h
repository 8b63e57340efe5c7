/// A thin layer over the C API of SQLite: connections and statements that clean up after themselves, errors as values.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "muster/result.h"
#include "muster/types.h"

struct sqlite3;
struct sqlite3_stmt;

namespace muster::pool {

/// A prepared statement. Texts and blobs bound must live until it was stepped and reset. @thread its connection's
class Statement {
public:
    Statement() noexcept = default;
    explicit Statement(sqlite3_stmt* handle) noexcept : handle_(handle) {}

    void bind(int index, std::int64_t value) noexcept;
    void bind(int index, std::string_view text) noexcept;
    void bind(int index, Octets blob) noexcept;
    void bind(int index, const Guid& guid) noexcept { bind(index, Octets(guid.octets)); }
    void bindNull(int index) noexcept;

    /// One row is there (SQLITE_ROW). False: done, or failed: then the connection's problem() says how.
    bool step() noexcept;
    /// Steps once and resets; false on failure.
    bool run() noexcept;
    void reset() noexcept;
    /// SQLite's extended result of the last step.
    int code() const noexcept { return code_; }

    std::int64_t integer(int column) const noexcept;
    bool isNull(int column) const noexcept;
    std::string_view text(int column) const noexcept;  ///< valid until the next step or reset
    Octets blob(int column) const noexcept;            ///< likewise
    Guid guid(int column) const noexcept;              ///< zero if the blob has another length

private:
    struct Finalize {
        void operator()(sqlite3_stmt* handle) const noexcept;
    };
    std::unique_ptr<sqlite3_stmt, Finalize> handle_;
    int code_ = 0;
};

/// Resets on leaving: a statement that is not reset holds a read transaction open.
class Resetting {
public:
    explicit Resetting(Statement& statement) noexcept : statement_(statement) {}
    ~Resetting() { statement_.reset(); }
    Resetting(const Resetting&) = delete;
    Resetting& operator=(const Resetting&) = delete;

private:
    Statement& statement_;
};

class Connection {
public:
    enum class Use : std::uint8_t { write, read };

    /// Opens and sets what every connection has: WAL, no automatic checkpoint, no mmap, a small cache.
    /// @param isRight  asked when the file is open and nothing was read of it: SQLite makes the index of the log anew,
    ///                 also under those who use it, when it finds another database beside it. Empty: it is
    /// @error storage  with SQLite's words, or: it is not the right one
    static Result<std::unique_ptr<Connection>> open(const std::string& path, Use use,
                                                    const std::function<bool()>& isRight = {});
    ~Connection();
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    /// @error storage  with SQLite's words
    Result<void> execute(const char* sql);
    Result<Statement> prepare(std::string_view sql);
    /// The first column of the first row, or `fallback`.
    std::int64_t value(std::string_view sql, std::int64_t fallback);

    /// SQLite's words for the last failure on this connection.
    Error problem(std::string_view what) const;
    int changes() const noexcept;
    sqlite3* handle() const noexcept { return handle_; }
    const std::string& path() const noexcept { return path_; }

private:
    Connection(sqlite3* handle, std::string path) noexcept : handle_(handle), path_(std::move(path)) {}

    sqlite3* handle_;
    std::string path_;
};

/// What a person should do about a failure of SQLite or of the system: "the disk is full: …".
std::string remedy(int sqliteCode);

}  // namespace muster::pool
