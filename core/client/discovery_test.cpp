#include "client/discovery.h"

#include "CppUTest/TestHarness.h"

#include "dns/test/test_message.h"
#include "dns/test/test_server.h"

using namespace muster;
using namespace muster::client;
using dns::test::Message;
using dns::test::Octetses;
using dns::test::Query;
using dns::test::Server;

namespace {

Octetses sent(const Message& message) {
    return {{message.octets().begin(), message.octets().end()}};
}

/// A name server whose every answer has these flags (RFC 1035 4.1.1) and no record.
Octetses bare(const Query& query, unsigned flags) {
    return sent(Message(query.question).flags(flags));
}

Octetses zone(const Query& query) {
    Message message(query.question);
    if (query.question.name == "_vlmcs._tcp.example.org" && query.question.type == dns::Type::srv)
        message.srv(10, 20, 11688, "KMS.example.org", 3600).srv(0, 0, 1688, "other.example.org", 3600);
    else if (query.question.name == "kms.example.org" && query.question.type == dns::Type::a)
        message.a("kms.example.org", "192.0.2.7", 60);
    else if (query.question.name != "kms.example.org")
        message.flags(0x8183);
    return sent(message);
}

void failsWith(std::uint32_t code, const Server& server) {
    const auto records = SrvLookup("example.org", server.address())();
    CHECK(!records.has_value());
    LONGS_EQUAL(code, static_cast<std::uint32_t>(records.error().code));
    STRCMP_CONTAINS("_vlmcs._tcp.example.org", records.error().detail.c_str());
}

}  // namespace

TEST_GROUP(Endpoint){};

TEST(Endpoint, readsNamesAndAddressesWithAndWithoutPorts) {
    CHECK((*Endpoint::parse("kms.example.org") == Endpoint{"kms.example.org", 1688}));
    CHECK((*Endpoint::parse("kms:11688") == Endpoint{"kms", 11688}));
    CHECK((*Endpoint::parse("127.0.0.1:1") == Endpoint{"127.0.0.1", 1}));
    CHECK((*Endpoint::parse("[::1]:11688") == Endpoint{"::1", 11688}));
    CHECK((*Endpoint::parse("::1") == Endpoint{"::1", 1688}));
    STRCMP_EQUAL("[::1]:1688", Endpoint::parse("::1")->text().c_str());
}

TEST(Endpoint, refusesWhatIsNone) {
    for (const char* text : {"", ":1688", "host:", "host:0", "host:65536", "host:1x", "[::1", "[::1]1688", "[kms]:1688",
                             "a b", "kms;ls", "1:2:3"})
        CHECK_FALSE_TEXT(Endpoint::parse(text).has_value(), text);
}

TEST_GROUP(NameServer){};

TEST(NameServer, isAskedForTheRecordsOfTheDomain) {
    const Server server(zone);
    const auto records = SrvLookup("example.org", server.address())();
    CHECK(records.has_value());
    CHECK(
        (*records == std::vector<dns::Service>{{0, 0, 1688, "other.example.org"}, {10, 20, 11688, "kms.example.org"}}));
    LONGS_EQUAL(1, server.queries().size());
}

TEST(NameServer, isAskedForTheAddressesOfTheHostsAsWell) {
    const Server server(zone);
    const SrvLookup lookup("example.org", server.address());
    const auto addresses = lookup.addresses("kms.example.org");
    CHECK(addresses.has_value());
    LONGS_EQUAL(1, addresses->size());
    STRCMP_EQUAL("192.0.2.7", addresses->front().host().c_str());
    CHECK(!lookup.addresses("gone.example.org").has_value());
    for (const Query& query : server.queries())
        CHECK(query.question.name == "kms.example.org" || query.question.name == "gone.example.org");
}

TEST(NameServer, thatKnowsNoSuchNameGivesWindowsErrorForIt) {
    const Server server([](const Query& query) { return bare(query, 0x8183); });
    failsWith(0x8007232B, server);
}

TEST(NameServer, thatHasTheNameWithoutRecordsGivesWindowsErrorForThat) {
    const Server server([](const Query& query) { return bare(query, 0x8180); });
    failsWith(0x8007251D, server);
}

TEST(NameServer, thatSaysThatNobodyOffersKmsGivesTheErrorForNoRecords) {
    const Server server([](const Query& query) { return sent(Message(query.question).srv(0, 0, 0, "", 60)); });
    failsWith(0x8007251D, server);
}

TEST(NameServer, thatFailsOrRefusesGivesWindowsErrorForThat) {
    for (const unsigned flags : {0x8182U, 0x8185U}) {
        const Server server([&](const Query& query) { return bare(query, flags); });
        failsWith(0x8007232A, server);
    }
}
