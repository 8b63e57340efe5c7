/// muster::Json to text and back, for the fields of events in the database.
#pragma once

#include <string>
#include <string_view>

#include "muster/json.h"

namespace muster::pool {

/// Compact JSON; octets that are no UTF-8 become U+FFFD. Nesting beyond 16 levels becomes null.
std::string jsonText(const Json& value);
/// Null for anything that is no JSON: the database's content is not trusted to be well-formed.
Json jsonFrom(std::string_view text);

}  // namespace muster::pool
