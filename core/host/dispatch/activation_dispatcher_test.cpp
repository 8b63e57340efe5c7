#include "host/dispatch/activation_dispatcher.h"

#include <array>
#include <atomic>
#include <condition_variable>
#include <cstring>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "CppUTest/TestHarness.h"

#include "muster/authority.h"

#include "host/reactor/epoll_reactor.h"
#include "host/reactor/reactor_pool.h"
#include "kms/body.h"
#include "pool/store.h"

using muster::HResult;
using muster::Outcome;
using muster::RpcStatus;
using muster::dispatch::ActivationDispatcher;
using muster::pool::Durability;
using namespace std::chrono_literals;

namespace {

struct NoFamilies final : muster::Families {
    muster::Product find(const muster::Guid& counted, const muster::Guid&) const noexcept override {
        muster::Product product;
        product.countsVirtual = counted.isZero();
        return product;
    }
    const muster_family* byName(std::string_view) const noexcept override { return nullptr; }
    std::vector<const muster_family*> all() const override { return {}; }
};

struct ScriptedAuthority final : muster::Authority {
    muster::Mode mode() const noexcept override { return muster::Mode::lab; }
    void decide(muster::Exchange& exchange) noexcept override { onDecide(exchange); }
    void forget(const muster::Guid&, const muster::Guid&) noexcept override {}
    std::vector<muster::HostKeyStatus> keys() const override { return {}; }
    bool answersWithoutRecord() const noexcept override { return withoutRecord; }
    std::uint32_t activationInterval() const noexcept override { return 120; }
    std::uint32_t renewalInterval() const noexcept override { return 10080; }

    static Outcome answer(std::uint32_t count) {
        Outcome outcome;
        outcome.kind = Outcome::Kind::answered;
        outcome.counted = true;
        outcome.count = count;
        outcome.setBody({});
        return outcome;
    }

    bool withoutRecord = false;
    std::function<void(muster::Exchange&)> onDecide = [](muster::Exchange& exchange) { exchange.complete(answer(1)); };
};

/// Keeps what it is given until the test says that the disk has it.
struct HeldStore final : muster::pool::Store {
    struct Piece {
        std::vector<muster::pool::RequestRecord> records;
        std::function<void(Durability)> done;
    };

    void append(std::vector<muster::pool::RequestRecord> records, std::function<void(Durability)> done) override {
        if (broken) {
            done(Durability::notDurable);
            return;
        }
        pieces.push_back({std::move(records), std::move(done)});
        if (then)
            then();
    }
    void journal(muster::pool::EventRecord) override {}
    bool isKnown(const muster::Guid&, const muster::Guid&) const noexcept override { return false; }
    bool settle(std::chrono::milliseconds) override { return true; }
    muster::pool::Totals totals() const override { return {}; }
    std::string trouble() const override { return {}; }
    std::vector<muster::CountedClient> counted(const muster::Guid&, muster::Timestamp, std::size_t) override {
        return {};
    }
    std::vector<Application> applications() override { return {}; }

    bool broken = false;
    std::vector<Piece> pieces;
    std::function<void()> then;
};

struct Answers final : muster::Responder {
    void respond(std::uint64_t token, const Outcome& outcome) noexcept override {
        tokens.push_back(token);
        last = outcome;
        if (then)
            then();
    }
    std::vector<std::uint64_t> tokens;
    Outcome last;
    std::function<void()> then;
};

struct TooManyNew final : muster::dispatch::NewClients {
    bool overLimit(const muster::Address&, const muster::Guid&, const muster::Guid&) noexcept override { return true; }
};

using Body = std::array<std::byte, muster::kms::Request4::kSize>;

Body requestOf(std::uint8_t client) {
    muster::ActivationRequest request;
    request.major = 4;
    request.requiredClients = 25;
    request.cmid.octets[0] = std::byte{client};
    request.machine.assign("station.example.org");
    Body body{};
    muster::kms::encodeRequest(request, body);
    return body;
}

constexpr auto kNow = 0ms;

}  // namespace

