#include "choice.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace muster::relay {

namespace {

// SplitMix64's finisher: spreads what differs in a few bits over all of them.
std::uint64_t mixed(std::uint64_t value) noexcept {
    value ^= value >> 30U;
    value *= 0xbf58476d1ce4e5b9U;
    value ^= value >> 27U;
    value *= 0x94d049bb133111ebU;
    return value ^ (value >> 31U);
}

std::uint64_t hashed(const std::uint8_t* octets, std::size_t size, std::uint64_t seed) noexcept {
    for (std::size_t i = 0; i < size; i += 8) {
        std::uint64_t part = 0;
        std::memcpy(&part, octets + i, std::min<std::size_t>(8, size - i));
        seed = mixed(seed ^ part);
    }
    return seed;
}

bool mayServe(const Upstream& upstream, const Question& question) noexcept {
    if (upstream.duty == Duty::maintenance)
        return false;
    if (!upstream.versions.empty() &&
        std::find(upstream.versions.begin(), upstream.versions.end(), question.version) == upstream.versions.end())
        return false;
    // What is sealed has no family to choose by: versions do that.
    if (!upstream.families.empty() && question.version == 4) {
        const char* const family = question.family != nullptr ? question.family : "other";
        if (std::find(upstream.families.begin(), upstream.families.end(), family) == upstream.families.end())
            return false;
    }
    return upstream.everywhere || (question.source != nullptr && upstream.networks.contain(*question.source));
}

enum Grade : std::uint8_t { kFit, kRefusing, kDraining, kDown };

Grade grade(const Entry& entry, const Question& question) noexcept {
    const Member& member = *entry.member;
    if (!member.health.usable() || entry.addresses.empty())
        return kDown;
    if (entry.upstream.duty == Duty::draining)
        return kDraining;
    if (question.now.time_since_epoch().count() < member.unfitUntil.load(std::memory_order_relaxed))
        return kRefusing;
    if (question.counted != nullptr && member.learned->latelyRefuses(*question.counted, question.wall))
        return kRefusing;
    return kFit;
}

/// Rendezvous hashing with weights: the largest score is asked first, and when one goes only its own clients move.
double score(const Entry& entry, std::uint64_t client) noexcept {
    const std::string& name = entry.upstream.name;
    const std::uint64_t hash =
        mixed(client ^ hashed(reinterpret_cast<const std::uint8_t*>(name.data()), name.size(), name.size()));
    const double unit = (static_cast<double>(hash >> 11U) + 1) / 9007199254740993.0;  // (0, 1]
    return -std::max<double>(entry.upstream.weight, 1) / std::log(unit * 0.9999999999999999);
}

}  // namespace

std::uint64_t clientOf(const ActivationRequest& request, const Address& source) noexcept {
    if (request.isOpaque() || request.cmid.isZero())
        return hashed(source.octets.data(), source.octets.size(), 1);
    return hashed(reinterpret_cast<const std::uint8_t*>(request.cmid.octets.data()), request.cmid.octets.size(), 2);
}

Order choose(const Roster& roster, const Question& question, Spread spread) noexcept {
    struct Candidate {
        std::uint8_t index;
        Grade grade;
        std::uint64_t standsBack;
        std::uint16_t priority;
        double score;
    };
    std::array<Candidate, kMaxUpstreams> candidates;  // NOLINT(cppcoreguidelines-pro-type-member-init): filled below
    std::size_t count = 0;
    for (std::size_t i = 0; i < roster.size() && count < candidates.size(); ++i) {
        const Entry& entry = roster[i];
        if (!mayServe(entry.upstream, question))
            continue;
        candidates[count++] = {static_cast<std::uint8_t>(i), grade(entry, question),
                               entry.member->standsBack.load(std::memory_order_relaxed), entry.upstream.priority,
                               spread == Spread::weighted ? score(entry, question.client) : 0};
    }
    if (count > 1)
        std::sort(candidates.begin(), candidates.begin() + static_cast<std::ptrdiff_t>(count),
                  [](const Candidate& a, const Candidate& b) {
                      if (a.grade != b.grade)
                          return a.grade < b.grade;
                      if (a.standsBack != b.standsBack)  // who serves now came back earlier, or never was away
                          return a.standsBack < b.standsBack;
                      if (a.priority != b.priority)
                          return a.priority < b.priority;
                      if (a.score != b.score)
                          return a.score > b.score;
                      return a.index < b.index;
                  });
    Order order;
    order.size = static_cast<std::uint8_t>(count);
    for (std::size_t i = 0; i < count; ++i)
        order.entries[i] = candidates[i].index;
    return order;
}

}  // namespace muster::relay
