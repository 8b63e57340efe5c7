/// From a request as a front end received it to the answer: matching, role, validation, handler, problem.
/// Every front end goes through here, so that nothing is decided twice.
#pragma once

#include <functional>
#include <string_view>

#include "muster/front.h"

#include "api/operations.h"

namespace muster::api {

inline constexpr std::size_t kMaxBody = std::size_t{64} * 1024;  ///< octets of a request's body that is no upload
inline constexpr std::size_t kMaxDepth = 32;                     ///< of nested JSON

using Request = FrontRequest;
using Response = FrontAnswer;

/// Told about a handler that threw something other than Fault: (owner, what it said). @thread the caller's
using HandlerFailure = std::function<void(std::string_view owner, std::string_view what)>;

/// An operation that was asked for and is no GET: what the audit log wants to know of it.
struct Observed {
    const Caller& caller;
    const Operation& operation;
    Json what;    ///< the values of the path's {…} parts; secrets masked
    Json before;  ///< of Reply
    Json after;   ///< of Reply, else the request's body with its secrets masked; null where nothing was done
    std::string result = "done";  ///< or the problem's code: "denied"
    std::string detail = {};      ///< of the problem; of what was malformed only the names, where a secret may be in it
};

/// Told before the answer leaves. What it throws is dropped. @thread the caller's
using Observer = std::function<void(Observed)>;

/// Deny by default: without a row of the table, or with less than the row's role, nothing runs. Never throws.
/// @thread any
Response serve(const OperationTable& table, const Request& request, const HandlerFailure& failed = {},
               const Observer& observer = {}) noexcept;

}  // namespace muster::api
