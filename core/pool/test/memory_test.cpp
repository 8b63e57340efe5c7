#include "CppUTest/TestHarness.h"

#include "pool/admission.h"
#include "pool/known.h"
#include "pool/test/scratch.h"

using namespace muster;
using namespace muster::pool;
using namespace muster::pool::test;

namespace {

Address source(unsigned number) {
    return *Address::parse("10." + std::to_string(number >> 16) + "." + std::to_string(number >> 8 & 255) + "." +
                           std::to_string(number & 255) + ":1000");
}

}  // namespace

TEST_GROUP(Known){};

TEST(Known, neverForgetsAndSeldomErrs) {
    Known known(0);
    known.filled();
    constexpr std::uint64_t kMany = 100'000;  // grows twice on the way
    for (std::uint64_t i = 0; i < kMany; ++i)
        known.add(kWindows, cmidOf(i));
    unsigned errors = 0;
    for (std::uint64_t i = 0; i < kMany; ++i) {
        CHECK_TRUE(known.has(kWindows, cmidOf(i)));
        errors += known.has(kWindows, cmidOf(kMany + i)) ? 1 : 0;
    }
    CHECK_TRUE(errors < kMany / 100);
    CHECK_TRUE(known.octets() < 4 * kMany);
}

TEST(Known, takesEveryoneForKnownUntilItIsFilled) {
    Known known(10);
    CHECK_TRUE(known.has(kWindows, cmidOf(1)));
    known.filled();
    CHECK_FALSE(known.has(kWindows, cmidOf(1)));
}

TEST_GROUP(Admission){};

TEST(Admission, boundsWhatOneSourceBringsInAnHour) {
    Admission admission(3);
    const Monotonic now{};
    for (int i = 0; i < 3; ++i)
        CHECK_TRUE(admission.admit(source(1), now));
    CHECK_FALSE(admission.admit(source(1), now + std::chrono::minutes(59)));
    CHECK_TRUE(admission.admit(source(2), now));
    CHECK_TRUE(admission.admit(source(1), now + std::chrono::minutes(60)));
}

TEST(Admission, neverRefusesLoopback) {
    Admission admission(1);
    for (int i = 0; i < 5; ++i) {
        CHECK_TRUE(admission.admit(*Address::parse("127.0.0.9:1"), Monotonic{}));
        CHECK_TRUE(admission.admit(*Address::parse("[::1]:1"), Monotonic{}));
    }
}

TEST(Admission, takesAnIpv6NetworkForOneSource) {
    Admission admission(1);
    CHECK_TRUE(admission.admit(*Address::parse("[2001:db8:0:1::1]:1"), Monotonic{}));
    CHECK_FALSE(admission.admit(*Address::parse("[2001:db8:0:1::2]:1"), Monotonic{}));
    CHECK_TRUE(admission.admit(*Address::parse("[2001:db8:0:2::1]:1"), Monotonic{}));
}

TEST(Admission, staysBoundedUnderManySources) {
    Admission admission(2);
    const Monotonic now{};
    // Who has used up his hour is remembered while a flood of others passes by.
    admission.admit(source(0), now);
    admission.admit(source(0), now);
    for (unsigned i = 1; i < 3 * Admission::kMaxSources; ++i)
        CHECK_TRUE(admission.admit(source(i), now));
    CHECK_FALSE(admission.admit(source(0), now));
}

TEST(Admission, zeroMeansNoBound) {
    Admission admission(0);
    for (int i = 0; i < 2000; ++i)
        CHECK_TRUE(admission.admit(source(1), Monotonic{}));
}
