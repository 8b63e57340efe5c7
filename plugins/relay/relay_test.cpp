#include <algorithm>
#include <deque>
#include <random>

#include "CppUTest/TestHarness.h"

#include "muster/authority.h"
#include "muster/test/fake_host.h"

#include "events.h"
#include "kms/body.h"
#include "scripted_host.h"

using namespace muster;
using muster::relay::test::ScriptedHost;
using Act = ScriptedHost::Act;

MUSTER_PLUGIN_UNDER_TEST(relay);

TEST_GROUP(Relay) {
    test::FakeHost host;
    test::Running plugin{muster_plugin_relay, host};
    std::deque<ScriptedHost> hosts;
    std::deque<test::FakeExchange> exchanges;
    std::mt19937_64 random{7};

    void setup() override {
        host.present = Mode::relay;
        host.settings["connect-timeout"] = std::int64_t{500};
        host.settings["answer-timeout"] = std::int64_t{100};
        host.settings["exchange-limit"] = std::int64_t{1500};
        host.settings["probe-interval"] = std::int64_t{3'600'000};
    }
    ScriptedHost& addHost() {
        return hosts.emplace_back(host.reactor(0));
    }
    /// Starts with all hosts as upstreams a, b, c …
    void begin(std::vector<Json> extra = {}) {
        std::vector<Json> upstreams;
        for (std::size_t i = 0; i < hosts.size(); ++i) {
            Json one = json({{"name", std::string(1, static_cast<char>('a' + i))}, {"address", hosts[i].address()}});
            if (i < extra.size())
                for (const Json::Member& member : *extra[i].object())
                    one.set(member.first, member.second);
            upstreams.push_back(std::move(one));
        }
        host.settings["upstreams"] = upstreams;
        plugin.start();
        LONGS_EQUAL(1, host.authorities.size());
    }
    test::FakeExchange& ask(std::uint16_t major = 4) {
        test::FakeExchange& exchange = exchanges.emplace_back(host.reactor(0));
        exchange.at = host.reactor(0).wallNow();
        exchange.asked.major = major;
        if (major == 4) {
            for (std::byte& octet : exchange.asked.cmid.octets)
                octet = static_cast<std::byte>(random());
            exchange.asked.counted.octets.fill(std::byte{0x22});
            exchange.asked.clientTime = FileTime::from(exchange.at);
            exchange.asked.requiredClients = 25;
            exchange.octets.resize(kms::Request4::kSize);
            kms::encodeRequest(exchange.asked, std::span<std::byte, kms::Request4::kSize>(exchange.octets));
        } else {
            exchange.octets.resize(260);
            for (std::byte& octet : exchange.octets)
                octet = static_cast<std::byte>(random());
            std::fill_n(exchange.octets.begin(), 4, std::byte{0});
            exchange.octets[2] = static_cast<std::byte>(major);
        }
        return exchange;
    }
    void decide(test::FakeExchange & exchange) {
        host.authorities.front()->decide(exchange);
    }
    const Outcome& outcomeOf(test::FakeExchange & exchange) {
        decide(exchange);
        CHECK_TRUE(host.runUntil([&] { return exchange.outcome.has_value(); }));
        return *exchange.outcome;
    }
    void answeredBy(const char* upstream, const Outcome& outcome) {
        CHECK(outcome.kind == Outcome::Kind::answered);
        STRCMP_EQUAL(upstream, outcome.upstream);
    }
    std::string shown(const char* upstream, const char* member) {
        const auto reply = host.call("GET", std::string("/upstreams/") + upstream);
        const Json* const value = reply ? reply->body.find(member) : nullptr;
        return value != nullptr && value->string() != nullptr ? *value->string() : std::string();
    }
    /// What an edit of the settings file does.
    void edit(std::vector<Json> upstreams) {
        CHECK_TRUE(host.changeSettings({{"upstreams", std::move(upstreams)}}, "", "").has_value());
        CHECK_TRUE(host.tellChanges());
    }
    Json item(const char* name, std::size_t index, const char* state) {
        return json({{"name", name}, {"address", hosts[index].address()}, {"state", state}});
    }
    void faulted(RpcStatus status, const Outcome& outcome) {
        CHECK(outcome.kind == Outcome::Kind::faulted);
        LONGS_EQUAL(static_cast<std::uint32_t>(status), static_cast<std::uint32_t>(outcome.status));
        CHECK_TRUE(std::strlen(outcome.reason) > 0);
    }
};

