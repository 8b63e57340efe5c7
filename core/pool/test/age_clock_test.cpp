#include "pool/age_clock.h"

#include "CppUTest/TestHarness.h"

using namespace muster::pool;
using std::chrono::hours;

namespace {

using Milliseconds = AgeClock::Milliseconds;
constexpr Milliseconds kStart{std::int64_t{1'800'000'000'000}};
constexpr Milliseconds kAge = hours(24 * 400);
constexpr Milliseconds kYear = hours(24 * 365);

}  // namespace

TEST_GROUP(AgeClock) {
    AgeClock clock{{kStart, {}}, kAge};
    bool is(Milliseconds expected, Milliseconds wall, Milliseconds passed) {
        return clock.advance(wall, passed) == expected;
    }
};

TEST(AgeClock, believesTheFirstItSees) {
    AgeClock fresh({}, kAge);
    CHECK(fresh.advance(kStart, {}) == kStart);
    CHECK(fresh.ahead().count() == 0);
}

TEST(AgeClock, followsAClockThatIsRight) {
    CHECK(is(kStart + hours(1), kStart + hours(1), hours(1)));
    // Off for a month.
    CHECK(is(kStart + hours(24 * 30), kStart + hours(24 * 30), {}));
    CHECK(clock.ahead().count() == 0);
}

TEST(AgeClock, goesOnByItselfWhenTheClockGoesAhead) {
    CHECK(is(kStart, kStart + kYear, {}));
    CHECK(clock.ahead() == kYear);
    CHECK(is(kStart + hours(5), kStart + kYear + hours(5), hours(5)));
    // Set right.
    CHECK(is(kStart + hours(6), kStart + hours(6), hours(1)));
    CHECK(clock.ahead().count() == 0);
    CHECK(clock.state().doubted.count() == 0);
}

TEST(AgeClock, believesAfterAWeekOfRunningOverSeveralStarts) {
    Milliseconds passed{};
    for (int start = 0; start < 7; ++start) {
        clock = AgeClock(clock.state(), kAge);
        CHECK(is(kStart + passed, kStart + kYear + passed, {}));
        for (int hour = 0; hour < 24; ++hour) {
            passed += hours(1);
            const bool late = passed >= AgeClock::kDoubt;
            CHECK(is(kStart + passed + (late ? kYear : Milliseconds{}), kStart + kYear + passed, hours(1)));
        }
    }
    CHECK(clock.ahead().count() == 0);
}

TEST(AgeClock, believesOneThatWentBackAtOnceAndDoubtsItsReturn) {
    CHECK(is(kStart - kYear, kStart - kYear, hours(1)));
    CHECK(is(kStart - kYear, kStart, {}));
    CHECK(clock.ahead() == kYear);
}

TEST(AgeClock, allowsForADayWhereLittleIsKept) {
    AgeClock brief({kStart, {}}, hours(24));
    CHECK(brief.advance(kStart + hours(20), {}) == kStart + hours(20));
    CHECK(brief.advance(kStart + hours(50), {}) == kStart + hours(20));
}
