/// Descriptors, whole reads and writes, and what a power cut must not undo: behind a few lines of ours.
/// @thread any; blocks for the disk, so never a reactor's
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <utility>

#include "muster/result.h"
#include "muster/types.h"

namespace muster::backup {

using Buffer = std::span<std::byte>;

/// A descriptor that closes itself.
class DiskFile {
public:
    DiskFile() noexcept = default;
    explicit DiskFile(int fd) noexcept : fd_(fd) {}
    ~DiskFile() { close(); }
    DiskFile(DiskFile&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    DiskFile& operator=(DiskFile&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    DiskFile(const DiskFile&) = delete;
    DiskFile& operator=(const DiskFile&) = delete;

    /// Of a regular file, which is no link. @error missing, storage
    static Result<DiskFile> open(const std::filesystem::path& path);
    /// A new one, 0600. @error storage  also where there is one
    static Result<DiskFile> make(const std::filesystem::path& path);

    int fd() const noexcept { return fd_; }
    void close() noexcept;
    /// Octets. @error storage
    Result<std::uint64_t> size() const;
    /// Up to buffer.size() octets; 0: the end. @error storage
    Result<std::size_t> read(Buffer buffer) const;
    Result<void> write(Octets octets) const;
    /// To the disk. @error storage
    Result<void> sync() const;
    Result<void> rewind() const;

private:
    int fd_ = -1;
};

tl::unexpected<Error> systemError(const std::filesystem::path& path, const char* what, int error);

/// Where octets go, one piece after the other. @error of the place that they go to
class ByteSink {
public:
    virtual ~ByteSink() = default;
    virtual Result<void> write(Octets octets) = 0;
    /// All was written.
    virtual Result<void> finish() = 0;
};

/// Where octets come from.
class ByteSource {
public:
    virtual ~ByteSource() = default;
    /// At least one octet of at most buffer.size(); 0: the end. @error malformed, storage, denied
    virtual Result<std::size_t> read(Buffer buffer) = 0;
};

/// Fills `buffer` unless the source ends. @return  octets read
Result<std::size_t> readWhole(ByteSource& source, Buffer buffer);

class FileSink final : public ByteSink {
public:
    explicit FileSink(const DiskFile& file) noexcept : file_(file) {}
    Result<void> write(Octets octets) override { return file_.write(octets); }
    Result<void> finish() override { return file_.sync(); }

private:
    const DiskFile& file_;
};

class FileSource final : public ByteSource {
public:
    explicit FileSource(DiskFile file) noexcept : file_(std::move(file)) {}
    Result<std::size_t> read(Buffer buffer) override { return file_.read(buffer); }

private:
    DiskFile file_;
};

/// A directory and those above it, each 0700 if it is made here. @error storage
Result<void> makeDirectories(const std::filesystem::path& path);
/// What was made, renamed or removed in it outlives a power cut from now on. @error storage
Result<void> syncDirectory(const std::filesystem::path& path);
Result<void> renameFile(const std::filesystem::path& from, const std::filesystem::path& to);
/// To a new file, 0600, on the disk when it returns. What stands at `to` is replaced. @error storage
Result<void> copyFile(const std::filesystem::path& from, const std::filesystem::path& to);
/// Octets that may still be written beside `path`, for those who are not root. @error storage
Result<std::uint64_t> room(const std::filesystem::path& path);
bool isThere(const std::filesystem::path& path) noexcept;

}  // namespace muster::backup
