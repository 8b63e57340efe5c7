#include "settings.h"

#include "CppUTest/TestHarness.h"

#include "muster/test/fake_host.h"

#include "this_machine.h"

using namespace muster;
using namespace muster::publisher;

MUSTER_PLUGIN_UNDER_TEST(dns);

TEST_GROUP(DnsSettings) {
    test::FakeHost host;

    void setup() override {
        host.adopt(muster_plugin_dns);
    }
    Result<Config> with(std::initializer_list<Json::Member> domain) {
        host.settings["domains"] = std::vector<Json>{json(domain)};
        return readConfig(host);
    }
    void refuses(const Result<Config>& config, const char* words) {
        CHECK_FALSE(config.has_value());
        CHECK(Code::malformed == config.error().code);
        STRCMP_CONTAINS(words, config.error().text().c_str());
    }
};

TEST(DnsSettings, publishNothingByDefault) {
    const auto config = readConfig(host);
    CHECK_TRUE(config.has_value());
    CHECK_FALSE(config->publish);
    CHECK_FALSE(config->withdrawOnStop);
    CHECK_FALSE(config->publishLab);
    CHECK_TRUE(config->domains.empty());
    CHECK_TRUE(config->responderAddresses.empty());
    LONGS_EQUAL(86'400, config->refreshInterval.count());
}

TEST(DnsSettings, takeADomainWithItsDefaults) {
    const auto config = with({{"domain", "Corp.Example."}});
    CHECK_TRUE(config.has_value());
    const DomainSetting& domain = config->domains.at(0);
    STRCMP_EQUAL("corp.example", domain.wish.domain.c_str());
    CHECK_TRUE(domain.ownTarget);
    CHECK_TRUE(domain.ownPort);
    LONGS_EQUAL(0, domain.wish.priority);
    LONGS_EQUAL(100, domain.wish.weight);
    LONGS_EQUAL(3600, domain.wish.ttl.count());
    CHECK(Auth::none == domain.wish.auth);
    CHECK(Auth::tsig == with({{"domain", "corp.example"}, {"key", "k"}})->domains[0].wish.auth);
}

TEST(DnsSettings, refuseWhatDnsCouldNotCarry) {
    refuses(with({{"domain", "corp example"}}), "is no DNS name");
    refuses(with({{"domain", "corp.example"}, {"target", "muster-01"}}), "muster-01.corp.example");
    refuses(with({{"domain", "corp.example"}, {"zone", "other.example"}}), "no zone");
    refuses(with({{"domain", "corp.example"}, {"server", "ns1:x"}}), "neither HOST nor ADDRESS");
    refuses(with({{"domain", "corp.example"}, {"auth", "tsig"}}), "needs key");
    refuses(with({{"domain", "corp.example"}, {"auth", "none"}, {"key", "k"}}), "leave out one");
    refuses(with({{"domain", "corp.example"}, {"auth", "gss"}}), "gss-keytab");
    host.settings["domains"] =
        std::vector<Json>{json({{"domain", "corp.example"}}), json({{"domain", "CORP.example"}})};
    refuses(readConfig(host), "twice");
    host.settings.erase("domains");
    host.settings["gss-keytab"] = std::string("muster.keytab");
    refuses(readConfig(host), "absolute");
    host.settings.erase("gss-keytab");
    host.settings["own-addresses"] = std::vector<std::string>{"kms.example"};
    refuses(readConfig(host), "no address");
}

TEST(DnsSettings, takeFromTheMachineWhatTheyLeaveOpen) {
    host.settings["domains"] =
        std::vector<Json>{json({{"domain", "corp.example"}, {"addresses", true}}),
                          json({{"domain", "branch.example"}, {"target", "kms.branch.example"}, {"port", 1700}})};
    const auto config = readConfig(host);
    Machine machine{"muster-01.corp.example", {*Address::parse("0.0.0.0:1689")}, {*Address::parse("192.0.2.7:0")}};
    std::string problem;
    auto wishes = wishesOf(*config, machine, problem);
    LONGS_EQUAL(2, wishes.size());
    STRCMP_EQUAL("muster-01.corp.example", wishes[0].target.c_str());
    LONGS_EQUAL(1689, wishes[0].port);
    LONGS_EQUAL(1, wishes[0].addresses.size());
    STRCMP_EQUAL("kms.branch.example", wishes[1].target.c_str());
    LONGS_EQUAL(1700, wishes[1].port);
    CHECK_TRUE(wishes[1].addresses.empty());
    CHECK_TRUE(problem.empty());
    machine.name = "muster-01";
    wishes = wishesOf(*config, machine, problem);
    LONGS_EQUAL(1, wishes.size());
    STRCMP_CONTAINS("\"muster-01\" has no domain", problem.c_str());
    STRCMP_CONTAINS("hostnamectl", problem.c_str());
}

TEST(DnsSettings, findTheFullNameInAHostsFile) {
    const char* const hosts =
        "127.0.0.1 localhost\n# 10.0.0.1 x.example x\n127.0.1.1\tMuster-01.corp.example muster-01\n";
    STRCMP_EQUAL("muster-01.corp.example", fullNameIn(hosts, "muster-01").c_str());
    STRCMP_EQUAL("", fullNameIn(hosts, "x").c_str());
    STRCMP_EQUAL("", fullNameIn(hosts, "localhost").c_str());
}

TEST(DnsSettings, publishNoAddressThatOthersCannotUse) {
    for (const char* text : {"127.0.0.1:0", "169.254.3.4:0", "0.0.0.0:0", "224.0.0.1:0", "[::1]:0", "[::]:0",
                             "[fe80::1]:0", "[ff02::1]:0"})
        CHECK_FALSE(isGlobal(*Address::parse(text)));
    for (const char* text : {"10.0.0.7:0", "192.0.2.7:0", "[2001:db8::7]:0", "[fd00::7]:0"})
        CHECK_TRUE(isGlobal(*Address::parse(text)));
}
