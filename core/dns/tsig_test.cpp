#include "dns/tsig.h"

#include "CppUTest/TestHarness.h"

#include "dns/test/test_message.h"
#include "dns/test/test_signature.h"
#include "dns/update.h"

using namespace muster;
using namespace muster::dns;
using muster::dns::test::Message;
using Kind = muster::dns::TsigVerdict::Kind;

namespace {

constexpr std::int64_t kTime = 1700000000;
const Question kZone{"example.org", Type::soa, 0x1234};
constexpr unsigned kAnswerFlags = 0xA800;  // QR, opcode 5

Timestamp at(std::int64_t seconds) {
    return Timestamp(std::chrono::seconds(seconds));
}

std::vector<std::byte> octets(std::string_view hex) {
    std::vector<std::byte> out;
    for (; hex.size() >= 2; hex.remove_prefix(2))
        out.push_back(static_cast<std::byte>(std::stoi(std::string(hex.substr(0, 2)), nullptr, 16)));
    return out;
}

/// The octets 0 to 31.
TsigKey key(Algorithm algorithm = Algorithm::hmacSha256) {
    return {"muster-update", algorithm, *Secret::fromBase64("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")};
}

std::vector<std::byte> update() {
    const Record record{
        "_vlmcs._tcp.example.org", Type::srv, std::chrono::hours(1), {0, 100, 1688, "kms.corp.test"}, {}};
    Record old = record;
    old.service = {0, 0, 1688, "old.corp.site"};
    return *encodeUpdate({"example.org",
                          {{Update::Prerequisite::Kind::rrsetMissing, "_vlmcs._tcp.example.org", Type::aaaa, {}}},
                          {old},
                          {record}},
                         0x1234);
}

std::vector<std::byte> with(Octets octets, std::size_t place, unsigned value) {
    std::vector<std::byte> out(octets.begin(), octets.end());
    out.at(place) = static_cast<std::byte>(value);
    return out;
}

}  // namespace

TEST_GROUP(TsigSigning){};

// The signed message that dnspython 2.3 makes of the same update with the same key at the same time.
TEST(TsigSigning, addsTheRecordThatDnspythonAdds) {
    const std::string record =
        "0d6d75737465722d7570646174650000fa00ff00000000003d0b686d61632d736861323536000000"
        "6553f100012c0020275f3c4b24a541839986fd1571a947fd422e7c88aa62c8974f10cebc5f2ab423"
        "123400000000";
    const auto message = update();
    const auto made = sign(message, key(), at(kTime));
    CHECK(made.has_value());
    auto expected = with(message, 11, 1);
    const auto tail = octets(record);
    expected.insert(expected.end(), tail.begin(), tail.end());
    CHECK(made->octets == expected);
    CHECK(made->mac == octets("275f3c4b24a541839986fd1571a947fd422e7c88aa62c8974f10cebc5f2ab423"));
    CHECK(made->timeSigned == at(kTime));
}

TEST(TsigSigning, knowsSha512) {
    const auto made = sign(update(), key(Algorithm::hmacSha512), at(kTime));
    CHECK(made->mac == octets("7ea668a3784eca58a908e43eb9526288603ce5b71af716d32ac701a59a7f4d2ff0f5ee6814c30d18"
                              "1b932465ab34b8f8236035c7362386acc8c68ea35b23eaf6"));
}

TEST(TsigSigning, cutsTheTimeToSeconds) {
    const auto made = sign(update(), key(), at(kTime) + std::chrono::milliseconds(999));
    CHECK(made->octets == sign(update(), key(), at(kTime))->octets);
}

TEST(TsigSigning, refusesWhatCannotBeSigned) {
    CHECK_FALSE(sign(Octets(update()).first(11), key(), at(kTime)).has_value());
    CHECK_FALSE(sign(std::vector<std::byte>(65535), key(), at(kTime)).has_value());
    CHECK_FALSE(sign(with(with(update(), 10, 255), 11, 255), key(), at(kTime)).has_value());
    CHECK_FALSE(sign(update(), key(), at(-1)).has_value());
    CHECK_FALSE(sign(update(), key(), at(std::int64_t{1} << 48)).has_value());
    CHECK_FALSE(sign(update(), key(), at(kTime), std::chrono::seconds(0)).has_value());
    CHECK_FALSE(sign(update(), key(), at(kTime), std::chrono::seconds(65536)).has_value());
    CHECK_FALSE(sign(update(), {"muster-update", Algorithm::hmacSha256, {}}, at(kTime)).has_value());
    TsigKey unnamed = key();
    unnamed.name = "Muster-Update.";
    CHECK_FALSE(sign(update(), unnamed, at(kTime)).has_value());
}

