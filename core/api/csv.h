/// Values as cells of a table that a spreadsheet opens. @source RFC 4180
#pragma once

#include <string>
#include <string_view>

#include "muster/json.h"

namespace muster::api {

/// One cell: quoted where needed. Lists of plain values are joined by ", ", all else that is nested is JSON. A text
/// that a spreadsheet would take for a formula (it begins with = + - @, a tab or a carriage return) gets a ' in front.
std::string csvCell(const Json& value);
/// As csvCell(), for a text that is one already.
std::string csvText(std::string_view text);

}  // namespace muster::api
