#include "dns/lookup.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "CppUTest/TestHarness.h"

#include "dns/system_names.h"
#include "dns/test/test_message.h"
#include "dns/test/test_server.h"

using namespace muster;
using namespace muster::dns;
using muster::dns::test::Message;
using muster::dns::test::Octetses;
using muster::dns::test::Query;
using muster::dns::test::Server;

namespace {

constexpr std::chrono::milliseconds kPatient{60000};  // never reached
const Stopped kGoOn = [] { return false; };

std::vector<std::byte> bytes(const Message& message) {
    return {message.octets().begin(), message.octets().end()};
}
Octetses one(const Message& message) {
    return {bytes(message)};
}
std::vector<std::byte> framed(const Message& message) {
    std::vector<std::byte> out = bytes(message);
    const std::size_t size = out.size();
    out.insert(out.begin(), {static_cast<std::byte>(size >> 8U), static_cast<std::byte>(size & 0xFFU)});
    return out;
}

/// An honest zone: two KMS hosts, the first with both families.
Octetses honest(const Query& query) {
    Message message(query.question);
    const std::string& name = query.question.name;
    if (query.question.type == Type::srv && name == "_vlmcs._tcp.example.org")
        message.srv(0, 10, 1688, "kms1.example.org", 3600).srv(10, 0, 1689, "kms2.example.org", 3600);
    else if (query.question.type == Type::a && name == "kms1.example.org")
        message.a(name, "10.0.0.12", 600).a(name, "10.0.0.11", 600);
    else if (query.question.type == Type::aaaa && name == "kms1.example.org")
        message.aaaa(name, "2001:db8::1", 300);
    else if (query.question.type == Type::a && name == "kms2.example.org")
        message.a(name, "10.0.0.2", 600);
    else if (name != "kms2.example.org")
        message.flags(0x8183);
    return one(message);
}

LookupLimits patient() {
    return {kPatient, kPatient, 2};
}
LookupLimits hasty() {
    return {std::chrono::milliseconds(20), std::chrono::milliseconds(200), 2};
}

std::string hosts(const AddressAnswer& answer) {
    std::string text;
    for (const Address& address : answer.addresses)
        text += (text.empty() ? "" : " ") + address.host();
    return text;
}

/// A port of 127.0.0.1 where nobody is.
Address nobody() {
    const Server gone([](const Query&) { return Octetses{}; });
    return gone.address();
}

}  // namespace

TEST_GROUP(Lookup) {
    std::string folder;
    void setup() override {
        std::string pattern = (std::filesystem::temp_directory_path() / "muster-lookup.XXXXXX").string();
        CHECK(mkdtemp(pattern.data()) != nullptr);
        folder = pattern;
    }
    void teardown() override {
        std::error_code ignored;
        std::filesystem::remove_all(folder, ignored);
    }
    std::string file(const char* name, const std::string& text) const {
        std::ofstream(folder + "/" + name) << text;
        return folder + "/" + name;
    }
};

TEST(Lookup, findsTheServicesOfADomainWithTheirAddresses) {
    const Server server(honest);
    Lookup lookup({server.address()}, patient());
    const auto answer = lookup.services("Example.org.", kGoOn);
    CHECK(answer.said.found());
    CHECK(answer.said.resolver == server.address());
    LONGS_EQUAL(2, answer.records.size());
    STRCMP_EQUAL("kms1.example.org", answer.records[0].target.c_str());
    STRCMP_EQUAL("10.0.0.11 10.0.0.12 2001:db8::1", hosts(answer.records[0].addresses).c_str());
    LONGS_EQUAL(1689, answer.records[1].port);
    STRCMP_EQUAL("10.0.0.2", hosts(answer.records[1].addresses).c_str());
    LONGS_EQUAL(300, answer.ttl.count());
}

TEST(Lookup, doesNotAskForAddressesThatCameAlong) {
    const Server server([](const Query& query) {
        Message message(query.question);
        message.srv(0, 0, 1688, "kms1.example.org", 60).additional().a("kms1.example.org", "10.0.0.1", 60);
        return one(message);
    });
    Lookup lookup({server.address()}, patient());
    STRCMP_EQUAL("10.0.0.1", hosts(lookup.services("example.org", kGoOn).records.at(0).addresses).c_str());
    LONGS_EQUAL(1, server.queries().size());
}

