#include "gate.h"

#include <atomic>

#include "CppUTest/TestHarness.h"

#include "access_fixture.h"

using namespace muster::webui;
using namespace std::chrono_literals;

TEST_GROUP(AGate){};

TEST(AGate, letsInAsManyAsItMayAndTurnsTheNextAway) {
    Gate gate(2, 1, 0ms);
    auto first = gate.enter();
    const auto second = gate.enter();
    CHECK_TRUE(first.has_value());
    CHECK_TRUE(second.has_value());
    CHECK_FALSE(gate.enter().has_value());
    first.reset();
    CHECK_TRUE(gate.enter().has_value());
}

TEST(AGate, letsNobodyWaitWhereNoneMay) {
    Gate gate(1, 0, 1h);
    const auto inside = gate.enter();
    CHECK_FALSE(gate.enter().has_value());
}

TEST(AGate, letsInWhoWaitsWhenSomebodyLeaves) {
    Gate gate(1, 1, 1h);
    auto inside = gate.enter();
    std::atomic<bool> came{false};
    std::thread waiting([&] { came = gate.enter().has_value(); });
    inside.reset();
    waiting.join();
    CHECK_TRUE(came);
}

TEST(AGate, neverHoldsMoreThanItMay) {
    Gate gate(2, 100, 1h);
    std::atomic<int> inside{0};
    std::atomic<bool> tooMany{false};
    test::onThreads(16, [&](std::size_t) {
        for (int i = 0; i < 200; ++i) {
            const auto pass = gate.enter();
            if (++inside > 2)
                tooMany = true;
            --inside;
        }
    });
    CHECK_FALSE(tooMany);
}
