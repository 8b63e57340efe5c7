#include "host/daemon/support.h"

#include "CppUTest/TestHarness.h"

#include "api/kept_octets.h"
#include "api/paging.h"
#include "api/serve.h"
#include "host/daemon/box_operations.h"

using namespace muster;

namespace {

constexpr Field kQuery[] = {api::kLimitField};

}  // namespace

TEST_GROUP(Support) {
    api::OperationTable table;

    void setup() override {
        CHECK(daemon::addSupport(table, "1.2.3").has_value());
    }
    void add(const Operation& operation, Handler handler) {
        CHECK(table.add("x", operation, std::move(handler)).has_value());
    }
    api::Response ask(const char* method, const char* path, Role role = Role::admin) const {
        return api::serve(
            table,
            {.method = method, .target = path, .contentType = {}, .body = {}, .caller = {"alice", role, "test"}});
    }
    std::string bundle() const {
        const api::Response response = ask("GET", "/support");
        LONGS_EQUAL(200, response.status);
        api::KeptOctets kept;
        CHECK(response.file(kept).has_value());
        return kept.text;
    }
};

TEST(Support, hasWhatSaysThatItBelongsThereAndNothingElse) {
    std::string limit;
    add({.method = "GET", .path = "/events", .role = Role::viewer, .support = true, .query = kQuery, .list = true},
        [&](const Call& call) -> Result<Reply> {
            limit = std::to_string(call.integer("limit", 0));
            Json::Array items{json({{"seq", 1}}), json({{"seq", 2}})};
            return Reply(json({{"items", Json(std::move(items))}, {"next", Json()}}));
        });
    add({.method = "GET", .path = "/users", .role = Role::admin}, [](const Call&) -> Result<Reply> {
        return Reply(json({{"hash", "secret"}}));
    });
    add({.method = "GET", .path = "/dlv", .role = Role::viewer, .support = true, .text = true},
        [](const Call&) -> Result<Reply> {
            Reply reply;
            reply.text = "Name: x";
            return reply;
        });
    add({.method = "GET", .path = "/broken", .role = Role::viewer, .support = true},
        [](const Call&) -> Result<Reply> { return fail(Code::storage, "store", "is away; wait"); });
    const std::string text = bundle();
    STRCMP_CONTAINS("Muster 1.2.3", text.c_str());
    STRCMP_CONTAINS("=== /events?limit=1000 (200)\n{\n  \"items\": [\n    {\"seq\":1},\n    {\"seq\":2}\n  ],",
                    text.c_str());
    STRCMP_CONTAINS("=== /dlv (200)\nName: x\n", text.c_str());
    STRCMP_CONTAINS("=== /broken (503)", text.c_str());
    STRCMP_CONTAINS("is away", text.c_str());
    STRCMP_EQUAL("1000", limit.c_str());
    CHECK(text.find("secret") == std::string::npos);
}

TEST(Support, isForAdministrators) {
    LONGS_EQUAL(403, ask("GET", "/support", Role::operator_).status);
}

TEST(Support, onlyReadingWithoutPartsMayBelongThere) {
    const auto none = [](const Call&) -> Result<Reply> { return Reply(); };
    CHECK_FALSE(table.add("x", {.method = "POST", .path = "/a", .support = true}, none).has_value());
    CHECK_FALSE(table.add("x", {.method = "GET", .path = "/a", .support = true, .file = true}, none).has_value());
}

TEST_GROUP_BASE(Box, TEST_GROUP_CppUTestGroupSupport){};

TEST(Box, whatThisHostDoesNotOfferIsSaidWithWhatToDoInstead) {
    CHECK(daemon::addBoxOperations(table, "").has_value());
    for (const char* path : {"/network", "/time", "/slots"}) {
        const api::Response response = ask("GET", path);
        LONGS_EQUAL(404, response.status);
        STRCMP_CONTAINS("not offered by this host", response.body.c_str());
        STRCMP_CONTAINS("\"hint\":", response.body.c_str());
    }
    LONGS_EQUAL(404, ask("POST", "/reset").status);
    LONGS_EQUAL(403, ask("POST", "/reset", Role::operator_).status);
}
