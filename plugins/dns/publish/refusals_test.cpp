#include "publish/refusals.h"

#include <string>

#include "CppUTest/TestHarness.h"

using namespace muster;
using namespace muster::publisher;
using dns::Rcode;
using Kind = UpdateVerdict::Kind;

namespace {

constexpr Timestamp kNow{std::chrono::milliseconds(1'790'000'000'000)};

enum class Signature { none, ours, theirs };

Sent answered(Rcode rcode, Signature signature, dns::TsigError error = dns::TsigError::none) {
    Sent sent;
    sent.ending = dns::Ending::answered;
    sent.server = "ns1.corp.example (192.0.2.53)";
    sent.at = kNow;
    sent.answer.rcode = rcode;
    sent.answer.isSigned = signature != Signature::none;
    dns::TsigVerdict& tsig = sent.answer.tsig;
    tsig.hasMac = sent.answer.isSigned;
    tsig.authentic = signature == Signature::ours;
    tsig.error = static_cast<std::uint16_t>(error);
    using TsigKind = dns::TsigVerdict::Kind;
    tsig.kind = error != dns::TsigError::none    ? TsigKind::serverError
                : signature == Signature::none   ? TsigKind::unsigned_
                : signature == Signature::theirs ? TsigKind::badMac
                                                 : TsigKind::good;
    if (tsig.kind == TsigKind::badMac)
        tsig.words = "It was not signed with our secret.";
    return sent;
}

dns::Update update() {
    dns::Update out;
    out.zone = "corp.example";
    out.add = {{"_vlmcs._tcp.corp.example",
                dns::Type::srv,
                std::chrono::hours(1),
                {0, 100, 1688, "muster-01.corp.example"},
                Address()}};
    return out;
}

const Asker kKey{Auth::tsig, "muster-update", "hmac-sha256"};
const Asker kNobody{};
const Asker kKerberos{Auth::gss, "muster-01$@CORP.EXAMPLE", ""};

Sent secure(int exit, const char* words, bool ticket = true, bool timedOut = false) {
    Sent sent;
    sent.ending = dns::Ending::answered;
    sent.server = "dc1.corp.example (192.0.2.10)";
    sent.secure = SecureUpdateOutcome{exit, ticket, timedOut, words};
    return sent;
}

}  // namespace

TEST_GROUP(Refusals){void expect(const Sent& sent, const Asker& asker, Kind kind, std::uint32_t hresult,
                                 const char* code, std::initializer_list<const char*> words){
    const UpdateVerdict verdict = judgeUpdate(sent, asker, update());
STRCMP_EQUAL(code, verdict.code.c_str());
CHECK(kind == verdict.kind);
STRCMP_EQUAL(hresultText(hresult).c_str(), hresultText(verdict.hresult).c_str());
CHECK_EQUAL(kind == Kind::applied, verdict.sentence.empty());
for (const char* word : words)
    STRCMP_CONTAINS(word, verdict.sentence.c_str());
}
}
;

// Every row of the table of servers, and who says it.

TEST(Refusals, aSignedAddThatIsDone) {
    expect(answered(Rcode::noError, Signature::ours), kKey, Kind::applied, 0, "applied", {});
    expect(answered(Rcode::noError, Signature::none), kNobody, Kind::applied, 0, "applied", {});
}

TEST(Refusals, aPrerequisiteThatDoesNotHold) {
    expect(answered(Rcode::yxRrset, Signature::ours), kKey, Kind::overtaken, 0x8007232F, "yxrrset", {"has changed"});
    expect(answered(Rcode::nxRrset, Signature::ours), kKey, Kind::overtaken, 0x80072330, "nxrrset", {"has changed"});
}

TEST(Refusals, aNameOutsideOfBindsPolicy) {
    expect(answered(Rcode::refused, Signature::ours), kKey, Kind::refused, 0x8007232D, "refused-policy",
           {"knows the key muster-update", "_vlmcs._tcp.corp.example", "update-policy"});
}

TEST(Refusals, whatKnotSaysOfAnUnknownKeyAndOfAForbiddenNameAlike) {
    expect(answered(Rcode::notAuth, Signature::none, dns::TsigError::badKey), kKey, Kind::refused, 0x80072339,
           "notauth-badkey", {"Either it does not know", "or its policy", "muster-update"});
}

