/// The loaded families, as every request asks for them.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "muster/plugin.h"
#include "muster/result.h"

namespace muster::plugins {

/// Readers take one atomic load and one look into a hash table that nobody changes any more. A change makes a new
/// table; the old ones are kept until the registry goes, because a reader may be in one (changes are a person's doing
/// and rare; a table is a few KiB).
class FamilyRegistry final : public Families {
public:
    /// What a setting says about virtual machines for the family of that name; nullopt: the family's own rule holds.
    /// Asked when the table is made, not per request.
    using CountVirtual = std::function<std::optional<bool>(std::string_view family)>;

    explicit FamilyRegistry(CountVirtual countVirtual = {});
    ~FamilyRegistry() override;
    FamilyRegistry(const FamilyRegistry&) = delete;
    FamilyRegistry& operator=(const FamilyRegistry&) = delete;

    /// Takes a family in, in the place of the one of the same name, in one step.
    /// @param family  judged before (judgeFamily); valid for ever
    /// @error duplicate  a counted ID, SKU or host key is in another loaded family; the detail names it
    Result<void> put(const muster_family& family);
    /// The table stays valid for those who hold it.
    void remove(std::string_view name);
    /// Settings have changed: asks CountVirtual again.
    void refresh();

    Product find(const Guid& counted, const Guid& sku) const noexcept override;
    const muster_family* byName(std::string_view name) const noexcept override;
    std::vector<const muster_family*> all() const override;

private:
    struct Entry {
        const muster_family* family;
        const muster_counted* counted;
        bool countsVirtual;
    };
    struct Snapshot {
        std::vector<const muster_family*> families;  // ordered by name
        std::unordered_map<Guid, Entry, GuidHash> byCounted;
    };
    void publish(std::vector<const muster_family*> families);

    CountVirtual countVirtual_;
    mutable std::mutex mutex_;  // of writers
    std::vector<std::unique_ptr<const Snapshot>> snapshots_;
    std::atomic<const Snapshot*> current_;
};

}  // namespace muster::plugins
