/// Requests and answers of HTTP as POCO's server has them, judged and bounded the same way for every front end.
/// @source RFC 9110, RFC 9112
#pragma once

#include <cstddef>
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

/// What is wrong with the request before its body is read: head too long, version, length, body beyond `maxBody`
/// octets, a transfer coding or two lengths that do not go together. Nothing: go on.
std::optional<FrontAnswer> judgeHead(const Poco::Net::HTTPServerRequest& request, std::size_t maxBody);

/// The body, read as far as it may be; "100 Continue" is said first where the client waits for it.
/// @return  nothing and `refusal` set: longer than `maxBody`, or it ended early
std::optional<std::string> readBody(Poco::Net::HTTPServerRequest& request, Poco::Net::HTTPServerResponse& response,
                                    std::size_t maxBody, FrontAnswer& refusal);

/// Status, content type and headers of the answer; HTTP/1.1 whatever the request said.
void writeHead(Poco::Net::HTTPServerResponse& response, const FrontAnswer& answer);

}  // namespace muster::http
