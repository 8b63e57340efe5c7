#include "audit/recorder.h"

#include <memory>

#include "CppUTest/TestHarness.h"

#include "scratch.h"

using namespace muster;
using namespace muster::audit;
using namespace muster::audit::test;
using namespace std::chrono_literals;

TEST_GROUP(AuditRecorder) {
    Scratch scratch;
    std::chrono::steady_clock::time_point now{1000h};
    std::unique_ptr<Recorder> recorder;

    void setup() override {
        recorder = std::make_unique<Recorder>(LogOptions{scratch.directory()}, [this] { return now; });
    }
    std::vector<Chained> all() const {
        return recorder->log().list({.limit = 100'000})->entries;
    }
    void login(const std::string& from, const std::string& who = "alice") const {
        recorder->note(
            "webui",
            {.who = who, .from = from, .action = "login", .result = "denied", .detail = "name or password is wrong"});
    }
    void passes(std::chrono::seconds time) {
        now += time;
        recorder->tick();
    }
};

TEST(AuditRecorder, writesAllThatWasDone) {
    for (int i = 0; i < 500; ++i)
        recorder->note("webui", {.who = "alice", .from = "192.0.2.7", .action = "login"});
    CHECK_EQUAL(500U, all().size());
    STRCMP_EQUAL("webui", all().front().front.c_str());
}

TEST(AuditRecorder, countsEqualRefusalsInOneEntry) {
    for (int i = 0; i < 1000; ++i)
        login("192.0.2.7:" + std::to_string(40'000 + i));
    CHECK_EQUAL(1U, all().size());
    passes(59s);
    CHECK_EQUAL(1U, all().size());
    passes(1s);
    CHECK_EQUAL(2U, all().size());
    CHECK_EQUAL(999U, all().front().count);
    STRCMP_EQUAL("as before: name or password is wrong", all().front().detail.c_str());
    STRCMP_EQUAL("192.0.2.7:40999", all().front().from.c_str());
}

TEST(AuditRecorder, waitsLongerAndLongerWhileItGoesOn) {
    for (int second = 0; second < 6 * 3600; ++second) {
        login("192.0.2.7");
        passes(1s);
    }
    CHECK_TRUE(all().size() < 20);
    recorder.reset();  // what is left
    setup();
    std::uint64_t counted = 0;
    for (const Chained& entry : all())
        counted += entry.count;
    CHECK_EQUAL(6U * 3600, counted);
}

TEST(AuditRecorder, beginsAnewWhenItWasQuiet) {
    login("192.0.2.7");
    passes(61s);
    login("192.0.2.7");
    CHECK_EQUAL(2U, all().size());
    CHECK_EQUAL(1U, all().front().count);
}

TEST(AuditRecorder, boundsWhatOneSourceSaysDifferently) {
    for (int i = 0; i < 1000; ++i)
        login("2001:db8::" + std::to_string(i % 10), "user" + std::to_string(i));  // one /64 is one source
    CHECK_EQUAL(Recorder::kOfOneSource, all().size());
    login("192.0.2.7");
    CHECK_EQUAL(Recorder::kOfOneSource + 1, all().size());
    passes(3600s);
    const Chained joined = all().front();
    CHECK_EQUAL(1000U - Recorder::kOfOneSource, joined.count);
    STRCMP_EQUAL("several", joined.who.c_str());
    STRCMP_CONTAINS("the last one was login by user999", joined.detail.c_str());
}

TEST(AuditRecorder, manySourcesDoNotPushTheRestOut) {
    for (int day = 0; day < 1; ++day)
        for (int minute = 0; minute < 24 * 60; ++minute) {
            for (int i = 0; i < 20; ++i)
                login("10." + std::to_string(day) + "." + std::to_string(minute % 250) + "." + std::to_string(i),
                      "user" + std::to_string(minute) + "." + std::to_string(i));
            passes(60s);
        }
    CHECK_TRUE(all().size() <= Recorder::kAtFirst + 24 * (Recorder::kEachHour + 1));
    recorder->note("webui", {.who = "alice", .from = {}, .action = "login"});
    STRCMP_EQUAL("done", all().front().result.c_str());
}

TEST(AuditRecorder, takesWhatServeTells) {
    static constexpr Field kPath[] = {{.name = "key"}};
    const Caller caller{"uid 0", Role::admin, "control"};
    const Operation operation{.method = "PUT", .path = "/settings/{key}", .path_ = kPath};
    recorder->observe({caller, operation, json({{"key", "a.b"}}), json({{"a.b", "1"}}), json({{"a.b", "2"}})});
    const Chained entry = all().at(0);
    STRCMP_EQUAL("PUT /settings/{key}", entry.action.c_str());
    STRCMP_EQUAL("admin", entry.role.c_str());
    STRCMP_EQUAL("control", entry.front.c_str());
    STRCMP_EQUAL("2", entry.after.find("a.b")->string()->c_str());
    STRCMP_EQUAL("1", entry.before.find("a.b")->string()->c_str());
}
