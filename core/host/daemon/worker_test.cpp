#include "host/daemon/worker.h"

#include <atomic>
#include <future>
#include <stdexcept>
#include <string>

#include "CppUTest/TestHarness.h"

using muster::daemon::Worker;

TEST_GROUP(Worker) {
    std::string fault;
    Worker worker{[this](std::string_view what) { fault = what; }};

    /// All jobs submitted before have ended.
    void settle() {
        std::promise<void> done;
        worker.submit([&] { done.set_value(); });
        done.get_future().wait();
    }
};

TEST(Worker, doesOneJobAfterTheOther) {
    std::string log;
    for (char letter = 'a'; letter < 'f'; ++letter)
        worker.submit([&log, letter] { log += letter; });
    settle();
    STRCMP_EQUAL("abcde", log.c_str());
}

TEST(Worker, anExceptionIsToldAndTheNextJobIsDone) {
    worker.submit([] { throw std::runtime_error("the job's own words"); });
    settle();
    STRCMP_EQUAL("the job's own words", fault.c_str());
}

TEST(Worker, whatComesAgainByItselfDoesNotPileUp) {
    std::promise<void> begun;
    std::promise<void> release;
    worker.submit([&] {
        begun.set_value();
        release.get_future().wait();
    });
    begun.get_future().wait();
    int runs = 0;
    worker.submitIfIdle([&] { ++runs; });
    release.set_value();
    settle();
    LONGS_EQUAL(0, runs);
}

TEST(Worker, afterStopNothingRuns) {
    std::atomic<int> runs{0};
    worker.stop();
    worker.submit([&] { ++runs; });
    worker.submitIfIdle([&] { ++runs; });
    worker.stop();
    LONGS_EQUAL(0, runs.load());
}
