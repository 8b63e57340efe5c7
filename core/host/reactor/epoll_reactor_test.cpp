#include "host/reactor/epoll_reactor.h"

#include <memory>
#include <string>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include "CppUTest/TestHarness.h"

using muster::reactor::EpollReactor;
using namespace std::chrono_literals;

namespace {

/// Two connected sockets; what one writes makes the other readable.
struct Pair {
    Pair() { CHECK_EQUAL(0, ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends)); }
    ~Pair() {
        ::close(ends[0]);
        ::close(ends[1]);
    }
    Pair(const Pair&) = delete;
    Pair& operator=(const Pair&) = delete;
    void speak() const { CHECK_EQUAL(1, ::write(ends[1], "x", 1)); }
    void drain() const {
        char octet = 0;
        CHECK_EQUAL(1, ::read(ends[0], &octet, 1));
    }
    int ends[2] = {-1, -1};
};

struct Calls final : muster::Watcher {
    void ready(std::uint32_t events) noexcept override {
        ++count;
        last = events;
        if (then)
            then();
    }
    int count = 0;
    std::uint32_t last = 0;
    std::function<void()> then;
};

struct Hook final : muster::RoundEnd {
    void roundEnd() noexcept override {
        ++count;
        if (then)
            then();
    }
    int count = 0;
    std::function<void()> then;
};

}  // namespace

TEST_GROUP(EpollReactor) {
    std::vector<std::string> faults;
    EpollReactor reactor{0, [this](std::string_view what) { faults.emplace_back(what); }};
};

TEST(EpollReactor, tellsTheWatcherWhatIsReady) {
    const Pair pair;
    Calls calls;
    CHECK(reactor.watch(pair.ends[0], EPOLLIN, calls).has_value());
    reactor.turn(0ms);
    LONGS_EQUAL(0, calls.count);
    pair.speak();
    reactor.turn(1000ms);
    LONGS_EQUAL(1, calls.count);
    CHECK((calls.last & EPOLLIN) != 0);
    reactor.unwatch(pair.ends[0]);
}

TEST(EpollReactor, unwatchWithinARoundDropsTheEventsThatTheRoundStillHolds) {
    const Pair one;
    const Pair two;
    Calls first;
    Calls second;
    CHECK(reactor.watch(one.ends[0], EPOLLIN, first).has_value());
    CHECK(reactor.watch(two.ends[0], EPOLLIN, second).has_value());
    // Whichever comes first takes the other out.
    first.then = [&] { reactor.unwatch(two.ends[0]); };
    second.then = [&] { reactor.unwatch(one.ends[0]); };
    one.speak();
    two.speak();
    reactor.turn(1000ms);
    LONGS_EQUAL(1, first.count + second.count);
}

TEST(EpollReactor, anEventOfAClosedDescriptorDoesNotReachTheNextOwnerOfItsNumber) {
    auto one = std::make_unique<Pair>();
    auto two = std::make_unique<Pair>();
    Calls first;
    Calls second;
    Calls heir;
    CHECK(reactor.watch(one->ends[0], EPOLLIN, first).has_value());
    CHECK(reactor.watch(two->ends[0], EPOLLIN, second).has_value());
    std::unique_ptr<Pair> fresh;
    const auto replace = [&](std::unique_ptr<Pair>& gone) {
        reactor.unwatch(gone->ends[0]);
        const int number = gone->ends[0];
        gone.reset();
        fresh = std::make_unique<Pair>();  // the lowest numbers are free: the kernel gives the same
        LONGS_EQUAL(number, fresh->ends[0]);
        CHECK(reactor.watch(fresh->ends[0], EPOLLIN, heir).has_value());
    };
    first.then = [&] { replace(two); };
    second.then = [&] { replace(one); };
    one->speak();
    two->speak();
    reactor.turn(1000ms);
    LONGS_EQUAL(1, first.count + second.count);
    LONGS_EQUAL(0, heir.count);
    fresh->speak();
    first.then = second.then = nullptr;
    reactor.turn(1000ms);
    LONGS_EQUAL(1, heir.count);
}

TEST(EpollReactor, rewatchChangesWhatIsToldEvenOfAnExclusiveListener) {
    const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    CHECK(listener >= 0);
    CHECK_EQUAL(0, ::listen(listener, 8));
    Calls calls;
    CHECK(reactor.watch(listener, EPOLLIN | EPOLLEXCLUSIVE, calls).has_value());
    reactor.rewatch(listener, EPOLLIN | EPOLLEXCLUSIVE);
    CHECK_EQUAL(0, ::shutdown(listener, SHUT_RD));
    reactor.turn(1000ms);
    LONGS_EQUAL(1, calls.count);
    reactor.unwatch(listener);
    ::close(listener);

    const Pair pair;
    CHECK(reactor.watch(pair.ends[0], EPOLLIN, calls).has_value());
    reactor.rewatch(pair.ends[0], 0);
    pair.speak();
    reactor.turn(0ms);
    LONGS_EQUAL(1, calls.count);
    reactor.rewatch(pair.ends[0], EPOLLIN);
    reactor.turn(1000ms);
    LONGS_EQUAL(2, calls.count);
    reactor.unwatch(pair.ends[0]);
}

