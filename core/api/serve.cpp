#include "api/serve.h"

#include <algorithm>
#include <array>
#include <limits>
#include <map>
#include <mutex>
#include <optional>

#include "api/json_text.h"
#include "api/lists.h"
#include "api/problem.h"
#include "api/tags.h"
#include "api/text.h"
#include "api/values.h"

namespace muster::api {

namespace {

constexpr std::size_t kMaxQueryParameters = 64;

Response refuse(const Error& error, const std::vector<Finding>& findings = {}) {
    Response response;
    response.status = status(error.code);
    response.contentType = "application/problem+json";
    response.body = dumpJson(problem(error, findings));
    return response;
}

const Field* fieldOf(Fields fields, std::string_view name) noexcept {
    const auto found =
        std::find_if(fields.begin(), fields.end(), [&](const Field& field) { return name == field.name; });
    return found == fields.end() ? nullptr : &*found;
}

std::string names(Fields fields) {
    std::string out;
    for (const Field& field : fields)
        out += (out.empty() ? "only " : ", ") + std::string(field.name);
    return out.empty() ? "nothing" : out;
}

/// The value of a parameter that came as text, as JSON for the handler.
Json fromText(const Field& field, const std::string& name, std::string_view text, std::vector<Finding>& findings) {
    if (field.type == FieldType::boolean && text.empty())
        return true;  // "?all" and "?all=" as a switch
    auto value = parseValue(field, text);
    if (value)
        return valueJson(*value);
    findings.push_back({name, value.error().found, value.error().allowed, ""});
    return {};
}

Json checkPath(const Match& match, std::vector<Finding>& findings) {
    Json out{Json::Object()};
    const Fields fields = match.registered->operation().path_;
    for (std::size_t i = 0; i < fields.size(); ++i)
        out.set(fields[i].name, fromText(fields[i], fields[i].name, match.values[i], findings));
    return out;
}

/// A list may be given as one text "a,b" or by naming its parameter again and again.
Json checkQuery(const Operation& operation, std::string_view query, std::vector<Finding>& findings) {
    std::vector<Field> fields(operation.query.begin(), operation.query.end());
    if (operation.list)
        fields.insert(fields.end(), listFields().begin(), listFields().end());
    std::map<std::string, std::string> given;
    std::size_t count = 0;
    while (!query.empty()) {
        const std::size_t end = query.find('&');
        const std::string_view pair = query.substr(0, end);
        query = end == std::string_view::npos ? std::string_view() : query.substr(end + 1);
        if (pair.empty())
            continue;
        if (++count > kMaxQueryParameters) {
            findings.push_back({"query", "more than 64 parameters", "64", ""});
            break;
        }
        const std::size_t equals = std::min(pair.find('='), pair.size());
        const auto name = percentDecode(pair.substr(0, equals), true);
        const auto value = percentDecode(equals < pair.size() ? pair.substr(equals + 1) : std::string_view(), true);
        if (!name || !value) {
            findings.push_back({"query", inQuotes(pair), "UTF-8, percent-encoded", ""});
            continue;
        }
        const Field* field = fieldOf(fields, *name);
        if (field == nullptr) {
            findings.push_back({inQuotes(*name), "a parameter of that name", names(fields), ""});
            continue;
        }
        const auto [entry, fresh] = given.try_emplace(*name, *value);
        if (!fresh && !isList(field->type))
            findings.push_back({*name, "more than one", "one", ""});
        else if (!fresh)
            entry->second += "," + *value;
    }
    Json out{Json::Object()};
    for (const Field& field : fields) {
        const auto entry = given.find(field.name);
        if (entry != given.end())
            out.set(field.name, fromText(field, field.name, entry->second, findings));
        else if (field.required)
            findings.push_back({field.name, "nothing", allowed(field), ""});
        else if (field.fallback != nullptr)
            out.set(field.name, fromText(field, field.name, field.fallback, findings));
    }
    return out;
}

bool isType(std::string_view contentType, std::string_view wanted) noexcept {
    const std::string_view type = contentType.substr(0, contentType.find_first_of("; \t"));
    return std::equal(type.begin(), type.end(), wanted.begin(), wanted.end(),
                      [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a - 'A' + 'a' : a) == b; });
}

Result<Json> checkBody(const Operation& operation, std::string_view contentType, std::string_view text,
                       std::vector<Finding>& findings) {
    if (text.empty())
        return operation.body.empty() ? Json() : checkObject(operation.body, Json(), "", findings);
    if (operation.body.empty())
        return fail(Code::malformed, "body", "this operation takes none; send the request without a body");
    if (!isType(contentType, "application/json"))
        return fail(Code::malformed, "content type",
                    inQuotes(contentType) + " found, application/json allowed; send the body as JSON");
    auto parsed = parseJson(text);
    if (!parsed)
        return parsed;
    if (parsed->object() == nullptr)
        return fail(Code::malformed, "body", shown(*parsed) + " found, an object allowed");
    return checkObject(operation.body, *parsed, "", findings);
}

/// Letters, digits, '.', '-', '_', and no more than a file system takes: a name that needs no quoting anywhere.
std::string fileName(std::string_view wanted) {
    std::string out;
    for (const char c : wanted.substr(0, 100))
        out.push_back((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
                              c == '-' || c == '_'
                          ? c
                          : '_');
    return out.empty() ? "muster" : out;
}

Response tooLong(std::int64_t found, std::size_t most) {
    Response response =
        refuse({Code::malformed, "body",
                std::to_string(found) + " octets found, " + std::to_string(most) + " allowed; send less"});
    response.status = 413;
    return response;
}

/// One octet more than may be is read at most.
Result<void> readWhole(OctetSource& source, std::string& into) {
    std::array<char, 8192> piece{};
    while (into.size() <= kMaxBody) {
        const auto read = source.read(piece.data(), std::min(piece.size(), kMaxBody + 1 - into.size()));
        if (!read)
            return fail(read.error());
        if (*read == 0)
            break;
        into.append(piece.data(), *read);
    }
    return {};
}

/// Passes on what the peer sends, up to what the operation takes.
class BoundedSource final : public OctetSource {
public:
    BoundedSource(OctetSource& source, std::int64_t most) : source_(source), left_(most) {}
    std::int64_t announced() const noexcept override { return source_.announced(); }
    Result<std::size_t> read(char* into, std::size_t most) override {
        auto read = source_.read(into, most);
        if (read && (left_ -= static_cast<std::int64_t>(*read)) < 0)
            return fail(Code::malformed, "body", "longer than this operation takes; send less");
        return read;
    }

private:
    OctetSource& source_;
    std::int64_t left_;
};

std::optional<Response> judgeUpload(const Operation& operation, const Request& request) {
    if (request.source == nullptr || request.source->announced() < 0) {
        Response response = refuse({Code::malformed, "body", "is a file of unknown length; send Content-Length"});
        response.status = 411;
        return response;
    }
    if (request.source->announced() > operation.upload)
        return tooLong(request.source->announced(), static_cast<std::size_t>(operation.upload));
    if (!isType(request.contentType, "application/octet-stream")) {
        Response response = refuse(
            {Code::malformed, "content type",
             inQuotes(request.contentType) + " found, application/octet-stream allowed; send the file as it is"});
        response.status = 415;
        return response;
    }
    return std::nullopt;
}

Response answer(const Operation& operation, Reply reply) {
    Response response;
    response.status = reply.status;
    response.headers = std::move(reply.headers);
    if (reply.file.write && reply.status < 400) {
        response.contentType = std::move(reply.file.mediaType);
        response.headers.emplace_back("Content-Disposition",
                                      "attachment; filename=\"" + fileName(reply.file.name) + '"');
        response.file = std::move(reply.file.write);
        response.size = reply.file.size;
    } else if (operation.stream && reply.stream) {
        response.contentType = "application/x-ndjson";
        response.stream = std::move(reply.stream);
    } else if (operation.text && reply.status < 400) {
        response.contentType = "text/plain; charset=utf-8";
        response.body = std::move(reply.text);
    } else {
        if (reply.status >= 400)
            response.contentType = "application/problem+json";
        // A refusal of an operation with text is in its body, whatever the text says.
        response.body = operation.text || reply.text.empty() ? dumpJson(reply.body) : std::move(reply.text);
    }
    return response;
}

/// What the observer is told of, gathered on the way.
struct Trace {
    bool wanted = false;
    std::shared_ptr<const Registered> row;
    Json what;
    Json body;
    Json before;
    Json after;
};

/// The path as it was asked for: also of a request that is refused before its parts are checked.
Json pathAsGiven(const Match& match) {
    Json out{Json::Object()};
    const Fields fields = match.registered->operation().path_;
    for (std::size_t i = 0; i < fields.size(); ++i)
        out.set(fields[i].name, match.values[i]);
    return masked(fields, out);
}

bool hasSecret(Fields fields) noexcept {
    return std::any_of(fields.begin(), fields.end(),
                       [](const Field& field) { return field.secret || hasSecret(field.fields); });
}

/// A refusal in few words. A malformed value stands in the problem's sentences as it came, and may be a secret.
void describeRefusal(const Operation& operation, const Response& response, Observed& observed) {
    observed.result = name(Code::internal);
    const auto told = parseJson(response.body, std::numeric_limits<std::size_t>::max());
    if (!told)
        return;
    const auto text = [&](const Json& object, const char* member) {
        const Json* value = object.find(member);
        return value != nullptr && value->string() != nullptr ? *value->string() : std::string();
    };
    if (std::string code = text(*told, "code"); !code.empty())
        observed.result = std::move(code);
    const Json* errors = told->find("errors");
    if (errors != nullptr && errors->array() != nullptr) {
        for (const Json& error : *errors->array())
            observed.detail += (observed.detail.empty() ? "not valid: " : ", ") + text(error, "name");
    } else if (observed.result != name(Code::malformed) ||
               !(hasSecret(operation.path_) || hasSecret(operation.query) || hasSecret(operation.body))) {
        observed.detail = text(*told, "detail");
    }
}

void tell(const Observer& observer, const Request& request, const Response& response, Trace trace) {
    const Operation& operation = trace.row->operation();
    const bool done = response.status < 400;
    if (done && !operation.changes)
        return;
    Observed observed{request.caller, operation, std::move(trace.what), {}, {}};
    if (done) {
        observed.before = std::move(trace.before);
        observed.after = std::move(trace.after.isNull() ? trace.body : trace.after);
    } else {
        describeRefusal(operation, response, observed);
    }
    observer(std::move(observed));
}

/// `limit` stands in the query itself, and is not its default.
bool limited(std::string_view target) noexcept {
    const std::size_t mark = target.find('?');
    return mark != std::string_view::npos &&
           (target.substr(mark, 7) == "?limit=" || target.find("&limit=", mark) != std::string_view::npos);
}

/// The answer to a GET with its tag, or that the caller has it already.
Response tagged(const std::string& tag, const Request& request, Response response) {
    response.headers.emplace_back("ETag", tag);
    if (!request.ifNoneMatch.empty() && matches(request.ifNoneMatch, tag, true)) {
        response.status = 304;
        response.contentType.clear();
        response.body.clear();
    }
    return response;
}

/// Nothing: what is there is what the caller saw.
std::optional<Response> changedMeanwhile(const OperationTable& table, const Request& request, Call call) {
    const std::string_view path = request.target.substr(0, request.target.find('?'));
    const Match seen = table.find("GET", path);
    const auto current = [&]() -> std::optional<std::string> {
        if (!seen.registered || seen.registered->operation().role > request.caller.role)
            return std::nullopt;
        call.body = {};
        call.query = Json(Json::Object());
        auto reply = seen.registered->handler()(call);
        return reply ? tagOf(table, *seen.registered, reply->body) : std::nullopt;
    };
    const auto tag = current();
    if (tag && matches(request.ifMatch, *tag, false))
        return std::nullopt;
    Response response = refuse(
        {Code::conflict, inQuotes(path),
         tag ? "is not what it was when it was read: somebody has changed it; read it again and repeat the change"
             : "has no tag that a change could be held against; send it without If-Match"});
    response.status = 412;
    return response;
}

Response run(const OperationTable& table, const Request& request, const Registered& row, const Call& call,
             const HandlerFailure& failed, Trace& trace) {
    const auto broken = [&](std::string_view what) {
        if (failed)
            failed(row.owner(), what);
        return refuse({Code::internal, "operation " + std::string(row.operation().path),
                       "failed inside: " + std::string(what) + "; the log of the daemon has more"});
    };
    try {
        std::unique_lock<std::mutex> alone;
        if (!request.ifMatch.empty() && row.operation().method != "GET") {
            alone = std::unique_lock(table.conditional());
            if (auto stale = changedMeanwhile(table, request, call))
                return std::move(*stale);
        }
        auto reply = row.handler()(call);
        if (!reply)
            return refuse(reply.error());
        if (!isPlainPage(row.operation(), call.query))
            reply = listed(row.operation(), call, row.handler(), std::move(*reply), limited(request.target));
        trace.before = std::move(reply->before);
        trace.after = std::move(reply->after);
        const bool read = row.operation().method == "GET" && reply->status == 200;
        const auto tag = read ? tagOf(table, row, reply->body) : std::nullopt;
        Response response = answer(row.operation(), std::move(*reply));
        return tag ? tagged(*tag, request, std::move(response)) : response;
    } catch (const Fault& fault) {
        return refuse(fault.error());
    } catch (const std::exception& error) {
        return broken(error.what());
    } catch (...) {
        return broken("it threw something that is no exception");
    }
}

Response process(const OperationTable& table, const Request& request, const HandlerFailure& failed, Trace& trace) {
    const std::size_t mark = std::min(request.target.find('?'), request.target.size());
    const std::string_view path = request.target.substr(0, mark);
    const std::string_view query = mark < request.target.size() ? request.target.substr(mark + 1) : std::string_view();
    const Match match = table.find(request.method, path);
    if (!match.registered) {
        if (match.allowed.empty())
            return refuse({Code::missing, inQuotes(path),
                           "this daemon has no such operation; GET /operations lists those it has"});
        Response response = refuse({Code::denied, inQuotes(path),
                                    "method " + inQuotes(request.method) + " found, " + match.allowed + " allowed"});
        response.status = 405;
        response.headers.emplace_back("Allow", match.allowed);
        return response;
    }
    const Operation& operation = match.registered->operation();
    trace.wanted = trace.wanted && operation.method != "GET";
    if (trace.wanted) {
        trace.row = match.registered;
        trace.what = pathAsGiven(match);
    }
    if (request.caller.role == Role::none && operation.role != Role::none)
        return refuse({Code::unauthenticated, std::string(operation.method) + " " + std::string(operation.path),
                       "needs a login; log in, or send a token"});
    if (request.caller.role < operation.role)
        return refuse({Code::denied, std::string(operation.method) + " " + std::string(operation.path),
                       std::string("needs the role ") + roleName(operation.role) + ", " + request.caller.name + " is " +
                           roleName(request.caller.role) + "; ask an administrator"});
    if (request.allowed && !request.allowed(operation))
        return refuse({Code::denied, std::string(operation.method) + " " + std::string(operation.path),
                       request.caller.name + " has a scope without it; make another token"});
    std::optional<BoundedSource> upload;
    std::string whole;
    std::string_view text = request.body;
    if (operation.upload > 0) {
        if (auto wrong = judgeUpload(operation, request))
            return std::move(*wrong);
        upload.emplace(*request.source, operation.upload);
    } else {
        if (request.source != nullptr) {
            if (request.source->announced() > static_cast<std::int64_t>(kMaxBody))
                return tooLong(request.source->announced(), kMaxBody);
            if (auto read = readWhole(*request.source, whole); !read)
                return refuse(read.error());
            text = whole;
        }
        if (text.size() > kMaxBody)
            return tooLong(static_cast<std::int64_t>(text.size()), kMaxBody);
    }
    std::vector<Finding> findings;
    Call call;
    call.upload = upload ? &*upload : nullptr;
    call.caller = request.caller;
    call.path = checkPath(match, findings);
    call.query = checkQuery(operation, query, findings);
    if (const std::string unknown = unknownColumns(operation, call.query); !unknown.empty())
        findings.push_back({"columns", inQuotes(unknown), names(operation.answer), ""});
    auto body = checkBody(operation, request.contentType, text, findings);
    if (!body)
        return refuse(body.error(), findings);
    if (!findings.empty()) {
        std::string detail = findings.front().text();
        if (findings.size() > 1)
            detail += ", and " + std::to_string(findings.size() - 1) + " more";
        return refuse({Code::malformed, "", detail}, findings);
    }
    call.body = std::move(*body);
    if (trace.wanted && !call.body.isNull())
        trace.body = masked(operation.body, call.body);
    return run(table, request, *match.registered, call, failed, trace);
}

}  // namespace

Response serve(const OperationTable& table, const Request& request, const HandlerFailure& failed,
               const Observer& observer) noexcept {
    try {
        Trace trace;
        trace.wanted = static_cast<bool>(observer);
        Response response = process(table, request, failed, trace);
        try {
            if (trace.row)
                tell(observer, request, response, std::move(trace));
        } catch (...) {  // no memory for it: what was done is done, and its answer is the answer
            return response;
        }
        return response;
    } catch (...) {  // out of memory, or a mistake of ours: the caller gets an answer all the same
        Response response;
        response.status = 500;
        response.contentType = "application/problem+json";
        response.body = R"({"status":500,"code":"internal","detail":"out of memory"})";
        return response;
    }
}

}  // namespace muster::api
