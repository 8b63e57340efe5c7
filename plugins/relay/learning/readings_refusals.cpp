/// Readings of what a host refuses.
#include <algorithm>
#include <cstring>

#include "kms/epid.h"
#include "kms/hresult.h"
#include "reading_rules.h"

namespace muster::relay::rules {

namespace {

constexpr std::uint64_t kLeastUncovered = 2;
constexpr std::uint64_t kLeastWithoutUpdate = 3;
constexpr std::uint64_t kLeastOfAllRefused = 3;
constexpr std::uint64_t kLeastNotActivated = 2;

bool covers(const muster_key& key, const Guid& counted) noexcept {
    for (std::uint32_t i = 0; i < key.cover_count; ++i)
        if (std::memcmp(key.covers[i].octets, counted.octets.data(), counted.octets.size()) == 0)
            return true;
    return false;
}

/// Whether something else is answered: not before `since` by more than a day, and not refused for a clock as well.
bool isAnswered(const ProductRecord& record, Timestamp since) noexcept {
    return record.answered != 0 && record.lastAnswered >= since - kDay &&
           !(record.inRun() && record.run.code == HResult::invalidTimestamp);
}

bool othersAnswered(const Knowledge& knowledge, const ProductRecord& record, Timestamp since) noexcept {
    return std::any_of(knowledge.products.begin(), knowledge.products.end(),
                       [&](const ProductRecord& other) { return &other != &record && isAnswered(other, since); });
}

std::vector<Evidence> examplesOf(const Run& run) {
    std::vector<Evidence> out;
    for (const Example& example : run.examples)
        out.push_back(told(example));
    return out;
}

/// Which keys would cover it, and which other upstream does.
std::string coverRemedy(const Case& one, std::span<const Subject> all, const Guid& counted, const std::string& what) {
    std::vector<std::string> keys;
    for (const muster_family* family : one.context.families)
        for (std::uint32_t i = 0; i < family->key_count; ++i)
            if (covers(family->keys[i], counted))
                keys.emplace_back(family->keys[i].name);
    std::vector<std::string> hosts;
    for (const Subject& other : all)
        for (const ProductRecord& record : other.knowledge.products)
            if (&other != &one.subject && record.counted == counted && !record.isSealed() && record.answered != 0 &&
                !record.inRun())
                hosts.push_back(other.name);
    std::string out = keys.empty() ? "Install a host key of that product's group or a higher one on this host."
                                   : "Host keys that cover it: " + joined(keys, keys.size()) + ".";
    out += hosts.empty() ? " Or add an upstream whose key covers it."
                         : " Or let " + joined(hosts) + " serve " + what + ": it is answered there.";
    return out;
}

void readUncovered(Case& one, std::span<const Subject> all) {
    const Knowledge& knowledge = one.knowledge();
    std::vector<const ProductRecord*> nameless;
    for (const ProductRecord& record : knowledge.products) {
        if (record.isSealed() || !record.inRun() || record.run.code != HResult::groupNotCovered ||
            record.run.length < kLeastUncovered || !one.within(record.run.last, kHostMemory))
            continue;
        const std::string what = nameOf(record.counted, one.context);
        if (what.empty()) {
            nameless.push_back(&record);
            continue;
        }
        const bool beside = othersAnswered(knowledge, record, record.run.since);
        std::string text = "This host's key does not cover " + what + ": " + several(record.run.length, "request") +
                           " got 0xC004F042 and none an answer" +
                           (beside ? ", while other products are answered." : ".");
        Reading& reading =
            one.add("key-does-not-cover", Severity::warning, beside ? Certainty::certain : Certainty::likely,
                    record.run.since, std::move(text), coverRemedy(one, all, record.counted, what));
        reading.evidence = examplesOf(record.run);
        if (knowledge.epids.empty())
            continue;
        const std::string epid = epidText(knowledge.epids.front());
        const auto parsed = kms::parseEpid(epid);
        const muster_key* const key = parsed ? kms::findKey(*parsed, one.context.families) : nullptr;
        if (key)
            reading.evidence.push_back({std::string("Its ePID reads as a ") + key->name + " host key, which " +
                                            (covers(*key, record.counted) ? "would cover it: the reading may be wrong."
                                                                          : "does not cover it."),
                                        std::nullopt});
    }
    if (nameless.empty())
        return;
    std::vector<Evidence> evidence;
    Timestamp since = nameless.front()->run.since;
    for (const ProductRecord* record : nameless) {
        since = std::min(since, record->run.since);
        if (evidence.size() < kMaxExamples)
            evidence.push_back(
                {"Counted ID " + record->counted.text() + ": " + several(record->run.length, "request") +
                     ", 0xC004F042.",
                 record->run.examples.empty() ? std::nullopt : std::optional(record->run.examples.back())});
    }
    one.add("key-does-not-cover", Severity::info, Certainty::certain, since,
            "This host's key does not cover " + several(nameless.size(), "product group") +
                " that no loaded family knows.",
            "If these are products of yours, add an upstream whose key covers them.")
        .evidence = std::move(evidence);
}

/// Sealed requests name no product, so all that can be said is how many and of whom.
void readSealed(Case& one) {
    const Knowledge& knowledge = one.knowledge();
    for (const ProductRecord& record : knowledge.products) {
        if (!record.isSealed())
            continue;
        const std::string version = "version " + std::to_string(record.major);
        for (const CodeTally& tally : record.codes)
            if (tally.code == HResult::groupNotCovered && tally.total >= kLeastUncovered &&
                one.within(tally.last, kWeek)) {
                Reading& reading = one.add(
                    "key-does-not-cover", Severity::warning, Certainty::likely, tally.first,
                    "This host's key does not cover some product that asks in " + version + ": " +
                        std::to_string(tally.total) + " of " + several(record.answered + tally.total, "request") +
                        " got 0xC004F042. Which one is sealed: only those clients can tell.",
                    "Look at the clients' edition (slmgr /dlv), and install a host key that covers it.");
                reading.evidence = examplesOf(record.run);
            }
        if (record.answered == 0 && record.inRun() && record.run.code == HResult::invalidData &&
            record.run.length >= kLeastWithoutUpdate && record.run.examples.size() >= 2 &&
            one.within(record.run.last, kHostMemory) && othersAnswered(knowledge, record, record.run.since))
            one.add("version-not-spoken", Severity::warning, Certainty::likely, record.run.since,
                    "This host does not speak protocol " + version + ": " + several(record.run.length, "request") +
                        " got 0x8007000D and none an answer, while others are answered.",
                    "Its Windows is older than those clients: let a newer host serve them, and set this upstream's "
                    "versions.")
                .evidence = examplesOf(record.run);
    }
}

/// Since it was last answered, clients whose clocks are right were refused for their clocks.
bool refusedForClock(const Case& one, const ProductRecord& record) noexcept {
    return record.inRun() && record.run.code == HResult::invalidTimestamp && one.within(record.run.last, kHostMemory);
}

void readUpdate(Case& one) {
    const Knowledge& knowledge = one.knowledge();
    for (const muster_family* family : one.context.families) {
        std::uint64_t requests = 0;
        Timestamp since = one.context.now;
        std::vector<Evidence> evidence;
        std::vector<Guid> clients;
        std::vector<const ProductRecord*> own;
        for (const ProductRecord& record : knowledge.products) {
            if (record.isSealed() || familyOf(record.counted, one.context) != family)
                continue;
            own.push_back(&record);
            if (!refusedForClock(one, record))
                continue;
            requests += record.run.length;
            since = std::min(since, record.run.since);
            for (const Example& example : record.run.examples) {
                evidence.push_back(told(example));
                if (std::find(clients.begin(), clients.end(), example.cmid) == clients.end())
                    clients.push_back(example.cmid);
            }
        }
        // What nothing was concluded of (all its clocks were wrong) is no evidence to the contrary.
        const bool all = std::all_of(own.begin(), own.end(), [&](const ProductRecord* record) {
            return refusedForClock(one, *record) ||
                   (record->lastAnswered < since && !(record->inRun() && record->run.last >= since));
        });
        const bool beside = std::any_of(knowledge.products.begin(), knowledge.products.end(), [&](const auto& other) {
            return std::find(own.begin(), own.end(), &other) == own.end() && isAnswered(other, since);
        });
        if (!all || !beside || requests < kLeastWithoutUpdate || clients.size() < 2)
            continue;
        if (!knowledge.epids.empty()) {
            const std::string epid = epidText(knowledge.epids.front());
            const auto parsed = kms::parseEpid(epid);
            const muster_key* const key = parsed ? kms::findKey(*parsed, one.context.families) : nullptr;
            const bool contrary = key && std::any_of(own.begin(), own.end(), [&](const ProductRecord* record) {
                                      return covers(*key, record->counted);
                                  });
            evidence.push_back(
                {kms::readEpid(epid, one.context.families) +
                     (contrary ? " A host with that key has the update: one of the two readings is wrong." : ""),
                 std::nullopt});
        }
        one.add("update-missing", Severity::warning, Certainty::likely, since,
                std::string("This host lacks the update for ") + family->display_name + ": every request of theirs (" +
                    std::to_string(requests) +
                    ") got 0xC004F06C though the clients' clocks are right, while other "
                    "products are answered.",
                "Install the update on the host (for Windows 7 and Server 2008 R2: KB968912 on Vista and Server 2008, "
                "KB968915 on Server 2003), restart it, then install its host key for them: the old key does not start "
                "to cover them. Until then let another upstream serve them.")
            .evidence = std::move(evidence);
    }
}

/// Refusals of the host as a whole: nobody was answered since.
void readRefusesAll(Case& one) {
    const Knowledge& knowledge = one.knowledge();
    for (const CodeTally& tally : knowledge.codes) {
        const bool inRun = tally.run != 0 && tally.answered == knowledge.of(Ending::answered);
        if (!inRun || !one.within(tally.last, kHostMemory) || tally.code == HResult::groupNotCovered ||
            tally.code == HResult::invalidTimestamp)
            continue;
        std::vector<Evidence> evidence;
        for (const ProductRecord& record : knowledge.products)
            if (record.run.code == tally.code && evidence.size() < kMaxExamples)
                for (const Example& example : record.run.examples)
                    evidence.push_back(told(example));
        const std::string code = text(tally.code);
        const std::string requests = several(tally.run, "request") + " got " + code + " and none an answer since.";
        if (tally.code == HResult::hostNotActivated || tally.code == HResult::serviceNotEnabled) {
            const bool activated = tally.code == HResult::serviceNotEnabled;
            if (tally.run >= kLeastNotActivated)
                one.add(activated ? ReadingCode("not-enabled") : ReadingCode("not-activated"), Severity::critical,
                        Certainty::certain, tally.runSince,
                        (activated ? "This host says that KMS is not enabled on it: "
                                   : "This host says that it is not activated itself: ") +
                            requests,
                        activated ? "Install a host key on it (slmgr /ipk) and activate it (slmgr /ato)."
                                  : "Activate the host with Microsoft, online (slmgr /ato) or by telephone.")
                    .evidence = std::move(evidence);
            continue;
        }
        // These two may be the doing of one client that is no Windows: two must have met them.
        const bool ownFault = tally.code == HResult::invalidData || tally.code == HResult::invalidArgument;
        if (tally.run < kLeastOfAllRefused || (ownFault && evidence.size() < 2))
            continue;
        const kms::HResultInfo* const info = kms::find(tally.code);
        one.add("refuses-all", Severity::error, Certainty::certain, tally.runSince,
                "This host refuses every request: " + requests + (info ? " " + std::string(info->meaning) : ""),
                info ? std::string(info->remedy) : "Look the code up on the host: slui.exe 0x2a " + code + ".")
            .evidence = std::move(evidence);
    }
}

}  // namespace

void readRefusals(Case& one, std::span<const Subject> all) {
    readUncovered(one, all);
    readSealed(one);
    readUpdate(one);
    readRefusesAll(one);
}

}  // namespace muster::relay::rules
