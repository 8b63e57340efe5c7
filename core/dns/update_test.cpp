#include "dns/update.h"

#include "CppUTest/TestHarness.h"

#include "dns/test/test_message.h"
#include "dns/test/test_signature.h"

using namespace muster;
using namespace muster::dns;
using muster::dns::test::Message;

namespace {

using Kind = Update::Prerequisite::Kind;

Record srv(std::uint16_t port, std::chrono::seconds ttl = std::chrono::hours(1)) {
    return {"_vlmcs._tcp.example.org", Type::srv, ttl, {0, 100, port, "kms.corp.test"}, {}};
}

Record address(const char* name, Type type, const char* text) {
    return {name, type, std::chrono::minutes(5), {}, *Address::parse(text)};
}

std::string hex(Octets octets) {
    constexpr const char* kDigits = "0123456789abcdef";
    std::string out;
    for (const std::byte octet : octets) {
        out += kDigits[std::to_integer<unsigned>(octet) >> 4U];
        out += kDigits[std::to_integer<unsigned>(octet) & 0xFU];
    }
    return out;
}

std::string encoded(const Update& update) {
    const auto message = encodeUpdate(update, 0x1234);
    return message ? hex(*message) : message.error().text();
}

void refuses(const Update& update, const char* why) {
    const auto message = encodeUpdate(update, 1);
    CHECK_FALSE_TEXT(message.has_value(), why);
    CHECK(message.error().code == Code::malformed);
    STRCMP_CONTAINS(why, message.error().text().c_str());
}

/// The zone section of an answer to an update of example.org.
const Question kZone{"example.org", Type::soa, 0x1234};
constexpr unsigned kAnswerFlags = 0xA800;  // QR, opcode 5

std::vector<std::byte> request() {
    return *encodeUpdate({"example.org", {}, {}, {srv(1688)}}, 0x1234);
}

}  // namespace

TEST_GROUP(DnsUpdate){};

// What dnspython 2.3 makes of the same update; its MACs are in tsig_test.cpp.
TEST(DnsUpdate, isWrittenAsDnspythonWritesIt) {
    Record old = srv(1688);
    old.service = {0, 0, 1688, "old.corp.site"};
    const Update update{
        "example.org", {{Kind::rrsetMissing, "_vlmcs._tcp.example.org", Type::aaaa, {}}}, {old}, {srv(1688)}};
    STRCMP_EQUAL(
        "123428000001000100020000076578616d706c65036f72670000060001065f766c6d6373045f7463"
        "70c00c001c00fe000000000000c01d002100fe000000000015000000000698036f6c6404636f7270"
        "047369746500c01d0021000100000e100015000000640698036b6d7304636f7270047465737400",
        encoded(update).c_str());
}

TEST(DnsUpdate, saysEachPrerequisiteInTheClassThatMeansIt) {
    const std::string name = "a.example.org";
    const auto with = [&](Update::Prerequisite wanted) {
        const std::string all =
            encoded({"example.org", {std::move(wanted)}, {}, {address("b.example.org", Type::a, "10.0.0.1:0")}});
        const std::string header = "123428000001000100010000076578616d706c65036f72670000060001";
        CHECK(all.substr(0, header.size()) == header);
        return all.substr(header.size(), 28);
    };
    STRCMP_EQUAL("0161c00c00ff00ff000000000000", with({Kind::nameInUse, name, Type::any, {}}).c_str());
    STRCMP_EQUAL("0161c00c00ff00fe000000000000", with({Kind::nameNotInUse, name, Type::any, {}}).c_str());
    STRCMP_EQUAL("0161c00c002100ff000000000000", with({Kind::rrsetExists, name, Type::srv, {}}).c_str());
    STRCMP_EQUAL("0161c00c002100fe000000000000", with({Kind::rrsetMissing, name, Type::srv, {}}).c_str());
    Record there = address("a.example.org", Type::a, "10.0.0.7:0");
    STRCMP_EQUAL("0161c00c00010001000000000004", with({Kind::rrsetIs, name, Type::a, {there}}).c_str());
}

