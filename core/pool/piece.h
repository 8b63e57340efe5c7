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
    /// What it takes in memory, about.
    std::size_t octets() const noexcept {
        return sizeof(Piece) + requests.capacity() * sizeof(RequestRecord) + (note ? 1024 : 0);
    }
};

}  // namespace muster::pool
