#include "system/settings.h"

#include <string>

#include "CppUTest/TestHarness.h"

#include "system/test_values.h"

using namespace muster;
using namespace muster::system;

namespace {

/// Fields of all that is wrong, with blanks between them.
template <class T>
std::string wrong(const T& settings) {
    std::string out;
    for (const Wrong& one : findings(settings))
        out += (out.empty() ? "" : " ") + one.field;
    return out;
}

}  // namespace

TEST_GROUP(SystemSettings) {
    NetworkSettings network = test::network();

    void isWrong(const char* fields) const {
        STRCMP_EQUAL(fields, wrong(network).c_str());
    }
};

TEST(SystemSettings, whatABoxHasIsGood) {
    isWrong("");
    network = {};
    isWrong("");
    STRCMP_EQUAL("", wrong(test::time()).c_str());
    STRCMP_EQUAL("", wrong(test::open()).c_str());
}

TEST(SystemSettings, aPortsNameHoldsNothingThatAFileOrAGlobWouldTake) {
    for (const char* name : {"", "lo", "eth*", "eth0 eth1", "eth0\nDHCP=yes", "../x", "-eth0", "!eth0",
                             "ethernet-number-1", "e/0", ".x"}) {
        network.ports[0].name = name;
        isWrong("ports[0].name");
    }
    for (const char* name : {"eth0", "enp0s31f6", "br-lan", "vlan.10", "0x"}) {
        network.ports[0].name = name;
        isWrong("");
    }
}

TEST(SystemSettings, anAddressIsOneThatAHostCanHave) {
    for (const char* text : {"0.0.0.0/24", "127.0.0.1/8", "224.0.0.1/24", "255.255.255.255/32", "10.0.0.0/24",
                             "10.0.0.255/24", "10.0.0.7/0"}) {
        network.ports[0].addresses = {*Prefix::parse(text)};
        network.ports[0].gateway4.reset();
        isWrong("ports[0].addresses[0]");
    }
    network.ports[0].ipv6 = Addressing::fixed;
    for (const char* text : {"::/64", "::1/128", "ff02::1/64"}) {
        network.ports[0].addresses = {*Prefix::parse("10.0.0.7/31"), *Prefix::parse(text)};
        isWrong("ports[0].addresses[1]");
    }
}

TEST(SystemSettings, onlyNumbersMakeAPrefix) {
    for (const char* text : {"10.0.0.7", "10.0.0.7/", "10.0.0.7/33", "10.0.0.7/+4", "10.0.0.7/4 ", "x/4",
                             "fe80::1%eth0/64", "10.0.0.7:1/24", "[::1]/64", "2001:db8::1/129", ""})
        CHECK_FALSE(Prefix::parse(text).has_value());
    STRCMP_EQUAL("2001:db8::7/64", Prefix::parse("2001:DB8::7/64")->text().c_str());
}

TEST(SystemSettings, fixedNeedsAnAddressAndOnlyFixedHasSome) {
    network.ports[0].addresses.clear();
    isWrong("ports[0].addresses ports[0].gateway4");
    network = test::network();
    network.ports[0].ipv4 = Addressing::automatic;
    isWrong("ports[0].addresses[0] ports[0].gateway4");
    network.ports[0] = {"eth0", Addressing::off, Addressing::off, {}, {}, {}};
    isWrong("ports[0].ipv4");
    network.ports[0].ipv4 = static_cast<Addressing>(3);
    isWrong("ports[0].ipv4");
}

TEST(SystemSettings, aGatewayIsWithinReach) {
    for (const char* text : {"10.0.1.1", "2001:db8::1", "0.0.0.0"}) {
        network.ports[0].gateway4 = parseAddress(text);
        isWrong("ports[0].gateway4");
    }
    network = test::network();
    network.ports[0].ipv6 = Addressing::fixed;
    network.ports[0].addresses.push_back(*Prefix::parse("2001:db8::7/64"));
    for (const char* text : {"fe80::1", "2001:db8::1"}) {
        network.ports[0].gateway6 = parseAddress(text);
        isWrong("");
    }
    network.ports[0].gateway6 = parseAddress("2001:db8:0:1::1");
    isWrong("ports[0].gateway6");
}

TEST(SystemSettings, nothingIsThereTwice) {
    network.ports.push_back(network.ports[0]);
    isWrong("ports[1].name");
    network = test::network();
    network.ports[0].addresses.push_back(network.ports[0].addresses[0]);
    isWrong("ports[0].addresses[1]");
}

TEST(SystemSettings, listsHaveBounds) {
    network.nameServers.assign(kMaxNameServers + 1, *parseAddress("10.0.0.53"));
    network.domains.assign(kMaxDomains + 1, "corp.example");
    isWrong("nameServers domains");
    OpenPorts ports;
    for (std::uint16_t port = 1; port <= kMaxOpen + 1; ++port)
        ports.tcp.push_back(port);
    STRCMP_EQUAL("tcp", wrong(ports).c_str());
}

TEST(SystemSettings, namesAreNames) {
    for (const char* name : {"", ".", "a..b", "-a", "a-", "a b", "a\nb", "a.", "b\xc3\xbc", "a_b", "~corp"}) {
        CHECK_FALSE(isHostName(name));
        network.domains = {name};
        isWrong("domains[0]");
        STRCMP_EQUAL("servers[0]", wrong(TimeSettings{true, {name}, "UTC"}).c_str());
    }
    CHECK(isHostName("a") && isHostName("ntp-1.corp.example") && isHostName(std::string(63, 'a')));
    CHECK_FALSE(isHostName(std::string(64, 'a')));
    STRCMP_EQUAL("servers[0]", wrong(TimeSettings{true, {"127.0.0.1"}, "UTC"}).c_str());
}

TEST(SystemSettings, aHostNameIsInLowerCaseAndNotLocalhost) {
    CHECK(hostnameFindings("kms-1.corp.example").empty());
    for (const std::string& name : {std::string("KMS"), std::string("localhost"), std::string(), std::string("-x"),
                                    std::string(32, 'a') + "." + std::string(32, 'a')})
        LONGS_EQUAL(1, hostnameFindings(name).size());
}

TEST(SystemSettings, aZoneIsNoPath) {
    for (const char* zone : {"UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires", "Etc/GMT+1"})
        CHECK(isZone(zone));
    for (const char* zone :
         {"", "/etc/passwd", "../../etc/passwd", "Europe/", "Europe//Berlin", "a/b/c/d", "Eur ope", ".", "a/.x"})
        CHECK_FALSE(isZone(zone));
}

TEST(SystemSettings, openPortsAscendWithoutZero) {
    STRCMP_EQUAL("tcp[0] tcp[2] udp[1]", wrong(OpenPorts{{0, 443, 443}, {161, 53}}).c_str());
}
