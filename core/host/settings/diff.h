/// Two texts as a unified diff. Internal to this room.
#pragma once

#include <string>
#include <string_view>

namespace muster::settings {

/// Three lines of context; empty if the texts are equal. Very different long texts come out as one whole replacement.
std::string unifiedDiff(std::string_view from, std::string_view to, std::string_view fromName, std::string_view toName);

}  // namespace muster::settings
