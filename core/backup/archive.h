/// The file of a backup: a pax tar, packed with gzip, so that an administrator can look inside with tar(1); under a
/// password all of it is sealed (sealing.h). First manifest.json, then the files that it names, in that order.
///
/// What is read is hostile: nothing of a tar's own names, types, links, owners or modes is used. From the manifest
/// follows what each header must be, octet by octet, and what is not that is refused.
/// @thread any; blocks for the disk, so never a reactor's
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "muster/result.h"

#include "backup/files.h"
#include "backup/manifest.h"

namespace muster::backup {

/// A file that goes into a backup, open since before its size was asked for.
struct Input {
    FileEntry entry;
    DiskFile file;
};

/// SHA-256 of the first `size` octets, in hex; the descriptor is at its begin again.
/// @error conflict  it has become shorter
Result<std::string> hashOf(const DiskFile& file, std::uint64_t size);

/// Writes all of it and brings it to the disk.
/// @param password  empty: not encrypted
/// @param stopping  gives up soon after it is true
/// @error conflict  a file changed while it was read
/// @error storage   with the system's words
Result<void> writeArchive(ByteSink& sink, const Manifest& manifest, std::span<const Input> inputs,
                          const std::string& password, const std::atomic<bool>& stopping);

struct Head {
    bool encrypted = false;
    Summary about;
};

/// What it says of itself, without proof. @error as ArchiveReader::open() without a password
Result<Head> readHead(ByteSource& source);

class ArchiveReader {
public:
    /// Reads up to the manifest.
    /// @error denied        encrypted: no password, or another
    /// @error malformed     it is no backup, or damaged: says where
    /// @error incompatible  of another Muster: says which
    static Result<std::unique_ptr<ArchiveReader>> open(std::unique_ptr<ByteSource> source, const std::string& password);
    virtual ~ArchiveReader() = default;

    virtual const Manifest& manifest() const noexcept = 0;
    virtual bool isEncrypted() const noexcept = 0;

    /// Where a file's octets go; nullptr: nowhere, they are only proved.
    using Taker = std::function<Result<ByteSink*>(const FileEntry& entry)>;
    /// All files to the end, each proved by its hash when its sink is finished. Call it once.
    /// @error malformed  damaged: says where
    virtual Result<void> read(const Taker& taker, const std::atomic<bool>& stopping) = 0;
};

}  // namespace muster::backup
