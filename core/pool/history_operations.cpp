#include "pool/history_operations.h"

#include "pool/event_operations.h"

namespace muster::pool {

namespace {

constexpr std::int64_t kMostStretches = 2000;
constexpr std::chrono::hours kSpan{24};  // where nothing is said

constexpr Field kHistoryQuery[] = {
    {.name = "since", .type = FieldType::timestamp, .help = "From then on; without it the last 24 hours."},
    {.name = "width",
     .type = FieldType::integer,
     .help = "Minutes of one line; lines begin at multiples of it since 1970 UTC.",
     .fallback = "60",
     .minimum = 1,
     .maximum = 10'080},
};

constexpr Field kStretchAnswer[] = {
    {.name = "time", .type = FieldType::timestamp, .help = "Where it begins.", .column = true},
    {.name = "answered",
     .type = FieldType::integer,
     .help = "Answered with a count that suffices, or that only the client can read.",
     .column = true},
    {.name = "short", .type = FieldType::integer, .help = "Answered with a count below the N-policy.", .column = true},
    {.name = "refused", .type = FieldType::integer, .help = "Refused with an HRESULT.", .column = true},
    {.name = "faulted", .type = FieldType::integer, .help = "Refused with an RPC fault.", .column = true},
};

constexpr Field kHistoryAnswer[] = {
    {.name = "begins",
     .type = FieldType::timestamp,
     .help = "The oldest minute that is known, at most 35 days ago; null: no request ever came."},
    {.name = "width", .type = FieldType::integer, .help = "Minutes of one line."},
    {.name = "items",
     .type = FieldType::objects,
     .help = "Oldest first; stretches without a request are left out.",
     .fields = kStretchAnswer},
};

Result<Reply> showHistory(const PoolContext& context, const Call& call) {
    const std::chrono::minutes width(*call.query.find("width")->integer());
    const Timestamp now = std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now());
    const std::string_view given = call.text("since");
    const auto since = given.empty() ? now - kSpan : parseIsoTime(given);
    if (!since)
        return fail(Code::malformed, "since", "\"" + std::string(given) + "\" is no time as 2026-11-22T15:04:05Z");
    // A clock that was ahead for a while may have left minutes that are still to come: they are shown, too.
    if ((now - *since) / width > kMostStretches)
        return fail(Code::malformed, "width", "more than 2,000 lines since then; name a larger width, or a later time");
    const auto history = context.archive.reader().history(*since, width);
    if (!history)
        return fail(history.error());
    Json::Array items;
    for (const Stretch& stretch : history->stretches)
        items.push_back(json({{"time", isoTime(stretch.begin)},
                              {"answered", stretch.counts[static_cast<std::size_t>(Ending::answered)]},
                              {"short", stretch.counts[static_cast<std::size_t>(Ending::shortOf)]},
                              {"refused", stretch.counts[static_cast<std::size_t>(Ending::refused)]},
                              {"faulted", stretch.counts[static_cast<std::size_t>(Ending::faulted)]}}));
    return Reply(json({{"begins", history->begins ? Json(isoTime(*history->begins)) : Json()},
                       {"width", std::int64_t{width.count()}},
                       {"items", std::move(items)}}));
}

}  // namespace

void addHistoryOperations(const PoolContext& context, const AddOperation& add) {
    add({.method = "GET",
         .path = "/requests/history",
         .role = Role::viewer,
         .support = true,
         .cli = "history",
         .summary = "Counts the requests of a day, or of up to 35, by how they ended.",
         .query = kHistoryQuery,
         .answer = kHistoryAnswer},
        [context](const Call& call) { return showHistory(context, call); });
}

}  // namespace muster::pool
