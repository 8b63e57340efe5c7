/// Answers that go on: lines of JSON, or server-sent events.
/// @source HTML, 9.2 (server-sent events)
#pragma once

#include <atomic>
#include <iosfwd>

#include "muster/operation.h"

namespace muster::webui {

class PeerStream final : public Sink {
public:
    enum class Form : std::uint8_t { lines, events };

    /// @param fd        the peer's socket, watched for its end
    /// @param wake      readable once the server stops
    /// @param stopping  true from then on
    PeerStream(std::ostream& out, Form form, int fd, int wake, const std::atomic<bool>& stopping)
        : out_(out), form_(form), fd_(fd), wake_(wake), stopping_(stopping) {}

    bool write(const Json& line) override;
    bool idle() override;

private:
    std::ostream& out_;
    const Form form_;
    const int fd_;
    const int wake_;
    const std::atomic<bool>& stopping_;
    int quiet_ = 0;  ///< seconds without a word
};

}  // namespace muster::webui
