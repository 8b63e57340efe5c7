#include <algorithm>
#include <filesystem>
#include <fstream>
#include <thread>

#include "CppUTest/TestHarness.h"

#include "muster/test/fake_host.h"

#include "events.h"

using namespace muster;
using namespace muster::publisher;

MUSTER_PLUGIN_UNDER_TEST(dns);

TEST_GROUP(Dns) {
    test::FakeHost host;
    test::Running plugin{muster_plugin_dns, host};

    void setup() override {
        host.present = Mode::relay;
        // Nobody answers there: discard, on loopback.
        host.settings["resolvers"] = std::vector<std::string>{"127.0.0.1:9"};
        host.settings["domains"] = std::vector<Json>{json({{"domain", "corp.example"},
                                                           {"target", "muster-01.corp.example"},
                                                           {"zone", "corp.example"},
                                                           {"server", "127.0.0.1:9"},
                                                           {"key", "muster-update"}})};
    }
    Json answer(std::string_view method, std::string_view path, const Json& params = {}) {
        auto reply = host.call(method, path, params);
        if (!reply)
            UT_PRINT(reply.error().text().c_str());
        CHECK_TRUE(reply.has_value());
        return reply->body;
    }
    std::string shown(const char* member) {
        const Json body = answer("GET", "/dns/domains/corp.example");
        const Json* const value = body.find(member);
        return value != nullptr && value->string() != nullptr ? *value->string() : "";
    }
    bool becomes(const char* member, const char* wanted) {
        return host.runUntil([&] { return shown(member) == wanted; });
    }
};

TEST(Dns, restsUntilItIsToldToPublish) {
    plugin.start();
    STRCMP_EQUAL("resting", shown("state").c_str());
    STRCMP_CONTAINS("dns.publish", shown("why").c_str());
    const auto reply = host.call("POST", "/dns/publish");
    CHECK(Code::conflict == reply.error().code);
}

TEST(Dns, aLaboratoryPublishesOnlyWhenItIsToldTo) {
    host.present = Mode::lab;
    host.settings["publish"] = true;
    plugin.start();
    STRCMP_EQUAL("resting", shown("state").c_str());
    STRCMP_CONTAINS("LAB", shown("why").c_str());
    const auto plan = host.call("GET", "/dns/plan");
    CHECK_TRUE(plan.has_value());
    STRCMP_CONTAINS("LAB", plan->text.c_str());
}

TEST(Dns, publishesNothingWithoutAMode) {
    host.present = Mode::none;
    host.settings["publish"] = true;
    plugin.start();
    STRCMP_EQUAL("resting", shown("state").c_str());
}

TEST(Dns, failsWithWordsAndSaysSoEverywhere) {
    host.settings["publish"] = true;
    CHECK_TRUE(host.listenSocket(*Address::parse("127.0.0.1:0")).has_value());
    plugin.start();
    CHECK_TRUE(becomes("state", "failed"));
    CHECK_TRUE(host.runUntil([&] { return host.raised(kPublishingFailed) > 0 && !host.troubled().empty(); }));
    STRCMP_CONTAINS("corp.example is not published", host.troubled().front().c_str());
    const auto events = host.events();
    const auto failed =
        std::find_if(events.begin(), events.end(), [](const auto& one) { return one.id == kPublishingFailed; });
    STRCMP_EQUAL("corp.example", failed->fields.find("domain")->string()->c_str());
    STRNCMP_EQUAL("0x8007", failed->fields.find("info")->string()->c_str(), 6);
    CHECK_FALSE(failed->fields.find("reason")->string()->empty());
    // While an attempt is under way there is no next one.
    CHECK_TRUE(host.runUntil([&] { return !shown("nextAttempt").empty(); }));
    CHECK_TRUE(host.runUntil([&] { return host.number("dns_domains_failing") == 1; }));
}