TEST(Refusals, aNameOutsideOfTheZone) {
    expect(answered(Rcode::notZone, Signature::ours), kKey, Kind::refused, 0x80072332, "notzone",
           {"outside of zone corp.example"});
}

TEST(Refusals, aWrongSecretForBindAndKnot) {
    expect(answered(Rcode::notAuth, Signature::none, dns::TsigError::badSig), kKey, Kind::refused, 0x80072338,
           "notauth-badsig", {"knows a key named muster-update", "secret", "hmac-sha256"});
}

TEST(Refusals, aWrongKeyForPowerDns) {
    expect(answered(Rcode::refused, Signature::none), kKey, Kind::refused, 0x8007232D, "refused-unsigned",
           {"PowerDNS", "TSIG-ALLOW-DNSUPDATE", "clocks that differ", "allow-dnsupdate-from"});
}

TEST(Refusals, anUpdateWithoutSignatureWhereOneIsWanted) {
    expect(answered(Rcode::refused, Signature::none), kNobody, Kind::refused, 0x8007232D, "refused-needs-key",
           {"not signed", "auth = \"gss\""});
    // Knot's way, which elsewhere means that it is not the zone's server.
    expect(answered(Rcode::notAuth, Signature::none), kNobody, Kind::refused, 0x80072331, "refused-needs-key",
           {"not signed", "Knot", "\"server\""});
}

TEST(Refusals, aClockThatIsWrongAndByHowMuch) {
    Sent sent = answered(Rcode::notAuth, Signature::ours, dns::TsigError::badTime);
    sent.answer.tsig.serverTime = kNow + std::chrono::minutes(125);
    expect(sent, kKey, Kind::refused, 0x8007233A, "notauth-badtime", {"2 h 5 min behind", "NTP"});
    sent.answer.tsig.serverTime = kNow - std::chrono::seconds(400);
    expect(sent, kKey, Kind::refused, 0x8007233A, "notauth-badtime", {"6 min ahead"});
    sent.answer.tsig.serverTime.reset();
    expect(sent, kKey, Kind::refused, 0x8007233A, "notauth-badtime", {"too far"});
}

TEST(Refusals, aServerThatIsNotTheZones) {
    expect(answered(Rcode::notAuth, Signature::none), kKey, Kind::refused, 0x80072331, "notauth",
           {"not the server of zone"});
    expect(answered(Rcode::notAuth, Signature::ours), kKey, Kind::refused, 0x80072331, "notauth", {"secondary"});
}

TEST(Refusals, aServerWithoutUpdates) {
    expect(answered(Rcode::notImplemented, Signature::none), kKey, Kind::refused, 0x8007232C, "notimp", {"NSD"});
}

TEST(Refusals, aServerThatCannotWrite) {
    expect(answered(Rcode::serverFailure, Signature::ours), kKey, Kind::refused, 0x8007232A, "servfail", {".jnl"});
}

TEST(Refusals, otherCodes) {
    expect(answered(Rcode::formatError, Signature::none), kKey, Kind::refused, 0x80072329, "formerr", {"FORMERR"});
    expect(answered(Rcode::nameError, Signature::ours), kKey, Kind::refused, 0x8007232B, "nxdomain",
           {"does not exist"});
    expect(answered(Rcode::yxDomain, Signature::ours), kKey, Kind::overtaken, 0x8007232E, "yxdomain", {"has changed"});
    expect(answered(static_cast<Rcode>(11), Signature::ours), kKey, Kind::refused, 0x8007251E, "rcode-11",
           {"answered"});
    expect(answered(Rcode::notAuth, Signature::none, dns::TsigError::badTrunc), kKey, Kind::refused, 0x80072338,
           "notauth-badtrunc", {"longer signature"});
    expect(answered(Rcode::notAuth, Signature::none, static_cast<dns::TsigError>(99)), kKey, Kind::refused, 0x80072338,
           "tsig-error", {"99"});
}

TEST(Refusals, anAnswerThatAnybodyMayHaveSentIsNotBelieved) {
    expect(answered(Rcode::noError, Signature::none), kKey, Kind::unverified, 0, "answer-not-signed", {"read back"});
    expect(answered(Rcode::noError, Signature::theirs), kKey, Kind::unverified, 0, "answer-not-verifiable",
           {"read back"});
    expect(answered(Rcode::refused, Signature::theirs), kKey, Kind::unverified, 0, "answer-not-verifiable",
           {"REFUSED"});
}

