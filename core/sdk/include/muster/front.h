/// What a front end asks of the table of operations once it knows who asks, and what it gets. Every front end goes this
/// way, so that nothing is decided twice: matching, role, validation, handler, problem.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "muster/operation.h"

namespace muster {

/// How a login is carried by browsers: the cookie, and the header that goes with all that is no GET.
inline constexpr const char* kSessionCookie = "__Host-muster";
inline constexpr const char* kCsrfHeader = "X-Muster-CSRF";

struct FrontRequest {
    std::string_view method;
    std::string_view target;  ///< below /api/v1, as received: "/clients/55c9…?limit=5"
    std::string_view contentType;
    std::string_view body;  ///< where there is no `source`
    Caller caller;
    /// Whether this caller may use that operation, beyond what its role says: for tokens with a scope. Empty: it may.
    std::function<bool(const Operation&)> allowed = {};
    /// The body as it comes. It is not touched before it is known who asks, and for what.
    OctetSource* source = nullptr;
    /// Of a change: only if what it changes still has one of these tags, as a GET of the same path gave them in `ETag`
    /// ([RFC 9110] 13.1.1). Empty: whatever it has. Tags tell apart what can be changed there, not what is counted.
    std::string_view ifMatch = {};
    std::string_view ifNoneMatch = {};  ///< of a GET: 304 if it still has that tag ([RFC 9110] 13.1.2)
};

struct FrontAnswer {
    int status = 200;
    std::string contentType = "application/json";
    std::vector<std::pair<std::string, std::string>> headers;  ///< "Allow", and what the operation brings
    std::string body;
    /// Set: the answer is written piece by piece, body is empty. Called once, on the front end's thread.
    std::function<void(Sink&)> stream = {};
    /// As `stream`, for a file of `size` octets (below 0: not known yet). An error: the answer is cut off.
    std::function<Result<void>(OctetSink&)> file = {};
    std::int64_t size = -1;
};

}  // namespace muster
