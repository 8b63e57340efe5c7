/// What travels from append() through the intake to the tables, in one piece.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "pool/record.h"

namespace muster::pool {

struct Piece {
    std::uint64_t first = 0;  ///< sequence number of its first record; the others follow
    std::vector<RequestRecord> requests;
    std::unique_ptr<Note> note;  ///< or this one record
    std::function<void(Durability)> done;

    std::size_t records() const noexcept { return note ? 1 : requests.size(); }
    std::uint64_t last() const noexcept { return first + records() - 1; }
    /// What it takes in the intake, about. In memory it is twice that.
    std::size_t octets() const noexcept { return kOverhead + requests.size() * kRequest + (note ? kNote : 0); }

private:
    static constexpr std::size_t kOverhead = 64;
    static constexpr std::size_t kRequest = 224;  // with a name of 32 octets
    static constexpr std::size_t kNote = 1024;
};

}  // namespace muster::pool
