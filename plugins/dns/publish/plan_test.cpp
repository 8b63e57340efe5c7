#include "publish/plan.h"

#include "CppUTest/TestHarness.h"

#include "dns/system_names.h"

using namespace muster;
using namespace muster::publisher;

namespace {

constexpr const char* kOwner = "_vlmcs._tcp.corp.example";

dns::Record srv(const char* target, std::uint16_t port = 1688, std::uint16_t priority = 0, std::uint16_t weight = 100,
                long long ttl = 3600) {
    return {kOwner, dns::Type::srv, std::chrono::seconds(ttl), {priority, weight, port, target}, Address()};
}

dns::Record a(const char* address, long long ttl = 3600, const char* host = "muster-01.corp.example") {
    return {host, dns::Type::a, std::chrono::seconds(ttl), dns::Service(), *dns::numericAddress(address)};
}

std::string textOf(const Plan& plan) {
    std::string out;
    for (const PlanLine& line : plan.lines)
        out += std::string(1, sign(line.change)) + ' ' + text(line.record) +
               (line.why.empty() ? "" : " ; " + line.why) + '\n';
    return out;
}

std::string textOf(const std::vector<dns::Record>& records) {
    std::string out;
    for (const dns::Record& record : records)
        out += text(record) + '\n';
    return out;
}

}  // namespace

TEST_GROUP(Plan) {
    PlanInput input;
    const dns::Record ours = srv("muster-01.corp.example");
    const dns::Record theirs = srv("kms-a.corp.example", 1688, 0, 0);

    void setup() override {
        input.zone = "corp.example";
        input.owner = kOwner;
        input.target = "muster-01.corp.example";
        input.wanted = {ours};
        input.present = {{kOwner, dns::Type::srv, {}}};
    }
};

TEST(Plan, addsWhatIsNotThere) {
    const Plan plan = makePlan(input);
    STRCMP_EQUAL("+ _vlmcs._tcp.corp.example. 3600 IN SRV 0 100 1688 muster-01.corp.example.\n", textOf(plan).c_str());
    CHECK_TRUE(plan.changes);
    CHECK_TRUE(plan.update.add == std::vector{ours});
    CHECK_TRUE(plan.update.remove.empty());
    CHECK_TRUE(plan.update.prerequisites.empty());
    STRCMP_EQUAL("corp.example", plan.update.zone.c_str());
}

TEST(Plan, leavesTheRecordsOfOthersAlone) {
    input.present[0].records = {theirs};
    const Plan plan = makePlan(input);
    CHECK_TRUE(plan.lines[0].change == PlanLine::Change::stays);
    CHECK_FALSE(plan.lines[0].ours);
    STRCMP_EQUAL("not ours", plan.lines[0].why.c_str());
    CHECK_TRUE(plan.update.remove.empty());
    CHECK_TRUE(plan.update.add == std::vector{ours});
}

TEST(Plan, hasNothingToDoWhereAllIsAsWanted) {
    input.present[0].records = {theirs, ours};
    const Plan plan = makePlan(input);
    CHECK_FALSE(plan.changes);
    CHECK_TRUE(plan.update.add.empty());
    CHECK_TRUE(plan.update.remove.empty());
}

TEST(Plan, refreshesByAddingTheSameAgain) {
    input.present[0].records = {theirs, ours};
    input.refresh = true;
    const Plan plan = makePlan(input);
    CHECK_FALSE(plan.changes);
    CHECK_TRUE(plan.update.add == std::vector{ours});
    CHECK_TRUE(plan.update.remove.empty());
}

TEST(Plan, changesItsOwnRecordInOneUpdate) {
    for (const dns::Record& before : {srv("muster-01.corp.example", 1700), srv("muster-01.corp.example", 1688, 5),
                                      srv("muster-01.corp.example", 1688, 0, 7)}) {
        input.present[0].records = {theirs, before};
        const Plan plan = makePlan(input);
        CHECK_TRUE(plan.update.remove == std::vector{before});
        CHECK_TRUE(plan.update.add == std::vector{ours});
    }
    input.present[0].records = {srv("muster-01.corp.example", 1700)};
    STRCMP_CONTAINS("its port changes to 1688", textOf(makePlan(input)).c_str());
}

