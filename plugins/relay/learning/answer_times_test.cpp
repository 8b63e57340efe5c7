#include "answer_times.h"

#include "CppUTest/TestHarness.h"

using namespace muster;
using namespace muster::relay;

namespace {
const Timestamp kNow{std::chrono::hours(24 * 365 * 56)};
}

TEST_GROUP(TheHistogramOfAnswerTimes) {
    AnswerTimes times;
};

TEST(TheHistogramOfAnswerTimes, saysNothingWhereNothingWasSeen) {
    LONGS_EQUAL(0, times.quantile(0.99));
    LONGS_EQUAL(0, times.seen());
}

TEST(TheHistogramOfAnswerTimes, isNeverTooLowAndAtMostAnEighthTooHigh) {
    for (std::uint64_t time = 1; time <= UINT32_MAX; time = time * 5 / 4 + 1) {
        const auto given = static_cast<std::uint32_t>(time);
        const std::uint32_t shown = AnswerTimes::ceilingOf(AnswerTimes::bucketOf(given));
        CHECK_TRUE(shown >= given);
        CHECK_TRUE(shown - given <= given / 8);
    }
}

TEST(TheHistogramOfAnswerTimes, bucketsFollowEachOtherWithoutGapOrOverlap) {
    for (std::size_t i = 0; i + 1 < AnswerTimes::kBuckets; ++i) {
        LONGS_EQUAL(i, AnswerTimes::bucketOf(AnswerTimes::ceilingOf(i)));
        LONGS_EQUAL(i + 1, AnswerTimes::bucketOf(AnswerTimes::ceilingOf(i) + 1));
    }
}

TEST(TheHistogramOfAnswerTimes, showsYesterdayBesideToday) {
    times.add(100, kNow);
    times.add(100'000, kNow + AnswerTimes::kPeriod);
    LONGS_EQUAL(2, times.seen());
    CHECK_TRUE(times.quantile(0) < 120);
    times.add(100'000, kNow + 2 * AnswerTimes::kPeriod);
    LONGS_EQUAL(2, times.seen());
    CHECK_TRUE(times.quantile(0) >= 100'000);
}

TEST(TheHistogramOfAnswerTimes, beginsAPeriodWhenTheClockIsSetBack) {
    times.add(100, kNow);
    times.add(200, kNow - std::chrono::hours(24 * 365));
    times.add(200, kNow - std::chrono::hours(24 * 365) + AnswerTimes::kPeriod);
    LONGS_EQUAL(2, times.seen());
}
