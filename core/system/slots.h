/// What `rauc status --detailed --output-format=json` says, as values. Pure.
#pragma once

#include <string_view>

#include "muster/result.h"

#include "system/message.h"

namespace muster::system {

/// @param text  may hold anything: what is no slot is left out, texts are cut to kMaxName
/// @error malformed  no JSON, or no object with slots
Result<SlotsState> readSlots(std::string_view text);

/// What a line of `rauc install` tells: " 40% Copying image to rootfs.1" sets the number, the rest the words.
/// @param line  may hold anything
void readProgress(std::string_view line, UpdateState& state);

}  // namespace muster::system
