/// The files of the open database, held by descriptor: whether their names still lead to them, and what is in them when
/// the names are gone.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "muster/result.h"

#include "pool/database.h"

namespace muster::pool {

/// One file that was there once, and that stays reachable while this lives. Closing it drops the locks that this
/// process has on the file: only after SQLite's connections to it are closed.
class HeldFile {
public:
    HeldFile() noexcept = default;
    ~HeldFile() { release(); }
    HeldFile(HeldFile&& other) noexcept { *this = std::move(other); }
    HeldFile& operator=(HeldFile&& other) noexcept;
    HeldFile(const HeldFile&) = delete;
    HeldFile& operator=(const HeldFile&) = delete;

    /// Takes the file of that name unless it is the one that is held; nothing if there is none.
    void hold(const std::string& path) noexcept;
    void release() noexcept;
    bool held() const noexcept { return fd_ >= 0; }
    int descriptor() const noexcept { return fd_; }
    /// Whether `path` leads to this very file.
    bool isAt(const std::string& path) const noexcept;
    std::int64_t size() const noexcept;

private:
    int fd_ = -1;
    std::uint64_t inode_ = 0;
    std::uint64_t device_ = 0;
};

class DatabaseFiles {
public:
    explicit DatabaseFiles(std::string path) : path_(std::move(path)) {}

    enum class State : std::uint8_t {
        good,
        suspicious,  ///< another program wrote into the database itself: it is to be read before it is believed
        broken,      ///< a name leads elsewhere or nowhere, or octets are missing
    };
    struct Finding {
        State state = State::good;
        std::string sentence = {};  ///< what it is, for a person: "database … was removed or renamed"
    };

    /// Holds what is at the names now. Call it when a database was opened for the first time; inPlace() then tells
    /// whether there was one. @thread any
    void hold();
    /// Holds another database from now on, and what is at the names beside it. Ends changing(). @thread any
    void hold(HeldFile database);
    /// The files may change for a moment, as they do when the last connection closes: look() finds nothing until
    /// one of those who end it. @thread any
    void changing();
    /// Ends changing(): nothing was changed.
    void cancel();
    /// Ends changing() when it could not be opened anew: holds what lies beside the database now, if that is in its
    /// place; else what it held, since nobody else has it.
    void resume();
    /// As resume() when it was opened anew, which may have written into it.
    void reopened();
    /// What was written into the database since hold() was its owner's doing. @thread any
    void remember();
    /// @param logPages  gives the pages that the write-ahead log has at least; asked when nobody changes the files
    /// @thread any
    Finding look(const std::function<int()>& logPages);
    /// The name leads to the database that is held. @thread any
    bool inPlace() const;
    /// A connection to it, if the name leads to it.
    /// @error storage  SQLite's, or: the name leads elsewhere. @thread any
    Result<std::unique_ptr<Connection>> connect(Connection::Use use) const;

    const std::string& path() const noexcept { return path_; }
    std::string logPath() const { return path_ + "-wal"; }
    std::string indexPath() const { return path_ + "-shm"; }

    // For the repair, which nobody else is in the way of.
    const HeldFile& database() const noexcept { return database_; }
    const HeldFile& log() const noexcept { return log_; }
    const HeldFile& index() const noexcept { return index_; }

private:
    struct Stamp {
        std::int64_t size = 0;
        std::int64_t seconds = 0;
        std::int64_t nanoseconds = 0;
        bool operator==(const Stamp&) const = default;
    };
    Stamp stamp() const noexcept;
    void holdBeside() noexcept;
    /// Whether frame `number` of the log was ever written: what was cut off and then written behind is a hole.
    bool hasFrame(int number) const noexcept;

    const std::string path_;
    mutable std::mutex mutex_;
    HeldFile database_;
    HeldFile log_;
    HeldFile index_;
    Stamp known_;
    int logPages_ = 0;  // at the last look
    bool changing_ = true;
};

}  // namespace muster::pool
