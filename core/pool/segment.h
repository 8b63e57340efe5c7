/// The files of the intake: preallocated, of fixed size, recycled by overwriting, so that a sync writes data and no
/// metadata. What is in one, and what a power cut may have left of it.
///
/// A file is a block of 4,096 octets with magic, version and the file's own random salt, written once when the file is
/// made; then records: length, CRC-32, sequence number, how far back the record before it and the last synced one are,
/// payload, padded to 8 octets. The CRC begins with the salt, so that no text inside a record can pose as one. Sequence
/// numbers never repeat, and may skip some: what an earlier round left behind the end is told by its number. The last
/// synced one is what was on disk when the record was written: a later record proves by it that a missing earlier one
/// had been there.
///
/// What is appended goes past the page cache where the file system can do that (O_DIRECT and RWF_DSYNC): one call, and
/// no page that is looked up, marked and written back. Each append then begins a block of the disk (512 octets, or
/// 4,096 where it knows no smaller ones) and fills the last one with zeros: no block that holds an acknowledged record
/// is written again before the file is begun anew. Elsewhere it is a write and an fdatasync, without gaps. A reader
/// need not know which it was: zeros are no record.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "muster/result.h"
#include "muster/types.h"

namespace muster::pool {

/// Where a record stands. All numbers lie at most 2^32-1 below `seq`.
struct Place {
    std::uint64_t seq = 0;
    std::uint64_t previous = 0;  ///< the record before it
    std::uint64_t synced = 0;    ///< the last one that was on disk when this one was written
};

/// Adds one record to `out`. @param payload  1 to kMaxPayload octets
void frame(std::uint32_t salt, const Place& place, Octets payload, std::vector<std::byte>& out);

/// A record as it was found. `payload` points into the image that was scanned.
struct Found : Place {
    Octets payload;
};

/// All intact records in `image` (a file without its first block) with a number above `applied`, as they lie.
/// Past damage it goes on at the next intact record. @thread any; pure
std::vector<Found> scan(std::uint32_t salt, Octets image, std::uint64_t applied);

/// The salt in a file's first block. Nothing: no block of ours, or damaged.
/// @error incompatible  of a newer Muster
Result<std::optional<std::uint32_t>> readHead(Octets head);
std::vector<std::byte> makeHead(std::uint32_t salt);

constexpr std::size_t kHeadSize = 4096;  ///< a multiple of any disk's block

class Segment {
public:
    enum class Way : std::uint8_t {
        best,    ///< past the page cache, where the file system can
        cached,  ///< through the page cache
    };

    /// Makes the file with all its blocks on disk; a file of that name must not exist.
    /// @param size  octets, the head included
    /// @error storage  with the system's words
    static Result<std::unique_ptr<Segment>> create(const std::string& path, std::size_t size, Way way = Way::best);
    /// Takes an existing file whose records are all safe elsewhere.
    static Result<std::unique_ptr<Segment>> reuse(const std::string& path, std::uint32_t salt, Way way = Way::best);
    ~Segment();
    Segment(const Segment&) = delete;
    Segment& operator=(const Segment&) = delete;

    bool hasRoom(std::size_t octets) const noexcept { return tail_ <= size_ && taken(octets) <= size_ - tail_; }
    /// Writes `framed` behind what is there and syncs it. After a failure the file is not to be used again: what a
    /// failed sync left unwritten, the next one on the same descriptor would call written.
    Result<void> append(Octets framed);
    /// Begins anew: what is in it is overwritten.
    void rewind() noexcept { tail_ = kHeadSize; }
    /// False: the path does not lead to this file any more, or the file was cut.
    bool inPlace() const noexcept;

    std::uint32_t salt() const noexcept { return salt_; }
    const std::string& path() const noexcept { return path_; }
    /// Each append begins at a multiple of it. 1: through the page cache.
    std::size_t block() const noexcept { return block_; }

private:
    struct Free {
        void operator()(std::byte* octets) const noexcept { std::free(octets); }
    };

    Segment(std::string path, int fd, std::size_t size, std::uint32_t salt) noexcept
        : path_(std::move(path)), fd_(fd), size_(size), salt_(salt) {}
    /// From now on past the page cache, if that can be. All that was written must be on disk.
    void goDirect() noexcept;
    Result<void> appendDirect(Octets framed);
    /// What an append of so many octets uses up.
    std::size_t taken(std::size_t octets) const noexcept { return (octets + block_ - 1) / block_ * block_; }

    std::string path_;
    int fd_;
    std::size_t size_;
    std::size_t tail_ = kHeadSize;
    std::uint32_t salt_;
    std::size_t block_ = 1;
    std::unique_ptr<std::byte, Free> buffer_;  // of writes past the page cache: aligned
};

/// Syncs the directory, so that names made in it survive a power cut.
Result<void> syncDirectory(const std::string& directory);

/// "cannot WHAT: No space left on device" with what to do. @param error  errno
Error systemError(const std::string& path, const char* what, int error);

}  // namespace muster::pool
