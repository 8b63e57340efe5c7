#include "api/lists.h"

#include <algorithm>
#include <limits>

#include "api/csv.h"
#include "api/json_text.h"
#include "api/paging.h"

namespace muster::api {

namespace {

constexpr Field kListFields[] = {
    {.name = "columns", .type = FieldType::texts, .help = "Only these members of each item.", .maximum = 64},
    {.name = "format",
     .type = FieldType::choice,
     .help = "csv or jsonl: all that is found, as a file; `limit` bounds it where it is given.",
     .fallback = "json",
     .choices = "json|csv|jsonl"},
};

std::string_view formatOf(const Json& query) noexcept {
    const Json* value = query.find("format");
    return value != nullptr && value->string() != nullptr ? std::string_view(*value->string()) : "json";
}

/// All of the answer's, where none were chosen.
std::vector<std::string> columnsOf(const Operation& operation, const Json& query) {
    std::vector<std::string> out;
    const Json* chosen = query.find("columns");
    if (chosen != nullptr && chosen->array() != nullptr)
        for (const Json& name : *chosen->array())
            if (name.string() != nullptr)
                out.push_back(*name.string());
    if (out.empty())
        for (const Field& field : operation.answer)
            out.emplace_back(field.name);
    return out;
}

Json narrowed(const Json& item, const std::vector<std::string>& columns) {
    Json out{Json::Object()};
    for (const std::string& name : columns)
        if (const Json* value = item.find(name))
            out.set(name, *value);
    return out;
}

const Json::Array* itemsOf(const Json& page) noexcept {
    const Json* items = page.find("items");
    return items != nullptr ? items->array() : nullptr;
}

/// Where the next page begins; empty: there is none.
std::string nextOf(const Json& page) {
    const Json* next = page.find("next");
    return next != nullptr && next->string() != nullptr ? *next->string() : std::string();
}

class Lines {
public:
    Lines(OctetSink& sink, bool csv, std::vector<std::string> columns)
        : sink_(sink), csv_(csv), columns_(std::move(columns)) {}

    bool head() {
        if (!csv_)
            return true;
        std::string line;
        for (const std::string& name : columns_)
            line += (line.empty() ? "" : ",") + csvText(name);
        return sink_.write(line + "\r\n");
    }
    /// A page in one piece. @param most  items of it
    bool page(const Json::Array& items, std::int64_t most) {
        std::string text;
        for (const Json& item : items) {
            if (most-- <= 0)
                break;
            if (!csv_) {
                text += dumpJson(narrowed(item, columns_)) + "\n";
                continue;
            }
            bool first = true;
            for (const std::string& name : columns_) {
                const Json* value = item.find(name);
                text += (first ? "" : ",") + (value != nullptr ? csvCell(*value) : std::string());
                first = false;
            }
            text += "\r\n";
        }
        return sink_.write(text);
    }

private:
    OctetSink& sink_;
    const bool csv_;
    const std::vector<std::string> columns_;
};

Result<void> writeAll(Lines lines, Call call, const Handler& handler, Json page, std::int64_t left) {
    if (!lines.head())
        return {};
    while (true) {
        const Json::Array* items = itemsOf(page);
        if (items == nullptr)
            return fail(Code::internal, "export", "a page of the list is none; the log of the daemon has more");
        if (!lines.page(*items, left))
            break;  // the reader has gone
        left -= static_cast<std::int64_t>(items->size());
        const std::string next = nextOf(page);
        if (next.empty() || left <= 0)
            break;
        call.query.set("cursor", next);
        auto reply = handler(call);
        if (!reply)
            return fail(reply.error());
        if (nextOf(reply->body) == next)
            return fail(Code::internal, "export", "the list does not go on; the log of the daemon has more");
        page = std::move(reply->body);
    }
    return {};
}

}  // namespace

Fields listFields() noexcept {
    return kListFields;
}

bool isPlainPage(const Operation& operation, const Json& query) noexcept {
    const Json* columns = query.find("columns");
    return !operation.list || (formatOf(query) == "json" && (columns == nullptr || columns->isNull()));
}

std::string unknownColumns(const Operation& operation, const Json& query) {
    std::string out;
    const Json* chosen = query.find("columns");
    if (chosen == nullptr || chosen->array() == nullptr)
        return out;
    for (const Json& name : *chosen->array())
        if (name.string() != nullptr && std::none_of(operation.answer.begin(), operation.answer.end(),
                                                     [&](const Field& field) { return *name.string() == field.name; }))
            out += (out.empty() ? "" : ", ") + *name.string();
    return out;
}

Reply listed(const Operation& operation, const Call& call, const Handler& handler, Reply first, bool limited) {
    const std::string_view format = formatOf(call.query);
    auto columns = columnsOf(operation, call.query);
    const Json::Array* items = itemsOf(first.body);
    if (items == nullptr)
        return first;
    if (format == "json") {
        Json::Array narrow;
        for (const Json& item : *items)
            narrow.push_back(narrowed(item, columns));
        first.body.set("items", std::move(narrow));
        return first;
    }
    const bool csv = format == "csv";
    const std::size_t slash = operation.path.find_last_of('/');
    std::int64_t most = std::numeric_limits<std::int64_t>::max();
    if (limited)
        most = call.integer("limit", most);
    Call next = call;
    for (const Field& field : operation.query)
        if (std::string_view(field.name) == "limit")
            next.query.set("limit", std::min(field.maximum, kLargestPage));
    Reply reply;
    reply.file.mediaType = csv ? "text/csv; charset=utf-8" : "application/x-ndjson";
    reply.file.name = "muster-" + std::string(operation.path.substr(slash + 1)) + (csv ? ".csv" : ".jsonl");
    reply.file.write = [csv, most, handler, columns = std::move(columns), next = std::move(next),
                        page = std::move(first.body)](OctetSink& sink) {
        return writeAll(Lines(sink, csv, columns), next, handler, page, most);
    };
    return reply;
}

}  // namespace muster::api
