/// What the rules behind readings.h share. Each function adds the readings of its kind to one upstream's list.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "reading_kinds.h"
#include "readings.h"

namespace muster::relay::rules {

constexpr std::chrono::hours kDay{24};
constexpr std::chrono::hours kWeek{7 * 24};

/// One upstream on its way through the rules.
struct Case {
    const Subject& subject;
    const ReadingContext& context;
    std::vector<Reading>& readings;

    const Knowledge& knowledge() const noexcept { return subject.knowledge; }
    /// False for times of a clock that was more than a day ahead.
    bool within(Timestamp time, std::chrono::hours age) const noexcept {
        return time != Timestamp{} && context.now - time <= age && time - context.now <= kDay;
    }
    bool has(std::string_view code) const noexcept;
    Reading& add(ReadingCode code, Severity severity, Certainty certainty, Timestamp since, std::string text,
                 std::string remedy = {});
};

void readKey(Case& one);  ///< host-key to intervals-unusual
void readRefusals(Case& one, std::span<const Subject> all);
void readClocks(Case& one);
void readCounts(Case& one);
void readSplit(Case& one, std::span<const Subject> all);

/// The family that knows a counted ID; nullptr: none that is loaded.
const muster_family* familyOf(const Guid& counted, const ReadingContext& context) noexcept;
/// Its name; empty: nobody knows it.
std::string nameOf(const Guid& counted, const ReadingContext& context);
/// "1 client", "2 clients"
std::string several(std::uint64_t number, std::string_view noun);
/// "a", "a and b", "a, b and c"; beyond `most`: "a, b and 3 more"
std::string joined(const std::vector<std::string>& words, std::size_t most = 4);
/// "5 h 3 min behind", "12 s ahead", "right"
std::string clockWords(std::int32_t ahead);
std::string epidText(const EpidRecord& epid);
/// "PC-7 (10.0.0.7), clock 12 s ahead: 0xC004F06C"
Evidence told(const Example& example);

}  // namespace muster::relay::rules
