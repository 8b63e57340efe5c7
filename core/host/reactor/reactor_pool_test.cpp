#include "host/reactor/reactor_pool.h"

#include <condition_variable>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>

#include "CppUTest/TestHarness.h"

using muster::Reactor;
using muster::reactor::ReactorPool;

TEST_GROUP(ReactorPool){};

TEST(ReactorPool, runsWorkOnEachReactorsOwnThread) {
    ReactorPool pool(3);
    std::mutex mutex;
    std::set<std::thread::id> threads;
    std::set<unsigned> indexes;
    bool here = true;
    pool.onReactors([&](Reactor& reactor) {
        const std::lock_guard lock(mutex);
        threads.insert(std::this_thread::get_id());
        indexes.insert(reactor.index());
        here = here && reactor.here();
    });
    LONGS_EQUAL(3, threads.size());
    LONGS_EQUAL(3, indexes.size());
    CHECK(here);
    CHECK(threads.count(std::this_thread::get_id()) == 0);
}

TEST(ReactorPool, givesTheCallerTheExceptionAfterAllHaveEnded) {
    ReactorPool pool(2);
    std::atomic<int> done{0};
    CHECK_THROWS(std::runtime_error, pool.onReactors([&](Reactor& reactor) {
        ++done;
        if (reactor.index() == 0)
            throw std::runtime_error("first");
    }));
    LONGS_EQUAL(2, done.load());
}

TEST(ReactorPool, refusesToWaitForItself) {
    ReactorPool pool(1);
    std::string text;
    pool.onReactors([&](Reactor&) {
        try {
            pool.onReactors([](Reactor&) {});
        } catch (const muster::Fault& fault) {
            text = fault.what();
        }
    });
    STRCMP_EQUAL("reactor: onReactors() on a reactor's own thread would wait for itself", text.c_str());
}

TEST(ReactorPool, noticesAReactorThatHangsAndThatItTurnsAgain) {
    ReactorPool pool(2);
    std::mutex mutex;
    std::condition_variable changed;
    bool hanging = false;
    bool release = false;
    pool.at(1).post([&] {
        std::unique_lock lock(mutex);
        hanging = true;
        changed.notify_all();
        changed.wait(lock, [&] { return release; });
    });
    {
        std::unique_lock lock(mutex);
        changed.wait(lock, [&] { return hanging; });
    }
    pool.turning();  // asks
    CHECK_FALSE(pool.turning());
    {
        const std::lock_guard lock(mutex);
        release = true;
        changed.notify_all();
    }
    pool.onReactors([](Reactor&) {});  // comes after the question in each queue
    CHECK(pool.turning());
}

TEST(ReactorPool, runsWhatWasPostedBeforeItStops) {
    int ran = 0;
    {
        ReactorPool pool(1);
        for (int i = 0; i < 1000; ++i)
            pool.at(0).post([&] { ++ran; });
        pool.stop();
        pool.onReactors([&](Reactor&) { ran = -1; });
    }
    LONGS_EQUAL(1000, ran);
}
