#include "choice.h"

#include <map>

#include "CppUTest/TestHarness.h"

using namespace muster;
using namespace muster::relay;
using namespace std::chrono_literals;

TEST_GROUP(Choice) {
    Learned learned;
    Roster roster;
    Question question;
    Address source = *Address::parse("10.1.2.3:50000");

    void setup() override {
        question.family = "win7-2008r2";
        question.source = &source;
        question.now = Monotonic{} + 1h;
        question.wall = Timestamp{} + 24h * 365 * 50;
    }
    Entry& add(const char* name, std::uint16_t priority = 0) {
        Entry entry;
        entry.upstream.name = name;
        entry.upstream.priority = priority;
        entry.upstream.weight = 100;
        entry.addresses.push_back(*Address::parse("10.0.0.1:1688"));
        entry.member = std::make_shared<Member>(name, learned.of(name));
        entry.member->health.succeeded(question.wall, question.now, true);
        roster.push_back(std::move(entry));
        return roster.back();
    }
    void eject(const Entry& entry) const {
        for (int i = 0; i < 3; ++i)
            entry.member->health.failed(question.wall, Ending::timedOut, "");
    }
    std::string chosen(Spread spread = Spread::primary) {
        std::string names;
        const Order order = choose(roster, question, spread);
        for (std::size_t i = 0; i < order.size; ++i)
            names += (i == 0 ? "" : " ") + roster[order.entries[i]].upstream.name;
        return names;
    }
};

TEST(Choice, asksThePrimaryAndKeepsTheOthersForFailover) {
    add("b", 1);
    add("a", 0);
    add("c", 2);
    STRCMP_EQUAL("a b c", chosen().c_str());
    question.client = 12345;
    STRCMP_EQUAL("a b c", chosen().c_str());
}

TEST(Choice, ofEqualPriorityTheFirstListedIsThePrimary) {
    add("x");
    add("y");
    STRCMP_EQUAL("x y", chosen().c_str());
}

TEST(Choice, asksWhoIsOutOfServiceLast) {
    add("a", 0);
    add("b", 1);
    eject(roster[0]);
    STRCMP_EQUAL("b a", chosen().c_str());
}

TEST(Choice, ofFamiliesLeavesOutWhoMayNotServeThem) {
    add("old").upstream.families = {"vista-2008"};
    add("new").upstream.families = {"win7-2008r2"};
    add("rest").upstream.families = {"other"};
    STRCMP_EQUAL("new", chosen().c_str());
    question.family = "vista-2008";
    STRCMP_EQUAL("old", chosen().c_str());
    question.family = nullptr;
    STRCMP_EQUAL("rest", chosen().c_str());
}

TEST(Choice, ofSealedRequestsGoesByVersionAndNotByFamily) {
    Entry& old = add("old");
    old.upstream.families = {"vista-2008"};
    old.upstream.versions = {4};
    add("new").upstream.versions = {5, 6};
    question.family = nullptr;
    question.version = 6;
    STRCMP_EQUAL("new", chosen().c_str());
    question.version = 7;
    STRCMP_EQUAL("", chosen().c_str());
}

TEST(Choice, goesBySourceNetwork) {
    Entry& near = add("near");
    near.upstream.everywhere = false;
    near.upstream.networks = *Networks::parse({"10.1.0.0/16"});
    Entry& far = add("far");
    far.upstream.everywhere = false;
    far.upstream.networks = *Networks::parse({"10.2.0.0/16"});
    STRCMP_EQUAL("near", chosen().c_str());
    source = *Address::parse("10.2.9.9:1");
    STRCMP_EQUAL("far", chosen().c_str());
}

TEST(Choice, givesDrainingOnesNothingWhileAnotherCanHaveIt) {
    add("a").upstream.duty = Duty::draining;
    STRCMP_EQUAL("a", chosen().c_str());
    add("b", 9);
    STRCMP_EQUAL("b a", chosen().c_str());
}

TEST(Choice, neverAsksOneInMaintenance) {
    add("a").upstream.duty = Duty::maintenance;
    STRCMP_EQUAL("", chosen().c_str());
}

