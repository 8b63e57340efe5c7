#include "tls/certificate.h"

#include "CppUTest/TestHarness.h"

#include "tls/names.h"
#include "tls/test_authority.h"
#include "tls/tls.h"

using namespace muster;
using namespace muster::tls;
using namespace muster::tls::test;

namespace {

const Timestamp kNow = day(2026, 6, 1);
const Names kExpected = {"muster.example.org"};

std::string refusal(const Result<Pair>& pair) {
    return pair ? "(taken)" : pair.error().text();
}

bool warns(const Result<Pair>& pair, const char* of) {
    for (const std::string& warning : pair->warnings)
        if (warning.find(of) != std::string::npos)
            return true;
    return false;
}

}  // namespace

TEST_GROUP(Certificate){Result<Pair> judged(const std::string& upload, const std::string& requestKey = {}){
    return judge(upload, requestKey, kExpected, kNow);
}
}
;

TEST(Certificate, ofItsOwnNamesTheBoxAndIsGoodForAsLongAsAnyBrowserTakes) {
    const auto pair = makeOwn({"muster.example.org", "192.0.2.7", "2001:db8::7"}, day(2026, 11, 1));
    CHECK(pair.has_value());
    const Description& own = pair->chain.front();
    STRCMP_EQUAL("CN=muster.example.org", own.subject.c_str());
    STRCMP_EQUAL("CN=muster.example.org", own.issuer.c_str());
    CHECK(own.selfSigned);
    CHECK(own.names == Names({"muster.example.org", "192.0.2.7", "2001:db8::7"}));
    CHECK(own.notBefore == day(2026, 11, 1));
    CHECK(own.notAfter == day(2029, 2, 2));
    STRCMP_EQUAL("ECDSA P-256", own.key.c_str());
    CHECK_EQUAL(95, own.fingerprint.size());
    CHECK(Context::make(pair->pem).has_value());
}

TEST(Certificate, ofItsOwnIsOfAKeyOfItsOwn) {
    const auto one = makeOwn({"a.example"}, kNow);
    const auto two = makeOwn({"a.example"}, kNow);
    CHECK(one->chain.front().fingerprint != two->chain.front().fingerprint);
}

TEST(Certificate, ofItsOwnKeepsAKeyThatIsGiven) {
    const auto one = makeOwn({"a.example"}, kNow);
    const auto two = makeOwn({"b.example"}, day(2027, 1, 1), one->pem);
    CHECK(two.has_value());
    STRCMP_EQUAL(one->pem.substr(0, one->pem.find("-----BEGIN CERTIFICATE")).c_str(),
                 two->pem.substr(0, two->pem.find("-----BEGIN CERTIFICATE")).c_str());
    CHECK(makeOwn({"a.example"}, kNow, "no key").error().code == Code::malformed);
}

TEST(Certificate, holdsAsManyLongNamesAsThereMayBe) {
    Names names;
    for (std::size_t i = 0; i < kMaxNames; ++i)
        names.push_back(std::string(60, 'a') + "." + std::string(59, 'b') + "." + std::string(60, 'c') + "." +
                        std::string(60, 'd') + "." + std::to_string(i) + ".example");
    const auto pair = makeOwn(names, kNow);
    CHECK(pair.has_value());
    CHECK(pair->chain.front().names == names);
    STRCMP_EQUAL(("CN=" + std::string(60, 'a')).c_str(), pair->chain.front().subject.c_str());
    CHECK(makeRequest(names).has_value());
    names.emplace_back("one.more");
    CHECK(!makeOwn(names, kNow).has_value());
}

TEST(Certificate, isNotMadeForWhatIsNoName) {
    for (const char* name :
         {"", "a..b", "-a.example", "a,O=Evil", "1.2.3.4.5", "fe80::1%eth0", "a_b", "*.example.org"}) {
        const auto pair = makeOwn({"good.example", name}, kNow);
        CHECK_TEXT(!pair.has_value(), name);
        CHECK(pair.error().code == Code::malformed);
        CHECK(!makeRequest({name}).has_value());
    }
    CHECK(!makeOwn({}, kNow).has_value());
}

TEST(Certificate, isTakenWithItsKeyAndItsChainInAnyOrder) {
    const Made root = make({.subject = "CN=Root", .authority = true});
    const Made middle = make({.subject = "CN=Middle", .issuer = &root, .authority = true});
    const Made own = make({.issuer = &middle});
    const std::string inOrder = own.key + own.certificate + middle.certificate + root.certificate;
    const auto straight = judged(inOrder);
    CHECK_TEXT(straight.has_value(), refusal(straight).c_str());
    CHECK_EQUAL(3, straight->chain.size());
    STRCMP_EQUAL("CN=Root", straight->chain[2].subject.c_str());
    CHECK(straight->warnings.empty());
    STRCMP_EQUAL(inOrder.c_str(), straight->pem.c_str());
    const auto mixed = judged("Bag Attributes\r\n" + root.certificate + middle.certificate + own.certificate +
                              middle.certificate + own.key);
    CHECK_TEXT(mixed.has_value(), refusal(mixed).c_str());
    STRCMP_EQUAL(inOrder.c_str(), mixed->pem.c_str());
    CHECK(Context::make(mixed->pem).has_value());
    CHECK(readPair(mixed->pem).has_value());
}