TEST(Lookup, passesOverAnswersToOtherQuestions) {
    const Server server([](const Query& query) {
        Question guess = query.question;
        guess.id = static_cast<std::uint16_t>(guess.id + 1);
        Question other = query.question;
        other.name = "evil.example.org";
        Octetses out;
        out.push_back(bytes(Message(guess).a(query.question.name, "10.6.6.6", 60)));
        out.push_back(bytes(Message(other).a("evil.example.org", "10.6.6.6", 60)));
        out.push_back({});
        out.push_back(honest(query).front());
        return out;
    });
    Lookup lookup({server.address()}, patient());
    STRCMP_EQUAL("10.0.0.2", hosts(lookup.addresses("kms2.example.org", kGoOn)).c_str());
}

TEST(Lookup, givesUpOnAServerThatFloodsIt) {
    const Server server([](const Query& query) {
        Question guess = query.question;
        guess.id = static_cast<std::uint16_t>(guess.id + 1);
        return Octetses(1000, bytes(Message(guess)));
    });
    Lookup lookup({server.address()}, {kPatient, std::chrono::seconds(5), 1});
    const auto answer = lookup.addresses("kms2.example.org", kGoOn);
    // The kernel may drop so many of them that time ends it first.
    CHECK(answer.said.code == LookupCode::malformed || answer.said.code == LookupCode::timedOut);
}

TEST(Lookup, asksEveryTimeWithAnotherId) {
    const Server server(honest);
    Lookup lookup({server.address()}, patient());
    for (int i = 0; i < 8; ++i)
        CHECK(lookup.addresses("kms2.example.org", kGoOn).said.found());
    auto queries = server.queries();
    std::sort(queries.begin(), queries.end(),
              [](const Query& a, const Query& b) { return a.question.id < b.question.id; });
    const auto twins = std::adjacent_find(
        queries.begin(), queries.end(), [](const Query& a, const Query& b) { return a.question.id == b.question.id; });
    CHECK(queries.size() == 16);
    CHECK(queries.front().question.id != queries.back().question.id);
    CHECK(twins == queries.end() || std::distance(queries.begin(), twins) > 0);
}

TEST(Lookup, asksByTcpWhatDoesNotFit) {
    const Server server([](const Query& query) {
        if (!query.tcp)
            return one(Message(query.question).flags(0x8380));
        Message message(query.question);
        for (int i = 0; i < 200; ++i)
            message.srv(0, 0, 1688, "a-long-name-of-a-host-" + std::to_string(i) + ".example.org", 60);
        message.additional().a("a-long-name-of-a-host-0.example.org", "10.0.0.1", 60);
        const auto whole = framed(message);
        Octetses pieces;
        for (const std::byte octet : whole)
            pieces.push_back({octet});
        return query.question.type == Type::srv ? pieces : Octetses{framed(Message(query.question).flags(0x8183))};
    });
    Lookup lookup({server.address()}, patient());
    const auto answer = lookup.services("example.org", kGoOn);
    CHECK(answer.said.found());
    LONGS_EQUAL(64, answer.records.size());
    STRCMP_EQUAL("136 SRV records beyond 64 are left out", answer.note.c_str());
    STRCMP_EQUAL("10.0.0.1", hosts(answer.records[0].addresses).c_str());
    CHECK(answer.records[1].addresses.said.denied());
}

TEST(Lookup, saysWhenTcpBreaksOff) {
    const Server server([](const Query& query) {
        if (!query.tcp)
            return one(Message(query.question).flags(0x8380));
        auto octets = framed(Message(query.question));
        octets.resize(octets.size() - 3);
        return Octetses{octets};
    });
    Lookup lookup({server.address()}, patient());
    const auto answer = lookup.addresses("kms1.example.org", kGoOn);
    CHECK(answer.said.code == LookupCode::malformed);
    STRCMP_CONTAINS("closed the TCP connection", answer.said.text.c_str());
}

TEST(Lookup, asksWithoutEdnsWhereAServerDoesNotKnowIt) {
    const Server server([](const Query& query) {
        return query.edns ? one(Message(query.question).flags(0x8181).withoutQuestion()) : honest(query);
    });
    Lookup lookup({server.address()}, patient());
    STRCMP_EQUAL("10.0.0.2", hosts(lookup.addresses("kms2.example.org", kGoOn)).c_str());
}

TEST(Lookup, goesToTheNextResolverWhereOneIsNoHelp) {
    for (const unsigned flags : {0x8182U, 0x8185U, 0x8189U, 0x8100U}) {  // SERVFAIL, REFUSED, NOTAUTH, a referral
        const Server useless([&](const Query& query) { return one(Message(query.question).flags(flags)); });
        const Server good(honest);
        Lookup lookup({useless.address(), nobody(), good.address()}, patient());
        const auto answer = lookup.addresses("kms2.example.org", kGoOn);
        CHECK(answer.said.found());
        CHECK(answer.said.resolver == good.address());
    }
}

