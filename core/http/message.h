/// Requests and answers of HTTP as POCO's server has them, judged and bounded the same way for every front end.
/// @source RFC 9110, RFC 9112
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "Poco/Net/HTTPServerRequest.h"
#include "Poco/Net/HTTPServerResponse.h"

#include "muster/front.h"
#include "muster/result.h"

namespace muster::http {

inline constexpr std::size_t kMaxHead = std::size_t{16} * 1024;
/// Octets that may be read while the head comes: the head, and what came with it of the body.
inline constexpr std::size_t kHeadRoom = kMaxHead + std::size_t{8} * 1024;

/// A problem as an answer. @param status  of HTTP, where the code's own one does not fit
FrontAnswer refuse(int status, const Error& error);

/// What is wrong with the request before its body is read: head too long, version, host, length, a transfer coding or
/// two lengths that do not go together. Nothing: go on.
std::optional<FrontAnswer> judgeHead(const Poco::Net::HTTPServerRequest& request);

/// POCO says "100 Continue" of itself before a handler sees the request, unless its answer has another status by then.
/// To be called where the handler is made: RequestBody says it, once it is known that the body is wanted.
void holdContinue(const Poco::Net::HTTPServerRequest& request);

/// A request's body, read as it comes; "100 Continue" is said first where the client waits for it. @thread one
class RequestBody final : public OctetSource {
public:
    /// @param allow  gives the peer its time for the next kPiece octets; called before the first one and after each
    ///               piece, so that no body drips in for ever
    RequestBody(Poco::Net::HTTPServerRequest& request, Poco::Net::HTTPServerResponse& response,
                std::function<void()> allow);

    std::int64_t announced() const noexcept override { return announced_; }
    Result<std::size_t> read(char* into, std::size_t most) override;
    /// Takes what is left of a body that is no longer than kPiece, and throws it away: a connection that is closed with
    /// octets unread is reset, and the answer lost with it.
    void discard() noexcept;
    /// Nothing of it is left on the connection.
    bool finished() const noexcept { return finished_; }

    static constexpr std::size_t kPiece = std::size_t{64} * 1024;

private:
    Poco::Net::HTTPServerRequest& request_;
    Poco::Net::HTTPServerResponse& response_;
    const std::function<void()> allow_;
    std::int64_t announced_;
    std::int64_t came_ = 0;
    std::size_t piece_ = 0;
    bool begun_ = false;
    bool finished_;
};

/// Status, content type and headers of the answer; HTTP/1.1 whatever the request said.
void writeHead(Poco::Net::HTTPServerResponse& response, const FrontAnswer& answer);

}  // namespace muster::http
