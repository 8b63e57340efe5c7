/// "METHOD TARGET\nBODY" through the whole way of a request: whatever comes, the answer is JSON, and the handler is
/// only reached with parameters that keep their schema.
#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "muster/types.h"

#include "api/describe.h"
#include "api/json_text.h"
#include "api/serve.h"
#include "api/text.h"

namespace {

using namespace muster;

constexpr Field kCmid[] = {{.name = "cmid", .type = FieldType::guid}};
constexpr Field kKey[] = {{.name = "key", .maximum = 64}};
constexpr Field kQuery[] = {
    {.name = "limit", .type = FieldType::integer, .fallback = "100", .minimum = 1, .maximum = 1000},
    {.name = "since", .type = FieldType::duration, .minimum = 0},
    {.name = "cap", .type = FieldType::size, .fallback = "64KiB", .minimum = 1},
    {.name = "all", .type = FieldType::boolean},
    {.name = "after", .type = FieldType::timestamp},
    {.name = "allow", .type = FieldType::networks},
    {.name = "numbers", .type = FieldType::integers},
    {.name = "mode", .type = FieldType::choice, .choices = "lab|relay"}};
constexpr Field kUpstream[] = {{.name = "address", .type = FieldType::address, .required = true}};
constexpr Field kBody[] = {{.name = "name", .required = true},
                           {.name = "listen", .type = FieldType::addresses, .maximum = 4},
                           {.name = "upstreams", .type = FieldType::objects, .fields = kUpstream}};

void require(bool holds) {
    if (!holds)
        std::abort();
}

Result<Reply> handler(const Call& call) {
    if (const Json* limit = call.query.find("limit"))
        require(limit->integer() != nullptr && *limit->integer() >= 1 && *limit->integer() <= 1000);
    if (call.path.find("cmid") != nullptr)
        require(Guid::parse(call.text("cmid")).has_value());
    if (const Json* mode = call.query.find("mode"))
        require(mode->string() != nullptr && (*mode->string() == "lab" || *mode->string() == "relay"));
    if (const Json* name = call.body.find("name"))
        require(name->string() != nullptr && api::isUtf8(*name->string()));
    return Reply(json({{"path", call.path}, {"query", call.query}, {"body", call.body}}));
}

api::OperationTable& table() {
    static api::OperationTable* const made = [] {
        auto* fresh = new api::OperationTable;  // lives as long as the process
        require(
            fresh
                ->add(
                    "core",
                    {.method = "GET", .path = "/clients/{cmid}", .role = Role::viewer, .path_ = kCmid, .query = kQuery},
                    handler)
                .has_value());
        require(
            fresh
                ->add("core",
                      {.method = "PUT", .path = "/settings/{key}", .role = Role::viewer, .path_ = kKey, .body = kBody},
                      handler)
                .has_value());
        require(fresh
                    ->add("core",
                          {.method = "POST", .path = "/things", .role = Role::viewer, .query = kQuery, .body = kBody},
                          handler)
                    .has_value());
        require(api::addDescriptions(*fresh, "0").has_value());
        return fresh;
    }();
    return *made;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string_view text(reinterpret_cast<const char*>(data), size);
    const std::string_view head = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), head.size() + 1));
    const std::size_t blank = std::min(head.find(' '), head.size());
    const std::string_view target = blank < head.size() ? head.substr(blank + 1) : std::string_view();
    const api::Response response = api::serve(table(), {.method = head.substr(0, blank),
                                                        .target = target,
                                                        .contentType = "application/json",
                                                        .body = text,
                                                        .caller = {"fuzz", Role::viewer, "fuzz"}});
    require(response.status >= 200 && response.status < 600);
    require(api::parseJson(response.body, response.body.size()).has_value());
    return 0;
}
