#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "CppUTest/TestHarness.h"

#include "host/dispatch/dispatcher_fixture.h"
#include "host/reactor/reactor_pool.h"

using muster::Outcome;
using muster::dispatch::ActivationDispatcher;
using namespace muster::dispatch::test;  // NOLINT(google-build-using-namespace): the fixture's own words

namespace {

/// Says "on disk" from a thread of its own, as the intake does.
class ThreadedStore {
public:
    ThreadedStore() : thread_([this] { loop(); }) {}
    ~ThreadedStore() {
        {
            const std::lock_guard lock(mutex_);
            stopping_ = true;
        }
        changed_.notify_one();
        thread_.join();
    }
    ThreadedStore(const ThreadedStore&) = delete;
    ThreadedStore& operator=(const ThreadedStore&) = delete;

    void take(std::function<void(Durability)> done) {
        {
            const std::lock_guard lock(mutex_);
            waiting_.push_back(std::move(done));
        }
        changed_.notify_one();
    }

private:
    void loop() {
        std::unique_lock lock(mutex_);
        for (;;) {
            changed_.wait(lock, [&] { return stopping_ || !waiting_.empty(); });
            if (waiting_.empty())
                return;
            std::vector<std::function<void(Durability)>> now;
            now.swap(waiting_);
            lock.unlock();
            for (const auto& done : now)
                done(Durability::durable);
            lock.lock();
        }
    }

    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<std::function<void(Durability)>> waiting_;
    bool stopping_ = false;
    std::thread thread_;
};

struct QueueStore final : muster::pool::Store {
    void append(std::vector<muster::pool::RequestRecord> records, std::function<void(Durability)> done) override {
        recorded += records.size();
        thread.take(std::move(done));
    }
    void appendOwn(const muster::Guid&, std::function<void(Durability)> done) override { thread.take(std::move(done)); }
    std::optional<muster::Guid> lastOwn() override { return std::nullopt; }
    void journal(muster::pool::EventRecord) override {}
    bool isKnown(const muster::Guid&, const muster::Guid&) const noexcept override { return false; }
    bool settle(std::chrono::milliseconds) override { return true; }
    muster::pool::Totals totals() const override { return {}; }
    std::string trouble() const override { return {}; }
    std::vector<muster::CountedClient> counted(const muster::Guid&, muster::Timestamp, std::size_t) override {
        return {};
    }
    std::vector<Application> applications() override { return {}; }

    std::atomic<std::size_t> recorded{0};
    ThreadedStore thread;
};

/// Keeps a number of requests under way on its reactor until all are answered.
class Load final : public muster::Responder {
public:
    Load(ActivationDispatcher& dispatcher, muster::Reactor& reactor, std::uint64_t total)
        : dispatcher_(dispatcher), reactor_(reactor), total_(total) {}

    void begin(std::uint64_t width) {
        for (std::uint64_t i = 0; i < width; ++i)
            next();
    }
    void respond(std::uint64_t token, const Outcome& outcome) noexcept override {
        sum_ += token;
        good_ += outcome.kind == Outcome::Kind::answered ? 1 : 0;
        if (++answered_ == total_)
            done = true;
        else if (sent_ < total_)
            next();
    }
    bool complete() const { return good_ == total_ && sum_ == total_ * (total_ - 1) / 2; }
    std::atomic<bool> done{false};

private:
    void next() { dispatcher_.submit(reactor_, *this, sent_++, muster::Address{}, body_); }

    ActivationDispatcher& dispatcher_;
    muster::Reactor& reactor_;
    const std::uint64_t total_;
    std::uint64_t sent_ = 0;
    std::uint64_t answered_ = 0;
    std::uint64_t good_ = 0;
    std::uint64_t sum_ = 0;
    Body body_ = requestOf(1);
};

}  // namespace

TEST_GROUP(DispatcherThreads){};

TEST(DispatcherThreads, everyRequestOfEveryReactorIsAnsweredOnceAndRecorded) {
    constexpr std::uint64_t kTotal = 20000;
    NoFamilies families;
    ScriptedAuthority authority;
    ActivationDispatcher dispatcher(2, families, {}, {});
    muster::reactor::ReactorPool reactors(2);
    Load first(dispatcher, reactors.at(0), kTotal);
    Load second(dispatcher, reactors.at(1), kTotal);
    std::size_t recorded = 0;
    {
        QueueStore store;
        reactors.onReactors([&](muster::Reactor& reactor) {
            dispatcher.serve(reactor, {&authority, &store, nullptr});
            (reactor.index() == 0 ? first : second).begin(32);
        });
        while (!first.done || !second.done)
            std::this_thread::yield();
        recorded = store.recorded;
        reactors.onReactors([&](muster::Reactor& reactor) { dispatcher.serve(reactor, {}); });
    }
    reactors.stop();
    CHECK(first.complete());
    CHECK(second.complete());
    LONGS_EQUAL(2 * kTotal, recorded);
    LONGS_EQUAL(0, dispatcher.inFlight());
}
