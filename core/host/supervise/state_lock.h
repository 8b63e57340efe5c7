/// One daemon per state directory.
#pragma once

#include <filesystem>
#include <string>
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
    /// The same where nothing may be writable: what is there is locked all the same, and what is not there is no error.
    /// @error duplicate  as above
    static Result<StateLock> takeAsItIs(const std::filesystem::path& directory);

    /// After takeAsItIs(): holds the directory as take() does once it can be written, and trouble() is empty then.
    /// What is held stays held. @error as take()
    Result<void> renew(const std::filesystem::path& directory);

    /// Why nothing can be kept in the directory, with what to do; empty: it can be written.
    const std::string& trouble() const noexcept { return trouble_; }

    StateLock(StateLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)), trouble_(std::move(other.trouble_)) {}
    StateLock& operator=(StateLock&& other) noexcept {
        std::swap(fd_, other.fd_);
        std::swap(trouble_, other.trouble_);
        return *this;
    }
    StateLock(const StateLock&) = delete;
    StateLock& operator=(const StateLock&) = delete;
    ~StateLock();

private:
    explicit StateLock(int fd) noexcept : fd_(fd) {}
    static Result<StateLock> lock(const std::filesystem::path& directory, int fd);

    int fd_ = -1;
    std::string trouble_;
};

}  // namespace muster::supervise
