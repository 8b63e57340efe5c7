/// What the traffic of all upstreams says about each of them: conclusions with their evidence. Pure functions of what
/// was learnt; nothing is stored, nothing is asked of a host.
///
/// A reading is made only on the least evidence named here, and is gone when the evidence is out of date. "Right" and
/// "wrong" of a client's clock mean: less than 3 h 50 min, more than 4 h 10 min off ours; between them nothing is
/// concluded. "Seen" means: clients that this upstream answered within 30 days and since its count last began anew
/// (another ePID, or a fall by more than half), by CMID; 512 at most for one application, "at least" beyond.
///
/// | code                        | least evidence                                                                     |
/// |-----------------------------|------------------------------------------------------------------------------------|
/// | host-key                    | one version 4 answer; "reads as", never a proof                                    |
/// | not-an-epid                 | one answer whose ePID has another form than Windows gives it                       |
/// | epid-changed                | one answer with the former, one with the present ePID, the change within 30 days   |
/// | several-hosts               | two returns to an ePID that another one had replaced, within 7 days                |
/// | intervals-unusual           | one answer: renewal over 14 days, or either outside Windows' 15 to 43,200 minutes  |
/// | key-does-not-cover          | two times 0xC004F042 for a counted ID since it was last answered, within 30 days   |
/// | update-missing              | 0xC004F06C to two clients of one family whose clocks are right, three times, none  |
/// |                             | of that family answered since, others answered since or the day before             |
/// | host-clock                  | 0xC004F06C to three clients whose clocks are right, nobody answered since, and not |
/// |                             | update-missing                                                                     |
/// | client-clocks               | one client refused with 0xC004F06C whose clock is wrong, within 7 days             |
/// | clocks-disagree             | three such clients whose clocks agree within 10 minutes, nobody answered since     |
/// | own-clock                   | five clients answered last, all off by 10 minutes or more, within 5 of each other  |
/// | not-activated, not-enabled  | two times 0xC004F041, 0xC004F039, nobody answered since                            |
/// | version-not-spoken          | 0x8007000D to two addresses, three times, never an answer in that version, others  |
/// |                             | answered                                                                           |
/// | refuses-all                 | three times another code, nobody answered since; 0x8007000D and 0xC004D104: to two |
/// |                             | clients                                                                            |
/// | counts-no-virtual           | five virtual machines seen; the count is that of the physical ones (within a tenth |
/// |                             | and one) and at least five and a third below that of all; or five new virtual ones |
/// |                             | raised it never and two in three of at least three new physical ones did           |
/// | counts-virtual              | five virtual machines seen; two in three of at least five new ones raised the      |
/// |                             | count, or it is that of all                                                        |
/// | counts-virtual-contradicted | one of the last two, and a setting that says the contrary                          |
/// | count-split                 | two hosts, none of which reaches the largest N-policy, and together they do; where |
/// |                             | they have the same ePID, more clients seen than either counts                      |
/// | count-capped                | a count of twice the largest N-policy                                              |
/// | count-below-need            | a count below the N-policy of a product that was answered within 7 days            |
/// | count-short                 | five physical machines seen, the count at least three and a third below that       |
/// | count-fell                  | a count at least five and by more than half below the one before, within 7 days    |
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
    std::string code;  ///< of the table above: stable
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