TEST(Plan, cleansUpUnderItsFormerName) {
    const dns::Record former = srv("old-name.corp.example");
    input.present[0].records = {theirs, former};
    CHECK_TRUE(makePlan(input).update.remove.empty());  // nobody knows that it was ours
    input.remembered = {former};
    const Plan plan = makePlan(input);
    CHECK_TRUE(plan.update.remove == std::vector{former});
    CHECK_TRUE(plan.update.add == std::vector{ours});
    STRCMP_CONTAINS("its target changes to muster-01.corp.example", textOf(plan).c_str());
}

TEST(Plan, remembersExactDataAndSoSparesWhatOnlyLooksAlike) {
    input.remembered = {srv("old-name.corp.example", 1688)};
    const dns::Record theirsNow = srv("old-name.corp.example", 1700);
    input.present[0].records = {theirsNow};
    CHECK_TRUE(makePlan(input).update.remove.empty());
}

TEST(Plan, changesTheTtlWhereTheSetIsItsOwn) {
    const dns::Record before = srv("muster-01.corp.example", 1688, 0, 100, 600);
    input.present[0].records = {before};
    const Plan plan = makePlan(input);
    CHECK_TRUE(plan.changes);
    CHECK_TRUE(plan.update.remove == std::vector{before});
    CHECK_TRUE(plan.update.add == std::vector{ours});
}

TEST(Plan, doesNotQuarrelOverTheTtlOfASharedSet) {
    input.present[0].records = {srv("kms-a.corp.example", 1688, 0, 0, 600),
                                srv("muster-01.corp.example", 1688, 0, 100, 600)};
    const Plan plan = makePlan(input);
    CHECK_FALSE(plan.changes);
    STRCMP_CONTAINS("the TTL of the set is 600 s", textOf(plan).c_str());
}

TEST(Plan, withdrawsItsOwnAndNothingElse) {
    input.wanted = {};
    input.remembered = {srv("old-name.corp.example")};
    input.present[0].records = {theirs, ours, srv("old-name.corp.example"), srv("kms-b.corp.example")};
    const Plan plan = makePlan(input);
    STRCMP_EQUAL(
        "_vlmcs._tcp.corp.example. 3600 IN SRV 0 100 1688 muster-01.corp.example.\n"
        "_vlmcs._tcp.corp.example. 3600 IN SRV 0 100 1688 old-name.corp.example.\n",
        textOf(plan.update.remove).c_str());
    CHECK_TRUE(plan.update.add.empty());
}

TEST(Plan, ofTwoAppliancesEachKnowsItsOwn) {
    const dns::Record second = srv("muster-02.corp.example");
    input.present[0].records = {ours, second};
    CHECK_FALSE(makePlan(input).changes);
    input.wanted = {};
    CHECK_TRUE(makePlan(input).update.remove == std::vector{ours});
}

TEST(Plan, guardsAddressesAgainstAnotherMachineOfThatName) {
    input.wanted = {a("192.0.2.7")};
    input.present = {{"muster-01.corp.example", dns::Type::a, {}}};
    Plan plan = makePlan(input);
    using Kind = dns::Update::Prerequisite::Kind;
    LONGS_EQUAL(1, plan.update.prerequisites.size());
    CHECK(plan.update.prerequisites[0].kind == Kind::rrsetMissing);
    input.present[0].records = {a("192.0.2.9")};
    plan = makePlan(input);
    CHECK(plan.update.prerequisites[0].kind == Kind::rrsetIs);
    CHECK_TRUE(plan.update.prerequisites[0].is == std::vector{a("192.0.2.9")});
    CHECK_TRUE(plan.update.remove.empty());  // not known to be ours
    CHECK_TRUE(plan.update.add == std::vector{a("192.0.2.7")});
}

TEST(Plan, followsAChangedAddress) {
    input.wanted = {a("192.0.2.8")};
    input.remembered = {a("192.0.2.7")};
    input.present = {{"muster-01.corp.example", dns::Type::a, {a("192.0.2.7"), a("192.0.2.99")}}};
    const Plan plan = makePlan(input);
    CHECK_TRUE(plan.update.remove == std::vector{a("192.0.2.7")});
    CHECK_TRUE(plan.update.add == std::vector{a("192.0.2.8")});
}

TEST(Plan, leavesAnAddressThatAnotherDomainWants) {
    input.wanted = {};
    input.remembered = {a("192.0.2.7"), a("192.0.2.8")};
    input.shared = {a("192.0.2.7")};
    input.present = {{"muster-01.corp.example", dns::Type::a, {a("192.0.2.7"), a("192.0.2.8")}}};
    CHECK_TRUE(makePlan(input).update.remove == std::vector{a("192.0.2.8")});
}
