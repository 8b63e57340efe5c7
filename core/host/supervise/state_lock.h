/// One daemon per state directory.
#pragma once

#include <filesystem>
#include <utility>

#include "muster/result.h"

namespace muster::supervise {

/// Held as long as this object lives; the kernel lets go when the process dies, however it dies.
class StateLock {
public:
    /// Makes the directory (0700, parents included) if it is not there, and locks DIRECTORY/lock.
    /// @error duplicate  another daemon has it; the detail names its process
    /// @error storage    it cannot be made or written, with what to do
    static Result<StateLock> take(const std::filesystem::path& directory);

    StateLock(StateLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    StateLock& operator=(StateLock&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    StateLock(const StateLock&) = delete;
    StateLock& operator=(const StateLock&) = delete;
    ~StateLock();

private:
    explicit StateLock(int fd) noexcept : fd_(fd) {}
    int fd_ = -1;
};

}  // namespace muster::supervise
