/// Backups of this appliance: made, checked, listed, laid ready to be restored; one a day by itself.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "muster/event.h"
#include "muster/json.h"
#include "muster/result.h"
#include "muster/types.h"

#include "backup/archive.h"
#include "backup/backup_settings.h"
#include "backup/parts.h"
#include "backup/shelf.h"
#include "backup/staging.h"
#include "pool/archive.h"

namespace muster::backup {

/// What a Backups needs of the daemon. All of it may be called from any thread.
struct Surroundings {
    Directories directories;
    std::string version;  ///< of this Muster
    Mode mode = Mode::none;
    std::function<pool::Archive*()> store;  ///< of this mode; nullptr: it has none, or goes without
    std::function<Policy()> policy;
    /// Whether a settings file of that text could be put in force.
    std::function<Result<void>(std::string_view text)> judgeSettings;
    std::function<void(const EventSpec&, Json fields)> event;
    /// The present life ends in order, and the next begins.
    std::function<void()> beginAnew;
};

/// What a person wants to be made or restored.
struct Wish {
    std::vector<std::string> parts = {};  ///< names of the table; none: as much as can be
    std::string password = {};            ///< empty: none
    std::string by;                       ///< Caller::name
};

/// @thread any but a reactor's: all of it blocks for the disk, for as long as the pool is large. One at a time makes,
///         checks or restores; the next is told that it is busy.
class Backups {
public:
    explicit Backups(Surroundings surroundings);
    ~Backups() { stop(); }
    Backups(const Backups&) = delete;
    Backups& operator=(const Backups&) = delete;

    /// From now on one a day.
    void start();
    /// What is under way gives up; the daily one is no longer made.
    void stop() noexcept;

    Result<std::vector<Item>> list() const { return shelf_.list(); }
    Result<Item> find(std::string_view name) const { return shelf_.find(name); }
    /// Made, read back whole, and only then given its name.
    /// @error malformed  no such part  @error denied  a part with secrets, and no password
    /// @error busy       another is under way, or as many are kept as may be
    /// @error storage    no room, or the disk
    Result<Item> create(const Wish& wish);
    /// Reads it whole. @error denied  no password, or another  @error malformed, incompatible  with where and what
    Result<Item> check(std::string_view name, const std::string& password);
    /// Checks all of it, lays the parts ready and has Muster begin anew.
    /// @param wish  no parts: all that it holds, but the audit log
    Result<Plan> restore(std::string_view name, const Wish& wish);
    Result<void> remove(std::string_view name);
    /// The file of one, to be fetched. @error incompatible  it is what a restore has put aside
    Result<DiskFile> open(std::string_view name) const;
    /// Takes one from elsewhere. What is encrypted is kept unproved, unless the setting's password opens it.
    /// @param next  gives the next octets, 0 at the end; @param announced  how many there are, below 0: not known
    /// @error malformed, incompatible  it is none, or damaged  @error busy, storage  as create()
    /// @error denied  longer than the setting allows
    using Next = std::function<Result<std::size_t>(Buffer buffer)>;
    Result<Item> upload(const Next& next, std::int64_t announced);

    /// The one to offer: the newest that was found good. Nothing: there is none.
    std::optional<Item> newest() const;
    /// What is wrong with backups, and with the store where one would help; a sentence each.
    std::vector<std::string> troubles() const;
    /// A database was set aside, or there is no store: what was promised to be offered is worth offering.
    bool isNeeded() const;

private:
    struct Gathered {
        std::vector<Input> inputs;
        Summary about;
        std::vector<std::filesystem::path> copies;  // to be removed
        ~Gathered();
    };

    Result<Item> make(const Wish& wish, Origin origin);
    Result<void> receive(const Next& next, std::int64_t announced, const std::filesystem::path& path);
    Result<void> mayKeepMore() const;
    Result<void> gather(const Wish& wish, Gathered& into);
    Result<void> gatherPart(const Part& part, Gathered& into);
    Result<std::filesystem::path> databaseFor(const Part& part, const std::string& path, Gathered& into);
    bool isOpen(const Part& part) const;
    Result<void> verify(const std::filesystem::path& file, const std::string& password);
    Result<void> layReady(std::string_view name, const Wish& wish, Staging& staging, Plan& plan);
    Result<void> layAsideReady(std::string_view name, const Wish& wish, Staging& staging, Plan& plan);
    Result<void> judgeStaged(const std::filesystem::path& settings) const;
    Result<void> haveRoom(std::uint64_t octets) const;
    std::vector<std::string> setAside() const;
    std::vector<std::string> readSetAside() const;
    void run();
    void makeDaily();
    Timestamp readDue() const;
    void writeDue(Timestamp due);

    const Surroundings around_;
    Shelf shelf_;
    std::mutex work_;    // one at a time
    std::mutex upload_;  // likewise: what comes slowly holds up nothing else
    std::atomic<bool> stopping_{false};

    mutable std::mutex mutex_;  // below
    std::condition_variable changed_;
    std::string dailyTrouble_;
    // What setAside() found, when its directory had last been changed then, and when that was last looked at. It is
    // asked for with every status.
    mutable std::vector<std::string> setAside_;
    mutable std::optional<std::filesystem::file_time_type> setAsideOf_;
    mutable Monotonic setAsideSeen_;
    Timestamp due_{};
    std::thread thread_;
};

}  // namespace muster::backup
