#include "pool/event_operations.h"

#include <algorithm>
#include <charconv>

namespace muster::pool {

namespace {

constexpr std::chrono::milliseconds kReadersWait{250};

constexpr Field kMachineField{.name = "machine",
                              .type = FieldType::text,
                              .help = "What the machine's name begins with.",
                              .minimum = 1,
                              .maximum = 192};
constexpr Field kCmidField{.name = "cmid", .type = FieldType::guid, .help = "CMID of the client."};
constexpr Field kIdField{
    .name = "id", .type = FieldType::integer, .help = "Only this number.", .minimum = 1, .maximum = 999'999};
constexpr Field kUpstreamField{.name = "upstream",
                               .type = FieldType::text,
                               .help = "Requests that the upstream of this name answered.",
                               .minimum = 1,
                               .maximum = 64};
constexpr Field kAfterField{.name = "after",
                            .type = FieldType::integer,
                            .help = "Only what came after this `seq`, oldest first.",
                            .minimum = 0};

constexpr Field kEventQuery[] = {
    {.name = "since", .type = FieldType::timestamp, .help = "Happened then or later."},
    kAfterField,
    kIdField,
    kMachineField,
    kCmidField,
    kUpstreamField,
    {.name = "limit",
     .type = FieldType::integer,
     .help = "How many items at most.",
     .fallback = "100",
     .minimum = 1,
     .maximum = 1000},
    {.name = "cursor",
     .type = FieldType::text,
     .help = "Where to go on: `next` of the page before.",
     .minimum = 1,
     .maximum = 1024},
};
constexpr Field kWatchQuery[] = {kAfterField, kIdField, kMachineField, kCmidField, kUpstreamField};

std::string version(const ActivationRequest& request) {
    return std::to_string(request.major) + "." + std::to_string(request.minor);
}

Result<JournalQuery> journalQuery(const Call& call) {
    JournalQuery query;
    if (const std::int64_t id = call.integer("id", 0); id > 0)
        query.id = static_cast<std::uint32_t>(id);
    query.machinePrefix = call.text("machine");
    query.upstream = call.text("upstream");
    if (!call.text("cmid").empty())
        query.cmid = Guid::parse(call.text("cmid"));
    if (const std::string_view since = call.text("since"); !since.empty()) {
        query.since = parseIsoTime(since);
        if (!query.since)
            return fail(Code::malformed, "since", "\"" + std::string(since) + "\" is no time as 2026-11-22T15:04:05Z");
    }
    if (const std::int64_t after = call.integer("after", -1); after >= 0)
        query.after = static_cast<std::uint64_t>(after);
    query.limit = static_cast<std::size_t>(std::clamp<std::int64_t>(call.integer("limit", 100), 1, 1000));
    if (std::string_view cursor = call.text("cursor"); !cursor.empty()) {
        const bool forward = cursor.front() == 'a';
        std::uint64_t seq = 0;
        const char* end = cursor.data() + cursor.size();
        const auto [at, problem] = std::from_chars(cursor.data() + 1, end, seq);
        if ((!forward && cursor.front() != 'b') || problem != std::errc() || at != end)
            return fail(Code::malformed, "cursor", "\"" + std::string(cursor) + "\" is none that this list gave");
        if (forward)
            query.after = seq;
        else
            query.before = seq;
    }
    return query;
}

Result<Reply> listEvents(const PoolContext& context, const Call& call) {
    const auto query = journalQuery(call);
    if (!query)
        return fail(query.error());
    context.archive.settle(kReadersWait);
    const auto page = context.archive.reader().journal(*query);
    if (!page)
        return fail(page.error());
    Json::Array items;
    for (const JournalEntry& entry : page->entries)
        items.push_back(eventJson(entry));
    Json next;
    if (page->next != 0)
        next = (query->after ? "a" : "b") + std::to_string(page->next);
    return Reply(json({{"items", std::move(items)}, {"next", std::move(next)}}));
}

void watch(const PoolContext& context, JournalQuery query, Sink& sink) {
    for (;;) {
        context.archive.settle(kReadersWait);
        const auto page = context.archive.reader().journal(query);
        if (page) {
            for (const JournalEntry& entry : page->entries) {
                if (!sink.write(eventJson(entry)))
                    return;
                query.after = entry.seq;
            }
            if (page->next != 0) {  // more is there
                query.after = page->next;
                continue;
            }
        }
        if (!sink.idle())
            return;
    }
}

Result<Reply> watchEvents(const PoolContext& context, const Call& call) {
    auto query = journalQuery(call);
    if (!query)
        return fail(query.error());
    query->limit = 1000;
    if (!query->after) {
        context.archive.settle(kReadersWait);
        const auto latest = context.archive.reader().journal({.limit = 1});
        if (!latest)
            return fail(latest.error());
        query->after = latest->entries.empty() ? 0 : latest->entries.front().seq;
    }
    Reply reply;
    reply.stream = [context, query = *query](Sink& sink) { watch(context, query, sink); };
    return reply;
}

}  // namespace

std::optional<Timestamp> parseIsoTime(std::string_view text) {
    using namespace std::chrono;
    // "YYYY-MM-DDTHH:MM[:SS[.mmm]]Z"
    if (text.empty() || text.back() != 'Z')
        return std::nullopt;
    text.remove_suffix(1);
    const auto number = [&text](std::size_t at, std::size_t size) {
        int value = 0;
        for (std::size_t i = at; i < at + size; ++i) {
            if (i >= text.size() || text[i] < '0' || text[i] > '9')
                return -1;
            value = value * 10 + (text[i] - '0');
        }
        return value;
    };
    const bool seconds = text.size() > 16;
    const bool fraction = text.size() > 19;
    if ((text.size() != 16 && text.size() != 19 && text.size() != 23) || text[4] != '-' || text[7] != '-' ||
        text[10] != 'T' || text[13] != ':' || (seconds && text[16] != ':') || (fraction && text[19] != '.'))
        return std::nullopt;
    const int y = number(0, 4), mo = number(5, 2), d = number(8, 2), h = number(11, 2), mi = number(14, 2);
    const int s = seconds ? number(17, 2) : 0;
    const int ms = fraction ? number(20, 3) : 0;
    if (y < 0 || mo < 1 || d < 1 || h < 0 || h > 23 || mi < 0 || mi > 59 || s < 0 || s > 59 || ms < 0)
        return std::nullopt;
    const year_month_day date(year{y}, month{static_cast<unsigned>(mo)}, day{static_cast<unsigned>(d)});
    if (!date.ok())
        return std::nullopt;
    return Timestamp(sys_days(date).time_since_epoch() + hours(h) + minutes(mi) + std::chrono::seconds(s) +
                     milliseconds(ms));
}

std::string requestInfo(const JournalEntry& entry) {
    const ActivationRequest& request = entry.request;
    if (request.isOpaque())
        return {};
    std::string time = isoTime(request.clientTime.timestamp()).substr(0, 16);  // "2026-11-22T15:04"
    time[4] = time[7] = '/';
    time[10] = ' ';
    return text(entry.result) + "," + std::to_string(request.requiredClients) + "," + entry.machine + "," +
           entry.cmid.text() + "," + time + "," + std::to_string(request.vmInfo) + "," +
           std::to_string(request.licenseStatus) + "," + std::to_string(request.minutesToExpiry) + "," +
           request.sku.text();
}

Json eventJson(const JournalEntry& entry) {
    Json out =
        json({{"seq", entry.seq}, {"time", isoTime(entry.time)}, {"id", entry.id}, {"severity", name(entry.severity)}});
    if (!entry.isRequest() || !entry.fields.isNull()) {
        out.set("source", entry.source);
        out.set("message", entry.message);
        out.set("info", std::string());
        out.set("machine", entry.machine);
        out.set("cmid", entry.cmid.isZero() ? Json() : Json(entry.cmid.text()));
        for (const char* ofARequest : {"upstream", "attempts", "waited"})
            out.set(ofARequest, Json());
        out.set("fields", entry.fields);
        return out;
    }
    const ActivationRequest& request = entry.request;
    out.set("source", "core");
    out.set("message", "An activation request has been processed.");
    out.set("info", requestInfo(entry));
    out.set("machine", entry.machine);
    out.set("cmid", request.isOpaque() ? Json() : Json(entry.cmid.text()));
    Json fields = json({{"result", text(entry.result)},
                        {"fault", entry.fault == 0 ? Json() : Json(text(static_cast<HResult>(entry.fault)))},
                        {"reason", entry.message},
                        {"address", entry.address.text()},
                        {"version", version(request)},
                        {"wellFormed", entry.wellFormed},
                        {"counted", entry.counted},
                        {"count", entry.count}});
    if (!request.isOpaque()) {
        fields.set("required", request.requiredClients);
        fields.set("clientTime", isoTime(request.clientTime.timestamp()));
        fields.set("virtual", request.isVirtual());
        fields.set("status", licenseStatusWord(request.licenseStatus));
        fields.set("minutesToExpiry", request.minutesToExpiry);
        fields.set("application", request.application.text());
        fields.set("countedId", request.counted.text());
        fields.set("activationId", request.sku.text());
        fields.set("previousCmid", request.previousCmid.isZero() ? Json() : Json(request.previousCmid.text()));
    }
    out.set("upstream", entry.upstream);
    out.set("attempts", entry.attempts);
    out.set("waited", entry.waited);
    out.set("fields", std::move(fields));
    return out;
}

void addEventOperations(const PoolContext& context, const AddOperation& add) {
    add({.method = "GET",
         .path = "/events",
         .role = Role::viewer,
         .support = true,
         .cli = "event list",
         .summary = "Lists the journal, newest first: requests (12290) and events.",
         .query = kEventQuery,
         .answer = kEventAnswer,
         .list = true},
        [context](const Call& call) { return listEvents(context, call); });
    add({.method = "GET",
         .path = "/events/watch",
         .role = Role::viewer,
         .cli = "event watch",
         .summary = "Gives each entry of the journal as it comes.",
         .query = kWatchQuery,
         .answer = kEventAnswer,
         .stream = true},
        [context](const Call& call) { return watchEvents(context, call); });
}

}  // namespace muster::pool