TEST(DnsUpdate, carriesAddressesOfBothFamilies) {
    STRCMP_EQUAL(
        "123428000001000000030000076578616d706c65036f72670000060001"
        "0161c00c000100fe0000000000040a000001"
        "c01d000100010000012c00040a000002"
        "c01d001c00010000012c001020010db8000000000000000000000001",
        encoded({"example.org",
                 {},
                 {address("a.example.org", Type::a, "10.0.0.1:53")},
                 {address("a.example.org", Type::a, "10.0.0.2:0"),
                  address("a.example.org", Type::aaaa, "[2001:db8::1]:0")}})
            .c_str());
}

TEST(DnsUpdate, refusesWhatIsNoneOrNotOurs) {
    const auto adding = [](Record record) { return Update{"example.org", {}, {}, {std::move(record)}}; };
    refuses({"example.org", {}, {}, {}}, "nothing to change");
    refuses({"Example.org", {}, {}, {srv(1688)}}, "is no zone");
    refuses({"example.org.", {}, {}, {srv(1688)}}, "is no zone");
    refuses({"", {}, {}, {srv(1688)}}, "is no zone");
    refuses({"example.net", {}, {}, {srv(1688)}}, "outside the zone example.net");
    refuses({"ample.org", {}, {}, {srv(1688)}}, "outside the zone");
    refuses(adding(srv(0)), "port 0");
    refuses(adding(srv(1688, std::chrono::seconds(-1))), "out of range");
    refuses(adding(srv(1688, std::chrono::seconds(0x80000000LL))), "out of range");
    refuses(adding(address("a.example.org", Type::a, "[2001:db8::1]:0")), "does not fit");
    refuses(adding(address("a.example.org", Type::aaaa, "10.0.0.1:0")), "does not fit");
    refuses(adding(address("a.example.org", Type::ns, "10.0.0.1:0")), "not Muster's to change");
    refuses(adding(address("a b.example.org", Type::a, "10.0.0.1:0")), "no name for a record");
    Record bad = srv(1688);
    bad.service.target = "KMS.corp.test.";
    refuses(adding(bad), "no host's name");
    refuses({"example.org", {{Kind::rrsetIs, "a.example.org", Type::a, {}}}, {}, {srv(1688)}}, "exactly nothing");
    refuses({"example.org", {{Kind::rrsetIs, "a.example.org", Type::srv, {srv(1688)}}}, {}, {srv(1688)}}, "one set");
    refuses({"example.org", {{Kind::rrsetExists, "a.example.org", Type::any, {}}}, {}, {srv(1688)}}, "not Muster's");
    refuses({"example.org", {{Kind::nameInUse, "a.example.net", Type::any, {}}}, {}, {srv(1688)}}, "outside the zone");
}

TEST(DnsUpdate, isBounded) {
    Update update{"example.org", {}, {}, std::vector<Record>(256, srv(1688))};
    CHECK(encodeUpdate(update, 1).has_value());
    update.remove.push_back(srv(1688));
    refuses(update, "257 records, at most 256");
}

TEST_GROUP(DnsUpdateAnswer){};

TEST(DnsUpdateAnswer, isReadWithAndWithoutItsZone) {
    const auto with = readUpdateAnswer(Message(kZone).flags(kAnswerFlags | 5).octets(), request());
    CHECK(with.has_value() && with->rcode == Rcode::refused && !with->isSigned);
    CHECK(with->tsig.kind == TsigVerdict::Kind::unsigned_);
    const auto without =
        readUpdateAnswer(Message(kZone).flags(kAnswerFlags | 10).withoutQuestion().octets(), request());
    CHECK(without.has_value() && without->rcode == Rcode::notZone);
    STRCMP_EQUAL("NOTZONE", text(without->rcode).c_str());
}

TEST(DnsUpdateAnswer, mayRepeatTheWholeUpdate) {
    std::vector<std::byte> echoed = request();
    echoed[2] = std::byte{0xA8};
    CHECK(readUpdateAnswer(echoed, request()).has_value());
    CHECK(answersUpdate(echoed, request()));
}

