#include "key_ring.h"

#include <algorithm>
#include <cstring>

namespace muster::lab {

bool RingKey::covers(const Guid& counted) const noexcept {
    for (std::uint32_t i = 0; table && i < table->cover_count; ++i)
        if (std::memcmp(table->covers[i].octets, counted.octets.data(), counted.octets.size()) == 0)
            return true;
    return false;
}

const muster_key* keyOfGroup(const muster_family* family, std::uint8_t group) noexcept {
    for (std::uint32_t i = 0; family && i < family->key_count; ++i)
        if (family->keys[i].group == group)
            return &family->keys[i];
    return nullptr;
}

void KeyRing::setIntervals(Intervals intervals) {
    intervals_ = intervals;
    for (RingKey& key : keys_)
        writeAnswer(key);
}

void KeyRing::set(std::vector<InstalledKey> keys) {
    std::stable_sort(keys.begin(), keys.end(), [](const InstalledKey& a, const InstalledKey& b) {
        return a.key.group() != b.key.group() ? a.key.group() > b.key.group() : a.installed > b.installed;
    });
    keys_.clear();
    keys_.reserve(keys.size());
    for (InstalledKey& key : keys) {
        RingKey made{.installed = std::move(key)};
        writeAnswer(made);
        keys_.push_back(std::move(made));
    }
}

std::vector<std::size_t> KeyRing::refresh(const Families& families) {
    std::vector<std::size_t> changed;
    for (std::size_t i = 0; i < keys_.size(); ++i) {
        RingKey& key = keys_[i];
        const muster_family* const family = families.byName(key.installed.key.family());
        if (family == key.family)
            continue;
        const bool worked = key.table != nullptr;
        key.family = family;
        key.table = keyOfGroup(family, key.installed.key.group());
        if (worked != (key.table != nullptr))
            changed.push_back(i);
    }
    return changed;
}

const RingKey* KeyRing::covering(const Guid& counted) const noexcept {
    const auto found =
        std::find_if(keys_.begin(), keys_.end(), [&](const RingKey& key) { return key.covers(counted); });
    return found == keys_.end() ? nullptr : &*found;
}

void KeyRing::writeAnswer(RingKey& key) const {
    ActivationAnswer answer;
    answer.major = 4;
    answer.epid = key.installed.epid;
    answer.activationInterval = intervals_.activation;
    answer.renewalInterval = intervals_.renewal;
    key.answerSize = kms::encodeAnswer(answer, key.answer);
}

}  // namespace muster::lab
