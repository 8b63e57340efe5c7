#include "health.h"

#include "CppUTest/TestHarness.h"

using namespace muster;
using namespace muster::relay;
using namespace std::chrono_literals;

TEST_GROUP(Health) {
    Health health;
    Timestamp wall = Timestamp{} + 24h * 365 * 50;
    Monotonic now = Monotonic{} + 1h;

    bool fails(int times) {
        bool changed = false;
        for (int i = 0; i < times; ++i)
            changed = health.failed(wall, Ending::timedOut, "no connection in time").changed;
        return changed;
    }
    bool works(int times) {
        bool changed = false;
        for (int i = 0; i < times; ++i)
            changed = health.succeeded(wall, now, true).changed;
        return changed;
    }
};

TEST(Health, isUsableBeforeItWasTried) {
    CHECK_TRUE(health.usable());
    CHECK(health.condition() == Condition::untried);
}

TEST(Health, leavesServiceAfterThreeFailuresInARow) {
    works(1);
    CHECK_FALSE(fails(2));
    CHECK_TRUE(health.usable());
    CHECK_TRUE(fails(1));
    CHECK_FALSE(health.usable());
    CHECK_FALSE(fails(5));
}

TEST(Health, failuresThatAreNotInARowDoNoHarm) {
    for (int i = 0; i < 20; ++i) {
        fails(2);
        works(1);
    }
    CHECK_TRUE(health.usable());
}

TEST(Health, comesBackAfterTwoSuccessesAndOneFailureBeginsAnew) {
    fails(3);
    CHECK_FALSE(works(1));
    fails(1);
    CHECK_FALSE(works(1));
    CHECK_FALSE(health.usable());
    CHECK_TRUE(works(1));
    CHECK_TRUE(health.usable());
    CHECK(health.returned() == now);
}

TEST(Health, takesTheRulesOfTheSettings) {
    health.setRules({1, 1});
    CHECK_TRUE(fails(1));
    CHECK_TRUE(works(1));
}

TEST(Health, explainsItselfWithItsEvidence) {
    works(1);
    health.answered(wall, 50, true);
    fails(3);
    const std::string text = explain(health.picture(), wall);
    CHECK_TRUE(text.find("3 of 3 tries did not answer in time since ") == 0);
    CHECK_TRUE(text.find("(no connection in time); last answer ") != std::string::npos);
    CHECK_TRUE(text.ends_with(", count 50"));
}

TEST(Health, whichNeverAnsweredSaysSo) {
    STRCMP_EQUAL("not tried yet; no client was answered since the start", explain(health.picture(), wall).c_str());
}

TEST(Health, whichWasUpAMomentAgoMayBeBackSoon) {
    works(1);
    CHECK_TRUE(health.recentlyUp(wall, 10s));
    fails(3);
    CHECK_TRUE(health.recentlyUp(wall + 10s, 10s));
    CHECK_FALSE(health.recentlyUp(wall + 11s, 10s));
}
