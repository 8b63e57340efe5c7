#include "pool/admission.h"

#include <algorithm>
#include <cstring>

namespace muster::pool {

namespace {

constexpr std::chrono::hours kHour{1};
constexpr int kLookedAt = 8;

}  // namespace

std::size_t Admission::KeyHash::operator()(const Key& key) const noexcept {
    Guid both;
    std::memcpy(both.octets.data(), &key.high, sizeof key.high);
    std::memcpy(both.octets.data() + 8, &key.low, sizeof key.low);
    return GuidHash{}(both);
}

void Admission::setPerHour(std::uint32_t perHour) noexcept {
    const std::lock_guard lock(mutex_);
    perHour_ = perHour;
}

bool Admission::admit(const Address& source, Monotonic now) {
    if (source.isLoopback())
        return true;
    Key key{};
    std::memcpy(&key.high, source.octets.data(), 8);
    if (source.isV4())
        std::memcpy(&key.low, source.octets.data() + 8, 8);
    const std::lock_guard lock(mutex_);
    if (perHour_ == 0)
        return true;
    auto at = sources_.find(key);
    if (at == sources_.end()) {
        if (sources_.size() >= kMaxSources)
            makeRoom(now);
        at = sources_.emplace(key, Hour{now, 0}).first;
    } else if (now - at->second.began >= kHour) {
        at->second = Hour{now, 0};
    }
    if (at->second.brought >= perHour_)
        return false;
    ++at->second.brought;
    return true;
}

void Admission::makeRoom(Monotonic now) {
    // A sweep looks at all of them: at most once a minute.
    if (now - swept_ >= std::chrono::minutes(1)) {
        swept_ = now;
        std::erase_if(sources_, [&](const auto& entry) { return now - entry.second.began >= kHour; });
        if (sources_.size() < kMaxSources)
            return;
    }
    auto fewest = sources_.begin();
    auto at = sources_.begin();
    for (int looked = 0; looked < kLookedAt && at != sources_.end(); ++looked, ++at)
        if (at->second.brought < fewest->second.brought)
            fewest = at;
    sources_.erase(fewest);
}

}  // namespace muster::pool