TEST(TsigSigning, knowsItsAlgorithmsByName) {
    CHECK(algorithmFrom("hmac-sha256") == Algorithm::hmacSha256);
    CHECK(algorithmFrom("HMAC-SHA512.") == Algorithm::hmacSha512);
    for (const char* bad : {"", "hmac-md5.sig-alg.reg.int", "hmac-sha1", "sha256", "hmac-sha384"})
        CHECK_FALSE(algorithmFrom(bad).has_value());
}

TEST_GROUP(TsigVerification) {
    TsigKey ours = key();
    SignedMessage request = *sign(update(), ours, at(kTime));
    test::Signature server;
    std::int64_t now = kTime;

    void setup() override {
        server.time = kTime;
        for (unsigned i = 0; i < 32; ++i)
            server.secret.push_back(static_cast<std::uint8_t>(i));
        for (const std::byte octet : request.mac)
            server.requestMac.push_back(std::to_integer<std::uint8_t>(octet));
    }
    static Message answer(unsigned rcode = 0) {
        Message message(kZone);
        message.flags(kAnswerFlags | rcode);
        return message;
    }
    TsigVerdict judge(const std::vector<std::byte>& message) const {
        return verify(message, request, ours, at(now));
    }
    TsigVerdict judge() const {
        return judge(server.on(answer().octets()));
    }
    void is(Kind kind, const TsigVerdict& verdict) const {
        CHECK_TEXT(verdict.kind == kind, verdict.words.c_str());
        CHECK_EQUAL(kind == Kind::good || kind == Kind::unsigned_, verdict.words.empty());
    }
};

TEST(TsigVerification, takesAnAnswerSignedWithOurKeyForOurRequest) {
    is(Kind::good, judge());
    CHECK(judge().authentic && judge().hasMac);
    LONGS_EQUAL(0, judge().error);
    server.key = "MUSTER-Update";  // names have no case
    server.algorithm = "hmac-sha256";
    is(Kind::badMac, judge());  // but what is signed is the name in lower case
}

TEST(TsigVerification, takesNamesInAnyCase) {
    auto message = server.on(answer().octets());
    const std::size_t record = answer().octets().size();
    CHECK(std::to_integer<char>(message[record + 1]) == 'm');
    message[record + 1] = std::byte{'M'};
    const std::size_t algorithm = record + 15 + 10;
    CHECK(std::to_integer<char>(message[algorithm + 1]) == 'h');
    message[algorithm + 1] = std::byte{'H'};
    is(Kind::good, judge(message));
}

TEST(TsigVerification, takesSha512) {
    ours = key(Algorithm::hmacSha512);
    request = *sign(update(), ours, at(kTime));
    server.requestMac.clear();
    for (const std::byte octet : request.mac)
        server.requestMac.push_back(std::to_integer<std::uint8_t>(octet));
    server.algorithm = "hmac-sha512";
    is(Kind::good, judge());
}

TEST(TsigVerification, seesAnAnswerWithoutASignature) {
    const Message message = answer(5);
    is(Kind::unsigned_, judge({message.octets().begin(), message.octets().end()}));
    CHECK_FALSE(judge({message.octets().begin(), message.octets().end()}).hasMac);
}

TEST(TsigVerification, seesEveryOctetThatWasChanged) {
    const auto message = server.on(answer().octets());
    for (std::size_t place = 0; place < message.size(); ++place)
        for (const unsigned bit : {0x01U, 0x40U}) {
            const auto verdict = judge(with(message, place, std::to_integer<unsigned>(message[place]) ^ bit));
            // The lower and upper case of a letter in a name differ by 0x20, so that neither bit is that.
            CHECK_FALSE(verdict.good());
            CHECK_FALSE(verdict.authentic);
        }
}

