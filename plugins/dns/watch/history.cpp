#include "history.h"

#include <algorithm>
#include <utility>

namespace muster::publisher {

namespace {

constexpr std::chrono::hours kToldAgain{24};
constexpr std::chrono::hours kSightingsOnly{1};
constexpr std::chrono::hours kStep{1};  // a clock that goes back by less makes nothing due
constexpr unsigned kLooks = 2;          // in a row, before a thing is told

bool passed(Timestamp since, Timestamp now, std::chrono::hours time) noexcept {
    return now - since >= time || since - now >= kStep;
}

}  // namespace

History::History(const std::string& path) : file_(path), kept_(!path.empty()) {}

std::optional<Error> History::load() {
    if (!kept_)
        return std::nullopt;
    auto sightings = file_.read();
    if (!sightings) {
        file_.setAside();
        return sightings.error();
    }
    written_ = HistoryFile::text(*sightings);
    for (Sighting& one : *sightings)
        entries_[{one.domain, one.target, one.port}].sighting = std::move(one);
    return std::nullopt;
}

Result<void> History::save(Timestamp now, bool always) {
    if (!kept_ || !(changed_ || always || passed(saved_, now, kSightingsOnly)))
        return {};
    const std::vector<Sighting> sightings = all();
    std::string text = HistoryFile::text(sightings);
    saved_ = now;
    changed_ = false;
    if (text == written_)
        return {};
    if (auto done = file_.write(sightings); !done)
        return done;
    written_ = std::move(text);
    return {};
}

History::Entry& History::entry(const Key& key) {
    if (const auto known = entries_.find(key); known != entries_.end())
        return known->second;
    if (entries_.size() >= HistoryFile::kMaxSightings) {
        // Room: the one that has been away longest; of those that are here, whichever was seen first.
        const auto rank = [](const auto& one) {
            return std::tuple(one.second.here, one.second.sighting.last, one.second.sighting.first);
        };
        entries_.erase(std::min_element(entries_.begin(), entries_.end(),
                                        [&](const auto& a, const auto& b) { return rank(a) < rank(b); }));
    }
    Entry& fresh = entries_[key];
    std::tie(fresh.sighting.domain, fresh.sighting.target, fresh.sighting.port) = key;
    changed_ = true;
    return fresh;
}

void History::seen(const Key& key, std::uint16_t priority, std::uint16_t weight, Timestamp now) {
    Entry& one = entry(key);
    one.here = true;
    if (one.sighting.first == Timestamp{})
        one.sighting.first = now;
    one.sighting.last = std::max(one.sighting.last, now);
    one.sighting.priority = priority;
    one.sighting.weight = weight;
}

History::News History::judged(const Key& key, Verdict verdict, Timestamp now) {
    if (verdict == Verdict::unknown)
        return {};
    Entry& one = entry(key);
    Sighting& sighting = one.sighting;
    one.looks = one.looked == verdict ? one.looks + 1 : 1;
    one.looked = verdict;
    if (sighting.changes.empty() || sighting.changes.back().verdict != verdict) {
        if (sighting.changes.size() == HistoryFile::kMaxChanges)
            sighting.changes.erase(sighting.changes.begin());
        sighting.changes.push_back({now, verdict});
        changed_ = true;
    }
    if (!isTrouble(verdict))
        return settle(one);
    const auto told = std::find_if(sighting.told.begin(), sighting.told.end(),
                                   [&](const auto& change) { return change.verdict == verdict; });
    if (told != sighting.told.end() && !passed(told->at, now, kToldAgain))
        return {};
    if (one.looks < kLooks)
        return {News::Kind::none, Verdict::unknown, true};
    if (told != sighting.told.end())
        told->at = now;
    else
        sighting.told.push_back({now, verdict});
    sighting.open = verdict;
    changed_ = true;
    return {News::Kind::trouble, Verdict::unknown, false};
}

History::News History::gone(const Key& key, Timestamp) {
    const auto known = entries_.find(key);
    if (known == entries_.end())
        return {};
    Entry& one = known->second;
    one.here = false;
    one.looks = one.looked == Verdict::unknown ? one.looks + 1 : 1;
    one.looked = Verdict::unknown;
    return settle(one);
}

History::News History::settle(Entry& one) {
    if (!one.sighting.open)
        return {};
    if (one.looks < kLooks)
        return {News::Kind::none, Verdict::unknown, true};
    const Verdict before = *one.sighting.open;
    one.sighting.open.reset();
    changed_ = true;
    return {News::Kind::settled, before, false};
}

const Sighting* History::find(const Key& key) const noexcept {
    const auto known = entries_.find(key);
    return known != entries_.end() ? &known->second.sighting : nullptr;
}

std::vector<Sighting> History::all() const {
    std::vector<Sighting> out;
    out.reserve(entries_.size());
    for (const auto& [key, one] : entries_)
        out.push_back(one.sighting);
    return out;
}

std::vector<History::Key> History::present(const std::string& domain) const {
    std::vector<Key> keys;
    for (auto at = entries_.lower_bound(Key{domain, "", 0}); at != entries_.end(); ++at) {
        if (std::get<0>(at->first) != domain)
            break;
        if (at->second.here || at->second.sighting.open)
            keys.push_back(at->first);
    }
    return keys;
}

}  // namespace muster::publisher