TEST_GROUP(ActivationDispatcher) {
    NoFamilies families;
    ScriptedAuthority authority;
    HeldStore store;
    Answers answers;
    TooManyNew tooMany;
    muster::dispatch::Limits limits;
    std::vector<bool> durability;
    muster::reactor::EpollReactor reactor;
    std::unique_ptr<ActivationDispatcher> dispatcher;

    void setup() override {
        begin();
    }

    void begin() {
        dispatcher = std::make_unique<ActivationDispatcher>(1, families, limits,
                                                            [this](bool durable) { durability.push_back(durable); });
        serve({&authority, &store, nullptr});
    }
    void serve(const muster::dispatch::Service& service) {
        dispatcher->serve(reactor, service);
    }
    void submit(std::uint64_t token, muster::Octets body) {
        reactor.post([this, token, body] { dispatcher->submit(reactor, answers, token, muster::Address{}, body); });
    }
    void submit(std::uint64_t token) {
        static const Body body = requestOf(7);
        submit(token, body);
    }
    void round() {
        reactor.turn(kNow);
    }
    /// What the first round gathers leaves when the second finds nothing more.
    void turn() {
        round();
        round();
    }
    /// Turns until `token` answers have arrived: for what waits on a timer.
    void turnUntil(std::size_t count) {
        while (answers.tokens.size() < count)
            reactor.turn(10s);
    }
    void commit(std::size_t piece, Durability how = Durability::durable) {
        store.pieces[piece].done(how);
        turn();
    }
    const muster::dispatch::Counters& counters() const {
        return dispatcher->counters();
    }
};

TEST(ActivationDispatcher, anAnswerLeavesOnlyWhenItsRecordIsOnDisk) {
    submit(1);
    turn();
    turn();
    LONGS_EQUAL(0, answers.tokens.size());
    LONGS_EQUAL(1, dispatcher->inFlight());
    commit(0);
    LONGS_EQUAL(1, answers.tokens.size());
    CHECK(answers.last.kind == Outcome::Kind::answered);
    LONGS_EQUAL(0, dispatcher->inFlight());
}

TEST(ActivationDispatcher, aRoundGoesToTheStoreInOnePieceAndComesBackInOrder) {
    for (std::uint64_t token = 10; token < 15; ++token)
        submit(token);
    turn();
    LONGS_EQUAL(1, store.pieces.size());
    LONGS_EQUAL(5, store.pieces[0].records.size());
    commit(0);
    CHECK(answers.tokens == (std::vector<std::uint64_t>{10, 11, 12, 13, 14}));
}

TEST(ActivationDispatcher, theRecordSaysWhatTheClientSaidAndWhatItGot) {
    muster::Timestamp round;
    authority.onDecide = [&](muster::Exchange& exchange) {
        round = reactor.wallNow();
        exchange.complete(ScriptedAuthority::answer(26));
    };
    submit(1);
    turn();
    const muster::pool::RequestRecord& record = store.pieces[0].records[0];
    STRCMP_EQUAL("station.example.org", std::string(record.request.machine.view()).c_str());
    LONGS_EQUAL(7, std::to_integer<int>(record.request.cmid.octets[0]));
    LONGS_EQUAL(26, record.count);
    CHECK(record.counted);
    CHECK(record.fresh);
    CHECK(record.wellFormed);
    CHECK(record.received == round);
    commit(0);
}

TEST(ActivationDispatcher, theRecordSaysWhoAnsweredAndHowLongItTook) {
    authority.onDecide = [](muster::Exchange& exchange) {
        Outcome outcome = ScriptedAuthority::answer(26);
        outcome.upstream = "kms-1";
        outcome.waited = 1500;
        outcome.attempts = 2;
        exchange.complete(outcome);
    };
    submit(1);
    turn();
    const muster::pool::RequestRecord& record = store.pieces[0].records[0];
    STRCMP_EQUAL("kms-1", std::string(record.upstream).c_str());
    LONGS_EQUAL(1500, record.waited);
    LONGS_EQUAL(2, record.attempts);
    commit(0);
}

TEST(ActivationDispatcher, aBodyNobodyCanReadReachesTheAuthorityWholeAndMakesNoClientRow) {
    std::vector<std::byte> body(3000, std::byte{0xA5});
    bool same = false;
    bool wellFormed = true;
    authority.onDecide = [&](muster::Exchange& exchange) {
        wellFormed = exchange.wellFormed();
        same = exchange.body().size() == body.size() && std::memcmp(exchange.body().data(), body.data(), 3000) == 0;
        exchange.complete(Outcome::refuse(HResult::invalidData, "malformed"));
    };
    submit(1, body);
    turn();
    CHECK(same);
    CHECK_FALSE(wellFormed);
    const muster::pool::RequestRecord& record = store.pieces[0].records[0];
    CHECK_FALSE(record.fresh);
    CHECK_FALSE(record.wellFormed);
    CHECK(record.result == HResult::invalidData);
    STRCMP_EQUAL("malformed", std::string(record.reason).c_str());
    commit(0);
    LONGS_EQUAL(1, counters().malformed.value());
    LONGS_EQUAL(1, counters().refused.value());
}