TEST(Relay, passesRequestAndAnswerByteForByte) {
    ScriptedHost& a = addHost();
    std::vector<std::byte> sent;
    a.script = [&](Octets body) {
        ScriptedHost::Reply reply = ScriptedHost::grant(body);
        if (body.size() != kms::Request4::kSize) {
            reply.outcome.size = 212;
            for (std::byte& octet : reply.outcome.octets)
                octet = static_cast<std::byte>(random());
            std::copy_n(body.begin(), 4, reply.outcome.octets.begin());
        }
        sent.assign(reply.outcome.body().begin(), reply.outcome.body().end());
        return reply;
    };
    begin();
    for (const auto major : std::initializer_list<std::uint16_t>{4, 5, 6, 7}) {
        test::FakeExchange& exchange = ask(major);
        const Outcome& outcome = outcomeOf(exchange);
        answeredBy("a", outcome);
        CHECK_TRUE(a.asked.back() == exchange.octets);
        CHECK_TRUE(std::equal(sent.begin(), sent.end(), outcome.body().begin(), outcome.body().end()));
        LONGS_EQUAL(major == 4 ? 30 : 0, outcome.count);
        LONGS_EQUAL(1, outcome.attempts);
    }
}

TEST(Relay, usesOneAssociationForAllThatComeOneAfterTheOther) {
    ScriptedHost& a = addHost();
    begin();
    for (int i = 0; i < 50; ++i)
        answeredBy("a", outcomeOf(ask()));
    LONGS_EQUAL(50, a.asked.size());
    CHECK_TRUE(a.accepted <= 3);  // one for calls, and the probe's
}

TEST(Relay, opensMoreUnderLoadUpToItsBound) {
    ScriptedHost& a = addHost();
    host.settings["associations"] = std::int64_t{4};
    host.settings["slow-start"] = std::int64_t{0};
    begin();
    std::vector<test::FakeExchange*> asked;
    asked.reserve(40);
    for (int i = 0; i < 40; ++i)
        asked.push_back(&ask());
    for (test::FakeExchange* exchange : asked)
        decide(*exchange);
    std::size_t most = 0;
    CHECK_TRUE(host.runUntil([&] {
        most = std::max(most, a.connections());
        return std::all_of(asked.begin(), asked.end(), [](const auto* one) { return one->outcome.has_value(); });
    }));
    for (const test::FakeExchange* exchange : asked)
        answeredBy("a", *exchange->outcome);
    CHECK_TRUE(most <= 5);  // and the probe's
}

TEST(Relay, goesToTheNextWhateverGoesWrongWithTheFirst) {
    ScriptedHost& a = addHost();
    ScriptedHost& b = addHost();
    host.settings["eject-after"] = std::int64_t{100};
    begin();
    std::size_t calls = 0;
    for (const Act act : {Act::silence, Act::reset, Act::half}) {
        a.script = [act](Octets) { return ScriptedHost::just(act); };
        const Outcome& outcome = outcomeOf(ask());
        answeredBy("b", outcome);
        LONGS_EQUAL(2, outcome.attempts);
        LONGS_EQUAL(++calls, b.asked.size());
        CHECK_TRUE(a.asked.back() == b.asked.back());
    }
    a.script = [](Octets) { return ScriptedHost::Reply{Act::answer, Outcome::fault(RpcStatus::callFailed)}; };
    answeredBy("b", outcomeOf(ask()));
    for (const std::size_t at : {std::size_t{2}, std::size_t{110}, std::size_t{125}}) {  // version, CMID, client time
        a.script = [at](Octets body) {
            ScriptedHost::Reply reply = ScriptedHost::grant(body);
            reply.outcome.octets[at] ^= std::byte{1};
            return reply;
        };
        answeredBy("b", outcomeOf(ask()));
    }
    LONGS_EQUAL(3, host.number("relay_wrong_answers_total"));
    LONGS_EQUAL(1, host.raised(relay::kWrongAnswer));
    a.stop();
    answeredBy("b", outcomeOf(ask()));
}

