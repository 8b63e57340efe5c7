#include "dns/message.h"

#include "CppUTest/TestHarness.h"

#include "dns/system_names.h"
#include "dns/test/test_message.h"

using namespace muster;
using namespace muster::dns;
using muster::dns::test::Message;

namespace {

const Question kServices{"_vlmcs._tcp.example.org", Type::srv, 0x1234};
const Question kAddress{"kms.example.org", Type::a, 0x1234};

Result<Answer> read(const Message& message, const Question& question) {
    return readAnswer(message.octets(), question);
}

Code errorOf(const Message& message, const Question& question) {
    const auto answer = read(message, question);
    return answer ? Code::internal : answer.error().code;
}

}  // namespace

TEST_GROUP(DnsMessage){};

TEST(DnsMessage, writesAQuestionWithItsIdAndWhatItCanTake) {
    const auto message = encodeQuestion(kServices, true);
    CHECK(message.has_value());
    const auto octet = [&](std::size_t at) { return std::to_integer<unsigned>(message->at(at)); };
    LONGS_EQUAL(0x12, octet(0));
    LONGS_EQUAL(0x34, octet(1));
    LONGS_EQUAL(0x01, octet(2));  // recursion desired, nothing else
    LONGS_EQUAL(1, octet(5));     // one question
    LONGS_EQUAL(1, octet(11));    // one OPT
    LONGS_EQUAL(12 + 25 + 4 + 11, message->size());
    LONGS_EQUAL(12 + 25 + 4, encodeQuestion(kServices, false)->size());
}

TEST(DnsMessage, readsServicesByPriorityWithTheirGlue) {
    Message message(kServices);
    message.srv(10, 5, 1689, "KMS2.Example.org", 600).srv(0, 0, 1688, "kms1.example.org", 3600);
    message.additional().a("kms1.example.org", "10.0.0.1", 300).a("stranger.example.org", "10.0.0.66", 1);
    const auto answer = read(message, kServices);
    CHECK(answer.has_value());
    LONGS_EQUAL(2, answer->services.size());
    STRCMP_EQUAL("kms1.example.org", answer->services[0].target.c_str());
    STRCMP_EQUAL("kms2.example.org", answer->services[1].target.c_str());
    LONGS_EQUAL(10, answer->services[1].priority);
    LONGS_EQUAL(5, answer->services[1].weight);
    LONGS_EQUAL(1689, answer->services[1].port);
    LONGS_EQUAL(1, answer->glue.size());
    STRCMP_EQUAL("10.0.0.1", answer->glue[0].address.host().c_str());
    LONGS_EQUAL(300, answer->ttl.count());
}

TEST(DnsMessage, followsAliasesAndSaysWhereTheyEnd) {
    Message whole(kAddress);
    whole.cname("kms.example.org", "host.example.org", 60).a("HOST.example.org", "10.0.0.1", 3600);
    const auto answer = read(whole, kAddress);
    LONGS_EQUAL(1, answer->addresses.size());
    LONGS_EQUAL(60, answer->ttl.count());

    Message half(kAddress);
    half.cname("kms.example.org", "host.example.net", 60);
    const auto rest = read(half, kAddress);
    CHECK(rest->addresses.empty());
    STRCMP_EQUAL("host.example.net", rest->name.c_str());
}

TEST(DnsMessage, doesNotGoRoundInACircleOfAliases) {
    Message message(kAddress);
    message.cname("kms.example.org", "a.example.org", 60)
        .cname("a.example.org", "b.example.org", 60)
        .cname("b.example.org", "kms.example.org", 60);
    CHECK(errorOf(message, kAddress) == Code::malformed);
}

TEST(DnsMessage, takesNothingThatBelongsToAnotherName) {
    Message message(kAddress);
    message.a("other.example.org", "10.0.0.66", 60).a("kms.example.org", "10.0.0.1", 60);
    const auto answer = read(message, kAddress);
    LONGS_EQUAL(1, answer->addresses.size());
    STRCMP_EQUAL("10.0.0.1", answer->addresses[0].host().c_str());
}

