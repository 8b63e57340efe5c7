/// One entry of the audit log, as values and as a line of JSON that is chained to the line before it.
///
/// A line is {"number":…,"time":…, … ,"previous":"<64>","hash":"<64>"}: SHA-256, in hex, of the line as it stands
/// without its member `hash`. `previous` is the hash of the line before; of the very first one 64 zeros.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "muster/json.h"
#include "muster/result.h"
#include "muster/types.h"

namespace muster::audit {

inline constexpr std::size_t kMaxLine = std::size_t{12} * 1024;  ///< octets, without the line's end

struct Entry {
    Timestamp time{};
    std::string who;     ///< "uid 0", "alice", "muster" itself
    std::string role;    ///< "admin"; empty: none
    std::string front;   ///< "control", "webui"
    std::string from;    ///< address; empty: this machine
    std::string action;  ///< "PUT /settings/{key}", "login"
    Json what;           ///< {"key": "listener.idle-timeout"}
    Json before;
    Json after;
    std::string result = "done";  ///< or the problem's code: "denied"
    std::string detail = {};
    std::uint64_t count = 1;  ///< so many equal ones in one entry
};

/// An entry with its place in the chain.
struct Chained : Entry {
    std::uint64_t number = 0;  ///< 1 is the first; no number is left out
    std::string previous;
    std::string hash;
};

/// What comes before the first entry.
std::string_view origin() noexcept;

/// `entry` with each of its members cut to what a line may hold: a text ends in "…", a value becomes
/// {"octets": N, "begins": "…"}.
Entry bounded(Entry entry);

/// The line, without its end. @param entry  bounded  @thread any; pure
std::string writeLine(const Entry& entry, std::uint64_t number, std::string_view previous, std::string& hash);

/// @error malformed  no line that writeLine() makes, or its hash does not fit  @thread any; pure
Result<Chained> readLine(std::string_view line);

/// The number at the beginning of a line, whatever follows.
std::optional<std::uint64_t> numberOf(std::string_view line) noexcept;

}  // namespace muster::audit
