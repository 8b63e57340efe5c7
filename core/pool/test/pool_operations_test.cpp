#include "pool/pool_operations.h"

#include <algorithm>
#include <map>

#include "CppUTest/TestHarness.h"

#include "pool/test/scratch.h"

using namespace muster;
using namespace muster::pool;
using namespace muster::pool::test;

namespace {

/// Takes `wanted` lines, then goes.
struct Lines final : Sink {
    explicit Lines(std::size_t count, std::function<void()> whenIdle) : wanted(count), idleOnce(std::move(whenIdle)) {}
    bool write(const Json& line) override {
        lines.push_back(line);
        return lines.size() < wanted;
    }
    bool idle() override {
        if (idleOnce)
            std::exchange(idleOnce, nullptr)();
        return std::chrono::steady_clock::now() < end;
    }
    std::size_t wanted;
    std::function<void()> idleOnce;
    std::vector<Json> lines;
    std::chrono::steady_clock::time_point end = std::chrono::steady_clock::now() + kLong;
};

std::string textOf(const Json& object, std::string_view key) {
    const Json* value = object.find(key);
    return value && value->string() ? *value->string() : std::string();
}

}  // namespace

TEST_GROUP(PoolOperations) {
    Scratch scratch;
    std::unique_ptr<Archive> archive = openStore(smallStore(scratch.path()));
    std::map<std::string, Handler> handlers;
    std::vector<std::string> cli;
    std::vector<Guid> forgotten;

    void setup() override {
        addPoolOperations({*archive,
                           [](const Guid& counted, const Guid&) {
                               return counted == kSeven ? std::string("Windows 7") : std::string();
                           },
                           [this](const Guid&, const Guid& cmid) { forgotten.push_back(cmid); }},
                          [this](const Operation& operation, Handler handler) {
                              handlers[std::string(operation.method) + " " + std::string(operation.path)] =
                                  std::move(handler);
                              cli.emplace_back(operation.cli);
                          });
    }
    Result<Reply> call(const std::string& operation, Json query = {}, Json path = {}) {
        Call request;
        request.caller.name = "uid 0";
        request.query = std::move(query);
        request.path = std::move(path);
        return handlers.at(operation)(request);
    }
    Json::Array items(const Result<Reply>& reply) {
        CHECK_TRUE(reply.has_value());
        return *reply->body.find("items")->array();
    }
};

TEST(PoolOperations, areFoundUnderTheWordsOfTheCommandLine) {
    for (const char* words : {"client list", "client show", "client remove", "event list", "event watch", "history"})
        CHECK_TRUE(std::find(cli.begin(), cli.end(), words) != cli.end());
}

TEST(PoolOperations, listAClientInTheWordsOfTheField) {
    appendAndWait(*archive, {requestOf(1)});
    const Json item = items(call("GET /clients")).at(0);
    STRCMP_EQUAL(cmidOf(1).text().c_str(), textOf(item, "cmid").c_str());
    STRCMP_EQUAL("Windows 7", textOf(item, "product").c_str());
    STRCMP_EQUAL("initial-grace", textOf(item, "status").c_str());
    STRCMP_EQUAL("2027-01-15T08:00:01.000Z", textOf(item, "lastSeen").c_str());
    STRCMP_EQUAL("0x00000000", textOf(item, "result").c_str());
}

TEST(PoolOperations, goOnWithTheNextPageWhereTheListEnded) {
    for (std::uint64_t i = 1; i <= 5; ++i)
        appendAndWait(*archive, {requestOf(i)});
    std::vector<std::string> seen;
    Json cursor;
    do {
        const auto reply = call("GET /clients", json({{"limit", 2}, {"sort", "name"}, {"cursor", cursor}}));
        for (const Json& item : items(reply))
            seen.push_back(textOf(item, "machine"));
        cursor = *reply->body.find("next");
    } while (!cursor.isNull());
    CHECK_EQUAL(5U, seen.size());
    CHECK_TRUE(std::is_sorted(seen.begin(), seen.end()));
}