TEST(EpollReactor, saysWhyItCannotWatchADescriptor) {
    Calls calls;
    const auto refused = reactor.watch(999, EPOLLIN, calls);
    CHECK(!refused.has_value());
    STRCMP_EQUAL("reactor: epoll refuses descriptor 999: Bad file descriptor", refused.error().text().c_str());
}

TEST(EpollReactor, aTimerRunsOnceItsDelayHasPassedAndNotBefore) {
    const auto before = std::chrono::steady_clock::now();
    muster::Monotonic ran{};
    reactor.after(20ms, [&] { ran = std::chrono::steady_clock::now(); });
    while (ran == muster::Monotonic{})
        reactor.turn(1000ms);
    CHECK(ran - before >= 20ms);
}

TEST(EpollReactor, aTimerThatArmsItselfWithoutDelayLeavesRoomForOthers) {
    int runs = 0;
    std::function<void()> again = [&] {
        ++runs;
        reactor.after(0ms, again);
    };
    reactor.after(0ms, again);
    while (runs == 0)
        reactor.turn(10ms);
    LONGS_EQUAL(1, runs);
}

TEST(EpollReactor, aCancelledTimerDoesNotRun) {
    bool ran = false;
    const auto timer = reactor.after(0ms, [&] { ran = true; });
    reactor.cancel(timer);
    reactor.turn(1ms);
    reactor.turn(1ms);
    CHECK_FALSE(ran);
}

TEST(EpollReactor, aRoundEndHookRunsOnceAfterAllReadyDescriptors) {
    const Pair one;
    const Pair two;
    Calls calls;
    Hook hook;
    int seen = 0;
    hook.then = [&] { seen = calls.count; };
    calls.then = [&] { reactor.atRoundEnd(hook); };
    CHECK(reactor.watch(one.ends[0], EPOLLIN, calls).has_value());
    CHECK(reactor.watch(two.ends[0], EPOLLIN, calls).has_value());
    one.speak();
    two.speak();
    reactor.turn(1000ms);
    LONGS_EQUAL(1, hook.count);
    LONGS_EQUAL(2, seen);
    one.drain();
    two.drain();
    reactor.turn(0ms);
    LONGS_EQUAL(1, hook.count);
    reactor.unwatch(one.ends[0]);
    reactor.unwatch(two.ends[0]);
}

TEST(EpollReactor, aHookThatAnotherHookAsksForRunsInTheSameRound) {
    Hook first;
    Hook second;
    first.then = [&] { reactor.atRoundEnd(second); };
    reactor.post([&] { reactor.atRoundEnd(first); });
    reactor.turn(0ms);
    LONGS_EQUAL(1, second.count);
}

TEST(EpollReactor, anExceptionOfATaskIsToldAndTheNextTaskRuns) {
    bool ran = false;
    reactor.post([] { throw std::runtime_error("the task's own words"); });
    reactor.post([] { throw 7; });
    reactor.post([&] { ran = true; });
    reactor.turn(0ms);
    CHECK(ran);
    LONGS_EQUAL(2, faults.size());
    STRCMP_EQUAL("the task's own words", faults[0].c_str());
}

TEST(EpollReactor, runsTasksFromManyThreadsInEachThreadsOrder) {
    constexpr int kThreads = 4;
    constexpr int kTasks = 5000;
    std::vector<int> last(kThreads, -1);
    bool inOrder = true;
    int done = 0;
    std::thread loop([&] { reactor.run(); });
    std::vector<std::thread> posters;
    posters.reserve(kThreads);
    for (int t = 0; t < kThreads; ++t)
        posters.emplace_back([&, t] {
            for (int i = 0; i < kTasks; ++i)
                reactor.post([&, t, i] {
                    inOrder = inOrder && reactor.here() && std::exchange(last[static_cast<std::size_t>(t)], i) == i - 1;
                    if (++done == kThreads * kTasks)
                        reactor.stop();
                });
        });
    for (std::thread& poster : posters)
        poster.join();
    loop.join();  // a wake-up lost would leave it waiting for ever
    LONGS_EQUAL(kThreads * kTasks, done);
    CHECK(inOrder);
    CHECK_FALSE(reactor.here());
}

TEST(EpollReactor, aTaskThatPostsATaskNeedsNoWakeUp) {
    bool ran = false;
    reactor.post([&] { reactor.post([&] { ran = true; }); });
    reactor.turn(0ms);
    CHECK_FALSE(ran);
    reactor.turn(60s);  // does not wait
    CHECK(ran);
}
