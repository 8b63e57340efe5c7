#include "api/lists.h"

#include "CppUTest/TestHarness.h"

#include "api/csv.h"
#include "api/json_text.h"
#include "api/kept_octets.h"
#include "api/paging.h"
#include "api/serve.h"

using namespace muster;
using namespace muster::api;

namespace {

constexpr Field kQuery[] = {kLimitField, kCursorField, {.name = "status"}};
constexpr Field kItem[] = {{.name = "machine"},
                           {.name = "addresses", .type = FieldType::texts},
                           {.name = "count", .type = FieldType::integer}};

}  // namespace

TEST_GROUP(Lists) {
    OperationTable table;
    int machines = 3;
    int asked = 0;
    int failsAt = -1;
    std::string status;

    void setup() override {
        const Operation list{
            .method = "GET", .path = "/clients", .role = Role::viewer, .query = kQuery, .answer = kItem, .list = true};
        CHECK(table
                  .add("core", list,
                       [this](const Call& call) -> Result<Reply> {
                           if (asked++ == failsAt)
                               return fail(Code::storage, "store", "is away; wait");
                           status = call.text("status");
                           std::vector<std::string> keys;
                           std::vector<Json> items;
                           for (int i = 0; i < machines; ++i) {
                               keys.push_back(std::to_string(100'000 + i));
                               Json::Array addresses{"10.0.0.1", "10.0.0.2"};
                               items.push_back(json(
                                   {{"machine", i == 1 ? std::string("=cmd|' /c calc'!A0") : "pc-" + std::to_string(i)},
                                    {"addresses", Json(std::move(addresses))},
                                    {"count", i == 1 ? Json() : Json(-i)}}));
                           }
                           return pageOf("clients", call, keys, items);
                       })
                  .has_value());
    }
    Response get(std::string_view query) const {
        return serve(table, {.method = "GET",
                             .target = "/clients" + std::string(query),
                             .contentType = {},
                             .body = {},
                             .caller = {"alice", Role::viewer, "test"}});
    }
    std::string file(std::string_view query) const {
        const Response response = get(query);
        LONGS_EQUAL(200, response.status);
        CHECK(static_cast<bool>(response.file));
        KeptOctets kept;
        CHECK(response.file(kept).has_value());
        return kept.text;
    }
};

TEST(Lists, onlyTheColumnsThatWereAskedForInTheirOrder) {
    STRCMP_EQUAL(R"({"items":[{"count":0,"machine":"pc-0"}],"next":)",
                 get("?columns=count,machine&limit=1").body.substr(0, 47).c_str());
    const Response wrong = get("?columns=machine&columns=colour");
    LONGS_EQUAL(400, wrong.status);
    STRCMP_CONTAINS("colour", wrong.body.c_str());
    STRCMP_CONTAINS("only machine, addresses, count", wrong.body.c_str());
}

TEST(Lists, asCsvAllOfThemHoweverManyPagesAndNoFormula) {
    machines = 2500;
    const std::string text = file("?format=csv&status=licensed");
    STRCMP_EQUAL("licensed", status.c_str());
    LONGS_EQUAL(4, asked);  // 100, then a thousand at a time
    LONGS_EQUAL(2501, std::count(text.begin(), text.end(), '\n'));
    const std::string begin =
        "machine,addresses,count\r\npc-0,\"10.0.0.1, 10.0.0.2\",0\r\n'=cmd|' /c calc'!A0,\"10.0.0.1, 10.0.0.2\",\r\n"
        "pc-2,\"10.0.0.1, 10.0.0.2\",-2\r\n";
    STRCMP_EQUAL(begin.c_str(), text.substr(0, begin.size()).c_str());
}

TEST(Lists, asJsonLinesAsManyAsWereAskedFor) {
    machines = 2500;
    const std::string text = file("?format=jsonl&columns=machine&limit=2");
    STRCMP_EQUAL("{\"machine\":\"pc-0\"}\n{\"machine\":\"=cmd|' /c calc'!A0\"}\n", text.c_str());
}

TEST(Lists, whatIsWrongIsSaidBeforeTheFileBegins) {
    LONGS_EQUAL(400, get("?format=xml").status);
    LONGS_EQUAL(400, get("?format=csv&cursor=nonsense").status);
    failsAt = asked;
    LONGS_EQUAL(503, get("?format=csv").status);
}

TEST(Lists, whatFailsInTheMiddleIsNoWholeFile) {
    machines = 2500;
    failsAt = 2;
    const Response response = get("?format=csv");
    LONGS_EQUAL(200, response.status);
    KeptOctets kept;
    CHECK_FALSE(response.file(kept).has_value());
}

TEST(Lists, aReaderThatHasGoneIsFetchedNothingMore) {
    machines = 2500;
    const Response response = get("?format=csv");
    KeptOctets kept;
    kept.stopAfter = 2;
    CHECK(response.file(kept).has_value());
    LONGS_EQUAL(1, asked);
}

TEST(Lists, anOperationMayNotNameAParameterThatEveryListHas) {
    static constexpr Field kOwn[] = {{.name = "format"}};
    CHECK_FALSE(table
                    .add("x", {.method = "GET", .path = "/other", .query = kOwn, .list = true},
                         [](const Call&) -> Result<Reply> { return Reply(); })
                    .has_value());
}

TEST_GROUP(Csv){};

TEST(Csv, cells) {
    STRCMP_EQUAL("", csvCell(Json()).c_str());
    STRCMP_EQUAL("true", csvCell(Json(true)).c_str());
    STRCMP_EQUAL("-5", csvCell(Json(-5)).c_str());
    STRCMP_EQUAL("'-5", csvCell(Json("-5")).c_str());
    STRCMP_EQUAL("\"a\"\"b,c\"", csvCell(Json("a\"b,c")).c_str());
    STRCMP_EQUAL("\"'=1,2\"", csvCell(Json("=1,2")).c_str());
    Json::Array nested{json({{"a", 1}})};
    STRCMP_EQUAL("\"[{\"\"a\"\":1}]\"", csvCell(Json(std::move(nested))).c_str());
}