TEST(ActivationDispatcher, withoutAnAuthorityAClientGetsAFault) {
    serve({nullptr, nullptr, nullptr});
    submit(1);
    turn();
    turn();
    LONGS_EQUAL(1, answers.tokens.size());
    CHECK(answers.last.kind == Outcome::Kind::faulted);
    CHECK(answers.last.status == RpcStatus::serverUnavailable);
    LONGS_EQUAL(1, counters().withoutAuthority.value());
}

TEST(ActivationDispatcher, theLabWithholdsAnAnswerWhoseRecordIsLate) {
    limits.commit = 1ms;
    begin();
    submit(1);
    turnUntil(1);
    CHECK(answers.last.kind == Outcome::Kind::faulted);
    CHECK(answers.last.status == RpcStatus::serverTooBusy);
    LONGS_EQUAL(1, counters().withheld.value());
    LONGS_EQUAL(0, counters().notDurable.value());
    commit(0);  // the late word changes nothing
    LONGS_EQUAL(1, answers.tokens.size());
    CHECK(durability == (std::vector<bool>{false, true}));
}

TEST(ActivationDispatcher, theRelayAnswersAllTheSameAndCountsIt) {
    limits.commit = 1ms;
    authority.withoutRecord = true;
    begin();
    submit(1);
    turnUntil(1);
    CHECK(answers.last.kind == Outcome::Kind::answered);
    LONGS_EQUAL(1, counters().notDurable.value());
    CHECK(durability == std::vector<bool>{false});
    commit(0);
}

TEST(ActivationDispatcher, whileTheDiskIsKnownToBeGoneTheRelayWaitsForItNoMore) {
    limits.commit = 1ms;
    authority.withoutRecord = true;
    begin();
    submit(1);
    turnUntil(1);  // this one waited
    limits.commit = 1h;
    reactor.post([this] { dispatcher->limit(reactor, limits); });
    submit(2);
    turnUntil(2);  // this one does not, or it would wait for an hour
    LONGS_EQUAL(2, counters().notDurable.value());
    LONGS_EQUAL(2, store.pieces.size());  // and is recorded all the same
    commit(1);
    CHECK(durability == (std::vector<bool>{false, true}));
    submit(3);
    turn();
    turn();
    LONGS_EQUAL(2, answers.tokens.size());  // the disk is back: its answer waits again
    commit(2);
    LONGS_EQUAL(3, answers.tokens.size());
    LONGS_EQUAL(2, counters().notDurable.value());
    commit(0);
    LONGS_EQUAL(3, answers.tokens.size());
}

TEST(ActivationDispatcher, theLabWaitsForADiskThatIsKnownToBeGone) {
    limits.commit = 1ms;
    begin();
    submit(1);
    turnUntil(1);
    limits.commit = 1h;
    reactor.post([this] { dispatcher->limit(reactor, limits); });
    submit(2);
    turn();
    turn();
    LONGS_EQUAL(1, answers.tokens.size());
    commit(1);
    CHECK(answers.last.kind == Outcome::Kind::answered);
    commit(0);
}

TEST(ActivationDispatcher, aStoreThatSaysThatItWorksEndsTheAlarmWithoutARequest) {
    limits.commit = 1ms;
    authority.withoutRecord = true;
    begin();
    submit(1);
    turnUntil(1);
    dispatcher->storeWorks();
    dispatcher->storeWorks();
    CHECK(durability == (std::vector<bool>{false, true}));
    commit(0);
}

TEST(ActivationDispatcher, withoutRecordingNoAnswerWaitsAndWhatIsUnderWayEndsAsItBegan) {
    submit(1);
    turn();
    serve({&authority, nullptr, nullptr});
    submit(2);
    turn();
    CHECK(answers.tokens == (std::vector<std::uint64_t>{2}));
    CHECK(answers.last.kind == Outcome::Kind::answered);
    LONGS_EQUAL(1, store.pieces.size());
    commit(0);
    CHECK(answers.tokens == (std::vector<std::uint64_t>{2, 1}));
    serve({&authority, &store, nullptr});
    submit(3);
    turn();
    LONGS_EQUAL(2, store.pieces.size());
    commit(1);
    LONGS_EQUAL(3, answers.tokens.size());
    LONGS_EQUAL(0, dispatcher->inFlight());
}

TEST(ActivationDispatcher, aBrokenStoreDelaysNobody) {
    store.broken = true;
    authority.withoutRecord = true;
    submit(1);
    submit(2);
    turn();
    turn();
    LONGS_EQUAL(2, answers.tokens.size());
    LONGS_EQUAL(2, counters().notDurable.value());
    CHECK(durability == std::vector<bool>{false});  // told once, not per answer
}

