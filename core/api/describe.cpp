#include "api/describe.h"

#include <limits>
#include <set>

#include "api/json_text.h"
#include "api/lists.h"
#include "api/values.h"

namespace muster::api {

namespace {

Json describe(Fields fields) {
    Json::Array out;
    for (const Field& field : fields)
        out.push_back(api::describe(field));
    return out;
}

/// What a schema is of: of what is sent, which is checked against it, or of what comes back.
enum class Way : std::uint8_t { in, out };

Json schemaOf(Fields fields, Way way);

/// In answers whatever is not known is null.
Json orNull(Json schema) {
    if (const Json* type = schema.find("type"); type != nullptr && type->string() != nullptr) {
        Json::Array types{*type, "null"};
        schema.set("type", Json(std::move(types)));
    }
    if (const Json* known = schema.find("enum")) {
        Json more = *known;
        more.push(Json());
        schema.set("enum", std::move(more));
    }
    return schema;
}

/// JSON Schema 2020-12 of a field's value.
Json schemaOf(const Field& field, Way way) {
    Json out;
    const bool low = field.minimum != std::numeric_limits<std::int64_t>::min();
    const bool high = field.maximum != std::numeric_limits<std::int64_t>::max();
    const auto bounds = [&](const char* least, const char* most) {
        if (low)
            out.set(least, field.minimum);
        if (high)
            out.set(most, field.maximum);
    };
    if (isList(field.type)) {
        Json item = json({{"type", field.type == FieldType::integers ? "integer" : "string"}});
        if (field.type == FieldType::objects)
            item = schemaOf(field.fields, way);
        out = json({{"type", "array"}, {"items", std::move(item)}});
        bounds("minItems", "maxItems");
    } else if (field.type == FieldType::object) {
        out = schemaOf(field.fields, way);
    } else if (field.type == FieldType::integer) {
        out = json({{"type", "integer"}});
        bounds("minimum", "maximum");
    } else if (field.type == FieldType::boolean) {
        out = json({{"type", "boolean"}});
    } else if (field.type == FieldType::number) {
        out = json({{"type", "number"}});
    } else {
        out = json({{"type", "string"}});
        if (field.type == FieldType::text)
            bounds("minLength", "maxLength");
        if (field.type == FieldType::choice) {
            Json::Array known;
            for (std::string& choice : choices(field))
                known.emplace_back(std::move(choice));
            out.set("enum", std::move(known));
        }
        if (field.type == FieldType::guid)
            out.set("format", "uuid");
        if (field.type == FieldType::timestamp)
            out.set("format", "date-time");
    }
    std::string help = field.help;
    if (field.type == FieldType::duration || field.type == FieldType::size || field.type == FieldType::address ||
        field.type == FieldType::network)
        help += (help.empty() ? "" : " ") + ("Takes " + allowed(field) + ".");
    if (!help.empty())
        out.set("description", help);
    if (field.fallback != nullptr)
        if (const auto value = parseValue(field, field.fallback))
            out.set("default", field.type == FieldType::duration || field.type == FieldType::size
                                   ? Json(valueText(field, *value))
                                   : valueJson(*value));
    return out;
}

Json schemaOf(Fields fields, Way way) {
    Json properties{Json::Object()};
    Json::Array required;
    for (const Field& field : fields) {
        Json schema = schemaOf(field, way);
        properties.set(field.name, way == Way::out && !field.required ? orNull(std::move(schema)) : std::move(schema));
        if (field.required)
            required.emplace_back(field.name);
    }
    Json out = json({{"type", "object"}, {"properties", std::move(properties)}});
    if (!required.empty())
        out.set("required", std::move(required));
    return out;
}

Json parameters(Fields fields, const char* where) {
    Json::Array out;
    for (const Field& field : fields) {
        Json parameter = json({{"name", field.name}, {"in", where}, {"schema", schemaOf(field, Way::in)}});
        const bool path = std::string_view(where) == "path";
        if (path || field.required)
            parameter.set("required", true);
        out.push_back(std::move(parameter));
    }
    return out;
}

Json answerOf(const Operation& operation) {
    Json schema = schemaOf(operation.answer, Way::out);
    const char* type = "application/json";
    if (operation.text) {
        type = "text/plain";
        schema = json({{"type", "string"}});
    } else if (operation.file) {
        type = "*/*";  // each file says what it is
        schema = json({{"type", "string"}});
    } else if (operation.stream) {
        type = "application/x-ndjson";
    } else if (operation.list) {
        Json::Array nullable{"string", "null"};
        schema = json({{"type", "object"},
                       {"properties", json({{"items", json({{"type", "array"}, {"items", std::move(schema)}})},
                                            {"next", json({{"type", Json(std::move(nullable))}})}})}});
    }
    Json content = json({{type, json({{"schema", std::move(schema)}})}});
    if (operation.list)
        for (const char* whole : {"text/csv", "application/x-ndjson"})
            content.set(whole, json({{"schema", json({{"type", "string"}})}}));
    return json({{"description", "Done."}, {"content", std::move(content)}});
}

std::string operationId(const Operation& operation) {
    std::string out(operation.method);
    for (const char c : operation.path)
        out.push_back((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ? c : '_');
    return out;
}

Json problemSchema() {
    const Json text = json({{"type", "string"}});
    const Json finding =
        json({{"type", "object"},
              {"properties", json({{"name", text}, {"found", text}, {"allowed", text}, {"where", text}})}});
    return json({{"type", "object"},
                 {"description", "RFC 9457. `code` is stable; `detail` and `hint` are for people."},
                 {"properties", json({{"type", text},
                                      {"title", text},
                                      {"status", json({{"type", "integer"}})},
                                      {"code", text},
                                      {"detail", text},
                                      {"hint", text},
                                      {"errors", json({{"type", "array"}, {"items", finding}})}})}});
}

}  // namespace

Json describe(const Field& field) {
    Json out = json({{"name", field.name}, {"type", typeName(field.type)}});
    if (*field.help != '\0')
        out.set("help", field.help);
    if (field.fallback != nullptr)
        out.set("default", field.fallback);
    if (field.minimum != std::numeric_limits<std::int64_t>::min())
        out.set("minimum", field.minimum);
    if (field.maximum != std::numeric_limits<std::int64_t>::max())
        out.set("maximum", field.maximum);
    if (field.choices != nullptr) {
        Json::Array known;
        for (std::string& choice : choices(field))
            known.emplace_back(std::move(choice));
        out.set("choices", std::move(known));
    }
    if (field.required)
        out.set("required", true);
    if (field.secret)
        out.set("secret", true);
    if (field.restart)
        out.set("restart", true);
    if (field.column)
        out.set("column", true);
    if (!field.fields.empty())
        out.set("fields", describe(field.fields));
    return out;
}

std::string describe(const OperationTable& table) {
    // Written row by row: the whole as one value is two megabytes, of which the allocator keeps a part for good.
    std::string out = R"({"items":[)";
    for (const auto& row : table.list()) {
        const Operation& operation = row->operation();
        if (out.back() == '}')
            out += ',';
        out += dumpJson(json({{"method", operation.method},
                              {"path", operation.path},
                              {"role", roleName(operation.role)},
                              {"owner", row->owner()},
                              {"cli", operation.cli},
                              {"summary", operation.summary},
                              {"confirm", operation.confirm},
                              {"list", operation.list},
                              {"text", operation.text},
                              {"stream", operation.stream},
                              {"file", operation.file},
                              {"upload", operation.upload},
                              {"pathFields", describe(operation.path_)},
                              {"query", describe(operation.query)},
                              {"body", describe(operation.body)},
                              {"answer", describe(operation.answer)}}));
    }
    out += R"(],"next":null})";
    return out;
}

/// Either of the two.
Json security() {
    Json::Array ways;
    for (const char* way : {"session", "token"})
        ways.push_back(json({{way, Json(Json::Array())}}));
    return Json(std::move(ways));
}

Json securitySchemes() {
    return json({{"session", json({{"type", "apiKey"},
                                   {"in", "cookie"},
                                   {"name", kSessionCookie},
                                   {"description", std::string("Of a login; what changes something also needs ") +
                                                       kCsrfHeader + "."}})},
                 {"token", json({{"type", "http"}, {"scheme", "bearer"}})}});
}

Json openApi(const OperationTable& table, std::string_view version) {
    Json paths{Json::Object()};
    std::set<std::string> owners;
    for (const auto& row : table.list()) {
        owners.insert(row->owner());
        const Operation& operation = row->operation();
        Json all = parameters(operation.path_, "path");
        for (const Fields fields : {operation.query, operation.list ? listFields() : Fields()}) {
            const Json query = parameters(fields, "query");
            for (const Json& parameter : *query.array())
                all.push(parameter);
        }
        std::string method(operation.method);
        for (char& c : method)
            c = static_cast<char>(c - 'A' + 'a');
        Json::Array tags{row->owner()};
        Json described = json({{"operationId", operationId(operation)},
                               {"summary", operation.summary},
                               {"description", operation.role == Role::none
                                                   ? std::string("Needs no login.")
                                                   : std::string("Least role: ") + roleName(operation.role) + "."},
                               {"security", operation.role == Role::none ? Json(Json::Array()) : security()},
                               {"tags", Json(std::move(tags))},
                               {"parameters", std::move(all)}});
        if (!operation.body.empty())
            described.set(
                "requestBody",
                json({{"content",
                       json({{"application/json", json({{"schema", schemaOf(operation.body, Way::in)}})}})}}));
        if (operation.upload > 0)
            described.set(
                "requestBody",
                json({{"required", true},
                      {"content", json({{"application/octet-stream",
                                         json({{"schema", json({{"type", "string"},
                                                                {"contentMediaType", "application/octet-stream"},
                                                                {"maxLength", operation.upload}})}})}})}}));
        described.set("responses", json({{"200", answerOf(operation)},
                                         {"default", json({{"$ref", "#/components/responses/Problem"}})}}));
        Json* path = nullptr;
        for (Json::Member& member : *paths.object())
            if (member.first == operation.path)
                path = &member.second;
        if (path == nullptr)
            path = &paths.set(operation.path, Json(Json::Object()));
        path->set(method, std::move(described));
    }
    Json::Array tags;
    for (const std::string& owner : owners)
        tags.push_back(json({{"name", owner}}));
    Json::Array servers{json({{"url", "/api/v1"}})};
    return json(
        {{"openapi", "3.1.0"},
         {"info", json({{"title", "Muster"},
                        {"version", version},
                        {"description", "What can be asked of a running appliance."},
                        {"license", json({{"name", "Apache-2.0"}, {"identifier", "Apache-2.0"}})}})},
         {"servers", Json(std::move(servers))},
         {"tags", Json(std::move(tags))},
         {"paths", std::move(paths)},
         {"components",
          json({{"responses",
                 json({{"Problem",
                        json({{"description", "Refused or failed."},
                              {"content",
                               json({{"application/problem+json",
                                      json({{"schema", json({{"$ref", "#/components/schemas/Problem"}})}})}})}})}})},
                {"securitySchemes", securitySchemes()},
                {"schemas", json({{"Problem", problemSchema()}})}})}});
}

Result<void> addDescriptions(OperationTable& table, std::string_view version) {
    auto added = table.add(
        "core",
        {.method = "GET", .path = "/operations", .role = Role::viewer, .summary = "What this daemon can be asked."},
        [&table](const Call&) -> Result<Reply> {
            Reply reply;
            reply.text = describe(table);
            return reply;
        });
    if (!added)
        return added;
    return table.add(
        "core",
        {.method = "GET", .path = "/openapi.json", .role = Role::viewer, .summary = "The same as an OpenAPI document."},
        [&table, known = std::string(version)](const Call&) -> Result<Reply> { return Reply(openApi(table, known)); });
}

}  // namespace muster::api
