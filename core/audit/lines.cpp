#include "audit/lines.h"

#include <algorithm>
#include <cerrno>
#include <unistd.h>

#include "audit/entry.h"

namespace muster::audit {

namespace {

constexpr std::size_t kPiece = std::size_t{64} * 1024;

}  // namespace

bool LineReader::fill() {
    const auto wanted =
        static_cast<std::size_t>(std::min<std::int64_t>(static_cast<std::int64_t>(kPiece), limit_ - read_));
    if (wanted == 0 || error_ != 0)
        return false;
    buffer_.erase(0, at_);
    at_ = 0;
    const std::size_t had = buffer_.size();
    buffer_.resize(had + wanted);
    ssize_t got = 0;
    do
        got = ::pread(fd_, buffer_.data() + had, wanted, read_);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        error_ = errno;
    buffer_.resize(had + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    read_ += std::max<ssize_t>(got, 0);
    if (got == 0)
        limit_ = read_;
    return got > 0;
}

std::optional<Line> LineReader::next() {
    std::size_t searched = at_;
    std::size_t end = buffer_.find('\n', searched);
    while (end == std::string::npos) {
        if (buffer_.size() - at_ > 2 * kMaxLine)
            buffer_.resize(at_ + kMaxLine + 1);  // no line of ours; its beginning says so
        searched = buffer_.size() - at_;         // fill() moves what is left to the front
        if (!fill())
            break;
        end = buffer_.find('\n', searched);
    }
    if (end == std::string::npos && buffer_.size() == at_)
        return std::nullopt;
    Line line;
    line.whole = end != std::string::npos;
    line.begin = begin_;
    const std::size_t length = (line.whole ? end : buffer_.size()) - at_;
    line.text = std::string_view(buffer_).substr(at_, std::min(length, kMaxLine + 1));
    at_ += length + (line.whole ? 1 : 0);
    begin_ = read_ - static_cast<std::int64_t>(buffer_.size() - at_);
    return line;
}

}  // namespace muster::audit
