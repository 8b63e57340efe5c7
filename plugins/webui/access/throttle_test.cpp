#include "throttle.h"

#include <atomic>

#include "CppUTest/TestHarness.h"

#include "access_fixture.h"

using namespace muster;
using namespace muster::webui;
using namespace muster::webui::test;
using namespace std::chrono_literals;

TEST_GROUP(TheThrottle) {
    ManualClocks clock;
    Throttle throttle{clock.clocks()};

    bool fails(const char* host, const char* account, bool known = false) {
        return throttle.reserve(from(host), account, known).attempt.has_value();
    }
    /// As many wrong tries as are let through, from a source of its own each, waiting as told, within five minutes.
    int failFromEverywhere(const char* account) {
        int through = 0;
        auto left = 300s;
        for (int i = 0; i < 1000; ++i) {
            const auto admission = throttle.reserve(
                from(("10.1." + std::to_string(i / 250) + "." + std::to_string(i % 250 + 1)).c_str()), account, false);
            if (admission.attempt) {
                ++through;
                continue;
            }
            if (admission.wait >= left)
                break;
            clock.pass(admission.wait);
            left -= admission.wait;
        }
        return through;
    }
};

TEST(TheThrottle, letsASourceBeWrongTenTimesInFiveMinutes) {
    for (int i = 0; i < 10; ++i)
        CHECK_TRUE(fails("10.0.0.7", ("user" + std::to_string(i)).c_str()));
    const auto refused = throttle.reserve(from("10.0.0.7"), "alice", false);
    CHECK_FALSE(refused.attempt.has_value());
    LONGS_EQUAL(300, refused.wait.count());
    CHECK_TRUE(fails("10.0.0.8", "alice"));
    clock.pass(300s);
    CHECK_TRUE(fails("10.0.0.7", "alice"));
}

TEST(TheThrottle, takesASlash64ForOneSource) {
    STRCMP_EQUAL("10.0.0.7", sourceOf(from("10.0.0.7")).c_str());
    STRCMP_EQUAL("2001:db8:1:2::/64", sourceOf(from("2001:db8:1:2:3:4:5:6")).c_str());
    for (int i = 0; i < 10; ++i)
        CHECK_TRUE(fails(("2001:db8:1:2::" + std::to_string(i + 1)).c_str(), ""));
    CHECK_FALSE(fails("2001:db8:1:2:ffff::1", ""));
    CHECK_TRUE(fails("2001:db8:1:3::1", ""));
}

TEST(TheThrottle, letsAnAccountBeWrongFiftyTimesInFiveMinutesAfterGrowingWaits) {
    LONGS_EQUAL(50, failFromEverywhere("alice"));
    CHECK_FALSE(fails("10.9.9.9", "ALICE"));
    CHECK_TRUE(fails("10.9.9.9", "bob"));
}

TEST(TheThrottle, doesNotLockTheOwnersSourceOutForOthersFailures) {
    failFromEverywhere("alice");
    for (int i = 0; i < 10; ++i)
        CHECK_TRUE(fails("10.2.0.1", "bob"));
    CHECK_FALSE(fails("10.2.0.1", "alice"));  // a source without a past
    for (int i = 0; i < 10; ++i)
        CHECK_TRUE(fails("10.2.0.1", "alice", true));  // the owner's, even beside an attacker of bob
    CHECK_FALSE(fails("10.2.0.1", "alice", true));     // whose own failures do count
    CHECK_TRUE(fails("10.2.0.2", "alice", true));
}

TEST(TheThrottle, takesBackWhatWasRight) {
    for (int i = 0; i < 100; ++i) {
        auto admission = throttle.reserve(from("10.0.0.7"), "alice", i % 2 == 0);
        CHECK_TRUE(admission.attempt.has_value());
        admission.attempt->release();
        admission.attempt->release();  // once is enough
    }
}

TEST(TheThrottle, countsATryThatIsNotOverYet) {
    std::vector<Throttle::Admission> open;
    open.reserve(10);
    for (int i = 0; i < 10; ++i)
        open.push_back(throttle.reserve(from("10.0.0.7"), "alice", false));
    CHECK_FALSE(throttle.reserve(from("10.0.0.7"), "alice", false).attempt.has_value());
    open.back().attempt->release();
    CHECK_TRUE(throttle.reserve(from("10.0.0.7"), "bob", false).attempt.has_value());
}

TEST(TheThrottle, letsTenThroughOfManyAtOnce) {
    std::atomic<int> through{0};
    onThreads(16, [&](std::size_t i) {
        for (int k = 0; k < 100; ++k)
            if (throttle.reserve(from("10.0.0.7"), "user" + std::to_string(i * 100), false).attempt)
                ++through;
    });
    LONGS_EQUAL(10, through.load());
}

TEST(TheThrottle, losesNothingOfManyThatAreRightAtOnce) {
    std::atomic<int> through{0};
    onThreads(8, [&](std::size_t i) {
        const Address source = from(("10.3.0." + std::to_string(i + 1)).c_str());
        for (int k = 0; k < 200; ++k)
            if (auto admission = throttle.reserve(source, "user" + std::to_string(i), false); admission.attempt) {
                ++through;
                admission.attempt->release();
            }
    });
    LONGS_EQUAL(1600, through.load());
}

TEST(TheThrottle, letsTenCodesAnHourBeWrong) {
    for (int i = 0; i < 10; ++i)
        CHECK_TRUE(throttle.reserveCode(from(("10.0.0." + std::to_string(i + 1)).c_str()), "alice", false)
                       .attempt.has_value());
    const auto refused = throttle.reserveCode(from("10.0.1.1"), "Alice", false);
    CHECK_FALSE(refused.attempt.has_value());
    LONGS_EQUAL(3600, refused.wait.count());
    CHECK_TRUE(throttle.reserveCode(from("10.0.1.1"), "alice", true).attempt.has_value());
    clock.pass(1h);
    CHECK_TRUE(throttle.reserveCode(from("10.0.1.1"), "alice", false).attempt.has_value());
}

TEST(TheThrottle, takesNamesOfAnyLength) {
    CHECK_TRUE(fails("10.0.0.7", std::string(100'000, 'x').c_str()));
}
