/// What the traffic of all upstreams says about each of them: conclusions with their evidence. Pure functions of what
/// was learnt; nothing is stored, nothing is asked of a host.
///
/// A reading is made only on the least evidence named here, and is gone when the evidence is out of date. "Right" and
/// "wrong" of a client's clock mean: less than 3 h 50 min, more than 4 h 10 min off ours; between them nothing is
/// concluded. "Seen" means: clients that this upstream answered within 30 days and since its count last began anew
/// (another ePID, or a fall by more than half), by CMID; 512 at most for one application, "at least" beyond.
/// reading_kinds.h has all of them, each with its least evidence; docs/readings.md is made of that.
///
/// A count that is older than 7 days is not read.
/// @source docs/kms.md, "Counting", "What a host returns", "Schedules", "The ePID"
/// @thread any; pure
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "muster/event.h"
#include "muster/family.h"

#include "knowledge.h"

namespace muster::relay {

enum class Certainty : std::uint8_t {
    certain,  ///< the host said so, or nothing else can have brought it about
    likely,   ///< the plainest explanation; the text names another
    readsAs,  ///< a label from what a community observed
};
constexpr const char* name(Certainty certainty) noexcept {
    return certainty == Certainty::certain ? "certain" : certainty == Certainty::likely ? "likely" : "reads as";
}

struct Evidence {
    std::string text;                ///< one sentence or clause
    std::optional<Example> example;  ///< the request that it is about
};

struct Reading {
    std::string code;  ///< of reading_kinds.h: stable
    Severity severity = Severity::info;
    std::string text;  ///< what is the case, in one or two sentences
    Certainty certainty = Certainty::likely;
    std::vector<Evidence> evidence;
    std::string remedy;  ///< what to do; empty: nothing is to be done
    Timestamp since{};   ///< of the first sign
};

/// An upstream to read.
struct Subject {
    std::string name;
    CountsVirtual countsVirtual = CountsVirtual::unknown;  ///< as the settings say
    Knowledge knowledge;
};

struct ReadingContext {
    Timestamp now{};
    std::span<const muster_family* const> families;
};

/// @return  one list for each of `subjects`, in their order; the most severe readings first
std::vector<std::vector<Reading>> read(std::span<const Subject> subjects, const ReadingContext& context);

}  // namespace muster::relay
