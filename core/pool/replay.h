/// What the intake's files hold when the store is opened: which records are to be applied, and what is damaged.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "pool/piece.h"
#include "pool/segment.h"

namespace muster::pool {

struct SegmentFile {
    std::string path;
    std::uint32_t salt = 0;
    std::size_t size = 0;
    bool damaged = false;  ///< to be set aside once what is whole in it is applied
};

struct Replay {
    std::vector<SegmentFile> files;
    std::vector<std::vector<std::byte>> images;  ///< what `records` point into
    std::vector<Found> records;                  ///< ascending, without twins: all to be applied
    std::uint64_t highest = 0;                   ///< of any intact record, applied or not: new numbers begin above it
    std::vector<std::string> alarms;             ///< sentences for the operator; empty: nothing is missing
};

/// Decides which of the records count: all that were once acknowledged, and what follows them without a gap.
/// @param found    per file, as scan() gave it
/// @param applied  the last number in the database
/// @param fresh    the database is new (or another was set aside): what comes first is no gap
/// @thread any; pure
void judge(Replay& replay, const std::vector<std::vector<Found>>& found, std::uint64_t applied, bool fresh);

/// A decoded record as the tables take it. What it points into must live as long.
Piece pieceOf(std::uint64_t seq, Record record);

/// Reads all files intake-*.log of the directory.
/// @error storage       a file cannot be read
/// @error incompatible  a file of a newer Muster
Result<Replay> readIntake(const std::string& directory, std::uint64_t applied, bool fresh);

}  // namespace muster::pool
