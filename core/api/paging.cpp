#include "api/paging.h"

#include <algorithm>
#include <cstdint>

#include "api/text.h"

namespace muster::api {

namespace {

constexpr std::size_t kCheckOctets = 4;

/// FNV-1a: finds a cursor that was cut, or taken from another list.
std::string check(std::string_view list, std::string_view key) {
    std::uint32_t hash = 2166136261U;
    const auto feed = [&](std::string_view text) {
        for (const char c : text)
            hash = (hash ^ static_cast<unsigned char>(c)) * 16777619U;
    };
    feed(list);
    feed(std::string_view("\0", 1));
    feed(key);
    std::string out;
    for (unsigned shift = 0; shift < 8 * kCheckOctets; shift += 8)
        out.push_back(static_cast<char>(hash >> shift & 255U));
    return out;
}

}  // namespace

std::string makeCursor(std::string_view list, std::string_view key) {
    return base64Url(check(list, key) + std::string(key));
}

Result<std::string> readCursor(std::string_view list, std::string_view cursor) {
    if (cursor.empty())
        return std::string();
    auto octets = fromBase64Url(cursor);
    if (!octets || octets->size() <= kCheckOctets ||
        octets->substr(0, kCheckOctets) != check(list, std::string_view(*octets).substr(kCheckOctets)))
        return fail(Code::malformed, "cursor", "not one of this list; begin again without a cursor");
    return octets->substr(kCheckOctets);
}

Json page(std::string_view list, Json::Array items, std::string_view lastKey) {
    return json(
        {{"items", Json(std::move(items))}, {"next", lastKey.empty() ? Json() : Json(makeCursor(list, lastKey))}});
}

Result<Reply> pageOf(std::string_view list, const Call& call, const std::vector<std::string>& keys,
                     std::vector<Json> items) {
    auto after = readCursor(list, call.text("cursor"));
    if (!after)
        return fail(std::move(after.error()));
    const auto limit =
        static_cast<std::size_t>(std::clamp<std::int64_t>(call.integer("limit", kDefaultPage), 1, kLargestPage));
    const auto first = static_cast<std::size_t>(
        after->empty() ? 0 : std::upper_bound(keys.begin(), keys.end(), *after) - keys.begin());
    const std::size_t end = std::min(items.size(), first + limit);
    Json::Array out;
    for (std::size_t i = first; i < end; ++i)
        out.push_back(std::move(items[i]));
    return Reply(page(list, std::move(out), end < items.size() ? std::string_view(keys[end - 1]) : std::string_view()));
}

}  // namespace muster::api
