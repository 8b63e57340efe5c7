/// What a backup says of itself: the first file in it, manifest.json.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "muster/json.h"
#include "muster/result.h"
#include "muster/types.h"

namespace muster::backup {

constexpr std::int64_t kFormat = 1;                         ///< of files that this Muster writes; it reads no other
constexpr std::size_t kMaxFiles = 4096;                     ///< in one backup
constexpr std::uint64_t kMaxFile = std::uint64_t{1} << 42;  ///< octets of one file in it
constexpr std::size_t kMaxManifest = 2 << 20;               ///< octets

struct FileEntry {
    std::string path;  ///< one of the table (parts.h), of a kind that a backup holds
    std::uint64_t size = 0;
    std::string sha256;  ///< 64 hex digits
};

struct LeftOut {
    std::string part;
    std::string why;  ///< a clause: "it holds secrets, and no password was given"
};

/// What may be said of a backup before it is opened: also an encrypted one says it to everybody.
struct Summary {
    std::string muster;  ///< the version that made it
    Timestamp made{};
    std::string by;    ///< Caller::name; "daily"
    std::string host;  ///< name of the machine
    std::string mode;  ///< "none", "lab", "relay"
    std::vector<std::string> parts;
    std::vector<LeftOut> leftOut;
};

struct Manifest {
    Summary about;
    std::int64_t poolSchema = 0;   ///< of the databases in it
    std::vector<FileEntry> files;  ///< in the order in which they follow
};

/// As JSON and back. A backup made by a newer Muster in a newer format is refused by its name.
/// @error malformed     it is no such object, or names what the table does not know
/// @error incompatible  of another format
Json write(const Summary& summary);
Result<Summary> readSummary(const Json& json);
Json write(const Manifest& manifest);
Result<Manifest> readManifest(const Json& json);

}  // namespace muster::backup
