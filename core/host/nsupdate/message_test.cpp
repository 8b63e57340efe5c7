#include "host/nsupdate/message.h"

#include <functional>
#include <string>
#include <vector>

#include "CppUTest/TestHarness.h"

#include "host/nsupdate/script.h"
#include "host/nsupdate/test_updates.h"

using namespace muster;
using namespace muster::nsupdate;
using namespace std::chrono_literals;

namespace {

using Change = std::function<void(SecureUpdate&)>;

}  // namespace

TEST_GROUP(NsupdateMessage){};

TEST(NsupdateMessage, anUpdateComesBackAsItWas) {
    auto update = test::update();
    update.principal = "muster-01$@CORP.EXAMPLE";
    update.limit = 1234ms;
    const auto packet = encodeRequest(7, update);
    CHECK(packet.has_value());
    const auto read = decodeRequest(*packet);
    CHECK(read.has_value());
    LONGS_EQUAL(7, read->first);
    STRCMP_EQUAL(script(update).c_str(), script(read->second).c_str());
    STRCMP_EQUAL(update.principal.c_str(), read->second.principal.c_str());
    STRCMP_EQUAL(update.keytab.c_str(), read->second.keytab.c_str());
    CHECK(read->second.limit == 1234ms);
    CHECK(read->second.server == update.server);
}

TEST(NsupdateMessage, anOutcomeAndAnErrorComeBackAsTheyWere) {
    SecureUpdateOutcome outcome;
    outcome.exit = 137;
    outcome.ticket = true;
    outcome.timedOut = true;
    outcome.words = std::string(kMaxWords, 'w') + "more";
    const auto read = decodeAnswer(encodeAnswer(9, outcome));
    CHECK(read.has_value());
    LONGS_EQUAL(9, read->first);
    LONGS_EQUAL(137, read->second->exit);
    CHECK(read->second->ticket && read->second->timedOut);
    UNSIGNED_LONGS_EQUAL(kMaxWords, read->second->words.size());

    const auto refused = decodeAnswer(encodeAnswer(10, fail(Code::denied, "zone", "no keytab")));
    CHECK(refused.has_value() && !refused->second.has_value());
    CHECK(refused->second.error().code == Code::denied);
    STRCMP_EQUAL("zone: no keytab", refused->second.error().text().c_str());
}

TEST(NsupdateMessage, nothingPassesThatCouldBeMoreThanItself) {
    const std::vector<std::pair<const char*, Change>> cases = {
        {"a second line in a name", [](auto& u) { u.add[0].name = "a.corp.example\nupdate delete corp.example"; }},
        {"a blank in a target", [](auto& u) { u.add[0].target = "muster-01 corp.example"; }},
        {"upper case, as no plain name has it", [](auto& u) { u.add[0].target = "MUSTER.corp.example"; }},
        {"a last dot", [](auto& u) { u.zone = "corp.example."; }},
        {"no zone", [](auto& u) { u.zone.clear(); }},
        {"a name in another zone", [](auto& u) { u.add[0].name = "_vlmcs._tcp.other.example"; }},
        {"a name that only ends alike", [](auto& u) { u.add[0].name = "evilcorp.example"; }},
        {"port 0", [](auto& u) { u.add[0].port = 0; }},
        {"a TTL below zero", [](auto& u) { u.add[0].ttl = -1s; }},
        {"a TTL above 2^31 - 1", [](auto& u) { u.add[0].ttl = 0x80000000s; }},
        {"a type that is none of ours", [](auto& u) { u.add[0].type = static_cast<SecureUpdate::Type>(16); }},
        {"an A record of IPv6", [](auto& u) { u.add[1].address = *Address::parse("[::1]:0"); }},
        {"an AAAA record of IPv4", [](auto& u) { u.add[2].address = *Address::parse("10.0.0.1:0"); }},
        {"an address of one link", [](auto& u) { u.add[2].address.scopeId = 2; }},
        {"a realm of two lines", [](auto& u) { u.realm = "A\nserver 10.6.6.6"; }},
        {"a realm that is an option", [](auto& u) { u.realm = "-x"; }},
        {"a principal that is an option", [](auto& u) { u.principal = "-R"; }},
        {"a principal with a blank", [](auto& u) { u.principal = "a b"; }},
        {"a principal that is too long", [](auto& u) { u.principal = std::string(kMaxPrincipal + 1, 'p'); }},
        {"no keytab", [](auto& u) { u.keytab.clear(); }},
        {"a relative keytab", [](auto& u) { u.keytab = "etc/keytab"; }},
        {"a keytab with a NUL", [](auto& u) { u.keytab = std::string("/etc/key\0tab", 12); }},
        {"no server", [](auto& u) { u.server = {}; }},
        {"no time", [](auto& u) { u.limit = 0ms; }},
        {"too much time", [](auto& u) { u.limit = 1h; }},
        {"nothing to do", [](auto& u) { u.add.clear(), u.remove.clear(); }},
        {"too many records", [](auto& u) { u.add.assign(kMaxRecords + 1, test::service(1)); }},
        {"too many prerequisites",
         [](auto& u) { u.prerequisites.assign(kMaxPrerequisites + 1, u.prerequisites.front()); }},
        {"a prerequisite of no kind",
         [](auto& u) { u.prerequisites[0].kind = static_cast<SecureUpdate::Prerequisite::Kind>(9); }},
        {"an empty set", [](auto& u) { u.prerequisites[1].is.clear(); }},
        {"records of absence", [](auto& u) { u.prerequisites[0].is.push_back(test::address("[::1]:0")); }},
        {"a set of another name", [](auto& u) { u.prerequisites[1].is[0].name = "corp.example"; }},
    };
    CHECK(check(test::update()).has_value());
    for (const auto& [what, change] : cases) {
        auto update = test::update();
        change(update);
        const auto checked = check(update);
        CHECK_TEXT(!checked && checked.error().code == Code::malformed, what);
        CHECK_TEXT(!encodeRequest(1, update), what);
    }
}

TEST(NsupdateMessage, aRequestThatEndsEarlyOrLateIsNone) {
    const auto packet = *encodeRequest(1, test::update());
    for (std::size_t size = 0; size < packet.size(); ++size)
        CHECK_FALSE(decodeRequest(Octets(packet).first(size)).has_value());
    auto longer = packet;
    longer.push_back(std::byte{0});
    CHECK_FALSE(decodeRequest(longer).has_value());
    CHECK_FALSE(decodeAnswer(packet).has_value());
    const auto answer = encodeAnswer(1, SecureUpdateOutcome{});
    for (std::size_t size = 0; size < answer.size(); ++size)
        CHECK_FALSE(decodeAnswer(Octets(answer).first(size)).has_value());
}

TEST(NsupdateMessage, whatADecoderReadsIsCheckedAsWhatIsSent) {
    // The zone's first letter becomes a line's end: the other end of the socket pair is not believed either.
    auto packet = *encodeRequest(1, test::update());
    constexpr std::size_t kZone = 4 + 4 + 2;
    CHECK(packet[kZone] == std::byte{'c'});
    packet[kZone] = std::byte{'\n'};
    CHECK_FALSE(decodeRequest(packet).has_value());
}
