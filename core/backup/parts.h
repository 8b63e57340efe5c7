/// What a backup is made of: one table of parts and of the files in the state directory that belong to each. What is
/// not in this table is in no backup, and no backup can bring it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace muster::backup {

enum class FileKind : std::uint8_t {
    plain,     ///< copied as it is; whoever writes it replaces it whole, or only appends
    database,  ///< copied by SQLite, checked by SQLite
    attached,  ///< of a database: copied where nobody has that database open
    passing,   ///< never in a backup, of no use beside what a backup brings: moved aside with the rest
};

struct Pattern {
    /// Below the state directory. A '*' in the last part of it stands for 1 to 253 letters, digits, '.', '_', '-', of
    /// which a '.' is not the first.
    std::string_view path;
    FileKind kind = FileKind::plain;
};

struct Part {
    std::string_view name;
    std::string_view what;  ///< for people
    bool secret = false;    ///< goes into a backup under a password, or not at all
    std::span<const Pattern> files = {};
};

/// All, in the order in which a backup has them.
std::span<const Part> parts() noexcept;
/// nullptr: there is none of that name
const Part* partOf(std::string_view name) noexcept;

struct Place {
    const Part* part = nullptr;
    FileKind kind = FileKind::plain;
};

/// Nothing: no backup holds a file of that path.
std::optional<Place> placeOf(std::string_view path) noexcept;

/// Where things are.
struct Directories {
    std::filesystem::path state;
    std::filesystem::path settings;  ///< the settings file; it may stand elsewhere
};

/// The path of the settings file in a backup, wherever it stands.
inline constexpr std::string_view kSettingsPath = "muster.toml";

/// Where a file of the table stands.
std::filesystem::path fileOf(const Directories& directories, std::string_view path);

struct Present {
    std::string path;  ///< as in the table
    FileKind kind = FileKind::plain;
};

/// The files of that part that are there now, ordered by path.
std::vector<Present> present(const Directories& directories, const Part& part);

}  // namespace muster::backup
