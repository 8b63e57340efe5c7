/// Readings of what a host counts, held against the clients that it answered.
#include <algorithm>
#include <set>

#include "learned.h"
#include "reading_rules.h"

namespace muster::relay::rules {

namespace {

constexpr std::uint64_t kLeastVirtual = 5;
constexpr std::uint64_t kLeastPhysical = 5;
constexpr std::uint32_t kLeastNewVirtual = 5;
constexpr std::uint32_t kLeastNewPhysical = 3;
constexpr std::uint64_t kUsualCap = 50;

/// One application's count, and who was seen.
struct Tally {
    const ApplicationRecord& record;
    std::uint64_t physical = 0;
    std::uint64_t virtual_ = 0;
    bool atLeast = false;  ///< more clients came than there was room to remember

    std::uint64_t count() const noexcept { return record.count; }
    std::uint64_t seen() const noexcept { return physical + virtual_; }
    std::uint64_t capped(std::uint64_t machines) const noexcept { return std::min(machines, record.cap()); }
    std::string seenWords() const {
        return std::string(atLeast ? "at least " : "") + several(seen(), "client") + (seen() == 1 ? " was" : " were") +
               " answered in 30 days, " + std::to_string(virtual_) + " of them virtual";
    }
};

bool fresh(const Case& one, const ApplicationRecord& record) noexcept {
    return one.within(record.counted, kWeek);
}

Tally tallyOf(const Case& one, std::size_t application) {
    const Knowledge& knowledge = one.knowledge();
    Tally out{knowledge.applications[application]};
    const std::uint32_t epoch = secondsOf(out.record.epoch);
    for (const ClientRecord& client : knowledge.clients)
        if (client.application == application && client.last >= epoch && isPresent(client, one.context.now))
            ++(client.isVirtual ? out.virtual_ : out.physical);
    out.atLeast = one.within(out.record.overflowed, kHostMemory);
    return out;
}

/// A tenth and one: renewals that are due, a machine that changed its CMID, one that asks the host directly.
constexpr std::uint64_t slack(std::uint64_t machines) noexcept {
    return 1 + machines / 10;
}

std::vector<Evidence> numbers(const Tally& tally) {
    std::vector<Evidence> out{
        {"Count " + std::to_string(tally.count()) + "; " + tally.seenWords() + ".", std::nullopt}};
    const auto rises = [&](const Rises& of, const char* kind) {
        if (of.asked != 0)
            out.push_back({"Of " + several(of.asked, std::string("new ") + kind + " client") + ", " +
                               std::to_string(of.rose) + " raised the count.",
                           std::nullopt});
    };
    rises(tally.record.physical, "physical");
    rises(tally.record.virtual_, "virtual");
    return out;
}

bool countsNoVirtual(const Tally& tally) noexcept {
    if (tally.virtual_ < kLeastVirtual || tally.count() >= tally.record.cap())
        return false;
    const Rises& physical = tally.record.physical;
    const Rises& virtual_ = tally.record.virtual_;
    if (virtual_.asked >= kLeastNewVirtual && virtual_.rose == 0 && physical.asked >= kLeastNewPhysical &&
        3 * physical.rose >= 2 * physical.asked)
        return true;
    const std::uint64_t all = tally.capped(tally.seen());
    return tally.count() + std::max(kLeastVirtual, all / 3) <= all &&
           tally.count() <= tally.physical + slack(tally.physical) &&
           tally.count() + slack(tally.physical) >= tally.capped(tally.physical) && 5 * virtual_.rose <= virtual_.asked;
}

bool countsVirtual(const Tally& tally, Timestamp now) noexcept {
    if (tally.virtual_ < kLeastVirtual)
        return false;
    const Rises& virtual_ = tally.record.virtual_;
    if (virtual_.asked >= kLeastNewVirtual && 3 * virtual_.rose >= 2 * virtual_.asked)
        return true;
    // At its limit a count may be full of machines that were counted before we stood here.
    const bool whole = tally.count() < tally.record.cap() || now - tally.record.epoch >= kHostMemory;
    const std::uint64_t all = tally.capped(tally.seen());
    return whole && tally.physical + std::max(kLeastVirtual, slack(tally.physical)) <= all &&
           tally.count() + slack(all) >= all && tally.count() <= tally.seen() + slack(tally.seen());
}

void readVirtual(Case& one, const Tally& tally) {
    const bool no = countsNoVirtual(tally);
    const bool yes = !no && countsVirtual(tally, one.context.now);
    if (!no && !yes)
        return;
    const bool short_ = tally.count() < tally.record.required;
    const std::string figures = "count " + std::to_string(tally.count()) + "; " + tally.seenWords();
    if (no)
        one.add("counts-no-virtual", short_ ? Severity::warning : Severity::info, Certainty::likely, tally.record.epoch,
                "This host counts no virtual machines: " + figures + ".",
                short_ ? "Only physical machines bring it to " + std::to_string(tally.record.required) +
                             ": let those clients ask a host on Windows 7, Server 2008 R2 or later, which counts both."
                       : "")
            .evidence = numbers(tally);
    else
        one.add("counts-virtual", Severity::info, Certainty::likely, tally.record.epoch,
                "This host counts virtual machines: " + figures + ".")
            .evidence = numbers(tally);
    const CountsVirtual contrary = no ? CountsVirtual::yes : CountsVirtual::no;
    if (one.subject.countsVirtual == contrary)
        one.add("counts-virtual-contradicted", Severity::warning, Certainty::likely, tally.record.epoch,
                std::string("The setting counts-virtual says ") + name(contrary) + ", the answers say " +
                    (no ? "no: " : "yes: ") + figures + ".",
                std::string("Set counts-virtual of ") + one.subject.name + " to " + (no ? "no" : "yes") +
                    " if no other clients ask this host directly.")
            .evidence = numbers(tally);
}

void readCap(Case& one, const Tally& tally) {
    const std::uint64_t cap = tally.record.cap();
    const bool usual = tally.count() == kUsualCap && cap <= kUsualCap;  // somebody else asked with 25
    if (tally.count() == 0 || (tally.count() != cap && !usual))
        return;
    one.add("count-capped", Severity::info, Certainty::certain, tally.record.counted,
            "Count " + std::to_string(tally.count()) +
                " is the most that this host shows: twice the largest number that any client asked for. It says "
                "nothing about how many machines there are.")
        .evidence = numbers(tally);
}

void readNeed(Case& one, const Tally& tally) {
    std::vector<std::string> wait;
    std::vector<std::string> activate;
    for (const ProductRecord& record : one.knowledge().products) {
        if (record.isSealed() || record.application != tally.record.id || !one.within(record.lastAnswered, kWeek))
            continue;
        std::string what = nameOf(record.counted, one.context);
        if (what.empty())
            what = record.counted.text();
        if (record.required > tally.count())
            wait.push_back(what + " (needs " + std::to_string(record.required) + ")");
        else
            activate.push_back(std::move(what));
    }
    if (wait.empty())
        return;
    std::vector<Evidence> evidence = numbers(tally);
    if (!activate.empty())
        evidence.push_back({"Enough for " + joined(activate) + ".", std::nullopt});
    one.add("count-below-need", Severity::warning, Certainty::certain, tally.record.counted,
            "Count " + std::to_string(tally.count()) + " is too low for " + joined(wait) +
                ": those clients are answered and do not activate.",
            "More machines with a CMID of their own have to ask this host; look for CMIDs that several machines "
            "share, and for clients that ask another host.")
        .evidence = std::move(evidence);
}

void readShort(Case& one, const Tally& tally) {
    const std::uint64_t machines = one.subject.countsVirtual == CountsVirtual::yes ? tally.seen() : tally.physical;
    const std::uint64_t expected = tally.capped(machines);
    if (machines < kLeastPhysical || one.has("counts-no-virtual") ||
        tally.count() + std::max<std::uint64_t>(3, expected / 3) > expected)
        return;
    one.add("count-short", Severity::warning, Certainty::likely, tally.record.epoch,
            "Count " + std::to_string(tally.count()) + ", although " + tally.seenWords() +
                ": the host lost what it had counted, or several hosts answer under this name.",
            "Look whether the host was restored or reinstalled, and whether its name or address leads to one "
            "machine alone.")
        .evidence = numbers(tally);
}

void readFall(Case& one, const Tally& tally) {
    if (tally.record.fellFrom == 0 || one.has("several-hosts") || !one.within(tally.record.epoch, kWeek))
        return;
    one.add("count-fell", Severity::warning, Certainty::likely, tally.record.epoch,
            "The count fell from " + std::to_string(tally.record.fellFrom) + " to " +
                std::to_string(tally.record.fellTo) +
                " from one answer to the next: the host was reinstalled or restored, or most of its clients had been "
                "silent for 30 days.",
            "If the host was rebuilt, nothing is to be done: its clients ask again within their renewal interval.")
        .evidence = numbers(tally);
}

/// Clients of an application that this upstream or another answered.
std::size_t distinct(std::span<const Subject* const> hosts, const Guid& application, Timestamp now) {
    std::set<Guid> out;
    for (const Subject* host : hosts)
        for (const ClientRecord& client : host->knowledge.clients)
            if (client.application != ClientRecord::kSealed && isPresent(client, now) &&
                host->knowledge.applications[client.application].id == application)
                out.insert(client.id);
    return out.size();
}

const ApplicationRecord* recordOf(const Subject& subject, const Guid& application) noexcept {
    for (const ApplicationRecord& record : subject.knowledge.applications)
        if (record.id == application)
            return &record;
    return nullptr;
}

bool sameEpid(const Subject& a, const Subject& b) noexcept {
    if (a.knowledge.epids.empty() || b.knowledge.epids.empty())
        return false;
    const Octets x = a.knowledge.epids.front().view();
    const Octets y = b.knowledge.epids.front().view();
    return std::equal(x.begin(), x.end(), y.begin(), y.end());
}

void readSplitOf(Case& one, std::span<const Subject> all, const ApplicationRecord& own) {
    std::vector<const Subject*> hosts;
    std::uint64_t need = 0;
    std::uint64_t sum = 0;
    std::uint64_t most = 0;
    bool twins = false;
    Timestamp since = own.epoch;
    std::vector<std::string> words;
    for (const Subject& host : all) {
        const ApplicationRecord* const record = recordOf(host, own.id);
        if (!record || record->count == 0 || !one.within(record->counted, kWeek))
            continue;
        twins = twins ||
                std::any_of(hosts.begin(), hosts.end(), [&](const Subject* other) { return sameEpid(*other, host); });
        hosts.push_back(&host);
        need = std::max<std::uint64_t>(need, record->required);
        sum += record->count;
        most = std::max<std::uint64_t>(most, record->count);
        since = std::max(since, record->epoch);
        words.push_back(host.name + " " + std::to_string(record->count));
    }
    if (hosts.size() < 2 || most >= need || sum < need)
        return;
    const std::size_t seen = distinct(hosts, own.id, one.context.now);
    // Two names of one host have one ePID and one count, which is no lower than the clients seen.
    if (twins && seen <= most + slack(most))
        return;
    std::vector<Evidence> evidence;
    evidence.reserve(hosts.size() + 1);
    for (const Subject* host : hosts)
        evidence.push_back(
            {"Count " + std::to_string(recordOf(*host, own.id)->count) + " at " + host->name + ".", std::nullopt});
    evidence.push_back({several(seen, "client") + " seen at all of them in 30 days.", std::nullopt});
    one.add("count-split", Severity::warning, seen >= need ? Certainty::certain : Certainty::likely, since,
            "The count is split: " + joined(words, words.size()) + ". None reaches the " + std::to_string(need) +
                " that clients need; together they would.",
            "Let one host have all of them that its key covers: make it the primary, and the others stand by. Every "
            "host counts by "
            "itself, and forgets a client after 30 days.")
        .evidence = std::move(evidence);
}

}  // namespace

void readCounts(Case& one) {
    for (std::size_t i = 0; i < one.knowledge().applications.size(); ++i) {
        if (!fresh(one, one.knowledge().applications[i]))
            continue;
        const Tally tally = tallyOf(one, i);
        readVirtual(one, tally);
        readCap(one, tally);
        readNeed(one, tally);
        readShort(one, tally);
        readFall(one, tally);
    }
}

void readSplit(Case& one, std::span<const Subject> all) {
    for (const ApplicationRecord& record : one.knowledge().applications)
        if (record.count != 0 && fresh(one, record))
            readSplitOf(one, all, record);
}

}  // namespace muster::relay::rules