TEST(Lookup, saysOfEachResolverWhyItWasNoHelp) {
    const Server refusing([](const Query& query) { return one(Message(query.question).flags(0x8185)); });
    const Server silent([](const Query&) { return Octetses{}; });
    Lookup lookup({refusing.address(), silent.address()}, hasty());
    const auto answer = lookup.addresses("kms1.example.org", kGoOn);
    CHECK(answer.said.code == LookupCode::timedOut);
    STRCMP_EQUAL(("kms1.example.org: " + refusing.address().text() + " refuses to answer (REFUSED), " +
                  silent.address().text() + " gives no answer; see that it is up and that UDP and TCP port 53 pass")
                     .c_str(),
                 answer.said.text.c_str());
}

TEST(Lookup, saysWhenNobodyIsThere) {
    const Address address = nobody();
    Lookup lookup({address}, patient());
    const auto answer = lookup.addresses("kms1.example.org", kGoOn);
    CHECK(answer.said.code == LookupCode::unreachable);
    STRCMP_CONTAINS((address.text() + " cannot be reached (Connection refused)").c_str(), answer.said.text.c_str());
}

TEST(Lookup, tellsNoNameFromNoRecordsFromNoService) {
    const Server server([](const Query& query) {
        Message message(query.question);
        if (query.question.name == "_vlmcs._tcp.without.org")
            message.srv(0, 0, 0, "", 60);
        else if (query.question.name != "_vlmcs._tcp.empty.org")
            message.flags(0x8183);
        return one(message);
    });
    Lookup lookup({server.address()}, patient());
    const std::string who = ", says " + server.address().text() + "; ";
    const auto none = lookup.services("absent.org", kGoOn);
    CHECK(none.said.code == LookupCode::noName);
    CHECK(none.said.denied());
    STRCMP_EQUAL(
        ("_vlmcs._tcp.absent.org does not exist" + who + "publish an SRV record there, or correct relay.discover")
            .c_str(),
        none.said.text.c_str());
    CHECK(lookup.services("empty.org", kGoOn).said.code == LookupCode::noRecords);
    const auto without = lookup.services("without.org", kGoOn);
    CHECK(without.said.code == LookupCode::noService);
    STRCMP_CONTAINS("nobody offers KMS there", without.said.text.c_str());
}

TEST(Lookup, followsAnAliasIntoAnotherZone) {
    const Server server([](const Query& query) {
        Message message(query.question);
        if (query.question.name == "kms.example.org")
            message.cname("kms.example.org", "kms2.example.org", 30);
        else
            return honest(query);
        return one(message);
    });
    Lookup lookup({server.address()}, patient());
    const auto answer = lookup.addresses("kms.example.org", kGoOn);
    STRCMP_EQUAL("10.0.0.2", hosts(answer).c_str());
    LONGS_EQUAL(30, answer.ttl.count());
}

TEST(Lookup, doesNotFollowAliasesForEver) {
    const Server server([](const Query& query) {  // every name is an alias of a longer one
        Message message(query.question);
        message.cname(query.question.name, "a." + query.question.name, 30);
        return one(message);
    });
    Lookup lookup({server.address()}, patient());
    const auto answer = lookup.addresses("kms.example.org", kGoOn);
    CHECK(answer.said.code == LookupCode::malformed);
    STRCMP_CONTAINS("circle", answer.said.text.c_str());
    CHECK(server.queries().size() < 30);
}

TEST(Lookup, aMissingHalfIsNotADenial) {
    const Server server([](const Query& query) {  // a box that loses every AAAA
        if (query.question.type == Type::aaaa)
            return one(Message(query.question).flags(0x8182));
        return honest(query);
    });
    Lookup lookup({server.address()}, patient());
    const auto half = lookup.addresses("kms1.example.org", kGoOn);
    CHECK(half.said.found());
    CHECK(half.partial);
    const Server both(honest);
    CHECK_FALSE(Lookup({both.address()}, patient()).addresses("kms1.example.org", kGoOn).partial);

    const Server noA([](const Query& query) {
        return one(Message(query.question).flags(query.question.type == Type::a ? 0x8180 : 0x8182));
    });
    const auto nothing = Lookup({noA.address()}, patient()).addresses("kms1.example.org", kGoOn);
    CHECK(nothing.said.code == LookupCode::serverFailure);
}