TEST(ActivationDispatcher, aRefusalNeedsNoRecordToLeave) {
    store.broken = true;
    authority.onDecide = [](muster::Exchange& exchange) {
        exchange.complete(Outcome::refuse(HResult::groupNotCovered));
    };
    submit(1);
    turn();
    turn();
    CHECK(answers.last.kind == Outcome::Kind::refused);
    CHECK(answers.last.code == HResult::groupNotCovered);
}

TEST(ActivationDispatcher, batchesMayComeBackInAnyOrder) {
    limits.commit = 1ms;
    begin();
    submit(1);
    turnUntil(1);  // the disk is known to be silent: from now on no group waits for the one before
    limits.commit = 1h;
    reactor.post([this] { dispatcher->limit(reactor, limits); });
    submit(2);
    turn();
    submit(3);
    turn();
    LONGS_EQUAL(3, store.pieces.size());
    commit(2);
    commit(1);
    CHECK(answers.tokens == (std::vector<std::uint64_t>{1, 3, 2}));
    commit(0);
    LONGS_EQUAL(0, dispatcher->inFlight());
}

TEST(ActivationDispatcher, aGroupGrowsWhileTheOneBeforeItIsOnItsWay) {
    submit(1);
    turn();
    for (std::uint64_t token = 2; token < 5; ++token) {
        submit(token);
        turn();
    }
    LONGS_EQUAL(1, store.pieces.size());
    commit(0);
    LONGS_EQUAL(2, store.pieces.size());
    LONGS_EQUAL(3, store.pieces[1].records.size());
    CHECK(answers.tokens == (std::vector<std::uint64_t>{1}));
    commit(1);
    CHECK(answers.tokens == (std::vector<std::uint64_t>{1, 2, 3, 4}));
}

TEST(ActivationDispatcher, aGroupGrowsWhileRequestsKeepComingAndLeavesInTheFirstQuietRound) {
    limits.gather = 1h;
    begin();
    for (std::uint64_t token = 1; token < 6; ++token) {
        submit(token);
        round();
        LONGS_EQUAL(0, store.pieces.size());
    }
    round();  // nothing came
    LONGS_EQUAL(1, store.pieces.size());
    LONGS_EQUAL(5, store.pieces[0].records.size());
    commit(0);
    LONGS_EQUAL(5, answers.tokens.size());
}

TEST(ActivationDispatcher, whatIsWithItsAuthorityDelaysNoRecordOfOthers) {
    muster::Exchange* held = nullptr;
    authority.onDecide = [&](muster::Exchange& exchange) {
        if (held == nullptr)
            held = &exchange;
        else
            exchange.complete(ScriptedAuthority::answer(1));
    };
    submit(1);
    submit(2);
    turn();
    LONGS_EQUAL(1, store.pieces.size());
    commit(0);
    CHECK(answers.tokens == (std::vector<std::uint64_t>{2}));
    reactor.post([&] { held->complete(ScriptedAuthority::answer(1)); });
    turn();
    commit(1);
    CHECK(answers.tokens == (std::vector<std::uint64_t>{2, 1}));
}

TEST(ActivationDispatcher, aGroupDoesNotGrowForEver) {
    limits.gather = 0ms;
    begin();
    submit(1);
    round();  // more might come, but its time is up
    LONGS_EQUAL(1, store.pieces.size());
    commit(0);
    LONGS_EQUAL(1, answers.tokens.size());
}

TEST(ActivationDispatcher, aGroupBehindOneThatIsGivenUpWaitsForItNoMore) {
    static const Body body = requestOf(8);
    limits.commit = 1ms;
    authority.withoutRecord = true;
    begin();
    // The second comes when the first has just left, so that no time can have run out in between.
    store.then = [&] {
        if (store.pieces.size() == 1)
            dispatcher->submit(reactor, answers, 2, muster::Address{}, body);
    };
    submit(1);
    turn();
    LONGS_EQUAL(1, store.pieces.size());
    turnUntil(2);
    LONGS_EQUAL(2, store.pieces.size());  // recorded all the same
    LONGS_EQUAL(2, counters().notDurable.value());
    commit(0);
    commit(1);
    LONGS_EQUAL(2, answers.tokens.size());
    LONGS_EQUAL(0, dispatcher->inFlight());
}

