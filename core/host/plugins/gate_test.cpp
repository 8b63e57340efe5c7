#include "host/plugins/gate.h"

#include <thread>
#include <vector>

#include "CppUTest/TestHarness.h"

using namespace muster::plugins;

TEST_GROUP(Gate) {
    Gate gate;
};

TEST(Gate, letsNobodyInOnceItIsClosed) {
    CHECK_TRUE(gate.enter());
    gate.close();
    CHECK_FALSE(gate.enter());
    CHECK_FALSE(gate.drained(std::chrono::milliseconds(1)));
    LONGS_EQUAL(1, gate.inside());
    gate.leave();
    CHECK_TRUE(gate.drained(std::chrono::milliseconds(0)));
}

TEST(Gate, isDrainedOnlyWhenTheLastOfManyHasLeft) {
    std::atomic<bool> inside{false};
    std::atomic<int> touched{0};
    std::atomic<bool> freed{false};  // what they use until they leave
    std::vector<std::thread> threads;
    threads.reserve(8);
    for (int i = 0; i < 8; ++i)
        threads.emplace_back([&] {
            while (true) {
                const Passage passage(gate);
                if (!passage)
                    return;
                inside = true;
                if (freed)
                    ++touched;
            }
        });
    while (!inside)
        std::this_thread::yield();
    gate.close();
    CHECK_TRUE(gate.drained(std::chrono::minutes(1)));
    freed = true;
    for (std::thread& thread : threads)
        thread.join();
    LONGS_EQUAL(0, touched);
}