TEST(Lookup, endsInTimeHoweverManyAreSilent) {
    const Server silent([](const Query&) { return Octetses{}; });
    Lookup lookup(std::vector<Address>(8, silent.address()), hasty());
    CHECK(lookup.services("example.org", kGoOn).said.code == LookupCode::timedOut);
    CHECK(silent.queries().size() <= 16);
}

TEST(Lookup, endsWhenItIsStopped) {
    std::atomic<bool> stop{false};
    const Server silent([&](const Query&) {
        stop = true;
        return Octetses{};
    });
    Lookup lookup({silent.address()}, patient());
    CHECK(lookup.services("example.org", [&] { return stop.load(); }).said.code == LookupCode::stopped);
}

TEST(Lookup, aNumericHostIsItselfAndNobodyIsAsked) {
    Lookup lookup({nobody()}, patient());
    STRCMP_EQUAL("10.0.0.7", hosts(lookup.addresses("10.0.0.7", kGoOn)).c_str());
    STRCMP_EQUAL("2001:db8::7", hosts(lookup.addresses("[2001:db8::7]", kGoOn)).c_str());
    CHECK(lookup.addresses("kms 1", kGoOn).said.code == LookupCode::badName);
    CHECK(lookup.services(std::string(250, 'a'), kGoOn).said.code == LookupCode::badName);
}

TEST(Lookup, withoutResolversTheHostsFileGoesBeforeDns) {
    const std::string hostsFile =
        file("hosts",
             "# ours\n127.0.0.1 localhost\n10.1.1.1\tkms1.example.org kms1 # old\n10.1.1.2 KMS1.example.org\n"
             "nonsense kms1\n");
    const std::string resolverFile = file("resolv.conf", "nameserver 127.0.0.1\n");
    Lookup lookup({}, hasty(), hostsFile, resolverFile);
    STRCMP_EQUAL("10.1.1.1 10.1.1.2", hosts(lookup.addresses("kms1.example.org", kGoOn)).c_str());
    STRCMP_EQUAL("10.1.1.1", hosts(lookup.addresses("KMS1", kGoOn)).c_str());

    const Server server(honest);
    Lookup chosen({server.address()}, patient(), hostsFile, resolverFile);
    STRCMP_EQUAL("10.0.0.11 10.0.0.12 2001:db8::1", hosts(chosen.addresses("kms1.example.org", kGoOn)).c_str());
}

TEST(Lookup, findsTheZoneOfANameInAnswersAndDenials) {
    const Server server([](const Query& query) {
        Message message(query.question);
        if (query.question.name == "example.org")
            message.flags(0x8580).soa("example.org", "ns1.example.org", 7, 3600, 300);
        else
            message.flags(0x8583).authority().soa("example.org", "ns1.example.org", 7, 3600, 300);
        return one(message);
    });
    Lookup lookup({server.address()}, patient());
    const Finding apex = lookup.find("Example.org.", Type::soa, kGoOn);
    CHECK(apex.said.found());
    STRCMP_EQUAL("ns1.example.org", apex.answer.soa->primary.c_str());
    const Finding below = lookup.find("_vlmcs._tcp.example.org", Type::soa, kGoOn);
    CHECK(below.said.code == LookupCode::noName);
    STRCMP_EQUAL("example.org", below.answer.soa->zone.c_str());
    CHECK(lookup.find("a b", Type::soa, kGoOn).said.code == LookupCode::badName);
}

TEST(Lookup, findsServicesWithoutAskingForTheirAddresses) {
    const Server server(honest);
    Lookup lookup({server.address()}, patient());
    const Finding found = lookup.findServices("example.org", kGoOn);
    CHECK(found.said.found() && found.said.text.empty());
    LONGS_EQUAL(2, found.answer.services.size());
    LONGS_EQUAL(1, server.queries().size());
    STRCMP_CONTAINS("does not exist", lookup.findServices("example.net", kGoOn).said.text.c_str());
    CHECK(lookup.findServices("a b", kGoOn).said.code == LookupCode::badName);
}

TEST(Lookup, namesTheSettingsOfWhoeverAsks) {
    const Server server([](const Query& query) { return one(Message(query.question).flags(0x8185)); });
    Lookup lookup({server.address()}, patient(), "/etc/hosts", "/etc/resolv.conf", {"dns.resolvers", "dns.domains"});
    STRCMP_CONTAINS("dns.resolvers", lookup.findServices("example.org", kGoOn).said.text.c_str());
    STRCMP_CONTAINS("dns.domains", lookup.findServices("a b", kGoOn).said.text.c_str());
}
