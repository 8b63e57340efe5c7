/// What every list can do, whoever registered it: show chosen members only, and leave as a whole as CSV or JSON lines.
#pragma once

#include "muster/operation.h"

namespace muster::api {

/// Query parameters of each list beside its own: `columns`, `format`.
Fields listFields() noexcept;

/// Whether the checked query asks for nothing but a page as JSON with all its members.
bool isPlainPage(const Operation& operation, const Json& query) noexcept;

/// The names in `columns` that no item has, for a problem's sentence; empty: none.
std::string unknownColumns(const Operation& operation, const Json& query);

/// What was asked for, made from the first page that the handler gave. With `format` csv or jsonl it is a file of that
/// page and all that follow it, fetched as they are sent; a `limit` that was given bounds it, otherwise it is
/// everything.
/// @param call     as the handler had it  @param handler  called again for each page
/// @param limited  `limit` was given and is no default
Reply listed(const Operation& operation, const Call& call, const Handler& handler, Reply first, bool limited);

}  // namespace muster::api