TEST(TsigVerification, refusesAnAnswerCutAnywhere) {
    const auto message = server.on(answer().octets());
    for (std::size_t size = 0; size < message.size(); ++size)
        CHECK_FALSE(judge({message.begin(), message.begin() + static_cast<std::ptrdiff_t>(size)}).good());
    is(Kind::malformed, judge(std::vector<std::byte>(65536)));
}

TEST(TsigVerification, refusesAnotherIdOpcodeOrZone) {
    is(Kind::stranger, judge(server.on(Message({"example.org", Type::soa, 0x4321}).flags(kAnswerFlags).octets())));
    is(Kind::stranger, judge(server.on(answer().flags(0x8000).octets())));
    is(Kind::stranger, judge(server.on(answer().flags(0x2800).octets())));
    is(Kind::stranger, judge(server.on(Message({"example.net", Type::soa, 0x1234}).flags(kAnswerFlags).octets())));
}

TEST(TsigVerification, takesAnAnswerThroughAForwarderThatChangedTheIdOnItsWay) {
    server.originalId = 0x7777;
    is(Kind::good, judge());
    auto message = server.on(answer().octets());
    // The original id is the last field but two.
    message[message.size() - 6] ^= std::byte{1};
    is(Kind::badMac, judge(message));
}

TEST(TsigVerification, refusesTheSecretOfAnother) {
    server.secret[0] ^= 1U;
    is(Kind::badMac, judge());
    CHECK(judge().hasMac && !judge().authentic);
}

TEST(TsigVerification, refusesTheAnswerToAnotherRequest) {
    server.requestMac[0] ^= 1U;
    is(Kind::badMac, judge());
    server.requestMac.clear();
    is(Kind::badMac, judge());
}

TEST(TsigVerification, refusesAReplay) {
    const auto old = server.on(answer().octets());
    request = *sign(update(), ours, at(kTime + 1));
    is(Kind::badMac, judge(old));
}

TEST(TsigVerification, refusesAnotherKeyName) {
    server.key = "other-key";
    is(Kind::badKeyName, judge());
    STRCMP_CONTAINS("other-key", judge().words.c_str());
}

TEST(TsigVerification, refusesAnotherAlgorithm) {
    server.algorithm = "hmac-sha512";
    is(Kind::badAlgorithm, judge());
    server.algorithm = "hmac-md5.sig-alg.reg.int";
    is(Kind::badAlgorithm, judge());
}

TEST(TsigVerification, refusesMacsOfOtherLengths) {
    for (const std::size_t size : {0U, 1U, 10U, 16U, 31U}) {
        server.macSize = size;
        is(Kind::badMac, judge());
    }
}

TEST(TsigVerification, holdsTheTimeAgainstTheFudge) {
    for (const std::int64_t off : {-300, 0, 300}) {
        now = kTime + off;
        is(Kind::good, judge());
    }
    for (const std::int64_t off : {-301, 301, 86400}) {
        now = kTime + off;
        is(Kind::outsideFudge, judge());
        CHECK(judge().authentic && judge().serverTime == at(kTime));
    }
    STRCMP_CONTAINS("86400 s behind", judge().words.c_str());
}

TEST(TsigVerification, keepsToASmallerFudgeOfTheServerAndNotToAGreater) {
    server.fudge = 10;
    now = kTime + 11;
    is(Kind::outsideFudge, judge());
    server.fudge = 65535;
    now = kTime + 301;
    is(Kind::outsideFudge, judge());
    request = *sign(update(), ours, at(kTime), std::chrono::seconds(600));
    server.requestMac.clear();
    for (const std::byte octet : request.mac)
        server.requestMac.push_back(std::to_integer<std::uint8_t>(octet));
    is(Kind::good, judge());
}

TEST(TsigVerification, readsTimesOfFortyEightBits) {
    server.time = (std::uint64_t{1} << 48U) - 1;
    is(Kind::outsideFudge, judge());
    STRCMP_CONTAINS("ahead of", judge().words.c_str());
}

