/// The files that musterd-system keeps and writes: whole or not at all. @thread one; blocks for the disk
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <sys/types.h>

#include "muster/result.h"

#include "system/texts.h"

namespace muster::system {

constexpr mode_t kForAll = 0644;  ///< what daemons of other users read
constexpr mode_t kPrivate = 0600;

/// After a power cut the file is the old one or the new one. The directories above it are made (0755).
/// @return  false: it was there already, the same
/// @error storage  with the system's words; the old file is untouched
Result<bool> putFile(const std::filesystem::path& path, std::string_view content, mode_t mode);

/// @return  false: there was none. @error storage  with the system's words
Result<bool> removeFile(const std::filesystem::path& path);

/// Those and no others of names that begin with `prefix` and end with `suffix`.
/// @return  false: that was so already. @error storage  with the system's words
Result<bool> putFiles(const std::filesystem::path& directory, const Texts& files, std::string_view prefix,
                      std::string_view suffix);

/// A symbolic link, in one step. @return, @error  as putFile()
Result<bool> putLink(const std::filesystem::path& path, const std::filesystem::path& target);

}  // namespace muster::system
