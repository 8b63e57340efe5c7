/// Files on this side of musterctl: one that an answer goes into, one that is sent. Internal to this room.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "muster/result.h"

namespace muster::ctl {

/// A file that is not there before all of it is. Without keep() it leaves nothing behind. @thread one
class NewFile {
public:
    /// @error duplicate  something of that name is there  @error storage  with the system's words
    static Result<NewFile> make(const std::string& path);
    NewFile(NewFile&& other) noexcept;
    NewFile& operator=(NewFile&& other) noexcept;
    ~NewFile();

    /// False: the disk does not take it. keep() says why.
    bool write(std::string_view octets) noexcept;
    /// All is there: it gets its name, and is for its owner alone. @error storage, duplicate
    Result<void> keep();

private:
    NewFile(std::string path, std::string aside, int fd) : path_(std::move(path)), aside_(std::move(aside)), fd_(fd) {}
    void drop() noexcept;

    std::string path_;
    std::string aside_;
    int fd_ = -1;
    int error_ = 0;
};

/// A file to be sent. Standard input is kept in a nameless file first, since its length must be known. @thread one
class SentFile {
public:
    /// @param path  "-" for standard input  @error missing, storage
    static Result<SentFile> open(const std::string& path);
    SentFile(SentFile&& other) noexcept : fd_(other.fd_), size_(other.size_) { other.fd_ = -1; }
    SentFile& operator=(SentFile&&) = delete;
    ~SentFile();

    std::int64_t size() const noexcept { return size_; }
    /// 0: its end, or it cannot be read.
    std::size_t read(char* into, std::size_t most) noexcept;

private:
    SentFile(int fd, std::int64_t size) : fd_(fd), size_(size) {}
    int fd_;
    std::int64_t size_;
};

}  // namespace muster::ctl
