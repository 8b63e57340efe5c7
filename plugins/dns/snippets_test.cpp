#include "snippets.h"

#include "CppUTest/TestHarness.h"

#include "dns/system_names.h"

using namespace muster;
using namespace muster::publisher;

TEST_GROUP(Snippets) {
    SnippetInput input;

    void setup() override {
        input.wish.domain = "corp.example";
        input.wish.target = "muster-01.corp.example";
        input.wish.port = 1688;
        input.wish.priority = 5;
        input.wish.weight = 70;
        input.wish.ttl = std::chrono::minutes(20);
        input.wish.key = "muster-update";
        input.zone = "corp.example";
        input.algorithm = "hmac-sha512";
    }
    void has(const char* server, std::initializer_list<const char*> lines) const {
        const std::string text = snippetFor(server, input);
        for (const char* line : lines)
            STRCMP_CONTAINS(line, text.c_str());
    }
};

TEST(Snippets, haveTheExactRecordForEachServer) {
    const char* const line = "_vlmcs._tcp.corp.example. 1200 IN SRV 5 70 1688 muster-01.corp.example.";
    has("bind", {line, "grant muster-update name _vlmcs._tcp.corp.example. SRV;", "algorithm hmac-sha512"});
    has("knot", {"knotc zone-set corp.example _vlmcs._tcp.corp.example. 1200 SRV 5 70 1688 muster-01.corp.example.",
                 "update-owner-name: [_vlmcs._tcp]", "update-type: [SRV]", "algorithm: hmac-sha512"});
    has("powerdns", {"TSIG-ALLOW-DNSUPDATE muster-update", "allow-dnsupdate-from=", "dnsupdate=yes",
                     "pdnsutil add-record corp.example _vlmcs._tcp SRV 1200 \"5 70 1688 muster-01.corp.example.\""});
    has("unbound", {"local-data: \"_vlmcs._tcp.corp.example. 1200 IN SRV 5 70 1688 muster-01.corp.example.\""});
    has("dnsmasq", {"srv-host=_vlmcs._tcp.corp.example,muster-01.corp.example,1688,5,70\n"});
    has("windows", {"Add-DnsServerResourceRecord -Srv -ZoneName \"corp.example\" -Name \"_vlmcs._tcp\" -DomainName "
                    "\"muster-01.corp.example\" -Priority 5 -Weight 70 -Port 1688 -TimeToLive 00:20:00\n"});
}

TEST(Snippets, nameTheRecordRelativeToItsZone) {
    input.wish.domain = "branch.corp.example";
    has("windows", {"-ZoneName \"corp.example\" -Name \"_vlmcs._tcp.branch\""});
    input.zone = "_tcp.branch.corp.example";
    has("powerdns", {"add-record _tcp.branch.corp.example _vlmcs SRV"});
}

TEST(Snippets, haveAddressesWhereTheyArePublished) {
    input.wish.addresses = {*dns::numericAddress("192.0.2.7"), *dns::numericAddress("2001:db8::7")};
    has("bind", {"grant muster-update name muster-01.corp.example. A AAAA;",
                 "muster-01.corp.example. 1200 IN AAAA 2001:db8::7"});
    has("knot", {"update-type: [SRV, A, AAAA]"});
    has("dnsmasq", {"host-record=muster-01.corp.example,2001:db8::7\n"});
    has("windows", {"Add-DnsServerResourceRecordAAAA", "-IPv4Address \"192.0.2.7\""});
}
