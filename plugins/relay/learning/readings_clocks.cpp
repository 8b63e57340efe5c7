/// Readings of whose clock is wrong: a client's, the host's, or our own.
#include <algorithm>

#include "reading_rules.h"

namespace muster::relay::rules {

namespace {

constexpr std::size_t kLeastClients = 3;
constexpr std::size_t kLeastAnswered = 5;
constexpr std::int64_t kAgreement = 10 * 60;  // seconds between clocks that have one source
constexpr std::int64_t kOwnAgreement = 5 * 60;
constexpr std::int32_t kOwnLimit = 10 * 60;

/// Clients refused although their clocks are right, in runs that nothing has ended.
struct RightRefused {
    std::uint64_t requests = 0;
    Timestamp since{};
    std::vector<Example> examples;
    std::vector<const muster_family*> families;
};

RightRefused rightRefused(const Case& one) {
    RightRefused out;
    out.since = one.context.now;
    for (const ProductRecord& record : one.knowledge().products) {
        if (record.isSealed() || !record.inRun() || record.run.code != HResult::invalidTimestamp ||
            !one.within(record.run.last, kWeek))
            continue;
        out.requests += record.run.length;
        out.since = std::min(out.since, record.run.since);
        const muster_family* const family = familyOf(record.counted, one.context);
        if (std::find(out.families.begin(), out.families.end(), family) == out.families.end())
            out.families.push_back(family);
        for (const Example& example : record.run.examples)
            if (std::none_of(out.examples.begin(), out.examples.end(),
                             [&](const Example& other) { return other.cmid == example.cmid; }))
                out.examples.push_back(example);
    }
    return out;
}

std::vector<Evidence> tell(const std::vector<Example>& examples) {
    std::vector<Evidence> out;
    out.reserve(examples.size());
    for (const Example& example : examples)
        out.push_back(told(example));
    return out;
}

void readHostClock(Case& one, const RightRefused& refused) {
    if (refused.examples.size() < kLeastClients || one.knowledge().lastAnswer >= refused.since ||
        one.has("update-missing"))
        return;
    std::string text =
        "This host refuses everybody with 0xC004F06C though the clients' clocks agree with this "
        "appliance's: its own clock is more than 4 h off";
    text += refused.families.size() == 1
                ? ", or it lacks the update for what they run: only one generation of products has asked since."
                : ".";
    one.add("host-clock", Severity::error, Certainty::likely, refused.since, std::move(text),
            "Set the host's clock and see where it takes its time from (w32tm /query /status).")
        .evidence = tell(refused.examples);
}

void readClientClocks(Case& one, const RightRefused& refused) {
    std::vector<Example> off;
    for (const Example& example : one.knowledge().offClocks)
        if (one.within(example.when, kWeek))
            off.push_back(example);
    if (off.empty())
        return;
    const auto byTime = [](const Example& a, const Example& b) { return a.when < b.when; };
    const auto byClock = [](const Example& a, const Example& b) { return a.ahead < b.ahead; };
    const Timestamp since = std::min_element(off.begin(), off.end(), byTime)->when;
    const auto [least, most] = std::minmax_element(off.begin(), off.end(), byClock);
    const bool answered = one.knowledge().lastAnswer >= since;
    if (off.size() >= kLeastClients && !answered && refused.requests == 0 &&
        std::int64_t{most->ahead} - least->ahead <= kAgreement) {
        one.add("clocks-disagree", Severity::error, Certainty::likely, since,
                several(off.size(), "client") + " whose clocks agree with each other are all " +
                    clockWords(least->ahead) +
                    " by this appliance's clock, and this host refuses them "
                    "with 0xC004F06C: their source of time is wrong, or that of the host and of this appliance.",
                "Compare all three with a clock that you trust.")
            .evidence = tell(off);
        return;
    }
    one.add("client-clocks", Severity::warning, answered ? Certainty::certain : Certainty::likely, since,
            (off.size() == kMaxOffClocks ? "At least " : "") + several(off.size(), "client") +
                (off.size() == 1 ? " is" : " are") + " refused with 0xC004F06C because " +
                (off.size() == 1 ? "its clock is" : "their clocks are") + " more than 4 h off" +
                (answered ? "; the host answers others." : "."),
            "Set the clock there and see where it takes its time from (w32tm /query /status).")
        .evidence = tell(off);
}

void readOwnClock(Case& one) {
    std::vector<RecentClock> seen;
    for (const RecentClock& clock : one.knowledge().recentClocks)
        if (one.within(clock.when, kDay) &&
            std::none_of(seen.begin(), seen.end(), [&](const RecentClock& other) { return other.cmid == clock.cmid; }))
            seen.push_back(clock);
    if (seen.size() < kLeastAnswered)
        return;
    const auto [least, most] = std::minmax_element(
        seen.begin(), seen.end(), [](const RecentClock& a, const RecentClock& b) { return a.ahead < b.ahead; });
    const bool off = least->ahead >= kOwnLimit || most->ahead <= -kOwnLimit;
    if (!off || std::int64_t{most->ahead} - least->ahead > kOwnAgreement)
        return;
    const Timestamp since = std::min_element(seen.begin(), seen.end(), [](const RecentClock& a, const RecentClock& b) {
                                return a.when < b.when;
                            })->when;
    Reading& reading = one.add(
        "own-clock", Severity::error, Certainty::likely, since,
        "The clients that this host answered last agree with each other and with the host, and differ from this "
        "appliance by " +
            clockWords(least->ahead) + ": this appliance's clock is wrong.",
        "Set this appliance's clock; until then times shown here are off, and clients' clocks are judged wrongly.");
    for (const RecentClock& clock : seen)
        reading.evidence.push_back(
            {clock.cmid.text() + ", answered, clock " + clockWords(clock.ahead) + ".", std::nullopt});
}

}  // namespace

void readClocks(Case& one) {
    const RightRefused refused = rightRefused(one);
    readHostClock(one, refused);
    readClientClocks(one, refused);
    readOwnClock(one);
}

}  // namespace muster::relay::rules
