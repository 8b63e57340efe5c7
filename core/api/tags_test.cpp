#include "api/tags.h"

#include "CppUTest/TestHarness.h"

#include "api/json_text.h"
#include "api/serve.h"

using namespace muster;
using namespace muster::api;

namespace {

constexpr Field kName[] = {{.name = "name", .required = true}};
constexpr Field kWeight[] = {{.name = "weight", .type = FieldType::integer}};

}  // namespace

TEST_GROUP(Tags) {
    OperationTable table;
    std::int64_t weight = 1;
    std::int64_t count = 0;  // of what is measured

    void setup() override {
        const Operation read{.method = "GET", .path = "/hosts/{name}", .role = Role::viewer, .path_ = kName};
        CHECK(table
                  .add("core", read,
                       [this](const Call&) -> Result<Reply> {
                           return Reply(json({{"name", "a"}, {"weight", weight}, {"count", ++count}}));
                       })
                  .has_value());
        Operation change{
            .method = "PATCH", .path = "/hosts/{name}", .role = Role::operator_, .path_ = kName, .body = kWeight};
        CHECK(table
                  .add("core", change,
                       [this](const Call& call) -> Result<Reply> {
                           weight = call.integer("weight", weight);
                           return Reply(json({{"weight", weight}}));
                       })
                  .has_value());
        change.method = "DELETE";
        change.body = {};
        CHECK(table
                  .add("core", change,
                       [this](const Call&) -> Result<Reply> {
                           weight = 0;
                           return Reply();
                       })
                  .has_value());
        CHECK(table
                  .add("core", {.method = "GET", .path = "/hosts", .role = Role::viewer},
                       [](const Call&) -> Result<Reply> {
                           return Reply(json({{"weight", 1}}));
                       })
                  .has_value());
    }
    Response ask(const char* method, std::string_view ifMatch = {}, std::string_view ifNoneMatch = {},
                 std::string_view body = {}, const char* target = "/hosts/a") {
        return serve(table, {.method = method,
                             .target = target,
                             .contentType = body.empty() ? "" : "application/json",
                             .body = body,
                             .caller = {"alice", Role::admin, "test"},
                             .ifMatch = ifMatch,
                             .ifNoneMatch = ifNoneMatch});
    }
    static std::string tag(const Response& response) {
        for (const auto& [name, value] : response.headers)
            if (name == "ETag")
                return value;
        return "";
    }
};

TEST(Tags, countingDoesNotChangeTheTagButAChangeDoes) {
    const std::string first = tag(ask("GET"));
    LONGS_EQUAL(34, first.size());
    STRCMP_EQUAL(first.c_str(), tag(ask("GET")).c_str());
    weight = 2;
    CHECK(first != tag(ask("GET")));
}

TEST(Tags, whereNothingCanBeChangedThereIsNone) {
    STRCMP_EQUAL("", tag(ask("GET", {}, {}, {}, "/hosts")).c_str());
}

TEST(Tags, whoHasItAlreadyGetsItNotAgain) {
    const std::string now = tag(ask("GET"));
    for (const std::string& given : {now, "W/" + now, "\"x\", " + now, std::string("*")}) {
        const Response response = ask("GET", {}, given);
        LONGS_EQUAL(304, response.status);
        STRCMP_EQUAL("", response.body.c_str());
        STRCMP_EQUAL(now.c_str(), tag(response).c_str());
    }
    LONGS_EQUAL(200, ask("GET", {}, "\"x\"").status);
}

TEST(Tags, aChangeToWhatWasSeenIsDone) {
    const std::string seen = tag(ask("GET"));
    LONGS_EQUAL(200, ask("PATCH", seen, {}, R"({"weight":7})").status);
    LONGS_EQUAL(7, weight);
    LONGS_EQUAL(200, ask("PATCH", {}, {}, R"({"weight":8})").status);
    LONGS_EQUAL(200, ask("DELETE", tag(ask("GET"))).status);
}

TEST(Tags, aChangeToWhatSomebodyElseChangedIsRefusedAndDoesNothing) {
    const std::string seen = tag(ask("GET"));
    weight = 3;
    for (const std::string& given : {seen, "W/" + tag(ask("GET")), std::string("x")}) {
        const Response response = ask("PATCH", given, {}, R"({"weight":7})");
        LONGS_EQUAL(412, response.status);
        STRCMP_CONTAINS("\"code\":\"conflict\"", response.body.c_str());
        LONGS_EQUAL(3, weight);
    }
    LONGS_EQUAL(412, ask("DELETE", seen).status);
    LONGS_EQUAL(3, weight);
}

TEST(Tags, whatHasNoTagCannotBeHeldAgainstOne) {
    Operation post{.method = "POST", .path = "/hosts", .role = Role::viewer, .body = kWeight};
    bool done = false;
    CHECK(table
              .add("core", post,
                   [&](const Call&) -> Result<Reply> {
                       done = true;
                       return Reply();
                   })
              .has_value());
    LONGS_EQUAL(412, ask("POST", "\"x\"", {}, R"({"weight":7})", "/hosts").status);
    CHECK_FALSE(done);
}
