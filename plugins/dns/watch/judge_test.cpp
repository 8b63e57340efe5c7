#include "judge.h"

#include "CppUTest/TestHarness.h"

#include "dns/system_names.h"

using namespace muster;
using namespace muster::publisher;
using std::chrono::hours;

namespace {

const Timestamp kNow{std::chrono::milliseconds(1795348800000)};  // 2026-11-22
const Address kResolver = *Address::parse("10.0.0.53:53");
const WatchedDomain kDomain{"corp.example", "muster-01.corp.example", 1688, 0, 100, true, std::nullopt};

dns::AddressAnswer found(const char* address) {
    return {{dns::LookupCode::found, {}, kResolver}, std::chrono::hours(1), {*dns::numericAddress(address)}, false};
}

Probe kms(const char* address) {
    return {*Address::parse(address), Probe::Port::open, Probe::Rpc::kms, {}};
}

Sight ours() {
    return {"muster-01.corp.example", 1688, {{0, 100}}, found("10.20.0.16"), {Owner::Whose::ours, false, {}},
            {kms("10.20.0.16:1688")}};
}

Sight other(Owner owner = {}) {
    return {"kms-a.corp.example", 1688, {{0, 0}}, found("10.20.0.21"), std::move(owner), {kms("10.20.0.21:1688")}};
}

bool says(const Judgement& judgement, const char* words) {
    return judgement.text().find(words) != std::string::npos;
}

}  // namespace

TEST_GROUP(Judge){};

TEST(Judge, knowsOurOwnRecord) {
    const Judgement judgement = judge(ours(), kDomain, kNow);
    CHECK(judgement.verdict == Verdict::ours);
    CHECK(judgement.advice.empty());
}

TEST(Judge, saysWhatOfOurRecordIsNotAsSet) {
    Sight sight = ours();
    sight.port = 1689;
    Judgement judgement = judge(sight, kDomain, kNow);
    CHECK(judgement.verdict == Verdict::differs);
    CHECK(says(judgement, "with port 1689, and port 1688 is set; publish it again"));
    sight = ours();
    sight.orders = {{10, 100}};
    judgement = judge(sight, kDomain, kNow);
    CHECK(judgement.verdict == Verdict::differs);
    CHECK(says(judgement, "with priority 10 weight 100, and priority 0 weight 100 is set"));
    sight.orders = {{0, 100}, {0, 0}};  // the old one still stands beside it
    CHECK(says(judge(sight, kDomain, kNow), "priority 0 weight 100 and priority 0 weight 0"));
}

TEST(Judge, saysThatOurNameLeadsNowhere) {
    Sight sight = ours();
    sight.addresses = {{dns::LookupCode::noName, "x", kResolver}, {}, {}, false};
    sight.probes.clear();
    const Judgement judgement = judge(sight, kDomain, kNow);
    CHECK(judgement.verdict == Verdict::stale);
    CHECK(says(judgement, "does not exist, says 10.0.0.53:53"));
    CHECK(says(judgement, "addresses = true"));
}

TEST(Judge, tellsForeignAllowedAndBypassApart) {
    Judgement judgement = judge(other(), kDomain, kNow);
    CHECK(judgement.verdict == Verdict::foreign);
    CHECK(says(judgement, "possibly a client that carries a host key"));
    judgement = judge(other({Owner::Whose::upstream, false, "kms-a"}), kDomain, kNow);
    CHECK(judgement.verdict == Verdict::bypass);
    CHECK(says(judgement, "is upstream kms-a: clients that choose it do not pass here; run slmgr.vbs /cdns on it"));
    CHECK(judge(other({Owner::Whose::allowed, false, {}}), kDomain, kNow).verdict == Verdict::allowed);
}

TEST(Judge, tellsWhatDoesNotAnswerFromWhatIsNoKmsHost) {
    Sight sight = other();
    sight.probes = {{*Address::parse("10.20.0.21:1688"), Probe::Port::closed, Probe::Rpc::notTried, "refuses"}};
    CHECK(judge(sight, kDomain, kNow).verdict == Verdict::unreachable);
    sight.probes = {{*Address::parse("10.20.0.21:1688"), Probe::Port::open, Probe::Rpc::other, "is no RPC"}};
    CHECK(judge(sight, kDomain, kNow).verdict == Verdict::notKms);
    // One address that works is enough for a client.
    sight.probes.push_back(kms("10.20.0.22:1688"));
    CHECK(judge(sight, kDomain, kNow).verdict == Verdict::foreign);
}

TEST(Judge, concludesNothingFromSilence) {
    Sight sight = other();
    sight.addresses = {{dns::LookupCode::serverFailure, "10.0.0.53:53 fails (SERVFAIL)", kResolver}, {}, {}, false};
    sight.probes.clear();
    CHECK(judge(sight, kDomain, kNow).verdict == Verdict::unknown);
    sight = other();
    sight.probes.front().port = Probe::Port::notTried;
    CHECK(judge(sight, kDomain, kNow).verdict == Verdict::unknown);
}

