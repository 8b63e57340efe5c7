#include "tries.h"

#include <algorithm>
#include <iterator>

namespace muster::webui {

namespace {

constexpr std::size_t kCandidates = 16;  // of the oldest, from which the weakest goes

}  // namespace

std::chrono::milliseconds Tries::wait(const Key& key, Monotonic now) const {
    const auto found = byKey_.find(key);
    if (found == byKey_.end())
        return {};
    const std::vector<Monotonic>& at = found->second->at;
    const auto first = std::find_if(at.begin(), at.end(), [&](Monotonic time) { return time + limits_.window > now; });
    const auto count = static_cast<std::size_t>(at.end() - first);
    Monotonic free = now;
    if (count >= limits_.tries)
        free = at[at.size() - limits_.tries] + limits_.window;
    if (count >= limits_.freely)
        free = std::max(free, at.back() + limits_.step * static_cast<std::int64_t>(count - limits_.freely + 1));
    return std::chrono::ceil<std::chrono::milliseconds>(free - now);
}

void Tries::add(const Key& key, Monotonic now) {
    auto found = byKey_.find(key);
    if (found == byKey_.end()) {
        makeRoom(now);
        buckets_.push_back({key, {}});
        found = byKey_.emplace(key, std::prev(buckets_.end())).first;
    } else {
        buckets_.splice(buckets_.end(), buckets_, found->second);
    }
    std::vector<Monotonic>& at = found->second->at;
    if (at.size() >= limits_.tries)
        at.erase(at.begin());
    at.push_back(now);
}

void Tries::takeBack(const Key& key, Monotonic at) {
    const auto found = byKey_.find(key);
    if (found == byKey_.end())
        return;
    std::vector<Monotonic>& times = found->second->at;
    const auto same = std::find(times.begin(), times.end(), at);
    if (same != times.end())
        times.erase(same);
    if (times.empty()) {
        buckets_.erase(found->second);
        byKey_.erase(found);
    }
}

void Tries::makeRoom(Monotonic now) {
    while (!buckets_.empty() && buckets_.front().at.back() + limits_.window <= now) {
        byKey_.erase(buckets_.front().key);
        buckets_.pop_front();
    }
    if (buckets_.size() < limits_.keys)
        return;
    // The weakest of the oldest: a flood of new keys, one try each, does not wash out the one that is under attack.
    auto last = buckets_.begin();
    std::advance(last, static_cast<std::ptrdiff_t>(std::min(kCandidates, buckets_.size())));
    const auto weakest = std::min_element(buckets_.begin(), last,
                                          [](const Bucket& a, const Bucket& b) { return a.at.size() < b.at.size(); });
    byKey_.erase(weakest->key);
    buckets_.erase(weakest);
}

}  // namespace muster::webui
