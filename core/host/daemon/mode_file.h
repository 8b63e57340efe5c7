/// Which mode this appliance was told to be in: STATE/mode, one word.
#pragma once

#include <filesystem>

#include "muster/result.h"
#include "muster/types.h"

namespace muster::daemon {

/// Mode::none if nobody has chosen yet.
/// @error malformed  neither "lab" nor "relay" nor "none"
/// @error storage    it is there and cannot be read
Result<Mode> readMode(const std::filesystem::path& state);

/// Durable when it returns: a power cut leaves the old word or the new one.
Result<void> writeMode(const std::filesystem::path& state, Mode mode);

/// STATE, or STATE/lab: nothing of the lab is ever beside what is real.
std::filesystem::path modeDirectory(const std::filesystem::path& state, Mode mode);

}  // namespace muster::daemon
