/// JSON text to muster::Json and back (RFC 8259).
#pragma once

#include <string>
#include <string_view>

#include "muster/json.h"
#include "muster/result.h"

namespace muster::api {

/// Strict and bounded: at most kMaxBody octets, kMaxDepth levels, 1,024 members an object; no duplicate keys.
/// Whole numbers become std::int64_t where they fit, else std::uint64_t.
/// @error malformed  with the octet at which it went wrong
Result<Json> parseJson(std::string_view text);
/// The same with a limit of the caller's own, for answers that are longer than a request may be.
Result<Json> parseJson(std::string_view text, std::size_t limit);

/// One line. Control characters (C0, DEL, C1) and marks that change the direction of text are escaped; what is no UTF-8
/// becomes U+FFFD.
std::string dumpJson(const Json& value);

}  // namespace muster::api
