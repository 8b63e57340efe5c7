#include "answer.h"

#include "CppUTest/TestHarness.h"

#include "dns/system_names.h"
#include "test_query.h"

using namespace muster;
using namespace muster::publisher;
using Kind = Response::Kind;
using publisher::test::query;
using publisher::test::QueryShape;

namespace {

ResponderZone zone() {
    return {"corp.example",
            {{0, 100, 1688, "muster.a._vlmcs._tcp.corp.example"}, {10, 0, 1689, "kms-a.corp.example"}},
            "muster-01.corp.example",
            {{"muster.a._vlmcs._tcp.corp.example",
              {*dns::numericAddress("10.20.0.16"), *dns::numericAddress("2001:db8::16")}},
             {"kms-a.corp.example", {*dns::numericAddress("10.20.0.21")}}},
            std::chrono::seconds(1200),
            7};
}

Response ask(const QueryShape& shape, Carriage carriage = Carriage::udp) {
    return respond(query(shape), {zone()}, carriage);
}
unsigned octet(const Response& response, std::size_t at) {
    return std::to_integer<unsigned>(response.octets.at(at));
}
unsigned rcode(const Response& response) {
    return octet(response, 3) & 0x0FU;
}
unsigned count(const Response& response, std::size_t section) {  // 0 question to 3 additional
    return octet(response, 4 + 2 * section) << 8U | octet(response, 5 + 2 * section);
}
bool cut(const Response& response) {
    return (octet(response, 2) & 0x02U) != 0;
}
dns::Answer read(const Response& response, const char* name = "_vlmcs._tcp.corp.example",
                 dns::Type type = dns::Type::srv) {
    const auto answer = dns::readAnswer(response.octets, {name, type, 0x1234});
    CHECK(answer.has_value());
    return *answer;
}

}  // namespace

TEST_GROUP(ResponderAnswer){};

TEST(ResponderAnswer, givesTheRecordsWithTheAddressesThatLieInTheZone) {
    const Response response = ask({});
    CHECK(response.kind == Kind::answered);
    const dns::Answer answer = read(response);
    CHECK(answer.authoritative);
    CHECK_FALSE(answer.recursive);
    LONGS_EQUAL(1200, answer.ttl.count());
    LONGS_EQUAL(2, answer.services.size());
    STRCMP_EQUAL("muster.a._vlmcs._tcp.corp.example", answer.services[0].target.c_str());
    LONGS_EQUAL(100, answer.services[0].weight);
    LONGS_EQUAL(1689, answer.services[1].port);
    LONGS_EQUAL(2, answer.glue.size());     // kms-a is another zone's
    LONGS_EQUAL(0x85, octet(response, 2));  // QR, AA, RD given back
}

TEST(ResponderAnswer, repeatsTheQuestionAsItWasWritten) {
    const auto asked = query({.name = "_VLMCS._tcp.Corp.EXAMPLE"});
    const Response response = respond(asked, {zone()}, Carriage::udp);
    CHECK(response.kind == Kind::answered);
    CHECK(std::equal(asked.begin() + 12, asked.end(), response.octets.begin() + 12));
}

TEST(ResponderAnswer, isADelegatedZoneWithSoaAndNs) {
    const dns::Answer soa = read(ask({.type = 6}), "_vlmcs._tcp.corp.example", dns::Type::soa);
    STRCMP_EQUAL("_vlmcs._tcp.corp.example", soa.soa->zone.c_str());
    STRCMP_EQUAL("muster-01.corp.example", soa.soa->primary.c_str());
    LONGS_EQUAL(7, soa.soa->serial);
    const dns::Answer ns = read(ask({.type = 2}), "_vlmcs._tcp.corp.example", dns::Type::ns);
    LONGS_EQUAL(1, ns.nameServers.size());
    // Of a kind that is not there: none, with the SOA that says how long that may be believed.
    const Response none = ask({.type = 16});
    LONGS_EQUAL(0, rcode(none));
    LONGS_EQUAL(0, count(none, 1));
    LONGS_EQUAL(1, count(none, 2));
    LONGS_EQUAL(60, read(none, "_vlmcs._tcp.corp.example", static_cast<dns::Type>(16)).soa->minimum.count());
}

TEST(ResponderAnswer, knowsTheNamesBelowAndNoOthers) {
    const dns::Answer v4 = read(ask({.name = "muster.a._vlmcs._tcp.corp.example", .type = 1}),
                                "muster.a._vlmcs._tcp.corp.example", dns::Type::a);
    LONGS_EQUAL(1, v4.addresses.size());
    STRCMP_EQUAL("10.20.0.16", v4.addresses[0].host().c_str());
    const Response between = ask({.name = "a._vlmcs._tcp.corp.example", .type = 1});
    LONGS_EQUAL(0, rcode(between));  // there is something below it
    LONGS_EQUAL(0, count(between, 1));
    const Response nobody = ask({.name = "other._vlmcs._tcp.corp.example", .type = 1});
    LONGS_EQUAL(3, rcode(nobody));
    LONGS_EQUAL(1, count(nobody, 2));
    LONGS_EQUAL(3, rcode(ask({.name = "x.muster.a._vlmcs._tcp.corp.example"})));
}

