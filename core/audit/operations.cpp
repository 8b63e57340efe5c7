#include "audit/operations.h"

#include <algorithm>
#include <charconv>

#include "api/paging.h"
#include "api/values.h"

namespace muster::audit {

namespace {

constexpr std::int64_t kMaxText = 256;

constexpr Field kListQuery[] = {
    {.name = "since", .type = FieldType::timestamp, .help = "Happened then or later."},
    {.name = "who", .help = "Who did it: alice, uid 0.", .minimum = 1, .maximum = kMaxText},
    {.name = "action", .help = "A part of what was done: /settings, DELETE, login.", .minimum = 1, .maximum = kMaxText},
    api::kLimitField,
    api::kCursorField};

constexpr Field kEntry[] = {
    {.name = "number", .type = FieldType::integer, .help = "1 is the first ever.", .column = true},
    {.name = "time", .type = FieldType::timestamp, .help = "When it was done.", .column = true},
    {.name = "who", .help = "Who did it.", .column = true},
    {.name = "role", .help = "What they were; empty: not logged in."},
    {.name = "front", .help = "How it came: control is the control socket.", .column = true},
    {.name = "from", .help = "Address that it came from; empty: this machine."},
    {.name = "action", .help = "What was done: an operation, or a word such as login.", .column = true},
    {.name = "what", .type = FieldType::object, .help = "What it was done to.", .column = true},
    {.name = "before", .type = FieldType::object, .help = "As it was, secrets masked; absent: not known."},
    {.name = "after", .type = FieldType::object, .help = "As it is, or what was sent, secrets masked."},
    {.name = "result", .help = "done, or why it was refused.", .column = true},
    {.name = "detail", .help = "More of that."},
    {.name = "count", .type = FieldType::integer, .help = "So many equal ones in one entry."},
    {.name = "previous", .help = "Hash of the entry before it."},
    {.name = "hash", .help = "SHA-256 of the entry with the hash before it."}};

constexpr Field kVerdict[] = {
    {.name = "good", .type = FieldType::boolean, .help = "Whether the chain holds from end to end.", .column = true},
    {.name = "entries", .type = FieldType::integer, .help = "That fit, from the oldest on.", .column = true},
    {.name = "first", .type = FieldType::integer, .help = "Number of the oldest one kept.", .column = true},
    {.name = "last", .type = FieldType::integer, .help = "Number of the newest one that fits.", .column = true},
    {.name = "hash", .help = "Its hash: noted elsewhere, it proves later what the log was up to here.", .column = true},
    {.name = "problem", .help = "The first thing that does not fit; empty: all does.", .column = true},
    {.name = "waiting", .type = FieldType::integer, .help = "Entries that are not on the disk yet.", .column = true}};

Json shown(const Chained& entry) {
    Json out = json({{"number", entry.number},
                     {"time", isoTime(entry.time)},
                     {"who", entry.who},
                     {"role", entry.role},
                     {"front", entry.front},
                     {"from", entry.from},
                     {"action", entry.action}});
    const auto add = [&](const char* member, const Json& value) {
        if (value.object() != nullptr)
            out.set(member, value);
        else if (!value.isNull())
            out.set(member, json({{"value", value}}));
    };
    add("what", entry.what);
    add("before", entry.before);
    add("after", entry.after);
    out.set("result", entry.result);
    out.set("detail", entry.detail);
    out.set("count", entry.count);
    out.set("previous", entry.previous);
    out.set("hash", entry.hash);
    return out;
}

Result<Reply> list(const Log& log, const Call& call) {
    ListQuery query;
    query.limit = static_cast<std::size_t>(std::clamp<std::int64_t>(call.integer("limit", 100), 1, api::kLargestPage));
    query.who = call.text("who");
    query.action = call.text("action");
    if (const std::string_view since = call.text("since"); !since.empty())
        query.since = api::parseTimestamp(since);
    const auto key = api::readCursor("audit", call.text("cursor"));
    if (!key)
        return fail(key.error());
    if (!key->empty()) {
        const auto [at, problem] = std::from_chars(key->data(), key->data() + key->size(), query.before);
        if (problem != std::errc() || at != key->data() + key->size() || query.before == 0)
            return fail(Code::malformed, "cursor", "is none that this list gave; begin anew without it");
    }
    const auto page = log.list(query);
    if (!page)
        return fail(page.error());
    Json::Array items;
    for (const Chained& entry : page->entries)
        items.push_back(shown(entry));
    return Reply(
        api::page("audit", std::move(items), page->more ? std::to_string(page->entries.back().number) : std::string()));
}

Result<Reply> check(const Log& log) {
    const Verdict verdict = log.check();
    return Reply(json({{"good", verdict.good},
                       {"entries", verdict.entries},
                       {"first", verdict.first},
                       {"last", verdict.last},
                       {"hash", verdict.hash},
                       {"problem", verdict.problem},
                       {"waiting", static_cast<std::uint64_t>(log.waiting())}}));
}

}  // namespace

Result<void> addOperations(api::OperationTable& table, const Log& log) {
    if (auto added = table.add("core",
                               {.method = "GET",
                                .path = "/audit",
                                .role = Role::admin,
                                .support = true,
                                .cli = "audit list",
                                .summary = "Who changed what, newest first, with what it was before.",
                                .query = kListQuery,
                                .answer = kEntry,
                                .list = true},
                               [&log](const Call& call) { return list(log, call); });
        !added)
        return added;
    return table.add("core",
                     {.method = "GET",
                      .path = "/audit/check",
                      .role = Role::admin,
                      .support = true,
                      .cli = "audit check",
                      .summary = "Whether anything in the audit log was changed, removed or added afterwards.",
                      .answer = kVerdict},
                     [&log](const Call&) { return check(log); });
}

}  // namespace muster::audit
