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
    std::atomic<std::int64_t> milliseconds{1'000'000};  // of a clock that goes on only where something takes time

    Result<PoolSum> read() {
        if (slow)
            pass(2 * Sums::kQuick);
        if (broken)
            return fail(Code::storage, "database", "is gone");
        PoolSum sum;
        sum.machines = state;
        ++reads;
        return sum;
    }
    void pass(std::chrono::milliseconds time) {
        milliseconds += time.count();
    }
    Sums sums{[this] { return read(); }, [this] { return state.load(); },
              [this] { return Sums::Clock::time_point(std::chrono::milliseconds(milliseconds.load())); }};

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
    state = 7;
    for (int turn = 0; turn < 50; ++turn)
        CHECK_EQUAL(1U, machines());
    CHECK_EQUAL(1U, reads);
    // The thread's turn, and nobody has to wait for it.
    pass(Sums::kLeast);
    CHECK_TRUE(eventually([&] { return machines() == 7; }));
    CHECK_EQUAL(2U, reads);
}

TEST(Sums, ofALargePoolThatNothingChangesAreNotReadAgain) {
    slow = true;
    CHECK_EQUAL(1U, machines());
    pass(Sums::kSettled + std::chrono::seconds(1));
    CHECK_EQUAL(1U, machines());
    const std::uint64_t settled = reads;
    pass(Sums::kOldest / 2);
    CHECK_EQUAL(1U, machines());
    CHECK_TRUE(reads <= settled + 1);
}

TEST(Sums, areReadAnewForWhoComesAfterAPause) {
    slow = true;
    CHECK_EQUAL(1U, machines());
    state = 3;
    pass(Sums::kInterest);
    CHECK_EQUAL(3U, machines());
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
    pass(Sums::kInterest);
    CHECK_FALSE(sums.get().has_value());
    broken = false;
    CHECK_EQUAL(2U, machines());
}
