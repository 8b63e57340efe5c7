#include "host/dispatch/dispatcher_fixture.h"

using namespace muster::dispatch::test;  // NOLINT(google-build-using-namespace): the fixture's own words

TEST_GROUP_BASE(DispatcherGathering, DispatcherFixture){};

TEST(DispatcherGathering, aGroupGrowsWhileTheOneBeforeItIsOnItsWay) {
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

TEST(DispatcherGathering, aGroupGrowsWhileRequestsKeepComingAndLeavesInTheFirstQuietRound) {
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

TEST(DispatcherGathering, whatIsWithItsAuthorityDelaysNoRecordOfOthers) {
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

TEST(DispatcherGathering, aGroupDoesNotGrowForEver) {
    limits.gather = 0ms;
    begin();
    submit(1);
    round();  // more might come, but its time is up
    LONGS_EQUAL(1, store.pieces.size());
    commit(0);
    LONGS_EQUAL(1, answers.tokens.size());
}

TEST(DispatcherGathering, aGroupBehindOneThatIsGivenUpWaitsForItNoMore) {
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

TEST(DispatcherGathering, whatWasGatheredGoesToTheStoreOfItsTime) {
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