TEST(PoolOperations, showAllClonesOfACmidWithTheirRequests) {
    RequestRecord clone = requestOf(1);
    clone.request.machine.assign("clone");
    appendAndWait(*archive, {requestOf(1), clone, requestOf(2)});
    const auto reply = call("GET /clients/{cmid}", {}, json({{"cmid", cmidOf(1).text()}}));
    CHECK_TRUE(reply.has_value());
    CHECK_EQUAL(2U, reply->body.find("machines")->array()->size());
    CHECK_EQUAL(2U, reply->body.find("requests")->array()->size());
    const auto unknown = call("GET /clients/{cmid}", {}, json({{"cmid", cmidOf(9).text()}}));
    CHECK_FALSE(unknown.has_value());
    CHECK_TRUE(unknown.error().code == Code::missing);
}

TEST(PoolOperations, removeAClientAndTellTheAuthority) {
    appendAndWait(*archive, {requestOf(1), requestOf(2)});
    const auto reply = call("DELETE /clients/{cmid}", {}, json({{"cmid", cmidOf(1).text()}}));
    CHECK_TRUE(reply.has_value());
    CHECK_EQUAL(1U, forgotten.size());
    CHECK_TRUE(forgotten[0] == cmidOf(1));
    CHECK_EQUAL(1U, items(call("GET /clients")).size());
    CHECK_TRUE(eventually([&] {
        const auto events = call("GET /events", json({{"id", 20508}}));
        return events && !events->body.find("items")->array()->empty();
    }));
}

TEST(PoolOperations, giveARequestAsWindowsWritesIt) {
    RequestRecord record = requestOf(1);
    record.result = HResult::invalidTimestamp;
    record.request.clientTime = FileTime::from(*parseIsoTime("2010-09-29T21:46:59Z"));
    appendAndWait(*archive, {record});
    const Json item = items(call("GET /events", json({{"id", 12290}}))).at(0);
    const std::string expected =
        "0xC004F06C,25,pc1.example.org," + cmidOf(1).text() + ",2010/09/29 21:46,0,2,43200," + kSevenEnterprise.text();
    STRCMP_EQUAL(expected.c_str(), textOf(item, "info").c_str());
}

TEST(PoolOperations, tellWhichUpstreamAnsweredAndFilterByIt) {
    RequestRecord relayed = requestOf(1);
    relayed.upstream = "kms-1";
    relayed.attempts = 2;
    relayed.waited = 1500;
    appendAndWait(*archive, {relayed, requestOf(2)});
    const Json::Array clients = items(call("GET /clients", json({{"upstream", "kms-1"}})));
    CHECK_EQUAL(1U, clients.size());
    STRCMP_EQUAL("kms-1", textOf(clients[0], "upstream").c_str());
    const Json::Array events = items(call("GET /events", json({{"upstream", "kms-1"}})));
    CHECK_EQUAL(1U, events.size());
    STRCMP_EQUAL("kms-1", textOf(events[0], "upstream").c_str());
    CHECK_TRUE(*events[0].find("attempts") == Json(std::uint64_t{2}));
    CHECK_TRUE(*events[0].find("waited") == Json(std::uint64_t{1500}));
}

TEST(PoolOperations, streamWhatComesAfterTheCall) {
    appendAndWait(*archive, {requestOf(1)});
    const auto reply = call("GET /events/watch", json({{"id", 12290}}));
    CHECK_TRUE(reply.has_value());
    Lines lines(2, [&] { appendAndWait(*archive, {requestOf(2), requestOf(3)}); });
    reply->stream(lines);
    CHECK_EQUAL(2U, lines.lines.size());
    STRCMP_EQUAL(cmidOf(2).text().c_str(), textOf(lines.lines[0], "cmid").c_str());
}

TEST(PoolOperations, refuseACursorOfAnotherList) {
    CHECK_FALSE(call("GET /events", json({{"cursor", "x1"}})).has_value());
    CHECK_FALSE(call("GET /events", json({{"cursor", "b"}})).has_value());
    CHECK_FALSE(call("GET /clients", json({{"cursor", "b1"}})).has_value());
}

