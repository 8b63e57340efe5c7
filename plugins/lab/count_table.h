/// How many machines a KMS host has counted: by CMID and application, twice the largest N-policy seen at most, each for
/// 30 days since it last asked.
/// @source docs/kms.md, "Counting"
/// @thread one at a time: the lab holds a lock
#pragma once

#include <chrono>
#include <cstdint>
#include <list>
#include <span>
#include <unordered_map>
#include <vector>

#include "muster/pool.h"
#include "muster/types.h"

namespace muster::lab {

class CountTable {
public:
    static constexpr std::chrono::hours kLifetime{30 * 24};
    /// No N-policy beyond this widens the table, whatever was stored before: memory stays bounded.
    static constexpr std::uint32_t kMaxRequired = 5000;

    /// Counts `cmid` and gives the count that includes it. A known CMID is only refreshed.
    /// @param previous  the CMID that this machine had before: its entry goes; zero if it never changed
    /// @param required  the client's N-policy
    std::uint32_t count(const Guid& application, const Guid& cmid, const Guid& previous, std::uint32_t required,
                        Timestamp now);
    /// The count as it is, without anybody being added. 0 for an application that never asked.
    std::uint32_t current(const Guid& application, Timestamp now);
    /// Whether anybody of that application was ever counted.
    bool knows(const Guid& application) const noexcept;
    void forget(const Guid& application, const Guid& cmid) noexcept;

    /// What the pool remembers. @param newestFirst  as Pool::counted() gives them
    void restore(const Guid& application, std::uint32_t largestRequired, std::span<const CountedClient> newestFirst);

    /// How many entries an application with that largest N-policy may have.
    static constexpr std::size_t capacityFor(std::uint32_t largestRequired) noexcept {
        return std::size_t{2} * (largestRequired < kMaxRequired ? largestRequired : kMaxRequired);
    }

private:
    struct Entry {
        Guid cmid;
        Timestamp counted;
    };
    using Entries = std::list<Entry>;  // newest contact first: a refresh moves an entry, nothing is searched

    struct Application {
        Guid id;
        std::size_t capacity = 0;
        Entries entries;
        std::unordered_map<Guid, Entries::iterator, GuidHash> byCmid;

        void expire(Timestamp now);
        void trim();
        void erase(const Guid& cmid) noexcept;
        void touch(const Guid& cmid, Timestamp now);
    };

    Application* find(const Guid& id) noexcept;
    Application& obtain(const Guid& id);

    std::vector<Application> applications_;  // a handful: one for each family's application
};

}  // namespace muster::lab