TEST(Refusals, nobodyAnswers) {
    Sent sent;
    sent.server = "192.0.2.53";
    sent.ending = dns::Ending::timedOut;
    expect(sent, kKey, Kind::unanswered, 0x800705B4, "timeout", {"192.0.2.53 did not answer", "firewall"});
    sent.ending = dns::Ending::unreachable;
    sent.words = "Network is unreachable";
    expect(sent, kKey, Kind::unanswered, 0x800704CF, "unreachable", {"Network is unreachable"});
    sent.ending = dns::Ending::broken;
    expect(sent, kKey, Kind::unanswered, 0x8007251E, "broken-answer", {"cannot be read"});
}

TEST(Refusals, theTripleIsSaidAsItIs) {
    STRCMP_EQUAL(
        "NOTAUTH, TSIG error BADSIG, answer not signed",
        judgeUpdate(answered(Rcode::notAuth, Signature::none, dns::TsigError::badSig), kKey, update()).triple.c_str());
    STRCMP_EQUAL("REFUSED, answer signed with our key",
                 judgeUpdate(answered(Rcode::refused, Signature::ours), kKey, update()).triple.c_str());
    STRCMP_EQUAL("REFUSED, answer not signed",
                 judgeUpdate(answered(Rcode::refused, Signature::none), kKey, update()).triple.c_str());
    STRCMP_EQUAL("REFUSED, not signed",
                 judgeUpdate(answered(Rcode::refused, Signature::none), kNobody, update()).triple.c_str());
}

// nsupdate -g: its own words, as Debian's prints them.

TEST(Refusals, activeDirectoryTakesIt) {
    expect(secure(0, ""), kKerberos, Kind::applied, 0, "applied", {});
}

TEST(Refusals, aReplyWhoseSignatureCannotBeVerified) {
    expect(secure(2, "; TSIG error with server: tsig verify failure\n"), kKerberos, Kind::unverified, 0,
           "answer-not-verifiable", {"Samba before 4.21", "read back"});
}

TEST(Refusals, activeDirectoryRefuses) {
    expect(secure(2, "update failed: REFUSED\n"), kKerberos, Kind::refused, 0x8007232D, "refused-policy",
           {"muster-01$@CORP.EXAMPLE", "owns", "group"});
    expect(secure(2, "; TSIG error with server: tsig verify failure\nupdate failed: SERVFAIL\n"), kKerberos,
           Kind::refused, 0x8007232A, "refused-policy", {"account that made a record", "Samba"});
    expect(secure(2, "update failed: NXRRSET\n"), kKerberos, Kind::overtaken, 0x80072330, "nxrrset", {"has changed"});
    expect(secure(2, "update failed: NOTZONE\n"), kKerberos, Kind::refused, 0x80072332, "notzone", {"outside"});
    expect(secure(1, "response to GSS-TSIG query was unsuccessful\n"), kKerberos, Kind::refused, 0x80072339,
           "gss-refused", {"DNS/HOST"});
}

TEST(Refusals, kerberosGivesNoTicket) {
    expect(secure(1, "kinit: Clock skew too great while getting initial credentials\n", false), kKerberos,
           Kind::refused, 0x8009030E, "gss-no-ticket", {"clocks"});
    expect(secure(1, "kinit: Preauthentication failed while getting initial credentials\n", false), kKerberos,
           Kind::refused, 0x8009030E, "gss-no-ticket", {"keytab"});
    expect(secure(1, "kinit: Client 'x@Y' not found in Kerberos database\n", false), kKerberos, Kind::refused,
           0x8009030E, "gss-no-ticket", {"no such account"});
    expect(secure(1, "kinit: Cannot contact any KDC for realm 'Y'\n", false), kKerberos, Kind::refused, 0x8009030E,
           "gss-no-ticket", {"domain controller"});
}

TEST(Refusals, nsupdateDoesNotEnd) {
    expect(secure(137, "", true, true), kKerberos, Kind::unanswered, 0x800705B4, "timeout", {"killed"});
    expect(secure(1, "; Communications with 192.0.2.10#53 failed: timed out\n"), kKerberos, Kind::unanswered,
           0x800705B4, "timeout", {"did not answer"});
}
