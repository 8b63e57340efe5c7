/// A plugin's file, read once into memory that nobody can change any more.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "muster/result.h"

namespace muster::plugins {

/// Judged and opened are the same octets: the file is read into a memfd, sealed, and everything after that looks at the
/// memfd alone. Whoever copies over the file, or swaps it for another, changes nothing here.
class Image {
public:
    /// A part that the loader maps, as the program header says.
    struct Segment {
        std::uint64_t address = 0;  ///< relative to where the library is put
        std::uint64_t size = 0;     ///< octets in memory
        bool readable = false;
    };

    /// Reads `path` (a last part that is a symbolic link is refused), checks that it is a regular file which not
    /// everybody may write, and that it is an ELF library of this machine whose headers stay within its octets: a short
    /// file would otherwise end the process with SIGBUS inside the loader.
    /// @param maxSize  octets; a longer file is not read
    /// @error missing    no such file
    /// @error denied     a link, a device, writable by everybody, not readable
    /// @error malformed  empty, too long, cut short, no ELF library, or one for another machine
    static Result<Image> read(const std::string& path, std::size_t maxSize);

    Image(Image&& other) noexcept;
    Image& operator=(Image&& other) noexcept;
    ~Image();  ///< closes the memfd unless it was taken

    /// SHA-256 of the octets, 64 hexadecimal digits.
    const std::string& hash() const noexcept { return hash_; }
    const std::vector<Segment>& segments() const noexcept { return segments_; }
    int descriptor() const noexcept { return fd_; }
    /// Leaves the memfd open for ever: the loader knows a library by the path /proc/self/fd/N, and must not meet
    /// another one under the same number.
    int keep() noexcept;

private:
    Image() = default;
    Result<void> fill(int source, const std::string& path, std::size_t maxSize);
    Result<void> judge(const std::string& path);

    int fd_ = -1;
    std::size_t size_ = 0;
    std::string hash_;
    std::vector<Segment> segments_;
};

}  // namespace muster::plugins
