#include "audit/operations.h"

#include <memory>

#include "CppUTest/TestHarness.h"

#include "api/json_text.h"
#include "api/serve.h"
#include "scratch.h"

using namespace muster;
using namespace muster::audit;
using namespace muster::audit::test;

TEST_GROUP(AuditOperations) {
    Scratch scratch;
    api::OperationTable table;
    std::unique_ptr<Log> log;

    void setup() override {
        log = std::make_unique<Log>(LogOptions{scratch.directory()});
        CHECK_TRUE(addOperations(table, *log).has_value());
    }
    Json get(const std::string& target, int status = 200, Role role = Role::admin) const {
        const auto answer = api::serve(
            table,
            {.method = "GET", .target = target, .contentType = {}, .body = {}, .caller = {"uid 0", role, "test"}});
        LONGS_EQUAL(status, answer.status);
        return *api::parseJson(answer.body, 1 << 20);
    }
};

TEST(AuditOperations, listPageByPageAsFiltered) {
    for (int i = 0; i < 5; ++i)
        log->append(entryOf("POST /things"));
    log->append(entryOf("login"));
    const Json first = get("/audit?limit=2&action=things");
    CHECK_EQUAL(2U, first.find("items")->array()->size());
    CHECK_EQUAL(5, *first.find("items")->array()->front().find("number")->integer());
    const Json second = get("/audit?limit=10&action=things&cursor=" + *first.find("next")->string());
    CHECK_EQUAL(3U, second.find("items")->array()->size());
    CHECK_TRUE(second.find("next")->isNull());
    get("/audit?cursor=nonsense", 400);
    get("/audit?since=yesterday", 400);
}

TEST(AuditOperations, areForAdministratorsAlone) {
    get("/audit", 403, Role::operator_);
    get("/audit/check", 403, Role::viewer);
    get("/audit", 401, Role::none);
}

TEST(AuditOperations, checkSaysWhatDoesNotFit) {
    log->append(entryOf("POST /things"));
    log->append(entryOf("POST /others"));
    CHECK_TRUE(*get("/audit/check").find("good")->boolean());
    CHECK_EQUAL(2, *get("/audit/check").find("entries")->integer());
    CHECK_TRUE(replaceIn(scratch.file(1), "things", "thinks"));
    const Json verdict = get("/audit/check");
    CHECK_FALSE(*verdict.find("good")->boolean());
    STRCMP_CONTAINS("entry 1 was changed", verdict.find("problem")->string()->c_str());
}
