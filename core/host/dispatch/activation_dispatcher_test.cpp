#include <cstring>
#include <string>
#include <vector>

#include "host/dispatch/dispatcher_fixture.h"

using muster::HResult;
using muster::Outcome;
using muster::RpcStatus;
using namespace muster::dispatch::test;  // NOLINT(google-build-using-namespace): the fixture's own words

TEST_GROUP_BASE(ActivationDispatcher, DispatcherFixture){};

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

TEST(ActivationDispatcher, itsOwnRequestGoesToTheDiskAndIsInNoCount) {
    serve({&authority, &store, &tooMany, &own});
    bool asked = false;
    authority.onDecide = [&](muster::Exchange& exchange) {
        asked = true;
        exchange.complete(ScriptedAuthority::answer(1));
    };
    submit(1, requestOf(99));
    turn();
    CHECK_FALSE(asked);
    LONGS_EQUAL(0, store.pieces.size());
    LONGS_EQUAL(1, store.own.size());
    CHECK(store.own[0].first.octets[0] == std::byte{99});
    LONGS_EQUAL(0, answers.tokens.size());
    store.own[0].second(Durability::durable);
    turn();
    LONGS_EQUAL(1, answers.tokens.size());
    CHECK(answers.last.kind == Outcome::Kind::answered);
    LONGS_EQUAL(0, counters().requests.value() + counters().answered.value() + counters().newOverLimit.value());
    LONGS_EQUAL(0, dispatcher->inFlight());
}

TEST(ActivationDispatcher, itsOwnRequestIsAnsweredOnlyWhenItIsOnDisk) {
    serve({&authority, &store, nullptr, &own});
    submit(1, requestOf(99));
    turn();
    store.own[0].second(Durability::notDurable);
    turn();
    CHECK(answers.last.kind == Outcome::Kind::faulted);
    LONGS_EQUAL(0, counters().faulted.value() + counters().withheld.value());
}

TEST(ActivationDispatcher, itsOwnRequestGoesBesideThoseOfClients) {
    serve({&authority, &store, nullptr, &own});
    submit(1);
    submit(2, requestOf(99));
    submit(3);
    turn();
    LONGS_EQUAL(1, store.own.size());
    LONGS_EQUAL(0, store.pieces.size());  // they gather while its group is under way
    store.own[0].second(Durability::durable);
    turn();
    CHECK(answers.tokens == (std::vector<std::uint64_t>{2}));
    LONGS_EQUAL(1, store.pieces.size());
    LONGS_EQUAL(2, store.pieces[0].records.size());
    commit(0);
    CHECK(answers.tokens == (std::vector<std::uint64_t>{2, 1, 3}));
    LONGS_EQUAL(2, counters().requests.value());
}

TEST(ActivationDispatcher, whoComesFromItselfIsKnown) {
    muster::Address source;
    source.port = 99;
    CHECK_FALSE(dispatcher->isOwn(reactor, source));
    serve({&authority, &store, nullptr, &own});
    CHECK(dispatcher->isOwn(reactor, source));
    source.port = 98;
    CHECK_FALSE(dispatcher->isOwn(reactor, source));
}
