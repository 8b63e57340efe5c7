#include "publish/zones.h"

#include "CppUTest/TestHarness.h"

#include "publish/fake_world.h"

using namespace muster;
using namespace muster::publisher;
using muster::publisher::test::FakeWorld;

namespace {
const std::string kOwner = "_vlmcs._tcp.corp.example";
}  // namespace

TEST_GROUP(Zones) {
    FakeWorld world;

    Zoned find(const std::string& name, const std::string& zone = "", const std::string& server = "") {
        return findZone(name, zone, server, world, [] { return false; });
    }
    void fails(const Zoned& zone, const char* code, const char* words) {
        CHECK_FALSE(zone.has_value());
        STRCMP_EQUAL(code, zone.error().code.c_str());
        STRCMP_CONTAINS(words, zone.error().sentence.c_str());
        CHECK_TRUE(zone.error().hresult >> 16 == 0x8007);
    }
};

TEST(Zones, findsZonePrimaryAndNameServers) {
    const auto zone = find(kOwner);
    CHECK_TRUE(zone.has_value());
    STRCMP_EQUAL("corp.example", zone->apex.c_str());
    LONGS_EQUAL(2, zone->servers.size());
    CHECK_TRUE(zone->primary().primary);
    STRCMP_EQUAL("ns1.corp.example (192.0.2.1)", zone->primary().text().c_str());
    STRCMP_EQUAL("ns2.corp.example (192.0.2.2)", zone->servers[1].text().c_str());
}

TEST(Zones, findsTheInnermostZone) {
    world.soas["_tcp.corp.example"] = {"_tcp.corp.example", "ns2.corp.example", 1, {}, {}};
    const auto zone = find(kOwner);
    CHECK_TRUE(zone.has_value());
    STRCMP_EQUAL("_tcp.corp.example", zone->apex.c_str());
    STRCMP_EQUAL("ns2.corp.example", zone->primary().name.c_str());
}

TEST(Zones, takesAHiddenPrimaryAlong) {
    world.soas["corp.example"].primary = "hidden.corp.example";
    world.hosts["hidden.corp.example"] = {"192.0.2.1"};
    world.primary().nameServers = {"ns2.corp.example", "ns3.corp.example"};
    const auto zone = find(kOwner);
    CHECK_TRUE(zone.has_value());
    LONGS_EQUAL(3, zone->servers.size());
    STRCMP_EQUAL("hidden.corp.example", zone->servers[0].name.c_str());
    CHECK_TRUE(zone->servers[2].addresses.empty());
    STRCMP_CONTAINS("no address", zone->servers[2].problem.c_str());
}

TEST(Zones, neverWritesToTheRootOrToATopLevelDomain) {
    world.soas = {{".", {".", "a.root-servers.example", 1, {}, {}}}};
    fails(find("_vlmcs._tcp.corp.local"), "no-zone", "dns.resolvers");
    world.soas = {{"local", {"local", "ns1.corp.example", 1, {}, {}}}};
    fails(find("_vlmcs._tcp.corp.local"), "no-zone", "far above it");
}

TEST(Zones, saysThatThePrimaryIsNotToBeFoundFromHere) {
    world.soas["corp.example"].primary = "dc1.inside.example";
    fails(find(kOwner), "primary-unknown", "dc1.inside.example");
    world.soas["corp.example"].primary = "";
    fails(find(kOwner), "no-primary", "\"server\"");
}

TEST(Zones, saysThatNoResolverAnswers) {
    world.resolversDead = true;
    fails(find(kOwner), "resolver-timeout", "No resolver answers");
}

TEST(Zones, asksNobodyElseWhereTheServerIsGivenByAddress) {
    world.resolversDead = true;
    world.soas["corp.example"].primary = "ns9.corp.example";
    world.servers["192.0.2.9:5353"].nameServers = {"ns9.corp.example"};
    world.hosts = {{"ns9.corp.example", {"192.0.2.9"}}};
    const auto zone = find(kOwner, "", "192.0.2.9:5353");
    CHECK_TRUE(zone.has_value());
    STRCMP_EQUAL("corp.example", zone->apex.c_str());
    LONGS_EQUAL(1, zone->servers.size());  // NS names the same machine: it is asked at the port given
    STRCMP_EQUAL("ns9.corp.example (192.0.2.9:5353)", zone->primary().text().c_str());
}

TEST(Zones, takesAGivenZoneAtItsWord) {
    const auto zone = find(kOwner, "corp.example", "192.0.2.1");
    CHECK_TRUE(zone.has_value());
    fails(find(kOwner, "other.example", "192.0.2.1"), "outside-zone", "\"zone\"");
    fails(find(kOwner, "_tcp.corp.example"), "no-zone", "no SOA");
}

TEST(Zones, saysThatTheGivenServerServesNoSuchZone) {
    world.primary().zone = "other.example";
    fails(find(kOwner, "", "192.0.2.1"), "not-served", "\"server\" is wrong");
    world.primary().dead = true;
    fails(find(kOwner, "", "192.0.2.1"), "timeout", "does not answer");
    fails(find(kOwner, "", "nowhere.example"), "no-name", "nowhere.example");
}

TEST(Zones, readsServersAsPeopleWriteThem) {
    struct Row {
        const char* text;
        const char* host;
        int port;
    };
    for (const Row& row :
         {Row{"ns1.corp.example", "ns1.corp.example", 53}, Row{"NS1.corp.example:5353", "ns1.corp.example", 5353},
          Row{"192.0.2.1", "192.0.2.1", 53}, Row{"192.0.2.1:5353", "192.0.2.1", 5353},
          Row{"2001:db8::1", "2001:db8::1", 53}, Row{"[2001:db8::1]:5353", "2001:db8::1", 5353}}) {
        const auto read = parseServer(row.text);
        CHECK_TRUE(read.has_value());
        STRCMP_EQUAL(row.host, read->host.c_str());
        LONGS_EQUAL(row.port, read->port);
    }
    for (const char* text : {"", ":53", "ns1:", "ns1:0", "ns1:65536", "ns1:5x", "a b", "192.0.2.1:0", "ns1;id"})
        CHECK_FALSE(parseServer(text).has_value());
}