TEST(ActivationDispatcher, whatWasGatheredGoesToTheStoreOfItsTime) {
    HeldStore other;
    submit(1);
    turn();
    submit(2);
    turn();
    serve({&authority, &other, nullptr});
    LONGS_EQUAL(2, store.pieces.size());
    commit(0);
    commit(1);
    LONGS_EQUAL(0, other.pieces.size());
    CHECK(answers.tokens == (std::vector<std::uint64_t>{1, 2}));
}

TEST(ActivationDispatcher, aSecondCompletionIsCountedAndDoesNothing) {
    authority.onDecide = [](muster::Exchange& exchange) {
        exchange.complete(ScriptedAuthority::answer(1));
        exchange.complete(Outcome::refuse(HResult::invalidData));
    };
    submit(1);
    turn();
    commit(0);
    LONGS_EQUAL(1, answers.tokens.size());
    CHECK(answers.last.kind == Outcome::Kind::answered);
    LONGS_EQUAL(1, counters().completedTwice.value());
    LONGS_EQUAL(1, store.pieces[0].records.size());
}

TEST(ActivationDispatcher, anAuthorityThatDoesNotDecideCostsTheClientNoMoreThanTheLimit) {
    limits.exchange = 1ms;
    begin();
    muster::Exchange* held = nullptr;
    authority.onDecide = [&](muster::Exchange& exchange) { held = &exchange; };
    submit(1);
    turnUntil(1);
    CHECK(answers.last.status == RpcStatus::serverTooBusy);
    LONGS_EQUAL(1, counters().overdue.value());
    LONGS_EQUAL(static_cast<long>(RpcStatus::serverTooBusy), store.pieces[0].records[0].fault);  // journalled
    // Its late word is no mistake, and the exchange is free for the next request.
    reactor.post([&] { held->complete(ScriptedAuthority::answer(1)); });
    turn();
    LONGS_EQUAL(0, counters().completedTwice.value());
    LONGS_EQUAL(1, answers.tokens.size());
    muster::Exchange* const before = held;
    submit(2);
    turn();
    POINTERS_EQUAL(before, held);
    turnUntil(2);
}

TEST(ActivationDispatcher, aWithdrawnAuthorityDoesNotKeepExchanges) {
    limits.exchange = 1ms;
    begin();
    authority.onDecide = [](muster::Exchange&) {};
    submit(1);
    turn();
    serve({nullptr, &store, nullptr});
    turnUntil(1);
    LONGS_EQUAL(0, dispatcher->inFlight());
}

TEST(ActivationDispatcher, afterDetachNoOutcomeReachesTheListenerButTheRecordDoes) {
    submit(1);
    turn();
    dispatcher->detach(reactor, answers);
    commit(0);
    LONGS_EQUAL(0, answers.tokens.size());
    LONGS_EQUAL(1, store.pieces[0].records.size());
    LONGS_EQUAL(0, dispatcher->inFlight());
}

TEST(ActivationDispatcher, aResponderMaySubmitAgainFromItsAnswer) {
    static const Body body = requestOf(8);
    answers.then = [&] {
        if (answers.tokens.size() == 1)
            dispatcher->submit(reactor, answers, 2, muster::Address{}, body);
    };
    submit(1);
    turn();
    commit(0);
    LONGS_EQUAL(2, store.pieces.size());
    commit(1);
    CHECK(answers.tokens == (std::vector<std::uint64_t>{1, 2}));
}

TEST(ActivationDispatcher, bodiesBeyondAnyVersionAreHeldOnlyWithinABound) {
    limits.longBodies = 5000;
    begin();
    const std::vector<std::byte> body(3000);
    authority.onDecide = [](muster::Exchange& exchange) { exchange.complete(Outcome::refuse(HResult::invalidData)); };
    submit(1, body);
    submit(2, body);
    turn();
    CHECK(answers.tokens == std::vector<std::uint64_t>{2});
    CHECK(answers.last.status == RpcStatus::serverTooBusy);
    commit(0);
    submit(3, body);
    turn();
    commit(1);
    CHECK(answers.tokens == (std::vector<std::uint64_t>{2, 1, 3}));
}

TEST(ActivationDispatcher, aClientOfASourceWithTooManyNewOnesMakesNoRow) {
    serve({&authority, &store, &tooMany});
    bool told = false;
    authority.onDecide = [&](muster::Exchange& exchange) {
        told = exchange.overNewClientLimit();
        exchange.complete(ScriptedAuthority::answer(1));
    };
    submit(1);
    turn();
    CHECK(told);
    CHECK_FALSE(store.pieces[0].records[0].fresh);
    LONGS_EQUAL(1, counters().newOverLimit.value());
    commit(0);
}

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
