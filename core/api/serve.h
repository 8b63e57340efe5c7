/// From a request as a front end received it to the answer: matching, role, validation, handler, problem.
/// Every front end goes through here, so that nothing is decided twice.
#pragma once

#include <functional>
#include <string_view>

#include "muster/front.h"

#include "api/operations.h"

namespace muster::api {

inline constexpr std::size_t kMaxBody = std::size_t{64} * 1024;  ///< octets of a request's body
inline constexpr std::size_t kMaxDepth = 32;                     ///< of nested JSON

using Request = FrontRequest;
using Response = FrontAnswer;

/// Told about a handler that threw something other than Fault: (owner, what it said). @thread the caller's
using HandlerFailure = std::function<void(std::string_view owner, std::string_view what)>;

/// Deny by default: without a row of the table, or with less than the row's role, nothing runs. Never throws.
/// @thread any
Response serve(const OperationTable& table, const Request& request, const HandlerFailure& failed = {}) noexcept;

}  // namespace muster::api
