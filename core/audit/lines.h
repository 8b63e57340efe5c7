/// Lines of a file from its beginning, each with where it begins and whether it is whole.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace muster::audit {

struct Line {
    std::string_view text;   ///< without its end; valid until the next call; cut where it is longer than a line may be
    std::int64_t begin = 0;  ///< octet of the file
    bool whole = true;       ///< it has an end
    /// A write that a power cut ended leaves half a line, or a line with zeros in it.
    bool torn() const noexcept { return !whole || text.find('\0') != std::string_view::npos; }
};

class LineReader {
public:
    /// @param fd     stays the caller's  @param limit  octets that are read at most
    LineReader(int fd, std::int64_t limit) noexcept : fd_(fd), limit_(limit) {}

    std::optional<Line> next();
    /// errno of the read that failed; 0: none did.
    int error() const noexcept { return error_; }

private:
    bool fill();

    int fd_;
    std::int64_t limit_;
    std::int64_t read_ = 0;  // octets of the file that were read
    std::string buffer_;
    std::size_t at_ = 0;      // of the next line in buffer_
    std::int64_t begin_ = 0;  // of the next line in the file
    int error_ = 0;
};

}  // namespace muster::audit
