#include "system/texts.h"

#include <string>

#include "CppUTest/TestHarness.h"

#include "system/test_values.h"

using namespace muster;
using namespace muster::system;

namespace {
const std::string kHead = "# Written by musterd-system from the settings of the box; changes here are lost.\n";
}

TEST_GROUP(SystemTexts){};

TEST(SystemTexts, aFixedAddressIsAFileForNetworkd) {
    const Texts files = networkFiles(test::network());
    LONGS_EQUAL(1, files.size());
    STRCMP_EQUAL((kHead + "[Match]\nName=eth0\n\n"
                          "[Network]\nDHCP=ipv6\nIPv6AcceptRA=yes\nLinkLocalAddressing=ipv6\n"
                          "Address=10.0.0.7/24\nGateway=10.0.0.1\n\n"
                          "[DHCPv4]\nUseDNS=no\n\n[DHCPv6]\nUseDNS=no\n\n[IPv6AcceptRA]\nUseDNS=no\n")
                     .c_str(),
                 files.at("10-muster-eth0.network").c_str());
}

TEST(SystemTexts, whatIsOffIsNotAskedFor) {
    NetworkSettings settings{{{"eth1", Addressing::automatic, Addressing::off, {}, {}, {}}}, {}, {}};
    STRCMP_EQUAL(
        (kHead + "[Match]\nName=eth1\n\n[Network]\nDHCP=ipv4\nIPv6AcceptRA=no\nLinkLocalAddressing=no\n").c_str(),
        networkFiles(settings).at("10-muster-eth1.network").c_str());
    settings.ports[0].ipv6 = Addressing::automatic;
    STRCMP_CONTAINS("DHCP=yes\n", networkFiles(settings).begin()->second.c_str());
}

TEST(SystemTexts, withoutPortsTheImagesOwnFilesHold) {
    CHECK(networkFiles({}).empty());
    CHECK(resolvedFiles({}).empty());
    CHECK(timesyncFiles({}).empty());
}

TEST(SystemTexts, namedServersLeaveNoRoomForOthers) {
    STRCMP_EQUAL((kHead + "[Resolve]\nDNS=10.0.0.53 2001:db8::53\nFallbackDNS=\nDomains=corp.example\n").c_str(),
                 resolvedFiles(test::network()).at("muster.conf").c_str());
    STRCMP_EQUAL((kHead + "[Time]\nNTP=ntp.corp.example 10.0.0.1\nFallbackNTP=\n").c_str(),
                 timesyncFiles(test::time()).at("muster.conf").c_str());
}

TEST(SystemTexts, theRulesetDropsAllThatIsNotOpen) {
    const std::string text = ruleset(test::open());
    STRCMP_CONTAINS("table inet muster\ndelete table inet muster\ntable inet muster {\n", text.c_str());
    STRCMP_CONTAINS("hook input priority filter; policy drop;\n", text.c_str());
    STRCMP_CONTAINS("        tcp dport { 443, 1688 } accept\n        udp dport { 161 } accept\n", text.c_str());
    CHECK(ruleset({}).find(" tcp dport") == std::string::npos);
}
