#include "kms/rpc_groups.h"

#include <algorithm>

namespace muster::kms {

AssociationGroups::AssociationGroups(std::size_t limit) : limit_(std::clamp<std::size_t>(limit, 1, 65'535)) {
    slots_.reserve(limit_);
}

std::uint32_t AssociationGroups::open() noexcept {
    const std::lock_guard lock(mutex_);
    std::size_t number = firstFree_;
    if (number != 0) {
        firstFree_ = slots_[number - 1].nextFree;
    } else {
        if (slots_.size() == limit_)
            return 0;
        slots_.emplace_back();
        number = slots_.size();
    }
    Slot& slot = slots_[number - 1];
    slot.members = 1;
    return static_cast<std::uint32_t>(slot.generation) << 16U | static_cast<std::uint32_t>(number);
}

bool AssociationGroups::join(std::uint32_t id) noexcept {
    const std::lock_guard lock(mutex_);
    Slot* slot = find(id);
    if (slot == nullptr)
        return false;
    ++slot->members;
    return true;
}

void AssociationGroups::leave(std::uint32_t id) noexcept {
    const std::lock_guard lock(mutex_);
    Slot* slot = find(id);
    if (slot == nullptr || --slot->members != 0)
        return;
    slot->generation = static_cast<std::uint16_t>(slot->generation == 0xFFFF ? 1 : slot->generation + 1);
    slot->nextFree = firstFree_;
    firstFree_ = static_cast<std::uint16_t>(id & 0xFFFFU);
}

AssociationGroups::Slot* AssociationGroups::find(std::uint32_t id) noexcept {
    const std::size_t number = id & 0xFFFFU;
    if (number == 0 || number > slots_.size())
        return nullptr;
    Slot& slot = slots_[number - 1];
    return slot.generation == id >> 16U && slot.members != 0 ? &slot : nullptr;
}

}  // namespace muster::kms
