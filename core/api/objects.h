/// Lists of objects as text: `[{name = "a", address = "10.0.0.7:1688"}, {name = "b", …}]`, as in TOML on one line.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tl/expected.hpp"

#include "muster/json.h"
#include "muster/schema.h"

#include "api/values.h"

namespace muster::api {

/// Reads the notation above. Quotes may be left out where nothing is ambiguous, JSON ({"name": "a"}) is read as well.
/// Members have the JSON type that their field wants where the text allows it; nothing is checked or filled in:
/// checkValue() does that.
/// @error  the octet at which it went wrong, and what the field takes
tl::expected<Json::Array, Mismatch> parseObjects(const Field& list, std::string_view text);

/// One object in that notation, which is TOML, members in the order of the schema: `{name = "a", interval = "30s"}`.
std::string objectText(Fields fields, const Json& object);
std::string objectsText(Fields fields, const std::vector<Json>& objects);

/// Without the members that say what the default says anyway.
std::vector<Json> withoutDefaults(Fields fields, std::vector<Json> objects);

}  // namespace muster::api