TEST(Dns, takesAKeyAndNeverShowsItsSecret) {
    plugin.start();
    const std::string secret = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    answer("POST", "/dns/keys", json({{"name", "Muster-Update"}, {"file", secret}, {"algorithm", "hmac-sha512"}}));
    LONGS_EQUAL(1, host.raised(kKeyChanged));
    for (const auto& event : host.events())
        for (const auto& [name, value] : *event.fields.object())
            CHECK_TRUE(value.string() == nullptr || value.string()->find("AAEC") == std::string::npos);
    const Json keys = answer("GET", "/dns/keys");
    const Json& key = keys.find("items")->array()->front();
    STRCMP_EQUAL("muster-update", key.find("name")->string()->c_str());
    STRCMP_EQUAL("hmac-sha512", key.find("algorithm")->string()->c_str());
    STRCMP_EQUAL("corp.example", key.find("usedBy")->array()->front().string()->c_str());
    const auto wrong =
        host.call("POST", "/dns/keys", json({{"name", "k"}, {"file", "AAECAwQ"}, {"algorithm", "hmac-sha256"}}));
    CHECK(Code::malformed == wrong.error().code);
    CHECK_TRUE(wrong.error().text().find("AAEC") == std::string::npos);
    answer("DELETE", "/dns/keys/muster-update");
    CHECK_TRUE(answer("GET", "/dns/keys").find("items")->array()->empty());
}

TEST(Dns, withdrawsWhenAPersonSaysSoAlthoughPublishingIsOff) {
    plugin.start();
    CHECK_TRUE(host.call("POST", "/dns/withdraw", json({{"domain", "corp.example"}})).has_value());
    LONGS_EQUAL(1, host.raised(kWithdrawn));
    CHECK_TRUE(std::filesystem::exists(host.stateDirectory() + "/withdrawn"));
    CHECK_TRUE(host.runUntil([&] { return shown("why").find("127.0.0.1:9") != std::string::npos; }));
    STRCMP_EQUAL("withdrawing", shown("state").c_str());
}

TEST(Dns, hasSnippetsForEveryServer) {
    plugin.start();
    for (const char* server : {"bind", "knot", "powerdns", "unbound", "dnsmasq", "windows"}) {
        const auto reply = host.call("GET", "/dns/snippets", json({{"server", server}}));
        CHECK_TRUE(reply.has_value());
        STRCMP_CONTAINS("muster-01.corp.example", reply->text.c_str());
    }
}

TEST(Dns, knowsNoOtherDomain) {
    plugin.start();
    for (const char* path : {"/dns/publish", "/dns/withdraw", "/dns/check"}) {
        host.settings["publish"] = true;
        CHECK_FALSE(host.call("POST", path, json({{"domain", "other.example"}})).has_value());
    }
    CHECK(Code::missing == host.call("GET", "/dns/domains/other.example").error().code);
}

TEST(Dns, refusesToStartOnSettingsThatCannotBe) {
    host.settings["domains"] = std::vector<Json>{json({{"domain", "corp example"}})};
    CHECK_THROWS(Fault, plugin.start());
}

TEST(Dns, showsWhatStandsThereAndWhatAClientSees) {
    plugin.start();
    CHECK_TRUE(answer("GET", "/dns/history").find("items")->array() != nullptr);
    const auto row = [&]() -> const Json* {
        static Json body;
        body = answer("GET", "/dns/targets");
        const Json::Array& items = *body.find("items")->array();
        return items.empty() ? nullptr : &items.front();
    };
    CHECK_TRUE(host.runUntil([&] { return row() != nullptr; }));
    STRCMP_EQUAL("unknown", row()->find("verdict")->string()->c_str());  // nobody answers: nothing is concluded
    CHECK_FALSE(row()->find("evidence")->string()->empty());
    const Json view = answer("POST", "/dns/view", json({{"as", "vista"}}));
    CHECK_FALSE(*view.find("finds")->boolean());
    CHECK_FALSE(view.find("conclusion")->string()->empty());
    const auto text = host.call("POST", "/dns/discover", json({{"as", "win7"}}));
    CHECK_TRUE(text.has_value());
    STRCMP_CONTAINS("corp.example", text->text.c_str());
}

TEST(Dns, saysThatTheRespondersAddressIsTaken) {
    const auto taken = host.listenSocket(*Address::parse("127.0.0.1:0"));
    CHECK_TRUE(taken.has_value());
    host.settings["responder-addresses"] = std::vector<std::string>{host.bound().text()};
    plugin.start();
    CHECK_TRUE(host.runUntil([&] { return !host.troubled().empty(); }));
    STRCMP_CONTAINS("the responder does not answer on", host.troubled().front().c_str());
}
