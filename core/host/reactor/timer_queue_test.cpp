#include "host/reactor/timer_queue.h"

#include <string>

#include "CppUTest/TestHarness.h"

using muster::Monotonic;
using muster::reactor::TimerQueue;
using namespace std::chrono_literals;

TEST_GROUP(TimerQueue) {
    TimerQueue timers;
    Monotonic zero{};
    std::string log;

    std::function<void()> say(char letter) {
        return [this, letter] { log += letter; };
    }
    void runUntil(std::chrono::milliseconds time) {
        while (const auto task = timers.takeDue(zero + time))
            task();
    }
};

TEST(TimerQueue, runsInTheOrderOfDueTimesAndThenOfAdding) {
    timers.add(zero + 30ms, say('d'));
    timers.add(zero + 10ms, say('a'));
    timers.add(zero + 20ms, say('b'));
    timers.add(zero + 20ms, say('c'));
    runUntil(30ms);
    STRCMP_EQUAL("abcd", log.c_str());
}

TEST(TimerQueue, keepsWhatIsNotYetDue) {
    timers.add(zero + 10ms, say('a'));
    timers.add(zero + 11ms, say('b'));
    runUntil(10ms);
    STRCMP_EQUAL("a", log.c_str());
    CHECK(timers.next() == zero + 11ms);
}

TEST(TimerQueue, aCancelledTimerLeavesTheOthersInOrder) {
    std::vector<TimerQueue::Id> ids;
    ids.reserve(26);
    for (int i = 0; i < 26; ++i)
        ids.push_back(
            timers.add(zero + std::chrono::milliseconds((i * 7) % 26), say(static_cast<char>('a' + (i * 7) % 26))));
    for (std::size_t i = 0; i < ids.size(); ++i)
        if ((i * 7) % 26 % 2 == 1)
            timers.cancel(ids[i]);
    runUntil(100ms);
    STRCMP_EQUAL("acegikmoqsuwy", log.c_str());
    LONGS_EQUAL(0, timers.size());
}

TEST(TimerQueue, anOldIdDoesNotCancelTheTimerThatTookItsPlace) {
    const TimerQueue::Id old = timers.add(zero, say('a'));
    runUntil(0ms);
    timers.add(zero + 1ms, say('b'));
    timers.cancel(old);
    timers.cancel(0);
    timers.cancel(UINT64_MAX);
    runUntil(1ms);
    STRCMP_EQUAL("ab", log.c_str());
}
