/// Association groups: connections of one client that know each other ([MS-RPCE] 3.3.1.1.2). A group holds nothing but
/// the number of its members, so that nothing of a connection can outlive it here.
/// @thread any
#pragma once

#include <cstdint>
#include <mutex>
#include <vector>

namespace muster::kms {

class AssociationGroups {
public:
    /// @param limit  groups at a time, 1 to 65,535
    explicit AssociationGroups(std::size_t limit = 65'535);

    /// A new group with one member. 0: all are taken.
    std::uint32_t open() noexcept;
    /// Joins a group that still has a member. False: there is none of that id.
    bool join(std::uint32_t id) noexcept;
    /// Ends a membership that open() or join() began.
    void leave(std::uint32_t id) noexcept;

private:
    struct Slot {
        std::uint32_t members = 0;
        std::uint16_t generation = 1;  ///< makes the id of a group that is gone unknown
        std::uint16_t nextFree = 0;    ///< number of a slot; 0: none
    };

    Slot* find(std::uint32_t id) noexcept;

    std::mutex mutex_;
    std::size_t limit_;
    std::vector<Slot> slots_;  ///< never grows beyond what the constructor reserved
    std::uint16_t firstFree_ = 0;
};

}  // namespace muster::kms
