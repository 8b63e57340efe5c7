/// Changes to a list of tables in a TOML text that leave alone what stays as it is, with the comments around it.
/// Internal to this room.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "host/settings/document.h"

namespace muster::settings {

/// Of a list whose tables have headers: `name` is what stands between the brackets, "relay.upstreams". A table whose
/// first member is the same stays where it is; of its other members those lines change that are different.
/// @param wanted  the list as it is to be, parsed from a text of its own; nullptr: none
/// @return        nothing where the tables hold tables of their own
std::optional<std::string> headersChanged(std::string_view text, std::string_view name, const Item& present,
                                          const Item* wanted);

/// Of a list in brackets that has each table on a line of its own.
/// @return  nothing where it is written in another way: it is replaced as a whole then
std::optional<std::string> linesChanged(std::string_view text, const Item& present, const Item& wanted);

/// The list as a whole: on one line where it is short, else one line for each table.
std::string listText(std::string_view text, const Item& wanted, bool oneLine);

}  // namespace muster::settings
