/// The backups that this appliance keeps: the files of STATE/backups, what each says of itself, and which of them was
/// read whole and found good. Beside them, what restores have put aside.
/// @thread any; blocks for the disk, so never a reactor's
#pragma once

#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "muster/result.h"
#include "muster/types.h"

#include "backup/files.h"
#include "backup/manifest.h"

namespace muster::backup {

/// Who brought it here; it stands in the name.
enum class Origin : std::uint8_t { person, daily, uploaded, restore };
/// "person", "daily", "uploaded", "before-restore"
const char* name(Origin origin) noexcept;

struct Item {
    std::string name;  ///< "muster-20261127-194735.backup", "…-daily.backup", "…-uploaded.backup", "before-restore-…"
    Origin origin = Origin::person;
    std::uint64_t size = 0;  ///< octets
    bool encrypted = false;
    Summary about;
    std::optional<Timestamp> checked;  ///< when it was last read whole; nothing: never since it last changed
    bool verified = false;             ///< and found good
    std::string problem;               ///< what is wrong with it; empty: nothing is known to be
};

class Shelf {
public:
    static constexpr std::size_t kMost = 64;      ///< backups that people keep here, beside the daily ones
    static constexpr std::size_t kMostAside = 8;  ///< directories that restores have put aside

    explicit Shelf(std::filesystem::path state);

    /// STATE/backups, made where it is missing. @error storage
    Result<void> open() const;
    /// Removes what a power cut left of what was being made or uploaded. Call it before either.
    void tidy() const noexcept;
    const std::filesystem::path& directory() const noexcept { return directory_; }

    /// Newest first. @error storage
    Result<std::vector<Item>> list() const;
    /// @error missing
    Result<Item> find(std::string_view name) const;
    /// Where that one stands. @error malformed  no such name is given by Muster  @error missing
    Result<std::filesystem::path> pathOf(std::string_view name) const;

    /// A name that is free, of that time or the seconds after it.
    std::string freeName(Timestamp when, Origin origin) const;
    /// Gives a file of this directory its name; no list has it before it is known to be good.
    /// @param checked  when it was read whole and found good; nothing: it was not
    Result<void> keep(const std::filesystem::path& made, std::string_view name, std::optional<Timestamp> checked);
    /// Keeps whether it was good when it was read whole. @param problem  empty: it was
    void note(std::string_view name, Timestamp when, const std::string& problem);
    Result<void> remove(std::string_view name) const;
    /// Removes the oldest daily ones beyond `kept`. Says how many.
    Result<std::size_t> thin(std::size_t kept) const;

private:
    struct Mark {
        std::uint64_t size = 0;
        std::int64_t changed = 0;  // ns
        Timestamp when{};
        std::string problem;
    };
    using Marks = std::map<std::string, Mark, std::less<>>;

    Marks readMarks() const;
    void mark(std::string_view name, Timestamp when, const std::string& problem);
    Item itemOf(const std::string& name, Origin origin, const Marks& marks) const;
    Item asideOf(const std::string& name) const;

    const std::filesystem::path state_;
    const std::filesystem::path directory_;
    mutable std::mutex mutex_;  // the file of marks, and that names come with theirs
};

/// Nothing: no name that Muster gives.
std::optional<Origin> originOf(std::string_view name) noexcept;
/// "20261127-194735"
std::string stampOf(Timestamp when);

}  // namespace muster::backup
