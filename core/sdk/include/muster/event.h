/// Events of the journal. Each plugin announces those it may raise; the manual is generated from the same list.
#pragma once

#include <cstdint>

namespace muster {

enum class Severity : std::uint8_t { debug, info, warning, error, critical };

constexpr const char* name(Severity severity) noexcept {
    switch (severity) {
        case Severity::debug:
            return "debug";
        case Severity::info:
            return "information";
        case Severity::warning:
            return "warning";
        case Severity::error:
            return "error";
        case Severity::critical:
            return "critical";
    }
    return "error";
}

/// 12288 to 12294 are Windows' own numbers. Core: 20000 to 20999, listener 21000, lab 22000, relay 23000, dns 24000,
/// webui 25000, others 30000 and above.
struct EventSpec {
    std::uint32_t id = 0;
    Severity severity = Severity::info;
    const char* message = nullptr;  ///< one sentence; {name} is replaced by the field of that name
    const char* explain = "";       ///< a paragraph for the operator: what happened, what to do
};

}  // namespace muster
