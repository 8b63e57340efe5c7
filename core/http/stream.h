/// Answers that go on: lines of JSON, or server-sent events.
/// @source HTML, 9.2 (server-sent events)
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <iosfwd>

#include "Poco/Net/HTTPServerResponse.h"

#include "muster/front.h"

namespace muster::http {

/// One of the threads that streams may hold, as long as it lives: those that are not taken leave room for requests.
class StreamSeat {
public:
    /// @param streams  how many there are now, of one server  @param most  how many may be, at least 1
    StreamSeat(std::atomic<int>& streams, int most) noexcept
        : streams_(streams), taken_(++streams <= std::max(1, most)) {}
    StreamSeat(const StreamSeat&) = delete;
    StreamSeat& operator=(const StreamSeat&) = delete;
    ~StreamSeat() { --streams_; }
    bool taken() const noexcept { return taken_; }

private:
    std::atomic<int>& streams_;
    bool taken_;
};

/// Writes until the peer goes or the server stops. @thread one
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

/// Where a file goes. @thread one
class PeerFile final : public OctetSink {
public:
    PeerFile(std::ostream& out, const std::atomic<bool>& stopping) : out_(out), stopping_(stopping) {}
    bool write(std::string_view octets) override;

private:
    std::ostream& out_;
    const std::atomic<bool>& stopping_;
};

/// Sends the answer's file behind its head. What fails in the middle is cut off without an end (the socket is shut
/// down), so that the peer sees that it is not whole.
/// @return  what went wrong, for the log
Result<void> sendFile(Poco::Net::HTTPServerResponse& response, const FrontAnswer& answer, int fd,
                      const std::atomic<bool>& stopping);

}  // namespace muster::http