TEST(Certificate, isTakenWithoutItsRootAndAlone) {
    const Made root = make({.subject = "CN=Root", .authority = true});
    const Made middle = make({.subject = "CN=Middle", .issuer = &root, .authority = true});
    const Made own = make({.issuer = &middle});
    CHECK_EQUAL(2, judged(own.key + own.certificate + middle.certificate)->chain.size());
    CHECK_EQUAL(1, judged(own.certificate + own.key)->chain.size());
}

TEST(Certificate, isTakenForTheKeyOfARequest) {
    const auto request = makeRequest({"muster.example.org"});
    const Made root = make({.subject = "CN=Root", .authority = true});
    const Made own = make({.issuer = &root, .requestKey = request->key});
    const auto pair = judged(own.certificate + root.certificate, request->key);
    CHECK_TEXT(pair.has_value(), refusal(pair).c_str());
    CHECK(pair->pem.starts_with(request->key));
    const Made other = make({.issuer = &root});
    STRCMP_CONTAINS("not the answer to the request", refusal(judged(other.certificate, request->key)).c_str());
    // A key of its own makes the request unimportant.
    CHECK(judged(other.certificate + other.key, request->key).has_value());
}

TEST(Certificate, isTakenForEveryKeyThatBrowsersTake) {
    for (const int bits : {2048, 3072}) {
        const Made own = make({.rsaBits = bits});
        const auto pair = judged(own.key + own.certificate);
        CHECK_TEXT(pair.has_value(), refusal(pair).c_str());
        STRCMP_EQUAL(("RSA " + std::to_string(bits)).c_str(), pair->chain.front().key.c_str());
        CHECK(Context::make(pair->pem).has_value());
    }
    const Made own = make({.curve = MBEDTLS_ECP_DP_SECP384R1});
    STRCMP_EQUAL("ECDSA P-384", judged(own.key + own.certificate)->chain.front().key.c_str());
}

TEST(Certificate, isRefusedForOtherKeys) {
    const Made small = make({.rsaBits = 1024});
    STRCMP_CONTAINS("it is RSA 1024; ECDSA P-256", refusal(judged(small.key + small.certificate)).c_str());
    const Made large = make({.curve = MBEDTLS_ECP_DP_SECP521R1});
    STRCMP_CONTAINS("ECDSA P-521", refusal(judged(large.key + large.certificate)).c_str());
    const Made odd = make({.curve = MBEDTLS_ECP_DP_BP256R1});
    STRCMP_CONTAINS("uncommon curve", refusal(judged(odd.key + odd.certificate)).c_str());
}

TEST(Certificate, isRefusedWithoutItsKey) {
    const Made one = make({});
    const Made two = make({});
    STRCMP_CONTAINS("there is none in it", refusal(judged(one.certificate)).c_str());
    STRCMP_CONTAINS("belongs to none of the certificates", refusal(judged(one.certificate + two.key)).c_str());
    STRCMP_CONTAINS("2 private keys", refusal(judged(one.certificate + one.key + two.key)).c_str());
    STRCMP_CONTAINS("no certificate", refusal(judged(one.key)).c_str());
}

TEST(Certificate, isRefusedWhenItHasExpiredAndWarnedOfWhenItIsNotYetValid) {
    const Made old = make({.from = "20200101000000", .to = "20210101000000"});
    STRCMP_CONTAINS("expired on 2021-01-01, and this box has 2026-06-01",
                    refusal(judged(old.key + old.certificate)).c_str());
    const Made early = make({.from = "20260901000000"});
    const auto pair = judged(early.key + early.certificate);
    CHECK(warns(pair, "valid only from 2026-09-01"));
}

TEST(Certificate, isRefusedWhenItsChainHasExpired) {
    const Made root = make({.subject = "CN=Root", .authority = true, .from = "20200101000000", .to = "20210101000000"});
    const Made own = make({.issuer = &root});
    STRCMP_CONTAINS("\"CN=Root\": expired", refusal(judged(own.key + own.certificate + root.certificate)).c_str());
}