TEST(PoolOperations, sumThePoolByProduct) {
    RequestRecord machine = requestOf(2);
    machine.request.vmInfo = 1;
    appendAndWait(*archive, {requestOf(1), machine});
    const auto reply = call("GET /pool");
    CHECK_TRUE(reply.has_value());
    const Json line = reply->body.find("products")->array()->at(0);
    STRCMP_EQUAL("Windows 7", textOf(line, "product").c_str());
    CHECK_TRUE(*line.find("machines") == Json(std::uint64_t{2}));
    CHECK_TRUE(*line.find("virtual") == Json(std::uint64_t{1}));
}

TEST(PoolOperations, giveTheHistoryOfADayOrRefuseTooFineALook) {
    RequestRecord record = requestOf(7);
    record.received = std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now());
    CHECK_TRUE(appendAndWait(*archive, {record}) == Durability::durable);
    CHECK_TRUE(archive->settle(kLong));
    const auto told = call("GET /requests/history", json({{"width", 60}}));
    CHECK_EQUAL(1U, items(told).size());
    CHECK_EQUAL(1U, *items(told)[0].find("answered")->natural() + *items(told)[0].find("short")->natural());
    STRCMP_EQUAL(isoTime(record.received).substr(0, 13).c_str(), textOf(items(told)[0], "time").substr(0, 13).c_str());
    CHECK_TRUE(textOf(told->body, "begins") <= isoTime(record.received));
    const auto refused = call("GET /requests/history", json({{"width", 1}, {"since", "2020-01-01T00:00Z"}}));
    CHECK_FALSE(refused.has_value());
    STRCMP_CONTAINS("larger width", refused.error().text().c_str());
}

TEST(PoolOperations, sumThePoolByStatusAndListWhoSharesACmid) {
    RequestRecord licensed = requestOf(2);
    licensed.request.licenseStatus = 1;
    RequestRecord clone = requestOf(3);
    clone.request.cmid = cmidOf(2);
    RequestRecord liar = requestOf(4);
    liar.request.licenseStatus = 4'000'000'000;
    appendAndWait(*archive, {requestOf(1), licensed, clone, liar});
    const auto reply = call("GET /pool");
    CHECK_TRUE(reply.has_value());
    const Json::Array statuses = *reply->body.find("statuses")->array();
    CHECK_EQUAL(2U, statuses.size());
    STRCMP_EQUAL("licensed", textOf(statuses[0], "status").c_str());
    CHECK_TRUE(*statuses[0].find("machines") == Json(std::uint64_t{1}));
    STRCMP_EQUAL("initial-grace", textOf(statuses[1], "status").c_str());
    CHECK_TRUE(*statuses[1].find("machines") == Json(std::uint64_t{2}));
    CHECK_EQUAL(2U, items(call("GET /clients", json({{"shared", true}}))).size());
    CHECK_EQUAL(2U, items(call("GET /clients", json({{"shared", false}}))).size());
}

TEST(PoolOperations, readAndWriteTimesOfAnyYear) {
    STRCMP_EQUAL("1969-12-31T23:59:59.999Z", isoTime(Timestamp(std::chrono::milliseconds(-1))).c_str());
    STRCMP_EQUAL("9999-12-31T23:59:59.999Z", isoTime(FileTime{~std::uint64_t{0}}.timestamp()).c_str());
    CHECK_TRUE(parseIsoTime("2026-11-22T15:04Z") == parseIsoTime("2026-11-22T15:04:00.000Z"));
    for (const char* bad : {"", "Z", "2026-11-22", "2026-13-22T15:04Z", "2026-02-30T15:04Z", "2026-11-22T25:04Z",
                            "2026-11-22T15:04", "2026-11-22T15:04:05.1Z", "yyyy-11-22T15:04Z"})
        CHECK_FALSE(parseIsoTime(bad).has_value());
}
