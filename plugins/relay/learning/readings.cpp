#include "readings.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "kms/epid.h"
#include "kms/later_products.h"
#include "kms/utf16.h"
#include "reading_rules.h"

namespace muster::relay {

std::vector<std::vector<Reading>> read(std::span<const Subject> subjects, const ReadingContext& context) {
    std::vector<std::vector<Reading>> out(subjects.size());
    for (std::size_t i = 0; i < subjects.size(); ++i) {
        rules::Case one{subjects[i], context, out[i]};
        rules::readKey(one);
        rules::readRefusals(one, subjects);
        rules::readClocks(one);
        rules::readCounts(one);
        rules::readSplit(one, subjects);
        std::stable_sort(out[i].begin(), out[i].end(),
                         [](const Reading& a, const Reading& b) { return a.severity > b.severity; });
    }
    return out;
}

namespace rules {

namespace {

constexpr std::uint32_t kLeastInterval = 15;  // minutes; what slmgr takes
constexpr std::uint32_t kMostInterval = 30 * 24 * 60;
constexpr std::uint32_t kLongRenewal = 14 * 24 * 60;  // twice the default: one missed renewal and 30 days are near
constexpr std::uint32_t kMinutesOfADay = 24 * 60;

std::string days(std::uint32_t minutes) {
    return several(minutes / kMinutesOfADay, "day");
}

/// What another ePID means, as far as the two can be read.
std::string changeWords(const std::string& before, const std::string& now) {
    const auto a = kms::parseEpid(before);
    const auto b = kms::parseEpid(now);
    if (!a || !b)
        return "the host sends another text as its ePID";
    if (a->group != b->group || a->keyId != b->keyId)
        return "another host key was installed, or another host answers at this address";
    if (a->build != b->build)
        return "the same host key, on another system: the host was upgraded or installed anew";
    return "the same host key, activated anew: the host was probably reinstalled";
}

void readEpids(Case& one) {
    const auto& epids = one.knowledge().epids;
    if (epids.empty())
        return;
    const EpidRecord& present = epids.front();
    const std::string text = epidText(present);
    const Evidence shown{"ePID " + text + ", in " + several(present.answers, "answer") + ".", std::nullopt};
    if (kms::parseEpid(text))
        one.add("host-key", Severity::info, Certainty::readsAs, present.since,
                kms::readEpid(text, one.context.families))
            .evidence = {shown};
    else
        one.add("not-an-epid", Severity::warning, Certainty::certain, present.since,
                "What this host sends as its ePID has no form that Windows gives it.",
                "Check that a licensed KMS host answers at this address.")
            .evidence = {shown};

    std::uint64_t returns = 0;
    std::vector<Evidence> alternating;
    for (const EpidRecord& epid : epids)
        if (one.within(epid.last, kWeek)) {
            returns += epid.returns;
            alternating.push_back({epidText(epid) + ", in " + several(epid.answers, "answer") + ".", std::nullopt});
        }
    if (returns >= 2 && alternating.size() >= 2) {
        one.add("several-hosts", Severity::warning, Certainty::likely, present.since,
                "Answers alternate between " + several(alternating.size(), "ePID") +
                    ": several hosts stand behind this name, each with a count of its own.",
                "Name each host as an upstream of its own: a client that reaches now one, now the other is counted "
                "by both, and a count that is too low cannot be told from one that is split.")
            .evidence = std::move(alternating);
        return;
    }
    if (epids.size() < 2 || !one.within(present.since, kHostMemory) || present.returns != 0)
        return;
    const std::string before = epidText(epids[1]);
    one.add("epid-changed", Severity::info, Certainty::likely, present.since,
            "The ePID changed: " + changeWords(before, text) + ". Its count began anew.",
            "If nobody meant it, look at the host: a rebuilt host needs its clients to ask again, which takes up to "
            "one renewal interval.")
        .evidence = {{"Before: " + before + ", in " + several(epids[1].answers, "answer") + ".", std::nullopt},
                     {"Now: " + text + ".", std::nullopt}};
}

void readIntervals(Case& one) {
    if (one.knowledge().intervals.empty())
        return;
    const IntervalRecord& present = one.knowledge().intervals.front();
    const auto outside = [](std::uint32_t minutes) { return minutes < kLeastInterval || minutes > kMostInterval; };
    std::string text;
    std::string remedy = "Set it on the host (slmgr /sri 10080 is the default) and restart its licensing service.";
    Severity severity = Severity::warning;
    if (present.renewal > kMostInterval) {
        text = "Activated clients are told to ask again after " + days(present.renewal) +
               ", but a host forgets them after 30 days: the count will fall.";
    } else if (present.renewal > kLongRenewal) {
        text = "Activated clients are told to ask again after " + days(present.renewal) +
               "; a host forgets them after 30 days, so one missed renewal lowers the count.";
    } else if (outside(present.renewal) || outside(present.activation)) {
        severity = Severity::info;
        text = "This host sends intervals that Windows does not accept: " + std::to_string(present.activation) +
               " and " + std::to_string(present.renewal) + " minutes.";
        remedy = "Windows takes 15 to 43200 minutes: check that a licensed KMS host answers at this address.";
    } else {
        return;
    }
    std::vector<Evidence> evidence;
    for (const IntervalRecord& record : one.knowledge().intervals)
        evidence.push_back({(&record == &present ? "Now: activation " : "Before: activation ") +
                                several(record.activation, "minute") + ", renewal " +
                                several(record.renewal, "minute") + ".",
                            std::nullopt});
    one.add("intervals-unusual", severity, Certainty::certain, present.since, std::move(text), std::move(remedy))
        .evidence = std::move(evidence);
}

}  // namespace

void readKey(Case& one) {
    readEpids(one);
    readIntervals(one);
}

bool Case::has(std::string_view code) const noexcept {
    return std::any_of(readings.begin(), readings.end(), [&](const Reading& reading) { return reading.code == code; });
}

Reading& Case::add(ReadingCode code, Severity severity, Certainty certainty, Timestamp since, std::string text,
                   std::string remedy) {
    Reading reading;
    reading.code = code.text();
    reading.severity = severity;
    reading.certainty = certainty;
    reading.since = since;
    reading.text = std::move(text);
    reading.remedy = std::move(remedy);
    readings.push_back(std::move(reading));
    return readings.back();
}

const muster_family* familyOf(const Guid& counted, const ReadingContext& context) noexcept {
    for (const muster_family* family : context.families)
        for (std::uint32_t i = 0; i < family->counted_count; ++i)
            if (std::memcmp(family->counted[i].id.octets, counted.octets.data(), counted.octets.size()) == 0)
                return family;
    return nullptr;
}

std::string nameOf(const Guid& counted, const ReadingContext& context) {
    if (const muster_family* family = familyOf(counted, context))
        for (std::uint32_t i = 0; i < family->counted_count; ++i)
            if (std::memcmp(family->counted[i].id.octets, counted.octets.data(), counted.octets.size()) == 0)
                return family->counted[i].name;
    return kms::laterProductName(counted);
}

std::string several(std::uint64_t number, std::string_view noun) {
    return std::to_string(number) + " " + std::string(noun) + (number == 1 ? "" : "s");
}

std::string joined(const std::vector<std::string>& words, std::size_t most) {
    const std::size_t shown = std::min(words.size(), most);
    std::string out;
    for (std::size_t i = 0; i < shown; ++i) {
        const bool last = i + 1 == words.size();
        out += (i == 0 ? "" : last ? " and " : ", ") + words[i];
    }
    return shown == words.size() ? out : out + " and " + std::to_string(words.size() - shown) + " more";
}

std::string clockWords(std::int32_t ahead) {
    const std::int64_t off = std::abs(std::int64_t{ahead});
    constexpr std::int64_t kMinute = 60;
    constexpr std::int64_t kHour = 3600;
    constexpr std::int64_t kDaySeconds = 24 * kHour;
    if (off == 0)
        return "right";
    std::string out;
    if (off >= 2 * kDaySeconds)
        out = several(static_cast<std::uint64_t>(off / kDaySeconds), "day");
    else if (off >= kHour)
        out = std::to_string(off / kHour) + " h " + std::to_string(off % kHour / kMinute) + " min";
    else if (off >= kMinute)
        out = std::to_string(off / kMinute) + " min";
    else
        out = std::to_string(off) + " s";
    return out + (ahead > 0 ? " ahead" : " behind");
}

std::string epidText(const EpidRecord& epid) {
    std::array<char, 3 * kMaxEpidOctets / 2> out{};
    return {out.data(), kms::utf16ToUtf8(epid.view(), out)};
}

Evidence told(const Example& example) {
    const std::string from = example.source.host();
    std::string text;
    if (example.cmid.isZero())
        text = from;
    else
        text = (example.machine.empty() ? example.cmid.text() : std::string(example.machine.view())) + " (" + from +
               "), clock " + clockWords(example.ahead);
    if (example.code != HResult::ok)
        text += ": " + muster::text(example.code);
    return {text + ".", example};
}

}  // namespace rules

}  // namespace muster::relay
