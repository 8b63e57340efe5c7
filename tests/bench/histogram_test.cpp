#include "histogram.h"

#include <memory>

#include "CppUTest/TestHarness.h"

using muster::bench::Histogram;

TEST_GROUP(Histogram) {
    std::unique_ptr<Histogram> histogram = std::make_unique<Histogram>();
};

TEST(Histogram, quantilesAreRightToTwoPercentOverSixDecades) {
    for (std::uint64_t value = 1; value <= 1'000'000; ++value)
        histogram->add(value * 1000);
    for (const double fraction : {0.001, 0.5, 0.99, 0.999}) {
        const double exact = fraction * 1e9;
        DOUBLES_EQUAL(exact, static_cast<double>(histogram->quantile(fraction)), exact * 0.02);
    }
    CHECK_EQUAL(1'000'000'000u, histogram->quantile(1.0));
}

TEST(Histogram, aSingleOutlierIsTheLargestAndNothingBelowItMoves) {
    for (int i = 0; i < 999; ++i)
        histogram->add(10);
    histogram->add(UINT64_MAX);
    CHECK_EQUAL(10u, histogram->quantile(0.999));
    CHECK_EQUAL(UINT64_MAX, histogram->quantile(1.0));
}

TEST(Histogram, anEmptyOneAnswersZero) {
    CHECK_EQUAL(0u, histogram->quantile(0.5));
}
