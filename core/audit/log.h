/// The audit log: append-only, in two files of a directory that take turns, each entry chained to the one before it.
///
/// An entry is on disk when append() returns. Where the disk does not take it, it waits in memory, is said to be there
/// by trouble(), and is written once the disk is back: no change is refused for want of its entry.
///
/// The chain shows what was changed, removed or added in the files by somebody who did not make all hashes anew; it is
/// no signature. Who wants more notes the last hash elsewhere.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "muster/result.h"
#include "muster/types.h"

#include "audit/entry.h"

namespace muster::audit {

struct LogOptions {
    std::string directory;        ///< STATE/audit; the directory above it must exist
    std::size_t kept = 10'000;    ///< entries that are kept at least; up to twice as many are there
    std::size_t waiting = 1'000;  ///< entries that are kept in memory at most; the newest beyond that are counted
};

struct ListQuery {
    std::uint64_t before = 0;  ///< only those with a smaller number; 0: from the newest
    std::size_t limit = 100;
    std::optional<Timestamp> since = {};
    std::string who = {};     ///< all of it; empty: whoever
    std::string action = {};  ///< a part of it; empty: whatever
};

struct ListPage {
    std::vector<Chained> entries;  ///< newest first
    bool more = false;
};

struct Verdict {
    bool good = true;
    std::uint64_t entries = 0;  ///< that fit, from the oldest on
    std::uint64_t first = 0;    ///< number of the oldest one kept; 0: there is none
    std::uint64_t last = 0;     ///< of the newest that fits
    std::string hash;           ///< its hash
    std::string problem;        ///< the first that does not fit: "entry 17 was changed: its hash does not fit"
};

/// @thread any
class Log {
public:
    explicit Log(LogOptions options);
    ~Log();
    Log(const Log&) = delete;
    Log& operator=(const Log&) = delete;

    /// Told when trouble begins (the sentence of trouble()) and when it has ended (empty); under the log's lock: it
    /// must not ask the log.
    void onTrouble(std::function<void(const std::string& trouble)> told);

    /// Never refuses. @param entry  its time is set where it has none
    void append(Entry entry) noexcept;
    /// Tries again to write what waits.
    void retry() noexcept;
    /// What is wrong now, a sentence; empty: nothing.
    std::string trouble() const;
    std::size_t waiting() const;

    /// What can be read; lines that are no entries are left out. @error storage  the files cannot be read
    Result<ListPage> list(const ListQuery& query) const;
    /// Reads all, from the oldest entry on.
    Verdict check() const;

private:
    struct Snapshot;

    void flush();
    bool attach();
    void detach() noexcept;
    bool inPlace() const noexcept;
    bool writeSome();
    std::string startFile(std::size_t slot, std::string_view text);
    std::string appendTo(std::string_view text) const;
    void note(std::string action, std::string detail);
    void say(std::string problem);
    std::string path(std::size_t slot) const;
    Snapshot snapshot() const;

    const LogOptions options_;
    mutable std::mutex mutex_;  // all below
    std::function<void(const std::string&)> told_;
    std::deque<Entry> waiting_;
    std::deque<Entry> notes_;  // of the log itself; they go before what waits
    std::uint64_t lost_ = 0;
    std::string problem_;
    int fd_ = -1;            // of the newer file; none before the first entry
    std::size_t slot_ = 0;   // which it is
    std::int64_t size_ = 0;  // octets of it that are on disk
    std::size_t held_ = 0;   // entries in it
    bool attached_ = false;
    bool known_ = false;      // last_ and hash_ are the log's
    std::uint64_t last_ = 0;  // number of the entry written last
    std::string hash_;
    struct {
        std::uint64_t device = 0;
        std::uint64_t inode = 0;
        std::int64_t size = -1;  // behind it lies what a write that failed has left
    } unsure_;
};

}  // namespace muster::audit