TEST(DnsUpdateAnswer, ofAStrangerIsPassedOver) {
    const auto stranger = [](const Message& message) {
        CHECK_FALSE(answersUpdate(message.octets(), request()));
        const auto answer = readUpdateAnswer(message.octets(), request());
        CHECK(!answer.has_value());
        CHECK(answer.error().code == Code::conflict);
    };
    stranger(Message({"example.org", Type::soa, 0x1235}).flags(kAnswerFlags));  // id
    stranger(Message(kZone).flags(0x2800));                                     // a request
    stranger(Message(kZone).flags(0x8000));                                     // an answer to a query
    stranger(Message({"example.net", Type::soa, 0x1234}).flags(kAnswerFlags));  // zone
    stranger(Message({"example.org", Type::srv, 0x1234}).flags(kAnswerFlags));
    CHECK_FALSE(answersUpdate({}, request()));
    CHECK_FALSE(answersUpdate(Message(kZone).flags(kAnswerFlags).octets(), {}));
}

TEST(DnsUpdateAnswer, toAQueryIsNone) {
    const Question question{"example.org", Type::soa, 0x1234};
    const auto query = *encodeQuestion(question, false);
    CHECK_FALSE(answersUpdate(Message(question).octets(), query));
}

TEST(DnsUpdateAnswer, thatEndsEarlyIsRefused) {
    Message message(kZone);
    message.flags(kAnswerFlags).srv(0, 0, 1688, "kms.corp.test", 60);
    const Octets whole = message.octets();
    CHECK(readUpdateAnswer(whole, request()).has_value());
    for (std::size_t size = 0; size < whole.size(); ++size)
        CHECK_FALSE(readUpdateAnswer(whole.first(size), request()).has_value());
    CHECK_FALSE(readUpdateAnswer(std::vector<std::byte>(65536), request()).has_value());
}

TEST(DnsUpdateAnswer, thatIsSignedForNobodySaysSo) {
    test::Signature signature;
    signature.secret.assign(32, 1);
    const auto answer = readUpdateAnswer(signature.on(Message(kZone).flags(kAnswerFlags).octets()), request());
    CHECK(answer.has_value() && answer->tsig.kind == TsigVerdict::Kind::malformed);
}

TEST(DnsUpdateAnswer, tellsTheThreeThingsThatTellServersApart) {
    TsigKey key{"muster-update", Algorithm::hmacSha256, *Secret::fromBase64("AAECAwQFBgcICQoLDA0ODw==")};
    const Timestamp now{std::chrono::seconds(1700000000)};
    const auto signedRequest = *sign(request(), key, now);
    const auto read = [&](const std::vector<std::byte>& octets) {
        return *readUpdateAnswer(octets, signedRequest, key, now);
    };
    test::Signature signature;
    signature.time = 1700000000;
    for (unsigned i = 0; i < 16; ++i)
        signature.secret.push_back(static_cast<std::uint8_t>(i));
    for (const std::byte octet : signedRequest.mac)
        signature.requestMac.push_back(std::to_integer<std::uint8_t>(octet));

    const auto policy = read(signature.on(Message(kZone).flags(kAnswerFlags | 5).octets()));  // BIND
    CHECK(policy.rcode == Rcode::refused && policy.isSigned && policy.tsig.good());

    test::Signature unknown = signature;  // Knot: no such key, or it may not
    unknown.error = 17;
    unknown.macSize = 0;
    const auto key17 = read(unknown.on(Message(kZone).flags(kAnswerFlags | 9).octets()));
    CHECK(key17.rcode == Rcode::notAuth && !key17.isSigned);
    CHECK(key17.tsig.kind == TsigVerdict::Kind::serverError && key17.tsig.error == 17 && !key17.tsig.authentic);

    Message message(kZone);  // PowerDNS: wrong key
    const Octets plain = message.flags(kAnswerFlags | 5).octets();
    const auto bare = read({plain.begin(), plain.end()});
    CHECK(bare.rcode == Rcode::refused && !bare.isSigned && bare.tsig.kind == TsigVerdict::Kind::unsigned_);
}
