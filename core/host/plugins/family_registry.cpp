#include "host/plugins/family_registry.h"

#include <algorithm>
#include <cstring>

namespace muster::plugins {

namespace {

Guid toGuid(const muster_guid& guid) noexcept {
    Guid out;
    static_assert(sizeof out.octets == sizeof guid.octets);
    std::memcpy(out.octets.data(), guid.octets, sizeof guid.octets);
    return out;
}

/// Calls `visit` with every GUID that belongs to one family alone, and what it is the GUID of.
template <class Visit>
void eachOwnGuid(const muster_family& family, Visit&& visit) {
    for (std::uint32_t i = 0; i < family.counted_count; ++i) {
        const muster_counted& counted = family.counted[i];
        visit(toGuid(counted.id), "counted ID", counted.name);
        for (std::uint32_t k = 0; k < counted.sku_count; ++k)
            visit(toGuid(counted.skus[k].id), "activation ID", counted.skus[k].name);
    }
    for (std::uint32_t i = 0; i < family.key_count; ++i)
        visit(toGuid(family.keys[i].id), "host key", family.keys[i].name);
}

bool before(const muster_family* a, const muster_family* b) noexcept {
    return std::strcmp(a->name, b->name) < 0;
}

}  // namespace

FamilyRegistry::FamilyRegistry(CountVirtual countVirtual) : countVirtual_(std::move(countVirtual)) {
    snapshots_.push_back(std::make_unique<const Snapshot>());
    current_.store(snapshots_.back().get(), std::memory_order_release);
}

FamilyRegistry::~FamilyRegistry() = default;

Result<void> FamilyRegistry::put(const muster_family& family) {
    const std::lock_guard lock(mutex_);
    std::vector<const muster_family*> families;
    std::unordered_map<Guid, const muster_family*, GuidHash> owners;
    for (const muster_family* other : current_.load(std::memory_order_relaxed)->families) {
        if (std::string_view(other->name) == family.name)
            continue;
        families.push_back(other);
        eachOwnGuid(*other, [&](const Guid& guid, const char*, const char*) { owners.emplace(guid, other); });
    }
    std::string taken;
    eachOwnGuid(family, [&](const Guid& guid, const char* what, const char* name) {
        if (const auto owner = owners.find(guid); owner != owners.end() && taken.empty())
            taken = std::string(what) + " " + guid.text() + " (" + name + ") is already in family " +
                    owner->second->name + "; a GUID belongs to one family";
    });
    if (!taken.empty())
        return fail(Code::duplicate, std::string("family ") + family.name, taken);
    families.push_back(&family);
    publish(std::move(families));
    return {};
}

void FamilyRegistry::remove(std::string_view name) {
    const std::lock_guard lock(mutex_);
    auto families = current_.load(std::memory_order_relaxed)->families;
    const auto gone = std::find_if(families.begin(), families.end(), [&](const auto* f) { return name == f->name; });
    if (gone == families.end())
        return;
    families.erase(gone);
    publish(std::move(families));
}

void FamilyRegistry::refresh() {
    const std::lock_guard lock(mutex_);
    publish(current_.load(std::memory_order_relaxed)->families);
}

void FamilyRegistry::publish(std::vector<const muster_family*> families) {
    auto next = std::make_unique<Snapshot>();
    std::sort(families.begin(), families.end(), before);
    next->families = std::move(families);
    for (const muster_family* family : next->families) {
        const auto setting = countVirtual_ ? countVirtual_(family->name) : std::nullopt;
        for (std::uint32_t i = 0; i < family->counted_count; ++i) {
            const muster_counted& counted = family->counted[i];
            const bool rule = counted.virtual_rule == MUSTER_VIRTUAL_COUNTS;
            next->byCounted.emplace(toGuid(counted.id), Entry{family, &counted, setting.value_or(rule)});
        }
    }
    current_.store(next.get(), std::memory_order_release);
    snapshots_.push_back(std::move(next));
}

Product FamilyRegistry::find(const Guid& counted, const Guid& sku) const noexcept {
    const Snapshot& snapshot = *current_.load(std::memory_order_acquire);
    Product product;
    const auto found = snapshot.byCounted.find(counted);
    if (found == snapshot.byCounted.end())
        return product;
    product.family = found->second.family;
    product.counted = found->second.counted;
    product.countsVirtual = found->second.countsVirtual;
    for (std::uint32_t i = 0; i < product.counted->sku_count; ++i)
        if (std::memcmp(product.counted->skus[i].id.octets, sku.octets.data(), sku.octets.size()) == 0) {
            product.sku = &product.counted->skus[i];
            break;
        }
    return product;
}

const muster_family* FamilyRegistry::byName(std::string_view name) const noexcept {
    for (const muster_family* family : current_.load(std::memory_order_acquire)->families)
        if (name == family->name)
            return family;
    return nullptr;
}

std::vector<const muster_family*> FamilyRegistry::all() const {
    return current_.load(std::memory_order_acquire)->families;
}

}  // namespace muster::plugins
