/// A request's record in few octets, for the intake and for the journal: what is zero is not written, numbers take as
/// many octets as they need. And blocks: many records as one row of the journal.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "pool/store.h"

namespace muster::pool {

/// Rows of the tables `product` and `upstream` that stand for what a record says at length; 0: it is written out.
struct RowNumbers {
    std::uint64_t product = 0;
    std::uint64_t upstream = 0;
};

constexpr std::size_t kMostCompact = 768;  ///< octets that one record takes at most
constexpr std::size_t kMaxReason = 200;
constexpr std::size_t kMaxUpstream = 64;

/// @param base  milliseconds since 1970 from which the record's time is told
/// @param out   room for kMostCompact octets
/// @return      octets written; longer texts are cut
std::size_t encodeCompact(const RequestRecord& record, std::int64_t base, const RowNumbers& numbers,
                          std::byte* out) noexcept;

/// Takes one record from the front of `from`. `reason` and `upstream` point into it afterwards; what has a number is
/// empty. False: not the octets of a record. @thread any; pure
bool decodeCompact(Octets& from, std::int64_t base, RequestRecord& record, RowNumbers& numbers) noexcept;

/// Gathers records for one row.
class BlockWriter {
public:
    /// Ascending numbers.
    void add(std::uint64_t seq, const RequestRecord& record, const RowNumbers& numbers);
    void clear() noexcept { octets_.clear(); }
    bool empty() const noexcept { return octets_.empty(); }
    bool full() const noexcept { return octets_.size() >= kEnough; }

    std::uint64_t first() const noexcept { return first_; }
    std::uint64_t last() const noexcept { return last_; }
    std::int64_t latest() const noexcept { return latest_; }  ///< milliseconds since 1970: the latest time in it
    std::size_t records() const noexcept { return records_; }
    Octets octets() const noexcept { return octets_; }

    /// About 500 records: few pages that are only half used, and quick to read when only one of them is wanted.
    static constexpr std::size_t kEnough = std::size_t{32} * 1024;

private:
    std::vector<std::byte> octets_;
    std::uint64_t first_ = 0;
    std::uint64_t last_ = 0;
    std::int64_t base_ = 0;
    std::int64_t latest_ = 0;
    std::size_t records_ = 0;
};

/// Gives each record of a block in order. The texts in it live as long as `block`. False: the block is damaged, and
/// what came before the damage was given. @thread any; pure
bool readBlock(Octets block, std::uint64_t first,
               const std::function<void(std::uint64_t seq, const RequestRecord&, const RowNumbers&)>& each);

}  // namespace muster::pool
