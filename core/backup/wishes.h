/// What a person may ask for: names of parts. Internal to the room and to the daemon's words about it.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "muster/result.h"

#include "backup/parts.h"

namespace muster::backup {

/// "settings, pool"
inline std::string joined(const std::vector<std::string>& names) {
    std::string out;
    for (const std::string& name : names)
        out += (out.empty() ? "" : ", ") + name;
    return out;
}

inline bool has(const std::vector<std::string>& names, std::string_view name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

/// @error malformed  a name that is no part's; the detail has those that are
inline Result<void> judgeParts(const std::vector<std::string>& names) {
    for (const std::string& name : names)
        if (partOf(name) == nullptr) {
            std::vector<std::string> known;
            for (const Part& part : parts())
                known.emplace_back(part.name);
            return fail(Code::malformed, "parts", "\"" + name + "\" is none; name some of " + joined(known));
        }
    return {};
}

}  // namespace muster::backup
