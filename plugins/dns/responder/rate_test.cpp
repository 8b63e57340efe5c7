#include "rate.h"

#include <set>

#include "CppUTest/TestHarness.h"

#include "dns/system_names.h"

using namespace muster;
using namespace muster::publisher;
using Verdict = ResponseRate::Verdict;
using std::chrono::milliseconds;

namespace {

const Address kSource = *dns::numericAddress("192.0.2.7");

}  // namespace

TEST_GROUP(ResponseRate) {
    ResponseRate rate;
    Monotonic now = std::chrono::steady_clock::now();

    unsigned answered(const Address& source, unsigned asked, std::uint32_t perSecond = 20) {
        unsigned count = 0;
        for (unsigned i = 0; i < asked; ++i)
            count += rate.take(source, perSecond, now) == Verdict::answer ? 1 : 0;
        return count;
    }
};

TEST(ResponseRate, letsSoManyThroughASecond) {
    LONGS_EQUAL(20, answered(kSource, 100));
    now += milliseconds(500);
    LONGS_EQUAL(10, answered(kSource, 100));
    now += milliseconds(49);
    LONGS_EQUAL(0, answered(kSource, 100));
    now += milliseconds(1);
    LONGS_EQUAL(1, answered(kSource, 100));
    now += std::chrono::hours(1);
    LONGS_EQUAL(20, answered(kSource, 100));        // nothing is saved up
    LONGS_EQUAL(1000, answered(kSource, 1000, 0));  // no limit
}

TEST(ResponseRate, letsEverySecondOneSlip) {
    LONGS_EQUAL(20, answered(kSource, 20));
    for (int i = 0; i < 10; ++i) {
        CHECK(rate.take(kSource, 20, now) == Verdict::drop);
        CHECK(rate.take(kSource, 20, now) == Verdict::slip);
    }
}

TEST(ResponseRate, countsANetworkAsOne) {
    LONGS_EQUAL(20, answered(kSource, 20));
    LONGS_EQUAL(0, answered(*dns::numericAddress("192.0.2.200"), 20));
    LONGS_EQUAL(20, answered(*dns::numericAddress("192.0.3.7"), 21));
    LONGS_EQUAL(20, answered(*dns::numericAddress("2001:db8:0:1100::1"), 21));
    LONGS_EQUAL(0, answered(*dns::numericAddress("2001:db8:0:11ff::1"), 21));
    LONGS_EQUAL(20, answered(*dns::numericAddress("2001:db8:0:1200::1"), 21));
    CHECK(ResponseRate::networkOf(*dns::numericAddress("0.0.2.1")) !=
          ResponseRate::networkOf(*dns::numericAddress("::2:0:0:0:0")));
}

TEST(ResponseRate, staysSmallWhateverComes) {
    ResponseRate small(16);
    for (std::uint32_t i = 0; i < 10'000; ++i) {
        Address address = kSource;
        address.octets[12] = static_cast<std::uint8_t>(i >> 8U);
        address.octets[13] = static_cast<std::uint8_t>(i);
        (void)small.take(address, 20, now);
        now += milliseconds(1);
    }
    // One that comes again and again is still known among them.
    unsigned answers = 0;
    for (int i = 0; i < 1000; ++i)
        answers += small.take(kSource, 20, now) == Verdict::answer ? 1 : 0;
    LONGS_EQUAL(20, answers);
}
