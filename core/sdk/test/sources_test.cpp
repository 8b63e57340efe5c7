#include "muster/sources.h"

#include "CppUTest/TestHarness.h"

using namespace muster;

TEST_GROUP(Sources) {
    Sources sources{64};
    Monotonic start = Monotonic{} + std::chrono::hours(1);

    static Address at(const std::string& text) {
        return Address::parse(text).value();
    }
    static Address number(unsigned n) {
        return at("10.0." + std::to_string(n / 256) + "." + std::to_string(n % 256) + ":1");
    }
};

TEST(Sources, countConnectionsWhateverTheirPorts) {
    LONGS_EQUAL(1, sources.enter(at("10.0.0.1:1000")));
    LONGS_EQUAL(2, sources.enter(at("10.0.0.1:1001")));
    LONGS_EQUAL(1, sources.enter(at("10.0.0.2:1000")));
    sources.leave(at("10.0.0.1:1000"));
    LONGS_EQUAL(1, sources.connections(at("10.0.0.1:7")));
}

TEST(Sources, takeASlash64ForOneMachineButNotALink) {
    LONGS_EQUAL(1, sources.enter(at("[2001:db8::1]:1")));
    LONGS_EQUAL(2, sources.enter(at("[2001:db8::2]:1")));
    LONGS_EQUAL(1, sources.enter(at("[2001:db8:0:1::1]:1")));
    LONGS_EQUAL(1, sources.enter(at("[fe80::1]:1")));
    LONGS_EQUAL(1, sources.enter(at("[fe80::2]:1")));
}

TEST(Sources, areFoundAgainAfterOthersHaveGone) {
    for (unsigned n = 0; n < 96; ++n)
        LONGS_EQUAL(1, sources.enter(number(n)));
    for (unsigned n = 0; n < 96; n += 2)
        sources.leave(number(n));
    for (unsigned n = 0; n < 96; ++n)
        LONGS_EQUAL(n % 2, sources.connections(number(n)));
}

TEST(Sources, keepTheirCountsAndRatesAsMoreCome) {
    Sources large{15'000};
    for (unsigned n = 0; n < 20'000; ++n) {
        LONGS_EQUAL(1, large.enter(number(n)));
        if (n % 3 == 0)
            LONGS_EQUAL(2, large.enter(number(n)));
        if (n < 100)
            CHECK_TRUE(large.takeRequest(number(n), 1, start));
    }
    for (unsigned n = 0; n < 20'000; ++n)
        LONGS_EQUAL(n % 3 == 0 ? 2 : 1, large.connections(number(n)));
    for (unsigned n = 0; n < 100; ++n)
        CHECK_FALSE(large.takeRequest(number(n), 1, start));
}

TEST(Sources, thatAreTooManyAreLetInUncounted) {
    for (unsigned n = 0; n < 5000; ++n)
        CHECK_TRUE(sources.enter(number(n)) >= 1);
    for (unsigned n = 0; n < 5000; ++n)
        sources.leave(number(n));
    LONGS_EQUAL(1, sources.enter(number(4999)));
}

TEST(Sources, mayAskAMinutesWorthAtOnceAndThenAtTheirRate) {
    const Address source = at("10.0.0.1:1");
    for (int i = 0; i < 60; ++i)
        CHECK_TRUE(sources.takeRequest(source, 60, start));
    CHECK_FALSE(sources.takeRequest(source, 60, start));
    CHECK_FALSE(sources.takeRequest(source, 60, start + std::chrono::milliseconds(999)));
    CHECK_TRUE(sources.takeRequest(source, 60, start + std::chrono::milliseconds(1000)));
    CHECK_FALSE(sources.takeRequest(source, 60, start + std::chrono::milliseconds(1001)));
    CHECK_TRUE(sources.takeRequest(at("10.0.0.2:1"), 60, start));
}

TEST(Sources, keepTheirRateAcrossConnections) {
    const Address source = at("10.0.0.1:1");
    sources.enter(source);
    CHECK_TRUE(sources.takeRequest(source, 1, start));
    sources.leave(source);
    sources.enter(source);
    CHECK_FALSE(sources.takeRequest(source, 1, start));
}

TEST(Sources, thatAskedOnceMakeRoomForOthers) {
    for (unsigned n = 0; n < 5000; ++n)
        CHECK_TRUE(sources.takeRequest(number(n), 1, start));
    LONGS_EQUAL(1, sources.enter(number(6000)));
    LONGS_EQUAL(2, sources.enter(number(6000)));
}