TEST(TsigVerification, readsAnUnsignedErrorAndBelievesNothingOfIt) {
    for (const unsigned error : {16U, 17U}) {
        server.error = error;
        server.macSize = 0;
        const auto verdict = judge(server.on(answer(9).octets()));
        is(Kind::serverError, verdict);
        LONGS_EQUAL(error, verdict.error);
        CHECK_FALSE(verdict.authentic);
        CHECK_FALSE(verdict.hasMac);
        STRCMP_CONTAINS(error == 16 ? "BADSIG" : "BADKEY", verdict.words.c_str());
    }
}

TEST(TsigVerification, saysByHowMuchTheClocksDiffer) {
    server.error = 18;
    server.other = {0, 0, 0x65, 0x53, 0xF1 + 1, 0};  // 256 s later
    now = kTime;
    const auto verdict = judge(server.on(answer(9).octets()));
    is(Kind::serverError, verdict);
    LONGS_EQUAL(18, verdict.error);
    CHECK(verdict.authentic);
    CHECK(verdict.serverTime == at(kTime + 256));
    STRCMP_CONTAINS("its clock is 256 s ahead of ours", verdict.words.c_str());
}

TEST(TsigVerification, ofABadTimeWantsTheMacAllTheSame) {
    server.error = 18;
    server.other = {0, 0, 0x65, 0x53, 0xF2, 0};
    server.secret[0] ^= 1U;
    is(Kind::badMac, judge(server.on(answer(9).octets())));
    server.macSize = 0;
    const auto verdict = judge(server.on(answer(9).octets()));
    is(Kind::serverError, verdict);
    CHECK_FALSE(verdict.authentic);
}

TEST(TsigVerification, doesNotReadATimeOfAnotherLength) {
    server.error = 18;
    for (const test::Signature::Bytes& other : {test::Signature::Bytes{}, {1, 2, 3, 4, 5}, {1, 2, 3, 4, 5, 6, 7}}) {
        server.other = other;
        CHECK_FALSE(judge(server.on(answer(9).octets())).serverTime.has_value());
    }
}

TEST(TsigVerification, ofAnErrorThatItDoesNotKnowSaysTheNumber) {
    server.error = 22;
    STRCMP_CONTAINS("BADTRUNC", judge().words.c_str());
    server.error = 4711;
    is(Kind::serverError, judge());
    STRCMP_CONTAINS("4711", judge().words.c_str());
}

TEST(TsigVerification, refusesTwoSignatures) {
    const auto once = server.on(answer().octets());
    is(Kind::malformed, judge(server.on(once)));
}

TEST(TsigVerification, refusesARecordBehindTheSignature) {
    auto message = server.on(answer().octets());
    const auto opt = octets("00002904d0000000000000");
    message.insert(message.end(), opt.begin(), opt.end());
    message[11] = std::byte{2};
    is(Kind::malformed, judge(message));
}

TEST(TsigVerification, refusesOctetsBehindTheSignature) {
    auto message = server.on(answer().octets());
    message.push_back(std::byte{0});
    is(Kind::malformed, judge(message));
}

TEST(TsigVerification, takesRecordsBeforeTheSignature) {
    Message message = answer();
    message.additional().opt(0);
    is(Kind::good, judge(server.on(message.octets())));
}

TEST(TsigVerification, refusesASignatureInAnotherSection) {
    auto message = server.on(answer().octets());
    message[7] = std::byte{1};  // as if it were an answer
    message[11] = std::byte{0};
    is(Kind::malformed, judge(message));
}

TEST(TsigVerification, refusesASignatureOfAnotherClassOrWithATtl) {
    server.of = 1;
    is(Kind::malformed, judge());
    server.of = 255;
    server.ttl = 1;
    is(Kind::malformed, judge());
}

TEST(TsigVerification, refusesLengthsThatLie) {
    const auto message = server.on(answer().octets());
    const std::size_t record = answer().octets().size();
    const std::size_t length = record + 15 + 8;
    const std::size_t macLength = record + 15 + 10 + 13 + 8;
    for (const std::size_t place : {length, length + 1, macLength, macLength + 1, message.size() - 1})
        for (const unsigned value : {0U, 1U, 0x3FU, 0xFFU})
            if (std::to_integer<unsigned>(message[place]) != value)
                CHECK_FALSE(judge(with(message, place, value)).good());
}
