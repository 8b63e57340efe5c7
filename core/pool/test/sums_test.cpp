#include "pool/sums.h"

#include <atomic>

#include "CppUTest/TestHarness.h"

#include "pool/test/scratch.h"

using namespace muster;
using namespace muster::pool;
using namespace muster::pool::test;

TEST_GROUP(Sums) {
    std::atomic<std::uint64_t> state{1};
    std::atomic<std::uint64_t> reads{0};
    std::atomic<bool> broken{false};
    std::atomic<bool> slow{false};

    Result<PoolSum> read() {
        if (slow)
            std::this_thread::sleep_for(2 * Sums::kQuick);  // what it takes: no wait for anybody
        if (broken)
            return fail(Code::storage, "database", "is gone");
        PoolSum sum;
        sum.machines = state;
        ++reads;
        return sum;
    }
    Sums sums{[this] { return read(); }, [this] { return state.load(); }};

    void teardown() override {
        sums.stop();
    }
    std::uint64_t machines() {
        const auto sum = sums.get();
        CHECK_TRUE(sum.has_value());
        return sum->machines;
    }
};

TEST(Sums, ofASmallPoolAreReadEachTime) {
    for (std::uint64_t turn = 1; turn <= 5; ++turn) {
        state = turn;
        CHECK_EQUAL(turn, machines());
        CHECK_EQUAL(turn, reads);
    }
}

TEST(Sums, ofALargePoolAreSharedByAllWhoAskAndComeUpToDateByThemselves) {
    slow = true;
    CHECK_EQUAL(1U, machines());
    for (int turn = 0; turn < 50; ++turn)
        machines();
    const std::uint64_t early = reads;
    CHECK_TRUE(early < 25);
    state = 7;
    CHECK_TRUE(eventually([&] { return machines() == 7; }));
}

TEST(Sums, askAtOnceAndOneReads) {
    slow = true;
    std::vector<std::thread> askers;
    askers.reserve(8);
    for (int number = 0; number < 8; ++number)
        askers.emplace_back([this] { (void)sums.get(); });
    for (std::thread& asker : askers)
        asker.join();
    CHECK_TRUE(reads < 8);
}

TEST(Sums, thatCannotBeReadAreNotTheOldOnes) {
    slow = true;
    CHECK_EQUAL(1U, machines());
    broken = true;
    state = 2;
    CHECK_TRUE(eventually([&] { return !sums.get().has_value(); }));
    broken = false;
    CHECK_EQUAL(2U, machines());
}
