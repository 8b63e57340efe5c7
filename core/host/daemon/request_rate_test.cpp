#include "host/daemon/request_rate.h"

#include "CppUTest/TestHarness.h"

using muster::daemon::RequestRate;

TEST_GROUP(RequestRate){};

TEST(RequestRate, saysTheMeanOfTheLastTenSeconds) {
    RequestRate rate;
    std::uint64_t total = 0;
    rate.sample(total);
    for (int second = 0; second < 30; ++second)
        rate.sample(total += 40);
    DOUBLES_EQUAL(40, rate.perSecond(), 0.001);
    for (int second = 0; second < 5; ++second)
        rate.sample(total);
    DOUBLES_EQUAL(20, rate.perSecond(), 0.001);
    for (int second = 0; second < 5; ++second)
        rate.sample(total);
    DOUBLES_EQUAL(0, rate.perSecond(), 0.001);
}

TEST(RequestRate, knowsTheFirstSecondsToo) {
    RequestRate rate;
    rate.sample(0);
    rate.sample(30);
    rate.sample(60);
    DOUBLES_EQUAL(30, rate.perSecond(), 0.001);
}