TEST(Judge, reckonsWhenARecordMayBeScavengedFromTheLastRefresh) {
    WatchedDomain domain = kDomain;
    domain.refreshed = kNow - hours(24 * 4);
    CHECK(judge(ours(), domain, kNow).verdict == Verdict::ours);
    domain.refreshed = kNow - hours(24 * 5);  // its time stamp may be 7 days older than that
    const Judgement judgement = judge(ours(), domain, kNow);
    CHECK(judgement.verdict == Verdict::scavenging);
    CHECK(says(judgement, "was on 2026-11-17"));
    CHECK(says(judgement, "between 2026-11-24 and 2026-12-01 (a reading: DNS does not show the time stamp)"));
}

TEST(Judge, findsOurselvesUnderAnotherName) {
    Sight sight = other({Owner::Whose::ours, true, {}});
    const Judgement judgement = judge(sight, kDomain, kNow);
    CHECK(judgement.verdict == Verdict::ours);
    CHECK(says(judgement, "under another name; if it is a former name of it, remove that record"));
}

TEST(Judge, namesWhatEachNameServerHas) {
    const dns::Service muster{0, 100, 1688, "muster-01.corp.example"};
    const dns::Service kmsA{0, 0, 1688, "kms-a.corp.example"};
    const dns::Service changed{10, 100, 1688, "muster-01.corp.example"};
    std::vector<ServerView> views = {{"ns1", {}, {}, {muster, kmsA}, {}},
                                     {"ns2", {}, {}, {kmsA, muster}, {}},
                                     {"ns3", {}, "gives no answer", {}, {}}};
    Judgement judgement = judgeServers(views);
    CHECK(judgement.verdict == Verdict::ours);
    STRCMP_EQUAL("2 of 3 name servers answered, and all of them have the same 2 records", judgement.evidence.c_str());
    views[1].services = {kmsA, changed};
    judgement = judgeServers(views);
    CHECK(judgement.verdict == Verdict::serversDiffer);
    STRCMP_EQUAL(
        "compared with ns1, ns2 lacks muster-01.corp.example:1688 (0 100) and has also "
        "muster-01.corp.example:1688 (10 100)",
        judgement.evidence.c_str());
    views[1].services = {kmsA};
    STRCMP_EQUAL("compared with ns1, ns2 lacks muster-01.corp.example:1688 (0 100)",
                 judgeServers(views).evidence.c_str());
    for (ServerView& view : views)
        view.problem = "gives no answer";
    CHECK(judgeServers(views).verdict == Verdict::unknown);
}

TEST(Judge, ownersAreKnownByNameAndByAddress) {
    const Owners owners(
        {"Muster-01.corp.example."}, {{"kms-a", "kms-a.corp.example", 1688, {*dns::numericAddress("10.20.0.21")}}},
        {"kms-b.corp.example"}, [](const Address& address) { return address == *Address::parse("10.20.0.16:1688"); });
    const auto of = [&](const char* target, const char* address, std::uint16_t port = 1688) {
        return owners.of(target, port, {*dns::numericAddress(address)});
    };
    CHECK(of("muster-01.corp.example", "10.9.9.9").whose == Owner::Whose::ours);
    CHECK(of("old-name.corp.example", "10.20.0.16").whose == Owner::Whose::ours);
    CHECK(of("old-name.corp.example", "10.20.0.16").byAddress);
    CHECK(of("old-name.corp.example", "10.20.0.16", 1689).whose == Owner::Whose::nobody);
    CHECK(of("kms-b.corp.example", "10.9.9.9").whose == Owner::Whose::allowed);
    CHECK(of("kms-a.corp.example", "10.9.9.9").whose == Owner::Whose::upstream);
    CHECK(of("alias.corp.example", "10.20.0.21").whose == Owner::Whose::upstream);
    STRCMP_EQUAL("kms-a", of("alias.corp.example", "10.20.0.21").upstream.c_str());
    CHECK(of("ws-2211.corp.example", "10.20.19.211").whose == Owner::Whose::nobody);
}

TEST(Judge, everyVerdictHasAStableNameAndEveryTroubleAnEvent) {
    for (unsigned i = 0; i <= static_cast<unsigned>(Verdict::scavenging); ++i) {
        const auto verdict = static_cast<Verdict>(i);
        CHECK(verdictOf(name(verdict)) == verdict);
        if (!isTrouble(verdict))
            continue;
        bool listed = false;
        for (const EventSpec& event : kWatchEvents)
            listed = listed || (event.id == eventOf(verdict) && event.id != kSettled);
        CHECK(listed);
    }
    CHECK_FALSE(verdictOf("worse").has_value());
}
