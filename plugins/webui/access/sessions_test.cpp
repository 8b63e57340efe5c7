#include "sessions.h"

#include <atomic>
#include <map>

#include "CppUTest/TestHarness.h"

#include "access_fixture.h"

using namespace muster;
using namespace muster::webui;
using namespace muster::webui::test;
using namespace std::chrono_literals;

TEST_GROUP(TheSessions) {
    ManualClocks clock;
    std::map<std::string, Account, std::less<>> accounts{{"a", account("a", "alice")}, {"b", account("b", "bob")}};
    Sessions sessions{[this](std::string_view id) {
                          const auto found = accounts.find(id);
                          return found == accounts.end() ? std::nullopt : std::optional(found->second);
                      },
                      clock.clocks(),
                      {.perUser = 3, .all = 5}};

    static Account account(const std::string& id, const std::string& name) {
        Account made;
        made.id = id;
        made.name = name;
        made.role = Role::operator_;
        return made;
    }
    Sessions::Started start(const std::string& id) {
        return sessions.start(accounts.at(id), "10.0.0.7", "Browser/1");
    }
};

TEST(TheSessions, areUsedByTheirCookieAlone) {
    const auto started = start("a");
    LONGS_EQUAL(43, started.cookie.size());
    const auto access = sessions.use(started.cookie);
    CHECK_TRUE(access.has_value());
    STRCMP_EQUAL("alice", access->account.name.c_str());
    STRCMP_EQUAL(started.csrf.c_str(), access->csrf.c_str());
    STRCMP_EQUAL(started.id.c_str(), access->id.c_str());
    std::string other = started.cookie;
    other[0] = other[0] == 'A' ? 'B' : 'A';
    for (const std::string& wrong : {std::string(), other, started.id, started.csrf, started.cookie + "A"})
        CHECK_FALSE(sessions.use(wrong).has_value());
}

TEST(TheSessions, endAfterFifteenIdleMinutes) {
    const auto started = start("a");
    for (int i = 0; i < 10; ++i) {
        clock.pass(15min - 1ms);
        CHECK_TRUE(sessions.use(started.cookie).has_value());
    }
    clock.pass(15min);
    CHECK_FALSE(sessions.use(started.cookie).has_value());
    CHECK_TRUE(sessions.list().empty());
}

TEST(TheSessions, endAfterTwelveHoursInAnyCase) {
    const auto started = start("a");
    for (int i = 0; i < 71; ++i) {
        clock.pass(10min);
        CHECK_TRUE(sessions.use(started.cookie).has_value());
    }
    clock.pass(10min);
    CHECK_FALSE(sessions.use(started.cookie).has_value());
}

TEST(TheSessions, doNotMindAWallClockThatSteps) {
    const auto started = start("a");
    clock.stepWall(24h * 365 * 50);
    CHECK_TRUE(sessions.use(started.cookie).has_value());
    clock.stepWall(-24h * 365 * 60);
    CHECK_TRUE(sessions.use(started.cookie).has_value());
}

TEST(TheSessions, takeNewLimitsAtOnce) {
    const auto started = start("a");
    clock.pass(5min);
    sessions.setLimits({.idle = 5min});
    CHECK_FALSE(sessions.use(started.cookie).has_value());
}

TEST(TheSessions, haveTheRoleThatTheUserHasNow) {
    const auto started = start("a");
    accounts.at("a").role = Role::viewer;
    CHECK(sessions.use(started.cookie)->account.role == Role::viewer);
}

TEST(TheSessions, endForAUserWhoIsDisabledGoneOrHasAnotherPassword) {
    for (int change = 0; change < 3; ++change) {
        accounts = {{"a", account("a", "alice")}};
        const auto started = start("a");
        if (change == 0)
            accounts.at("a").disabled = true;
        if (change == 1)
            accounts.clear();
        if (change == 2)
            ++accounts.at("a").stamp;
        CHECK_TRUE(sessions.list().empty());
        CHECK_FALSE(sessions.use(started.cookie).has_value());
        accounts = {{"a", account("a", "alice")}};
        CHECK_FALSE(sessions.use(started.cookie).has_value());  // and do not come back
    }
}

