/// Lines of a text, and changes to it by octets. Internal to this room.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace muster::settings {

/// Where the line that holds `at` ends: behind its newline, or at the end of the text.
inline std::size_t lineEnd(std::string_view text, std::size_t at) noexcept {
    const std::size_t newline = text.find('\n', at);
    return newline == std::string_view::npos ? text.size() : newline + 1;
}

inline std::size_t lineBegin(std::string_view text, std::size_t at) noexcept {
    const std::size_t newline = at == 0 ? std::string_view::npos : text.rfind('\n', at - 1);
    return newline == std::string_view::npos ? 0 : newline + 1;
}

/// As the first line of the text ends.
inline std::string_view newlineOf(std::string_view text) noexcept {
    const std::size_t first = text.find('\n');
    return first != std::string_view::npos && first > 0 && text[first - 1] == '\r' ? "\r\n" : "\n";
}

inline std::string spliced(std::string_view text, std::size_t begin, std::size_t end, std::string_view replacement) {
    return std::string(text.substr(0, begin)) + std::string(replacement) + std::string(text.substr(end));
}

/// Octets that get another text.
struct Patch {
    std::size_t begin = 0;
    std::size_t end = 0;
    std::string text;
};

/// All of them at once. They do not overlap; those at one place come in the order given.
inline std::string patched(std::string_view text, std::vector<Patch> patches) {
    std::stable_sort(patches.begin(), patches.end(), [](const Patch& a, const Patch& b) {
        return a.begin != b.begin ? a.begin < b.begin : a.end < b.end;
    });
    std::string out;
    std::size_t at = 0;
    for (const Patch& patch : patches) {
        const std::size_t begin = std::clamp(patch.begin, at, text.size());
        out += text.substr(at, begin - at);
        out += patch.text;
        at = std::clamp(patch.end, begin, text.size());
    }
    return out + std::string(text.substr(at));
}

}  // namespace muster::settings