TEST(DnsMessage, knowsWhatIsNoAnswerToItsQuestion) {
    Question other = kServices;
    other.id = 0x4321;
    CHECK(errorOf(Message(other).srv(0, 0, 1, "a.b", 1), kServices) == Code::conflict);
    other = kServices;
    other.name = "_vlmcs._tcp.example.net";
    CHECK(errorOf(Message(other), kServices) == Code::conflict);
    other = kServices;
    other.type = Type::a;
    CHECK(errorOf(Message(other), kServices) == Code::conflict);
    CHECK(errorOf(Message(kServices).flags(0x0100), kServices) == Code::conflict);  // a query
    CHECK(errorOf(Message(kServices).flags(0xA980), kServices) == Code::conflict);  // an update's answer
    CHECK(readAnswer({}, kServices).error().code == Code::conflict);
}

TEST(DnsMessage, takesAnErrorWithoutQuestionFromAServerThatCouldNotReadIt) {
    const auto answer = read(Message(kServices).flags(0x8181).withoutQuestion(), kServices);
    CHECK(answer.has_value());
    CHECK(answer->rcode == Rcode::formatError);
    CHECK(errorOf(Message(kServices).flags(0x8180).withoutQuestion(), kServices) == Code::conflict);
}

TEST(DnsMessage, putsTheExtendedCodeTogether) {
    Message message(kServices);
    message.additional().opt(0x01000000U);
    CHECK(read(message, kServices)->rcode == Rcode::badVersion);
}

TEST(DnsMessage, leavesOutWhatNoClientCouldUse) {
    Message message(kServices);
    message.srv(0, 0, 0, "kms.example.org", 60)
        .srv(0, 0, 1688, "kms 1.example.org", 60)
        .srv(0, 0, 1688, "kms\x01.example.org", 60)
        .srv(0, 0, 1688, "good.example.org", 60);
    const auto answer = read(message, kServices);
    LONGS_EQUAL(1, answer->services.size());
    LONGS_EQUAL(3, answer->unusable);
}

TEST(DnsMessage, leavesOutAddressesThatAreNobodys) {
    Message message({"kms.example.org", Type::aaaa, 0x1234});
    for (const char* address : {"::", "ff02::1", "fe80::1", "2001:db8::1", "2001:db8::1"})
        message.aaaa("kms.example.org", address, 60);
    LONGS_EQUAL(1, read(message, {"kms.example.org", Type::aaaa, 0x1234})->addresses.size());
    Message v4(kAddress);
    for (const char* address : {"0.0.0.0", "224.0.0.1", "255.255.255.255", "10.0.0.1"})
        v4.a("kms.example.org", address, 60);
    LONGS_EQUAL(1, read(v4, kAddress)->addresses.size());
}

TEST(DnsMessage, knowsADomainThatDecidedlyHasNoService) {
    const auto answer = read(Message(kServices).srv(0, 0, 0, "", 60), kServices);
    CHECK(answer->noService);
    CHECK(answer->services.empty());
}

TEST(DnsMessage, usesSixtyFourOfManyRecordsTheMostWanted) {
    Message message(kServices);
    for (unsigned i = 0; i < 200; ++i)
        message.srv(static_cast<std::uint16_t>(200 - i), 0, 1688, "h" + std::to_string(i) + ".example.org", 60);
    const auto answer = read(message, kServices);
    LONGS_EQUAL(64, answer->services.size());
    LONGS_EQUAL(136, answer->surplus);
    LONGS_EQUAL(1, answer->services.front().priority);
    LONGS_EQUAL(64, answer->services.back().priority);
}

TEST(DnsMessage, refusesMoreRecordsThanAnybodyHas) {
    Message message(kServices);
    for (unsigned i = 0; i < 1025; ++i)
        message.srv(0, 0, 1688, "h", 60);
    CHECK(errorOf(message, kServices) == Code::malformed);
}

TEST(DnsMessage, asksWithoutRecursionWhereItIsNotWanted) {
    Question question = kServices;
    question.recursion = false;
    LONGS_EQUAL(0, std::to_integer<unsigned>(encodeQuestion(question, false)->at(2)));
    CHECK_FALSE(encodeQuestion({"example.org", Type::any, 1}, false).has_value());
}