TEST(Choice, ofThoseThatStandBackAsksTheOneThatCameBackFirst) {
    add("a", 0);
    add("b", 1);
    add("c", 2);
    roster[0].member->standsBack = 1;
    STRCMP_EQUAL("b c a", chosen().c_str());
    roster[1].member->standsBack = 2;
    STRCMP_EQUAL("c a b", chosen().c_str());
    roster[2].member->standsBack = 3;
    STRCMP_EQUAL("a b c", chosen().c_str());
    roster[0].member->standsBack = 4;
    STRCMP_EQUAL("b c a", chosen().c_str());
    eject(roster[1]);
    STRCMP_EQUAL("c a b", chosen().c_str());
    roster[2].upstream.duty = Duty::draining;
    STRCMP_EQUAL("a c b", chosen().c_str());
}

TEST(Choice, ofClientsThatAreSpreadLeavesEachWhereItIsWhenAHostComesBackToStandBack) {
    add("a");
    add("b");
    add("c");
    eject(roster[1]);
    std::map<std::uint64_t, std::string> away;
    for (std::uint64_t client = 1; client <= 300; ++client) {
        question.client = client * 0x9e3779b97f4a7c15U;
        away[question.client] = chosen(Spread::weighted).substr(0, 1);
    }
    for (int i = 0; i < 2; ++i)
        roster[1].member->health.succeeded(question.wall, question.now, true);
    roster[1].member->standsBack = 1;
    for (const auto& [client, host] : away) {
        question.client = client;
        STRCMP_EQUAL(host.c_str(), chosen(Spread::weighted).substr(0, 1).c_str());
    }
}

TEST(Choice, asksOneThatStandsBackBeforeOneThatRefusesTheProduct) {
    add("a");
    add("b", 9);
    roster[1].member->standsBack = 1;
    roster[0].member->unfitUntil = (question.now + 1min).time_since_epoch().count();
    STRCMP_EQUAL("b a", chosen().c_str());
}

TEST(Choice, asksOneWithoutAnAddressLast) {
    add("a").addresses.clear();
    add("b", 9);
    STRCMP_EQUAL("b a", chosen().c_str());
}

TEST(Choice, asksOneThatLatelyRefusedTheProductAfterThoseThatDidNot) {
    add("a");
    add("b", 9);
    ActivationRequest request;
    request.major = 4;
    request.counted.octets.fill(std::byte{3});
    request.cmid.octets.fill(std::byte{4});
    request.clientTime = FileTime::from(question.wall);
    const Product product;
    roster[0].member->learned->note(
        {question.wall, source, request, product, Ending::refused, HResult::groupNotCovered, {}, 0, 0, 0, 10});
    question.counted = &request.counted;
    STRCMP_EQUAL("b a", chosen().c_str());
    Guid other;
    other.octets.fill(std::byte{9});
    question.counted = &other;
    STRCMP_EQUAL("a b", chosen().c_str());
}

TEST(Choice, whereClientsAreSpreadEachKeepsItsHostAndWeightsAreKept) {
    add("a").upstream.weight = 300;
    add("b").upstream.weight = 100;
    std::map<std::string, int> first;
    for (std::uint64_t client = 1; client <= 4000; ++client) {
        question.client = client * 0x9e3779b97f4a7c15U;
        const std::string order = chosen(Spread::weighted);
        STRCMP_EQUAL(order.c_str(), chosen(Spread::weighted).c_str());
        ++first[order.substr(0, 1)];
    }
    CHECK_TRUE(first["a"] > 2800 && first["a"] < 3200);
}

TEST(Choice, whenOneGoesOnlyItsOwnClientsMove) {
    add("a");
    add("b");
    add("c");
    std::map<std::uint64_t, std::string> before;
    for (std::uint64_t client = 1; client <= 500; ++client) {
        question.client = client * 0x9e3779b97f4a7c15U;
        before[question.client] = chosen(Spread::weighted).substr(0, 1);
    }
    eject(roster[1]);
    for (const auto& [client, host] : before) {
        question.client = client;
        const std::string now = chosen(Spread::weighted).substr(0, 1);
        if (host == "b")
            CHECK_TRUE(now != "b");
        else
            STRCMP_EQUAL(host.c_str(), now.c_str());
    }
}

TEST(Choice, knowsAClientByItsCmidAndASealedOneByItsAddress) {
    ActivationRequest request;
    request.major = 4;
    request.cmid.octets.fill(std::byte{1});
    const Address elsewhere = *Address::parse("10.9.9.9:7");
    Address samePlace = source;
    samePlace.port = 1;
    CHECK(clientOf(request, source) == clientOf(request, elsewhere));
    request.major = 6;
    CHECK(clientOf(request, source) != clientOf(request, elsewhere));
    CHECK(clientOf(request, source) == clientOf(request, samePlace));
}
