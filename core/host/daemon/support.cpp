#include "host/daemon/support.h"

#include <chrono>

#include "muster/types.h"

#include "api/json_text.h"
#include "api/serve.h"

namespace muster::daemon {

namespace {

constexpr std::size_t kMaxAnswer = std::size_t{16} * 1024 * 1024;  // octets of one answer that are laid out again
constexpr int kMaxDepth = 32;

/// JSON with an item a line: somebody reads it.
void layOut(const Json& value, std::string& out, int depth) {
    const std::string indent(static_cast<std::size_t>(depth + 1) * 2, ' ');
    const auto open = [&](char bracket) { out += bracket; };
    const auto close = [&](char bracket) {
        out += '\n';
        out.append(static_cast<std::size_t>(depth) * 2, ' ');
        out += bracket;
    };
    if (const Json::Object* members = value.object(); members != nullptr && !members->empty() && depth < kMaxDepth) {
        open('{');
        bool first = true;
        for (const auto& [name, member] : *members) {
            out += (first ? "\n" : ",\n") + indent + api::dumpJson(Json(name)) + ": ";
            layOut(member, out, depth + 1);
            first = false;
        }
        close('}');
    } else if (const Json::Array* items = value.array();
               items != nullptr && !items->empty() && items->front().object() != nullptr && depth < kMaxDepth) {
        open('[');
        bool first = true;
        for (const Json& item : *items) {
            out += (first ? "\n" : ",\n") + indent;
            // An event or a client is one line: there are many of them.
            out += api::dumpJson(item);
            first = false;
        }
        close(']');
    } else {
        out += api::dumpJson(value);
    }
}

std::string section(const api::OperationTable& table, const Operation& operation, const Caller& caller) {
    std::string target(operation.path);
    for (const Field& field : operation.query)
        if (std::string_view(field.name) == "limit")
            target += "?limit=" + std::to_string(field.maximum);
    api::Request request;
    request.method = "GET";
    request.target = target;
    request.caller = caller;
    const api::Response response = api::serve(table, request);
    std::string out = "\n=== " + target + " (" + std::to_string(response.status) + ")\n";
    const auto parsed = response.contentType.find("json") != std::string::npos
                            ? api::parseJson(response.body, kMaxAnswer)
                            : Result<Json>(Json());
    if (parsed && parsed->object() != nullptr)
        layOut(*parsed, out, 0);
    else
        out += response.body;
    if (out.back() != '\n')
        out += '\n';
    return out;
}

}  // namespace

Result<void> addSupport(api::OperationTable& table, std::string_view version) {
    return table.add(
        "core",
        {.method = "GET",
         .path = "/support",
         .role = Role::admin,
         .cli = "support",
         .summary =
             "All that helps somebody to help, as one text: state, settings, events, audit log. Without secrets; "
             "names and addresses of machines are in it.",
         .file = true},
        [&table, version = std::string(version)](const Call& call) -> Result<Reply> {
            const Timestamp now = wallNow();
            Reply reply;
            reply.file.mediaType = "text/plain; charset=utf-8";
            reply.file.name = "muster-support-" + isoTime(now).substr(0, 10) + ".txt";
            reply.file.write = [&table, version, caller = call.caller, now](OctetSink& sink) -> Result<void> {
                if (!sink.write("Muster " + version + ", " + isoTime(now) + ", for " + caller.name +
                                "\nPasswords, keys and tokens are not in here; names and addresses of machines are.\n"))
                    return {};
                for (const auto& row : table.list())
                    if (row->operation().support && !sink.write(section(table, row->operation(), caller)))
                        break;
                return {};
            };
            return reply;
        });
}

}  // namespace muster::daemon