TEST(DnsMessage, readsTheStartOfAZone) {
    const Question question{"example.org", Type::soa, 1};
    Message message(question);
    message.flags(0x8400).soa("Example.org", "NS1.example.org", 2026010101, 3600, 300);
    message.additional().a("ns1.example.org", "192.0.2.1", 60);
    const auto answer = read(message, question);
    CHECK(answer->authoritative && answer->usable());
    STRCMP_EQUAL("example.org", answer->soa->zone.c_str());
    STRCMP_EQUAL("ns1.example.org", answer->soa->primary.c_str());
    LONGS_EQUAL(2026010101, answer->soa->serial);
    LONGS_EQUAL(3600, answer->soa->ttl.count());
    LONGS_EQUAL(300, answer->soa->minimum.count());
    LONGS_EQUAL(3600, answer->recordTtl.count());
    LONGS_EQUAL(1, answer->glue.size());
}

TEST(DnsMessage, readsTheZoneThatADenialNames) {
    for (const unsigned flags : {0x8583U, 0x8580U}) {
        Message message(kServices);
        message.flags(flags).authority().soa("example.org", "ns1.example.net", 1, 3600, 300);
        const auto answer = read(message, kServices);
        CHECK_FALSE(answer->usable());
        STRCMP_EQUAL("example.org", answer->soa->zone.c_str());
        STRCMP_EQUAL("ns1.example.net", answer->soa->primary.c_str());
        LONGS_EQUAL(0, answer->matching);
    }
    const Question question{"_vlmcs._tcp.example.org", Type::soa, 1};
    Message noSoa(question);
    noSoa.authority().soa("example.org", "ns1.example.org", 1, 3600, 300);
    CHECK_FALSE(read(noSoa, question)->usable());
    STRCMP_EQUAL("example.org", read(noSoa, question)->soa->zone.c_str());
}

TEST(DnsMessage, believesNoZoneThatTheNameIsNotIn) {
    for (const char* other : {"example.net", "ample.org", "sub._tcp.example.org", "a._vlmcs._tcp.example.org"}) {
        Message message(kServices);
        message.flags(0x8583).authority().soa(other, "ns1.example.org", 1, 60, 60).ns(other, "ns1.example.org", 60);
        const auto answer = read(message, kServices);
        CHECK_FALSE_TEXT(answer->soa.has_value(), other);
        CHECK(answer->nameServers.empty());
    }
}

TEST(DnsMessage, knowsTheRootAndAZoneWhosePrimaryIsNone) {
    Message message(kServices);
    message.flags(0x8583).authority().soa("", "", 1, 60, 60);
    const auto answer = read(message, kServices);
    STRCMP_EQUAL(".", answer->soa->zone.c_str());
    STRCMP_EQUAL("", answer->soa->primary.c_str());
}

TEST(DnsMessage, takesTheNameServersBesideADenialForNothingElse) {
    Message message(kServices);
    message.flags(0x8400).srv(0, 0, 0, "", 60).authority().ns("example.org", "ns1.example.org", 600);
    const auto answer = read(message, kServices);
    CHECK(answer->noService);
    CHECK_FALSE(answer->usable());
}

TEST(DnsMessage, readsNameServersWithTheirGlue) {
    const Question question{"example.org", Type::ns, 1};
    Message message(question);
    message.ns("example.org", "ns2.example.org", 600).ns("example.org", "NS1.example.org", 600);
    message.ns("example.org", "ns1.example.org", 600).ns("sub.example.org", "ns.sub.example.org", 600);
    message.additional().a("ns1.example.org", "192.0.2.1", 60).aaaa("ns2.example.org", "2001:db8::2", 60);
    message.a("ns.sub.example.org", "192.0.2.66", 60);
    const auto answer = read(message, question);
    CHECK((answer->nameServers == std::vector<std::string>{"ns1.example.org", "ns2.example.org"}));
    LONGS_EQUAL(3, answer->matching);
    LONGS_EQUAL(2, answer->glue.size());
    LONGS_EQUAL(600, answer->ttl.count());
    STRCMP_EQUAL("", answer->delegated.c_str());
}

TEST(DnsMessage, usesSixteenOfManyNameServers) {
    const Question question{"example.org", Type::ns, 1};
    Message message(question);
    for (int i = 0; i < 40; ++i)
        message.ns("example.org", "ns" + std::to_string(i) + ".example.org", 60);
    LONGS_EQUAL(16, read(message, question)->nameServers.size());
}

