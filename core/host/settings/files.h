/// Small files, read whole and written so that a power cut leaves the old or the new one. Internal to this room.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "muster/result.h"

namespace muster::settings {

/// @error missing  not there; storage: cannot be read, with the system's words; malformed: longer than `limit`
Result<std::string> readFile(const std::filesystem::path& path, std::size_t limit);

/// Temporary file beside it, fsync, rename, fsync of the directory. A symbolic link stays one: its target is replaced.
/// Mode and owner of a file that is there are kept; a new one gets `mode`.
/// @param unlessChanged  the text that the file must still have right before it is replaced ("" if it must not be
/// there)
/// @error conflict  it has another one; storage: with the system's words and what to do
Result<void> writeFile(const std::filesystem::path& path, std::string_view text, unsigned mode,
                       const std::optional<std::string>& unlessChanged = std::nullopt);

/// Makes the directory and those above it, 0700. @error storage
Result<void> makeDirectory(const std::filesystem::path& path);

}  // namespace muster::settings
