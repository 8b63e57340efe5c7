#include "api/serve.h"

#include "CppUTest/TestHarness.h"

#include "api/describe.h"
#include "api/json_text.h"
#include "api/paging.h"
#include "api/problem.h"
#include "api/serve_fixture.h"

using namespace muster;
using namespace muster::api;

TEST_GROUP_BASE(Serve, ServeTest){};

TEST(Serve, givesTheHandlerCheckedValuesAndDefaults) {
    const Response response =
        call("GET", "/clients/55C92734-D682-4D71-983E-D6EC3F16059F?since=90s&all&family=a&family=b%2Cc");
    LONGS_EQUAL(200, response.status);
    STRCMP_EQUAL("{\"done\":true}", response.body.c_str());
    STRCMP_EQUAL("55c92734-d682-4d71-983e-d6ec3f16059f", std::string(seen.text("cmid")).c_str());
    LONGS_EQUAL(100, seen.integer("limit", 0));
    LONGS_EQUAL(90'000, seen.integer("since", 0));
    CHECK(seen.flag("all"));
    LONGS_EQUAL(3, seen.query.find("family")->array()->size());
}

TEST(Serve, reportsAllThatIsWrongAtOnce) {
    const std::string body =
        problem(call("GET", "/clients/nonsense?limit=0&limit=5&colour=red&since=fast"), 400, "malformed");
    for (const char* part :
         {"\"cmid\"", "a GUID such as", "\"limit\"", "more than one", "colour", "only limit", "since"})
        STRCMP_CONTAINS(part, body.c_str());
}

TEST(Serve, checksNestedBodiesAndNamesTheMember) {
    const std::string body =
        problem(call("POST", "/things", R"({"upstreams":[{"address":"10.0.0.1:1688"},{"weight":10,"x":1}]})"), 400,
                "malformed");
    for (const char* part :
         {"\"name\"", "upstreams[1].address", "upstreams[1].weight", "1 to 9", "upstreams[1].\\\"x\\\""})
        STRCMP_CONTAINS(part, body.c_str());
    LONGS_EQUAL(200, call("POST", "/things", R"({"name":"a","upstreams":[{"address":"10.0.0.1:1688"}]})").status);
    LONGS_EQUAL(7'200'000, seen.integer("interval", 0));
    LONGS_EQUAL(1, *seen.body.find("upstreams")->array()->front().find("weight")->integer());
}

TEST(Serve, refusesWithoutTheRoleAndRunsNothing) {
    const std::string body = problem(call("POST", "/things", R"({"name":"a"})", Role::viewer), 403, "denied");
    STRCMP_CONTAINS("needs the role operator, uid 0 is viewer", body.c_str());
    CHECK(seen.caller.name.empty());
    problem(call("DELETE", "/things", {}, Role::operator_), 403, "denied");
    CHECK(seen.caller.name.empty());
}

TEST(Serve, saysWhichMethodsThereAre) {
    const Response response = call("PUT", "/things");
    problem(response, 405, "denied");
    STRCMP_EQUAL("DELETE, POST", response.headers.at(0).second.c_str());
    problem(call("GET", "/nothing"), 404, "missing");
}

TEST(Serve, boundsWhatItSaysAboutARequestThatIsAllWrong) {
    std::string body = "{\"name\":\"a\"";
    for (int i = 0; i < 1000; ++i)
        body += ",\"x" + std::to_string(i) + "\":1";
    const Response response = call("POST", "/things", body + "}");
    LONGS_EQUAL(400, response.status);
    STRCMP_CONTAINS("and 999 more", response.body.c_str());
    LONGS_EQUAL(50, parseJson(response.body)->find("errors")->array()->size());
}

TEST(Serve, boundsTheBody) {
    problem(call("POST", "/things", std::string(kMaxBody + 1, ' ')), 413, "malformed");
    std::string deep = R"({"name":)";
    for (int i = 0; i < 40; ++i)
        deep += '[';
    STRCMP_CONTAINS("deeper than 32", problem(call("POST", "/things", deep), 400, "malformed").c_str());
    STRCMP_CONTAINS("is there twice",
                    problem(call("POST", "/things", R"({"name":"a","name":"b"})"), 400, "malformed").c_str());
    problem(call("POST", "/things", "[1]"), 400, "malformed");
    problem(call("DELETE", "/things", "{}"), 400, "malformed");
}

TEST(Serve, refusesABodyThatIsNotAnnouncedAsJson) {
    const Response response = serve(table, {.method = "POST",
                                            .target = "/things",
                                            .contentType = "application/x-www-form-urlencoded",
                                            .body = R"({"name":"a"})",
                                            .caller = {"uid 0", Role::admin, "test"}});
    STRCMP_CONTAINS("application/json allowed", problem(response, 400, "malformed").c_str());
}

TEST(Serve, turnsAFaultIntoAProblemWithAHint) {
    const std::string body = problem(call("GET", "/throws/fault"), 503, "busy");
    STRCMP_CONTAINS("\"detail\":\"store: 3 s behind\",\"hint\":\"try again\"", body.c_str());
    STRCMP_EQUAL("", failures.c_str());
}

TEST(Serve, survivesAHandlerThatThrowsAnythingAndTellsTheHost) {
    problem(call("GET", "/throws/std"), 500, "internal");
    problem(call("GET", "/throws/int"), 500, "internal");
    STRCMP_CONTAINS("core: no such thing", failures.c_str());
    STRCMP_CONTAINS("no exception", failures.c_str());
}

TEST(Serve, givesTextAsItIs) {
    const Response response = call("GET", "/text");
    STRCMP_EQUAL("text/plain; charset=utf-8", response.contentType.c_str());
    STRCMP_EQUAL("Listening on Port: 1688\n", response.body.c_str());
}

TEST(Serve, describesItselfForTheCommandLineAndAsOpenApi) {
    CHECK(addDescriptions(table, "0.1.0").has_value());
    const auto operations = parseJson(call("GET", "/operations", {}, Role::viewer).body, 1 << 20);
    CHECK(operations.has_value());
    LONGS_EQUAL(9, operations->find("items")->array()->size());

    const auto document = parseJson(call("GET", "/openapi.json").body, 1 << 20);
    CHECK(document.has_value());
    STRCMP_EQUAL("3.1.0", document->find("openapi")->string()->c_str());
    const Json* things = document->find("paths")->find("/things");
    CHECK(things != nullptr && things->find("post") != nullptr && things->find("delete") != nullptr);
    const Json* parameters = document->find("paths")->find("/clients/{cmid}")->find("get")->find("parameters");
    LONGS_EQUAL(5, parameters->array()->size());
}

TEST_GROUP(JsonText){};

TEST(JsonText, escapesWhatATerminalWouldObey) {
    STRCMP_EQUAL("\"a\\u001b[31m\\u007f\\u009b\\u202eb\\u2066ü\"", dumpJson(Json("a\x1b[31m\x7f\xc2\x9b\xe2\x80\xae"
                                                                                 "b\xe2\x81\xa6\xc3\xbc"))
                                                                       .c_str());
}

TEST(JsonText, replacesBrokenUtf8) {
    STRCMP_EQUAL(
        "\"a\xef\xbf\xbd"
        "b\"",
        dumpJson(Json("a\xff"
                      "b"))
            .c_str());
}

TEST(JsonText, keepsWholeNumbersExactly) {
    for (const char* text :
         {"[0,-1,9223372036854775807,18446744073709551615,-9223372036854775808]", "[1.5,true,null,\"\"]"})
        STRCMP_EQUAL(text, dumpJson(parseJson(text).value_or(Json())).c_str());
}

TEST(JsonText, refusesWhatIsNotJson) {
    for (const char* text : {"", "{", "[1,]", "01", "{\"a\":1 \"b\":2}", "\"\x01\"", "\"\\ud800\"", "1e999", "nul",
                             "[] []", "\"\xff\"", "{\"a\":1,\"a\":2}", "[{\"a\":{\"b\":1,\"b\":1}}]"})
        CHECK_TEXT(!parseJson(text), text);
}

TEST_GROUP(Paging){};

TEST(Paging, goesThroughAListPageByPage) {
    const std::vector<std::string> keys{"a", "b", "c", "d", "e"};
    std::string got;
    std::string cursor;
    for (int pages = 0; pages < 3; ++pages) {
        Call call;
        call.query = json({{"limit", 2}, {"cursor", cursor}});
        std::vector<Json> items(keys.begin(), keys.end());
        const auto reply = pageOf("letters", call, keys, std::move(items));
        CHECK(reply.has_value());
        for (const Json& item : *reply->body.find("items")->array())
            got += *item.string();
        const std::string* next = reply->body.find("next")->string();
        cursor = next ? *next : "end";
    }
    STRCMP_EQUAL("abcde", got.c_str());
    STRCMP_EQUAL("end", cursor.c_str());
}

TEST(Paging, refusesACursorOfAnotherListOrADamagedOne) {
    const std::string cursor = makeCursor("clients", "key");
    STRCMP_EQUAL("key", readCursor("clients", cursor).value_or("").c_str());
    CHECK(!readCursor("events", cursor));
    CHECK(!readCursor("clients", cursor.substr(1)));
    CHECK(!readCursor("clients", "!"));
    CHECK(!readCursor("clients", "AAAA"));
}

namespace {

constexpr Field kPinFields[] = {{.name = "pin", .secret = true}, {.name = "place"}};
constexpr Field kSecretBody[] = {{.name = "name", .required = true},
                                 {.name = "password", .minimum = 4, .secret = true},
                                 {.name = "count", .type = FieldType::integer},
                                 {.name = "inner", .type = FieldType::object, .fields = kPinFields},
                                 {.name = "list", .type = FieldType::objects, .fields = kPinFields}};
constexpr Field kSecretPath[] = {{.name = "place"}, {.name = "token", .secret = true}};

/// What an observer was told, kept beyond its call.
struct Told {
    std::string who;
    std::string action;
    Json what;
    Json before;
    Json after;
    std::string result;
    std::string detail;
};

}  // namespace

TEST_GROUP(ServeObserved) {
    OperationTable table;
    std::vector<Told> told;

    void setup() override {
        const auto done = [](const Call&) -> Result<Reply> { return Reply(json({{"done", true}})); };
        add({.method = "GET", .path = "/things", .role = Role::viewer}, done);
        add({.method = "POST", .path = "/things", .role = Role::operator_, .body = kSecretBody}, done);
        add({.method = "POST", .path = "/looks", .role = Role::operator_, .changes = false}, done);
        add({.method = "DELETE", .path = "/things/{place}/{token}", .role = Role::admin, .path_ = kSecretPath}, done);
        add({.method = "PUT", .path = "/knows", .role = Role::admin, .body = kSecretBody},
            [](const Call&) -> Result<Reply> {
                Reply reply;
                reply.before = json({{"was", 1}});
                reply.after = json({{"is", 2}});
                return reply;
            });
        add({.method = "PUT", .path = "/fails", .role = Role::admin, .body = kSecretBody},
            [](const Call&) -> Result<Reply> { return fail(Code::storage, "file", "the disk is full"); });
        add({.method = "PUT", .path = "/lists", .role = Role::admin}, [](const Call&) -> Result<Reply> {
            return problemReply({Code::malformed, "", "a: \"hunter2\" found"}, {{"a", "\"hunter2\"", "1 to 3", ""}});
        });
    }
    void add(const Operation& operation, Handler handler) {
        CHECK(table.add("core", operation, std::move(handler)).has_value());
    }
    int call(const char* method, std::string_view target, std::string_view body = {}, Role role = Role::admin) {
        return serve(table,
                     {.method = method,
                      .target = target,
                      .contentType = body.empty() ? "" : "application/json",
                      .body = body,
                      .caller = {"alice", role, "test"}},
                     {},
                     [this](Observed observed) {
                         told.push_back(
                             {observed.caller.name,
                              std::string(observed.operation.method) + " " + std::string(observed.operation.path),
                              std::move(observed.what), std::move(observed.before), std::move(observed.after),
                              std::move(observed.result), std::move(observed.detail)});
                     })
            .status;
    }
    const Told& last() const {
        return told.back();
    }
};

TEST(ServeObserved, tellsOfChangesAndNotOfReading) {
    LONGS_EQUAL(200, call("GET", "/things"));
    LONGS_EQUAL(403, call("POST", "/looks", {}, Role::viewer));
    LONGS_EQUAL(1, told.size());
    LONGS_EQUAL(200, call("POST", "/looks"));
    LONGS_EQUAL(404, call("POST", "/nowhere"));
    LONGS_EQUAL(405, call("DELETE", "/things"));
    LONGS_EQUAL(1, told.size());
    LONGS_EQUAL(200, call("POST", "/things", R"({"name":"a","count":2})"));
    STRCMP_EQUAL("alice", last().who.c_str());
    STRCMP_EQUAL("POST /things", last().action.c_str());
    STRCMP_EQUAL("done", last().result.c_str());
    STRCMP_EQUAL(R"({"name":"a","count":2})", dumpJson(last().after).c_str());
    CHECK(last().before.isNull());
}

TEST(ServeObserved, masksSecretsHoweverDeepTheyAre) {
    call("POST", "/things",
         R"({"name":"a","password":"hunter2","inner":{"pin":"hunter2","place":"x"},)"
         R"("list":[{"pin":"hunter2"},{"place":"y"}]})");
    STRCMP_EQUAL(
        R"({"name":"a","password":"***","inner":{"pin":"***","place":"x"},"list":[{"pin":"***"},{"place":"y"}]})",
        dumpJson(last().after).c_str());
    LONGS_EQUAL(200, call("DELETE", "/things/here/hunter2"));
    STRCMP_EQUAL(R"({"place":"here","token":"***"})", dumpJson(last().what).c_str());
    call("DELETE", "/things/here/hunter2", {}, Role::viewer);
    STRCMP_EQUAL(R"({"place":"here","token":"***"})", dumpJson(last().what).c_str());
}

TEST(ServeObserved, prefersWhatTheHandlerSays) {
    call("PUT", "/knows", R"({"name":"a"})");
    STRCMP_EQUAL(R"({"was":1})", dumpJson(last().before).c_str());
    STRCMP_EQUAL(R"({"is":2})", dumpJson(last().after).c_str());
}

TEST(ServeObserved, tellsWhatWasRefusedWithoutWhatWasSent) {
    call("POST", "/things", R"({"name":"a"})", Role::none);
    STRCMP_EQUAL("unauthenticated", last().result.c_str());
    call("POST", "/things", R"({"name":"a"})", Role::viewer);
    STRCMP_EQUAL("denied", last().result.c_str());
    STRCMP_CONTAINS("needs the role operator", last().detail.c_str());
    call("POST", "/things", R"({"name":"a","password":"hu","nmae":"hunter2"})");
    STRCMP_EQUAL("malformed", last().result.c_str());
    STRCMP_CONTAINS("password", last().detail.c_str());
    call("POST", "/things", R"({"name":"a","password":"hunter2)");
    STRCMP_EQUAL("malformed", last().result.c_str());
    call("PUT", "/fails", R"({"name":"hunter2"})");
    STRCMP_EQUAL("storage", last().result.c_str());
    STRCMP_CONTAINS("the disk is full", last().detail.c_str());
    call("PUT", "/lists");
    STRCMP_EQUAL("malformed", last().result.c_str());
    STRCMP_EQUAL("not valid: a", last().detail.c_str());
    LONGS_EQUAL(6, told.size());
    for (const Told& one : told) {
        CHECK(one.after.isNull() && one.before.isNull());
        CHECK(one.detail.find("hunter2") == std::string::npos);
        CHECK(one.detail.find("\"hu\"") == std::string::npos);
    }
}

TEST(ServeObserved, anObserverThatThrowsChangesNoAnswer) {
    const Response response = serve(table,
                                    {.method = "PUT",
                                     .target = "/knows",
                                     .contentType = "application/json",
                                     .body = R"({"name":"a"})",
                                     .caller = {"alice", Role::admin, "test"}},
                                    {}, [](const Observed&) { throw std::runtime_error("no disk"); });
    LONGS_EQUAL(200, response.status);
}
