/// Databases of the pool as files: copied and judged by SQLite, without the store.
/// @thread any; takes its time, so never a reactor's
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>

#include "muster/result.h"

namespace muster::backup {

/// Copies a database that nobody has open to a new file, with what its write-ahead log holds.
/// @error storage  with SQLite's words
Result<void> copyDatabase(const std::filesystem::path& from, const std::filesystem::path& to);

/// Whether it is a whole database of the pool that this Muster can open. The file is only read; it may be hostile.
/// @return              its schema
/// @error malformed     it is none, or damaged: SQLite's words
/// @error incompatible  of a newer schema
/// @error busy          stopping
Result<std::int64_t> checkDatabase(const std::filesystem::path& path, const std::atomic<bool>& stopping);

}  // namespace muster::backup