TEST(TheSessions, beginAnewAtALogIn) {
    const auto first = start("a");
    const auto second = sessions.start(accounts.at("a"), "10.0.0.7", "Browser/1", first.cookie);
    CHECK_FALSE(first.cookie == second.cookie);
    CHECK_FALSE(sessions.use(first.cookie).has_value());
    CHECK_TRUE(sessions.use(second.cookie).has_value());
}

TEST(TheSessions, haveATokenAgainstForgedRequests) {
    const auto first = start("a");
    const auto second = start("a");
    CHECK_TRUE(Sessions::csrfMatches(first.cookie, first.csrf));
    CHECK_FALSE(Sessions::csrfMatches(first.cookie, second.csrf));
    CHECK_FALSE(Sessions::csrfMatches(first.cookie, ""));
    CHECK_FALSE(Sessions::csrfMatches("", ""));
    CHECK_FALSE(first.csrf == first.cookie);
}

TEST(TheSessions, areListedWithoutWhatOpensThem) {
    const auto first = start("a");
    clock.pass(1min);
    const auto second = sessions.start(accounts.at("b"), "10.0.0.8", std::string(1000, 'x'));
    const auto list = sessions.list();
    LONGS_EQUAL(2, list.size());
    STRCMP_EQUAL(second.id.c_str(), list[0].id.c_str());
    STRCMP_EQUAL("bob", list[0].user.c_str());
    STRCMP_EQUAL("10.0.0.8", list[0].source.c_str());
    LONGS_EQUAL(Sessions::kMaxUserAgent, list[0].userAgent.size());
    CHECK_TRUE(list[0].created == clock.wall());
    STRCMP_EQUAL(first.id.c_str(), list[1].id.c_str());
    LONGS_EQUAL(16, first.id.size());
}

TEST(TheSessions, areEndedOneByOneOrAllOfAUser) {
    const auto first = start("a");
    const auto second = start("a");
    const auto third = start("b");
    CHECK_TRUE(sessions.end(first.cookie));
    CHECK_FALSE(sessions.end(first.cookie));
    CHECK_FALSE(sessions.endById(second.id, "b"));  // not theirs
    CHECK_TRUE(sessions.endById(second.id, "a"));
    CHECK_FALSE(sessions.use(second.cookie).has_value());
    start("b");
    LONGS_EQUAL(2, sessions.endAllOf("b"));
    CHECK_FALSE(sessions.use(third.cookie).has_value());
}

TEST(TheSessions, ofAUserAreBoundedAndTheLeastLatelyUsedGoes) {
    const auto first = start("a");
    const auto second = start("a");
    start("a");
    CHECK_TRUE(sessions.use(first.cookie).has_value());
    start("a");
    CHECK_TRUE(sessions.use(first.cookie).has_value());
    CHECK_FALSE(sessions.use(second.cookie).has_value());
    LONGS_EQUAL(3, sessions.list().size());
}

TEST(TheSessions, ofAllAreBounded) {
    for (int i = 0; i < 3; ++i) {
        start("a");
        start("b");
    }
    LONGS_EQUAL(5, sessions.list().size());
    accounts.emplace("c", account("c", "carol"));
    const auto last = start("c");
    LONGS_EQUAL(5, sessions.list().size());
    CHECK_TRUE(sessions.use(last.cookie).has_value());
}

TEST(TheSessions, standManyThreadsAtOnce) {
    std::atomic<int> wrong{0};  // the checks of CppUTest are for one thread
    const auto expect = [&](bool is) { wrong += is ? 0 : 1; };
    onThreads(8, [&](std::size_t i) {
        const std::string who = i % 2 == 0 ? "a" : "b";
        std::string cookie;
        for (int k = 0; k < 200; ++k) {
            const auto started = sessions.start(accounts.at(who), "10.0.0.7", "Browser/1", cookie);
            cookie = started.cookie;
            if (const auto access = sessions.use(cookie))
                expect(access->account.id == who);
            if (k % 50 == 0)
                sessions.endAllOf(who);
            sessions.list();
            sessions.endById(started.id, who);
            expect(!sessions.use(cookie).has_value());
        }
    });
    LONGS_EQUAL(0, wrong.load());
    CHECK_TRUE(sessions.list().empty());
}
