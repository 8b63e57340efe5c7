/// What was learnt, as octets for a file: one line that says what it is, a checksum, then every upstream in turn,
/// integers little-endian, lists with their length before them. A few KiB for a young upstream, 250 for a full one.
/// @thread any; pure
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "muster/result.h"

#include "learned.h"

namespace muster::relay {

constexpr std::size_t kMaxLearnedFile = std::size_t{16} * 1024 * 1024;  ///< octets

std::string encodeLearned(std::vector<Learned::Named> upstreams);

/// @param content  hostile: every length, index and time is checked; at most Learned::kMaxUpstreams
/// @error incompatible  of another version of this format
/// @error malformed     damaged, cut off, or written by somebody else
Result<std::vector<Learned::Named>> decodeLearned(std::string_view content);

}  // namespace muster::relay