TEST(Relay, givesAFaultThatSendsTheClientElsewhereWhenNobodyAnswers) {
    addHost();
    addHost();
    begin();
    for (ScriptedHost& one : hosts)
        one.stop();
    faulted(RpcStatus::serverUnavailable, outcomeOf(ask()));
    LONGS_EQUAL(1, host.number("relay_unanswered_total"));
    LONGS_EQUAL(1, host.raised(relay::kNobodyAnswered));
}

TEST(Relay, bridgesTheRestartOfItsOnlyHost) {
    const std::uint16_t port = addHost().port();
    host.settings["exchange-limit"] = std::int64_t{20'000};
    begin();
    answeredBy("a", outcomeOf(ask()));
    hosts.front().stop();
    test::FakeExchange& exchange = ask();
    decide(exchange);
    for (int i = 0; i < 30; ++i)
        host.manual().turn(std::chrono::milliseconds(5));
    CHECK_FALSE(exchange.outcome.has_value());
    hosts.emplace_back(host.reactor(0), port);
    CHECK_TRUE(host.runUntil([&] { return exchange.outcome.has_value(); }));
    answeredBy("a", *exchange.outcome);
}

TEST(Relay, takesNoHarmFromAHostThatClosesWhatWasIdle) {
    ScriptedHost& a = addHost();
    begin();
    for (int i = 0; i < 20; ++i) {
        const Outcome& outcome = outcomeOf(ask());
        answeredBy("a", outcome);
        LONGS_EQUAL(1, outcome.attempts);
        a.dropConnections();
    }
    LONGS_EQUAL(0, host.number("relay_failovers_total"));
}

TEST(Relay, passesARefusalOnAndTriesAnotherHostWhereThatOneMayServe) {
    ScriptedHost& a = addHost();
    ScriptedHost& b = addHost();
    a.script = [](Octets) { return ScriptedHost::refuse(HResult::groupNotCovered); };
    begin();
    answeredBy("b", outcomeOf(ask()));
    LONGS_EQUAL(1, a.asked.size());
    answeredBy("b", outcomeOf(ask()));
    LONGS_EQUAL(1, a.asked.size());  // it is known not to cover that group: asked last for an hour
    b.script = [](Octets) { return ScriptedHost::refuse(HResult::serviceNotEnabled); };
    const Outcome& outcome = outcomeOf(ask());
    CHECK(outcome.kind == Outcome::Kind::refused);
    CHECK(outcome.code == HResult::serviceNotEnabled);  // of the first that was asked
    b.script = [](Octets) { return ScriptedHost::refuse(HResult::invalidData); };
    CHECK(outcomeOf(ask()).kind == Outcome::Kind::refused);
}

TEST(Relay, neverForwardsWhatCanHarmAHost) {
    ScriptedHost& a = addHost();
    host.settings["thresholds"] = std::vector<std::int64_t>{7};
    begin();
    for (const std::uint32_t threshold : {0U, 1U, 4U, 26U, 1000U, 0xffffffffU}) {
        test::FakeExchange& exchange = ask();
        exchange.asked.requiredClients = threshold;
        faulted(RpcStatus::accessDenied, outcomeOf(exchange));
    }
    test::FakeExchange& broken = ask();
    broken.known = false;
    faulted(RpcStatus::ndr, outcomeOf(broken));
    LONGS_EQUAL(0, a.asked.size());
    for (const std::uint32_t threshold : {5U, 7U, 25U}) {
        test::FakeExchange& exchange = ask();
        exchange.asked.requiredClients = threshold;
        answeredBy("a", outcomeOf(exchange));
    }
}

TEST(Relay, refusesByPolicyOnlyWhatTheSettingsName) {
    ScriptedHost& a = addHost();
    host.settings["refuse"] = std::vector<std::string>{"22222222-2222-2222-2222-222222222222"};
    begin();
    faulted(RpcStatus::accessDenied, outcomeOf(ask()));
    test::FakeExchange& other = ask();
    other.asked.counted.octets.fill(std::byte{0x33});
    answeredBy("a", outcomeOf(other));
    answeredBy("a", outcomeOf(ask(7)));
    LONGS_EQUAL(2, a.asked.size());
}

TEST(Relay, turnsAwayWhatIsBeyondItsQueueAndKeepsTheRest) {
    ScriptedHost& a = addHost();
    a.script = [](Octets) { return ScriptedHost::just(Act::silence); };
    host.settings["queue"] = std::int64_t{3};
    begin();
    std::vector<test::FakeExchange*> asked;
    asked.reserve(5);
    for (int i = 0; i < 5; ++i) {
        asked.push_back(&ask());
        decide(*asked.back());
    }
    faulted(RpcStatus::serverTooBusy, *asked[3]->outcome);
    faulted(RpcStatus::serverTooBusy, *asked[4]->outcome);
    CHECK_TRUE(host.runUntil([&] { return asked[0]->outcome && asked[1]->outcome && asked[2]->outcome; }));
}

TEST(Relay, keepsRatesInAllAndPerSource) {
    addHost();
    host.settings["rate-per-source"] = std::int64_t{2};
    host.settings["rate"] = std::int64_t{3};
    begin();
    answeredBy("a", outcomeOf(ask()));
    answeredBy("a", outcomeOf(ask()));
    faulted(RpcStatus::serverTooBusy, outcomeOf(ask()));
    for (int i = 0; i < 2; ++i) {
        test::FakeExchange& elsewhere = ask();
        elsewhere.from = *Address::parse("10.0.0.8:1");
        if (i == 0)
            answeredBy("a", outcomeOf(elsewhere));
        else
            faulted(RpcStatus::serverTooBusy, outcomeOf(elsewhere));
    }
}

TEST(Relay, servesAMixedEstateEachFromItsOwnHost) {
    ScriptedHost& a = addHost();
    ScriptedHost& b = addHost();
    muster_family vista{};
    vista.name = "vista-2008";
    muster_family seven{};
    seven.name = "win7-2008r2";
    begin({json({{"families", Json::Array{"vista-2008"}}}), json({{"families", Json::Array{"win7-2008r2"}}})});
    const auto of = [&](const muster_family& family) -> test::FakeExchange& {
        test::FakeExchange& exchange = ask();
        exchange.of.family = &family;
        return exchange;
    };
    answeredBy("a", outcomeOf(of(vista)));
    answeredBy("b", outcomeOf(of(seven)));
    b.stop();
    faulted(RpcStatus::serverUnavailable, outcomeOf(of(seven)));
    answeredBy("a", outcomeOf(of(vista)));
    LONGS_EQUAL(2, a.asked.size());
}

TEST(Relay, drainsAHostAndRemembersItOverARestart) {
    ScriptedHost& a = addHost();
    ScriptedHost& b = addHost();
    begin();
    answeredBy("a", outcomeOf(ask()));
    CHECK_TRUE(host.call("POST", "/upstreams/a/drain").has_value());
    answeredBy("b", outcomeOf(ask()));
    LONGS_EQUAL(1, a.asked.size());
    const auto shown = host.call("GET", "/upstreams/a");
    STRCMP_EQUAL("draining", shown->body.find("state")->string()->c_str());
    CHECK_TRUE(host.call("POST", "/upstreams/a/activate").has_value());
    answeredBy("a", outcomeOf(ask()));
    CHECK_FALSE(host.call("POST", "/upstreams/nobody/drain").has_value());
    LONGS_EQUAL(1, b.asked.size());
}

TEST(Relay, aStateThatIsSetEndsAnEarlierWord) {
    addHost();
    addHost();
    begin();
    CHECK_TRUE(host.call("POST", "/upstreams/a/rest").has_value());
    STRCMP_EQUAL("maintenance", shown("a", "state").c_str());
    STRCMP_EQUAL("person", shown("a", "stateFrom").c_str());
    STRCMP_EQUAL("test", shown("a", "stateBy").c_str());
    STRCMP_EQUAL("active", shown("a", "stateInSettings").c_str());
    // The settings say "active" as it is: what counts is that somebody says so now.
    CHECK_TRUE(host.call("PATCH", "/upstreams/a", json({{"state", "active"}})).has_value());
    STRCMP_EQUAL("active", shown("a", "state").c_str());
    STRCMP_EQUAL("settings", shown("a", "stateFrom").c_str());
    answeredBy("a", outcomeOf(ask()));
    CHECK_TRUE(host.call("POST", "/upstreams/a/activate").has_value());
    CHECK_TRUE(host.call("PATCH", "/upstreams/a", json({{"state", "draining"}})).has_value());
    STRCMP_EQUAL("draining", shown("a", "state").c_str());
    STRCMP_EQUAL("settings", shown("a", "stateFrom").c_str());
    answeredBy("b", outcomeOf(ask()));
}

TEST(Relay, aWordLastsWhileTheSettingsSayWhatTheySaidThen) {
    addHost();
    addHost();
    begin({json({{"state", "maintenance"}})});
    CHECK_TRUE(host.call("POST", "/upstreams/a/activate").has_value());
    STRCMP_EQUAL("person", shown("a", "stateFrom").c_str());
    STRCMP_EQUAL("maintenance", shown("a", "stateInSettings").c_str());
    answeredBy("a", outcomeOf(ask()));
    CHECK_TRUE(host.call("PATCH", "/upstreams/a", json({{"priority", std::int64_t{0}}})).has_value());
    answeredBy("a", outcomeOf(ask()));
    edit({item("a", 0, "draining"), item("b", 1, "active")});
    STRCMP_EQUAL("draining", shown("a", "state").c_str());
    STRCMP_EQUAL("settings", shown("a", "stateFrom").c_str());
    edit({item("a", 0, "active"), item("b", 1, "active")});
    answeredBy("a", outcomeOf(ask()));
    CHECK_TRUE(host.call("POST", "/upstreams/a/activate").has_value());  // says what is so: nothing to keep
    STRCMP_EQUAL("settings", shown("a", "stateFrom").c_str());
    edit({item("a", 0, "maintenance"), item("b", 1, "active")});
    answeredBy("b", outcomeOf(ask()));
}

TEST(Relay, aWordGoesWithANewNameAndWithAHostThatIsTakenOut) {
    addHost();
    addHost();
    begin();
    CHECK_TRUE(host.call("POST", "/upstreams/a/rest").has_value());
    const auto renamed = host.call("PATCH", "/upstreams/a", json({{"rename", "z"}}));
    CHECK_TRUE(renamed.has_value());
    STRCMP_EQUAL("maintenance", renamed->body.find("state")->string()->c_str());
    edit({item("b", 1, "active")});
    edit({item("b", 1, "active"), item("z", 0, "active")});
    STRCMP_EQUAL("active", shown("z", "state").c_str());
}

TEST(Relay, answersAChangeWithTheListAsItIsFromThenOn) {
    addHost();
    addHost();
    begin();
    const auto changed = host.call("PATCH", "/upstreams/a", json({{"priority", std::int64_t{9}}}));
    LONGS_EQUAL(9, *changed->body.find("priority")->natural());
    answeredBy("b", outcomeOf(ask()));
    const auto added = host.call("POST", "/upstreams", json({{"address", hosts[0].address()}, {"name", "c"}}));
    CHECK_TRUE(added.has_value());
    STRCMP_EQUAL("c", added->body.find("name")->string()->c_str());
    CHECK_TRUE(host.call("DELETE", "/upstreams/c").has_value());
    CHECK_FALSE(host.call("GET", "/upstreams/c").has_value());
}

TEST(Relay, withoutFailBackWhoServesGoesOnAndFailBackBringsThePrimaryBack) {
    const std::uint16_t first = addHost().port();
    const std::uint16_t second = addHost().port();
    host.settings["fail-back"] = false;
    host.settings["probe-interval"] = std::int64_t{100};
    host.settings["eject-after"] = std::int64_t{1};
    host.settings["return-after"] = std::int64_t{1};
    begin();
    const auto away = [&](std::size_t index, const char* name, const char* other) {
        hosts[index].stop();
        answeredBy(other, outcomeOf(ask()));
        CHECK_TRUE(host.runUntil([&] { return shown(name, "condition") == "down"; }));
    };
    const auto back = [&](std::uint16_t port, const char* name) {
        hosts.emplace_back(host.reactor(0), port);
        CHECK_TRUE(host.runUntil([&] { return shown(name, "condition") == "up"; }));
        return hosts.size() - 1;
    };
    answeredBy("a", outcomeOf(ask()));
    std::size_t a = 0;
    std::size_t b = 1;
    for (int round = 0; round < 3; ++round) {
        away(a, "a", "b");
        a = back(first, "a");
        answeredBy("b", outcomeOf(ask()));
        STRCMP_CONTAINS("fail-back", shown("a", "why").c_str());
        away(b, "b", "a");
        b = back(second, "b");
        answeredBy("a", outcomeOf(ask()));
    }
    away(a, "a", "b");
    back(first, "a");
    answeredBy("b", outcomeOf(ask()));
    CHECK_TRUE(host.changeSettings({{"fail-back", true}}, "", "").has_value());
    CHECK_TRUE(host.tellChanges());
    answeredBy("a", outcomeOf(ask()));
}

TEST(Relay, knowsItsOwnRequestWhenAnUpstreamSendsItBack) {
    ScriptedHost& a = addHost();
    test::FakeExchange* back = nullptr;
    a.script = [&](Octets body) {
        test::FakeExchange& exchange = exchanges.emplace_back(host.reactor(0));
        exchange.asked.major = 4;
        exchange.asked.requiredClients = 25;
        exchange.at = host.reactor(0).wallNow();
        exchange.octets.assign(body.begin(), body.end());
        exchange.from = *Address::parse("127.0.0.1:50000");
        back = &exchange;
        decide(exchange);
        return ScriptedHost::just(Act::silence);
    };
    begin();
    decide(ask());
    CHECK_TRUE(host.runUntil([&] { return back != nullptr && back->outcome.has_value(); }));
    faulted(RpcStatus::serverUnavailable, *back->outcome);
    LONGS_EQUAL(1, host.raised(relay::kLoop));
    CHECK_TRUE(host.runUntil([&] { return exchanges.front().outcome.has_value(); }));
}

TEST(Relay, completesWhatIsUnderWayWhenItStops) {
    ScriptedHost& a = addHost();
    a.script = [](Octets) { return ScriptedHost::just(Act::silence); };
    begin();
    test::FakeExchange& exchange = ask();
    decide(exchange);
    CHECK_TRUE(host.runUntil([&] { return !a.asked.empty(); }));
    plugin.stop();
    CHECK_TRUE(exchange.outcome.has_value());
    faulted(RpcStatus::serverUnavailable, *exchange.outcome);
    LONGS_EQUAL(1, exchange.completions);
}

TEST(Relay, takesNoListUpAgainThatComesWhileItStops) {
    // Started and stopped at once, the finder's first list reaches the reactors after stop() more often than not.
    ScriptedHost& a = addHost();
    for (int i = 0; i < 20; ++i) {
        begin();
        plugin.stop();
        host.authorities.clear();
        const std::size_t connections = a.accepted;
        for (int turn = 0; turn < 20; ++turn)
            host.manual().turn(std::chrono::milliseconds(1));
        LONGS_EQUAL(connections, a.accepted);
    }
}

TEST(Relay, restsInEveryOtherMode) {
    host.present = Mode::lab;
    plugin.start();
    LONGS_EQUAL(0, host.authorities.size());
    LONGS_EQUAL(0, host.operations.size());
}

TEST(Relay, saysWhatIsWrongWithItsSettings) {
    host.settings["upstreams"] =
        std::vector<Json>{json({{"address", "kms-a"}, {"name", "x"}}), json({{"address", "kms-b"}, {"name", "x"}})};
    CHECK_THROWS(Fault, plugin.start());
}