TEST(DnsMessage, seesAReferralToTheServersOfAZoneBelow) {
    Message message(kServices);
    message.flags(0x8000).authority().ns("_tcp.example.org", "ns1.sub.example.org", 600);
    message.additional().a("ns1.sub.example.org", "192.0.2.1", 60);
    const auto answer = read(message, kServices);
    STRCMP_EQUAL("_tcp.example.org", answer->delegated.c_str());
    STRCMP_EQUAL("ns1.sub.example.org", answer->nameServers.at(0).c_str());
    LONGS_EQUAL(1, answer->glue.size());

    Message upwards(kServices);
    upwards.flags(0x8000).authority().ns("", "a.root-servers.net", 600);
    STRCMP_EQUAL("", read(upwards, kServices)->delegated.c_str());
    Message own(kServices);
    own.flags(0x8400).srv(0, 0, 1688, "kms.example.org", 60).authority().ns("example.org", "ns1.example.org", 600);
    STRCMP_EQUAL("", read(own, kServices)->delegated.c_str());
    STRCMP_EQUAL("ns1.example.org", read(own, kServices)->nameServers.at(0).c_str());
}

TEST(DnsMessage, tellsTheTtlOfTheRecordsFromThatOfWhatCameAlong) {
    Message message(kServices);
    message.flags(0x8400).srv(0, 0, 1688, "kms.example.org", 3600);
    message.additional().a("kms.example.org", "10.0.0.1", 60);
    const auto answer = read(message, kServices);
    LONGS_EQUAL(60, answer->ttl.count());
    LONGS_EQUAL(3600, answer->recordTtl.count());
}

TEST(DnsMessage, refusesZoneRecordsThatLie) {
    const Question zone{"example.org", Type::soa, 1};
    const Question servers{"example.org", Type::ns, 1};
    for (const int more : {-17, -1, 1, 200}) {
        Message soa(zone);
        soa.soa("example.org", "ns1.example.org", 1, 60, 60).lieAboutLastLength(more);
        CHECK(errorOf(soa, zone) == Code::malformed);
        Message ns(servers);
        ns.ns("example.org", "ns1.example.org", 60).lieAboutLastLength(more);
        CHECK(errorOf(ns, servers) == Code::malformed);
    }
}

TEST(DnsMessage, takesAMonstrousTtlForNone) {
    LONGS_EQUAL(0, read(Message(kAddress).a("kms.example.org", "10.0.0.1", 0x80000001U), kAddress)->ttl.count());
}

TEST(DnsMessage, refusesAnAnswerCutAnywhere) {
    Message message(kServices);
    message.srv(0, 0, 1688, "kms.example.org", 60);
    const Octets whole = message.octets();
    for (std::size_t size = 0; size < whole.size(); ++size)
        CHECK_FALSE(readAnswer(whole.first(size), kServices).has_value());
    CHECK(readAnswer(whole, kServices).has_value());
}

TEST(DnsMessage, refusesLengthsThatLie) {
    for (const int more : {-30, -1, 1, 200}) {
        Message message(kServices);
        message.srv(0, 0, 1688, "kms.example.org", 60);
        message.lieAboutLastLength(more);
        CHECK(errorOf(message, kServices) == Code::malformed);
    }
}

TEST(DnsMessage, refusesPointersThatGoRound) {
    Message message(kServices);
    message.rawRecord({0xC0, static_cast<std::uint8_t>(message.octets().size())}, 33, 60, {0, 0, 0, 0, 6, 0x98, 0});
    CHECK(errorOf(message, kServices) == Code::malformed);
}

TEST(DnsMessage, aNameIsOnlyWhatCanBeShownAndAsked) {
    STRCMP_EQUAL("kms_1.example.org", plainName("KMS_1.Example.ORG.")->c_str());
    for (const char* bad : {"", ".", "a..b", ".a", "a b", "a\\b", "ä.example", "a:b", "a/b", "a..", "[::1]"})
        CHECK_FALSE(plainName(bad).has_value());
    CHECK(plainName(std::string(63, 'a')).has_value());
    CHECK_FALSE(plainName(std::string(64, 'a')).has_value());
    std::string longest;
    for (int i = 0; i < 4; ++i)
        longest += std::string(62, 'a') + ".";
    CHECK(plainName(longest).has_value());
    CHECK_FALSE(plainName(longest + "abc").has_value());
}