TEST(ResponderAnswer, saysThatAWithdrawnRecordIsNotThere) {
    ResponderZone withdrawn = zone();
    withdrawn.services.clear();
    const Response response = respond(query(), {withdrawn}, Carriage::udp);
    LONGS_EQUAL(0, rcode(response));
    LONGS_EQUAL(0, count(response, 1));
    LONGS_EQUAL(1, count(response, 2));
}

TEST(ResponderAnswer, refusesEverythingElse) {
    for (const QueryShape& shape : std::vector<QueryShape>{{.name = "corp.example"},
                                                           {.name = "_tcp.corp.example"},
                                                           {.name = "www.example.net", .type = 1},
                                                           {.name = "x_vlmcs._tcp.corp.example"},
                                                           {.name = ""},
                                                           {.type = 252},  // AXFR
                                                           {.type = 251},  // IXFR
                                                           {.name = "version.bind", .type = 16, .of = 3},
                                                           {.of = 255}}) {
        const Response response = ask(shape);
        CHECK(response.kind == Kind::refused);
        LONGS_EQUAL(5, rcode(response));
        LONGS_EQUAL(0, count(response, 1) + count(response, 2) + count(response, 3));
    }
}

TEST(ResponderAnswer, neverAnswersAnAnswer) {
    CHECK(ask({.flags = 0x8180}).kind == Kind::dropped);
    for (const QueryShape& shape : std::vector<QueryShape>{{}, {.name = "example.net"}, {.flags = 0x2800}})
        CHECK(respond(ask(shape).octets, {zone()}, Carriage::udp).kind == Kind::dropped);
}

TEST(ResponderAnswer, takesNoUpdatesAndNoNotifies) {
    for (const unsigned flags : {0x2800U, 0x2000U}) {  // UPDATE, NOTIFY
        const Response response = ask({.flags = flags});
        LONGS_EQUAL(4, rcode(response));
        LONGS_EQUAL(12, response.octets.size());
    }
}

TEST(ResponderAnswer, saysSoWhereAQueryCannotBeRead) {
    const auto whole = query({.edns = 1232});
    for (std::size_t size = 0; size < whole.size(); ++size) {
        const Response response = respond(Octets(whole).first(size), {zone()}, Carriage::udp);
        if (size < 12) {
            CHECK(response.kind == Kind::dropped);
            continue;
        }
        CHECK(response.kind == Kind::malformed);
        LONGS_EQUAL(1, rcode(response));
        LONGS_EQUAL(12, response.octets.size());
    }
    const auto malformed = [&](std::vector<std::byte> message) {
        return respond(message, {zone()}, Carriage::udp).kind == Kind::malformed;
    };
    auto more = whole;
    more.push_back({});
    CHECK(malformed(more));
    auto pointer = query();
    pointer[12] = std::byte{0xC0};  // to itself
    pointer[13] = std::byte{12};
    CHECK(malformed(pointer));
    auto two = query();
    two[5] = std::byte{2};
    CHECK(malformed(two));
    auto many = query();
    many[6] = many[7] = std::byte{0xFF};
    CHECK(malformed(many));
    auto twice = whole;  // two OPT
    twice.insert(twice.end(), whole.end() - 11, whole.end());
    twice[11] = std::byte{2};
    CHECK(malformed(twice));
    CHECK(malformed(query({.name = std::string(64, 'a')})));
    std::string endless;
    for (int i = 0; i < 130; ++i)
        endless += "a.";
    CHECK(malformed(query({.name = endless + "_vlmcs._tcp.corp.example"})));
}

TEST(ResponderAnswer, speaksEdns) {
    const Response plain = ask({});
    const Response edns = ask({.edns = 4096});
    LONGS_EQUAL(count(plain, 3) + 1, count(edns, 3));
    const Response wrong = ask({.edns = 1232, .version = 1});
    CHECK(wrong.kind == Kind::other);
    CHECK(read(wrong).rcode == dns::Rcode::badVersion);
}

TEST(ResponderAnswer, isCutWhereItIsTooLongForADatagram) {
    ResponderZone large = zone();
    large.services.clear();
    for (int i = 0; i < 40; ++i)
        large.services.push_back({0, 0, 1688, "a-kms-host-with-a-long-name-" + std::to_string(i) + ".corp.example"});
    const auto size = [&](const QueryShape& shape, Carriage carriage) {
        const Response response = respond(query(shape), {large}, carriage);
        CHECK(cut(response) == (count(response, 1) == 0));
        return response.octets.size();
    };
    CHECK(cut(respond(query({}), {large}, Carriage::udp)));
    CHECK(size({}, Carriage::udp) <= 512);
    CHECK(size({.edns = 65535}, Carriage::udp) <= dns::kUdpPayload);
    LONGS_EQUAL(kMaxAnswered, read(respond(query({}), {large}, Carriage::tcp)).services.size());
    // What slips through rate limiting is no larger than what was sent.
    LONGS_EQUAL(query({}).size(), size({}, Carriage::cut));
    LONGS_EQUAL(query({.edns = 1232}).size(), size({.edns = 1232}, Carriage::cut));
}

TEST(ResponderAnswer, knowsNoKeys) {
    auto message = query();
    message[11] = std::byte{1};
    for (const unsigned octet : {0U, 0U, 250U, 0U, 255U, 0U, 0U, 0U, 0U, 0U, 0U})
        message.push_back(static_cast<std::byte>(octet));
    LONGS_EQUAL(9, rcode(respond(message, {zone()}, Carriage::udp)));
}