TEST(Certificate, isRefusedWithACertificateThatIsNotOfItsChain) {
    const Made own = make({});
    const Made stranger = make({.subject = "CN=Stranger"});
    STRCMP_CONTAINS("\"CN=Stranger\": is no part of the chain",
                    refusal(judged(own.key + own.certificate + stranger.certificate)).c_str());
    const Made root = make({.subject = "CN=Root", .authority = true});
    const Made namesake = make({.subject = "CN=Root", .authority = true});
    const Made signedByRoot = make({.issuer = &root});
    STRCMP_CONTAINS("did not sign it",
                    refusal(judged(signedByRoot.key + signedByRoot.certificate + namesake.certificate)).c_str());
    // Of two of one name the one that did sign is found.
    const auto found =
        judged(signedByRoot.key + signedByRoot.certificate + root.certificate + signedByRoot.certificate);
    CHECK_EQUAL(2, found->chain.size());
}

TEST(Certificate, isRefusedWhenItsIssuerIsNoAuthority) {
    const Made issuer = make({.subject = "CN=Not an authority"});
    const Made own = make({.issuer = &issuer});
    STRCMP_CONTAINS("did not sign it", refusal(judged(own.key + own.certificate + issuer.certificate)).c_str());
}

TEST(Certificate, isRefusedForOtherPurposesAndOldHashes) {
    const Made mail = make({.forClients = true});
    STRCMP_CONTAINS("server authentication", refusal(judged(mail.key + mail.certificate)).c_str());
    const Made usage = make({.usage = MBEDTLS_X509_KU_KEY_ENCIPHERMENT});
    STRCMP_CONTAINS("digital signature", refusal(judged(usage.key + usage.certificate)).c_str());
    const Made sha1 = make({.hash = MBEDTLS_MD_SHA1});
    STRCMP_CONTAINS("outdated hash", refusal(judged(sha1.key + sha1.certificate)).c_str());
}

TEST(Certificate, isWarnedOfWhenItIsForAnotherName) {
    const Made other = make({.names = {"other.example.org"}});
    CHECK(warns(judged(other.key + other.certificate), "is for other.example.org, and this box is called muster"));
    const Made none = make({.names = {}});
    CHECK(warns(judged(none.key + none.certificate), "no subject alternative name"));
}

TEST(Certificate, isRefusedAsOtherFilesWithTheWayToMakeItOne) {
    const Made own = make({});
    STRCMP_CONTAINS("openssl pkey", refusal(judged("-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n"
                                                   "-----END ENCRYPTED PRIVATE KEY-----\n" +
                                                   own.certificate))
                                        .c_str());
    STRCMP_CONTAINS("openssl pkey", refusal(judged("-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nAAAA\n"
                                                   "-----END EC PRIVATE KEY-----\n" +
                                                   own.certificate))
                                        .c_str());
    STRCMP_CONTAINS("openssl pkcs12", refusal(judged("\x30\x82\x01\x01")).c_str());
    STRCMP_CONTAINS("pkcs7", refusal(judged("-----BEGIN PKCS7-----\nAAAA\n-----END PKCS7-----\n")).c_str());
    STRCMP_CONTAINS("certificate request", refusal(judged(makeRequest({"a.example"})->pem)).c_str());
    STRCMP_CONTAINS("no PEM", refusal(judged("hello")).c_str());
    STRCMP_CONTAINS("no PEM", refusal(judged("")).c_str());
    STRCMP_CONTAINS("\"OPENSSH PRIVATE KEY\"", refusal(judged("-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n"
                                                              "-----END OPENSSH PRIVATE KEY-----\n"))
                                                   .c_str());
}

TEST(Certificate, isRefusedWhenItIsCutOffOrGarbled) {
    const Made own = make({});
    const std::string whole = own.key + own.certificate;
    STRCMP_CONTAINS("upload the whole file", refusal(judged(whole.substr(0, whole.size() - 40))).c_str());
    std::string garbled = whole;
    garbled[garbled.size() - 100] ^= 1;
    CHECK(!judged(garbled) || judged(garbled)->chain.front().fingerprint != judged(whole)->chain.front().fingerprint);
    STRCMP_CONTAINS("certificate 1", refusal(judged(own.key + "-----BEGIN CERTIFICATE-----\nAAAA\n"
                                                              "-----END CERTIFICATE-----\n"))
                                         .c_str());
}

TEST(Certificate, isRefusedBeyondItsBounds) {
    STRCMP_CONTAINS("65537 octets, at most 65536", refusal(judged(std::string(kMaxUpload + 1, 'x'))).c_str());
    const Made own = make({});
    std::string many = own.key;
    for (std::size_t i = 0; i <= kMaxChain; ++i)
        many += own.certificate;
    STRCMP_CONTAINS("9 certificates were found, at most 8", refusal(judged(many)).c_str());
}

TEST(Certificate, coversNamesAsBrowsersSee) {
    CHECK(covers("a.example.org", "A.Example.ORG"));
    CHECK(covers("*.example.org", "a.example.org"));
    CHECK(!covers("*.example.org", "a.b.example.org"));
    CHECK(!covers("*.example.org", "example.org"));
    CHECK(!covers("*.0.2.7", "192.0.2.7"));
    CHECK(covers("192.0.2.7", "192.0.2.7"));
}
