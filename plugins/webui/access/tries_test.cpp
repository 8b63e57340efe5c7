#include "tries.h"

#include <cstring>

#include "CppUTest/TestHarness.h"

using namespace muster;
using namespace muster::webui;
using namespace std::chrono_literals;

namespace {

Tries::Key key(std::uint32_t number) {
    Tries::Key made{};
    std::memcpy(made.data(), &number, sizeof number);
    return made;
}

}  // namespace

TEST_GROUP(TheTries) {
    Monotonic now{1h};
};

TEST(TheTries, areAsManyAsTheyMayBeWithinTheWindow) {
    Tries tries({.tries = 3, .window = 10s});
    for (int i = 0; i < 3; ++i, now += 1s) {
        LONGS_EQUAL(0, tries.wait(key(1), now).count());
        tries.add(key(1), now);
    }
    LONGS_EQUAL(7000, tries.wait(key(1), now).count());
    LONGS_EQUAL(0, tries.wait(key(2), now).count());
    now += 7s;
    LONGS_EQUAL(0, tries.wait(key(1), now).count());
    tries.add(key(1), now);
    LONGS_EQUAL(1000, tries.wait(key(1), now).count());
}

TEST(TheTries, waitLongerTheMoreThereAre) {
    Tries tries({.tries = 50, .window = 300s, .freely = 2, .step = 250ms});
    tries.add(key(1), now);
    LONGS_EQUAL(0, tries.wait(key(1), now).count());
    for (int i = 1; i <= 10; ++i) {
        tries.add(key(1), now);
        LONGS_EQUAL(250 * i, tries.wait(key(1), now).count());
        now += tries.wait(key(1), now);
        LONGS_EQUAL(0, tries.wait(key(1), now).count());
    }
}

TEST(TheTries, takenBackDoNotCount) {
    Tries tries({.tries = 1});
    tries.add(key(1), now);
    CHECK_TRUE(tries.wait(key(1), now).count() > 0);
    tries.takeBack(key(1), now);
    LONGS_EQUAL(0, tries.wait(key(1), now).count());
    LONGS_EQUAL(0, tries.size());
    tries.takeBack(key(1), now);  // unknown by now: nothing
}

TEST(TheTries, ofAnyNumberOfKeysTakeTheRoomOfTheAllowedNumber) {
    Tries tries({.keys = 100, .tries = 3});
    for (std::uint32_t i = 0; i < 50'000; ++i)
        tries.add(key(i), now);
    LONGS_EQUAL(100, tries.size());
}

TEST(TheTries, ofOneUnderAttackAreNotWashedOutByNewKeys) {
    Tries tries({.keys = 100, .tries = 3});
    for (int i = 0; i < 3; ++i)
        tries.add(key(0), now);
    for (std::uint32_t i = 1; i < 10'000; ++i)
        tries.add(key(i), now);
    CHECK_TRUE(tries.wait(key(0), now).count() > 0);
}

TEST(TheTries, thatAreOverMakeRoomFirst) {
    Tries tries({.keys = 100, .tries = 3, .window = 10s});
    for (std::uint32_t i = 0; i < 100; ++i)
        tries.add(key(i), now);
    now += 10s;
    tries.add(key(1000), now);
    LONGS_EQUAL(1, tries.size());
}
