/// Paging by key: a list goes on after the last key that was given out, so that rows that come and go between two pages
/// neither repeat nor vanish.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "muster/json.h"
#include "muster/operation.h"
#include "muster/result.h"
#include "muster/schema.h"

namespace muster::api {

inline constexpr std::int64_t kDefaultPage = 100;
inline constexpr std::int64_t kLargestPage = 1000;

/// The two query parameters of every list, to be put among an operation's own:
/// Field kQuery[] = {kLimitField, kCursorField, …}
inline constexpr Field kLimitField{.name = "limit",
                                   .type = FieldType::integer,
                                   .help = "How many items at most.",
                                   .fallback = "100",
                                   .minimum = 1,
                                   .maximum = kLargestPage};
inline constexpr Field kCursorField{.name = "cursor",
                                    .type = FieldType::text,
                                    .help = "Where to go on: `next` of the page before.",
                                    .minimum = 1,
                                    .maximum = 1024};

/// Opaque to the caller. A cursor grants nothing, so it is not secret; it is bound to its list and checked against
/// damage, the key in it is checked by whoever looks it up.
/// @param list  what is listed: "clients"
std::string makeCursor(std::string_view list, std::string_view key);
/// The key in it, "" for no cursor. @error malformed  not a cursor of this list
Result<std::string> readCursor(std::string_view list, std::string_view cursor);

/// {"items": items, "next": cursor or null}. @param lastKey  of the last item if there is more, else empty
Json page(std::string_view list, Json::Array items, std::string_view lastKey);

/// For lists that are short and whole in memory: the page of `items` that the call asks for.
/// @param keys  one per item, ascending; unique
Result<Reply> pageOf(std::string_view list, const Call& call, const std::vector<std::string>& keys,
                     std::vector<Json> items);

}  // namespace muster::api
