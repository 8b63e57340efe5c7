/// What the tests of serve() have in common. Internal to this room.
#pragma once

#include <stdexcept>

#include "CppUTest/TestHarness.h"

#include "api/json_text.h"
#include "api/serve.h"

namespace muster::api {

inline constexpr Field kCmid[] = {{.name = "cmid", .type = FieldType::guid}};
inline constexpr Field kQuery[] = {
    {.name = "limit", .type = FieldType::integer, .fallback = "100", .minimum = 1, .maximum = 1000},
    {.name = "since", .type = FieldType::duration},
    {.name = "all", .type = FieldType::boolean},
    {.name = "family", .type = FieldType::texts}};
inline constexpr Field kUpstream[] = {
    {.name = "address", .type = FieldType::address, .required = true},
    {.name = "weight", .type = FieldType::integer, .fallback = "1", .minimum = 1, .maximum = 9}};
inline constexpr Field kBody[] = {{.name = "name", .required = true},
                                  {.name = "interval", .type = FieldType::duration, .fallback = "2h"},
                                  {.name = "upstreams", .type = FieldType::objects, .fields = kUpstream}};

/// A table with one of each kind, and what its handlers saw.
struct ServeTest : public Utest {
    OperationTable table;
    Call seen;
    std::string failures;

    void setup() override {
        const auto remember = [this](const Call& call) -> Result<Reply> {
            seen = call;
            return Reply(json({{"done", true}}));
        };
        add({.method = "GET", .path = "/clients/{cmid}", .role = Role::viewer, .path_ = kCmid, .query = kQuery},
            remember);
        add({.method = "POST", .path = "/things", .role = Role::operator_, .body = kBody}, remember);
        add({.method = "DELETE", .path = "/things", .role = Role::admin}, remember);
        add({.method = "GET", .path = "/throws/fault", .role = Role::viewer}, [](const Call&) -> Result<Reply> {
            throw Fault({Code::busy, "store", "3 s behind; try again"});
        });
        add({.method = "GET", .path = "/throws/std", .role = Role::viewer},
            [](const Call&) -> Result<Reply> { throw std::runtime_error("no such thing"); });
        add({.method = "GET", .path = "/throws/int", .role = Role::viewer},
            [](const Call&) -> Result<Reply> { throw 42; });
        add({.method = "GET", .path = "/text", .role = Role::viewer, .text = true}, [](const Call&) -> Result<Reply> {
            Reply reply;
            reply.text = "Listening on Port: 1688\n";
            return reply;
        });
    }
    void add(const Operation& operation, Handler handler) {
        CHECK(table.add("core", operation, std::move(handler)).has_value());
    }
    Response call(const char* method, std::string_view target, std::string_view body = {}, Role role = Role::admin) {
        return serve(table,
                     {.method = method,
                      .target = target,
                      .contentType = body.empty() ? "" : "application/json; charset=utf-8",
                      .body = body,
                      .caller = {"uid 0", role, "test"}},
                     [this](std::string_view owner, std::string_view what) {
                         failures += std::string(owner) + ": " + std::string(what) + "\n";
                     });
    }
    std::string problem(const Response& response, int status, const char* code) {
        LONGS_EQUAL(status, response.status);
        STRCMP_EQUAL("application/problem+json", response.contentType.c_str());
        const auto body = parseJson(response.body);
        CHECK(body.has_value());
        STRCMP_EQUAL(code, body->find("code")->string()->c_str());
        return response.body;
    }
};

}  // namespace muster::api
