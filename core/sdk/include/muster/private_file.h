/// Small files that a plugin keeps: read with a bound, written whole or not at all.
/// @thread any; blocks for the disk, so never a reactor's
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "muster/result.h"

namespace muster {

/// @param limit     octets; a longer file is refused
/// @error missing   there is none
/// @error storage   it is no regular file, longer than `limit`, or cannot be read: with the system's words
Result<std::string> readPrivateFile(const std::string& path, std::size_t limit);

/// Mode 0600. After a power cut the file is the old one or the new one. @param path  in a directory that exists
/// @error storage  with the system's words; the old file is untouched
Result<void> writePrivateFile(const std::string& path, std::string_view content);

/// The same where there is none yet; of several that try at once one is first.
/// @error duplicate  somebody was first, or there was one
/// @error storage    as above
Result<void> makePrivateFile(const std::string& path, std::string_view content);

}  // namespace muster
