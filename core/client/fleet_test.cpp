#include "client/fleet.h"

#include <algorithm>
#include <set>

#include "CppUTest/TestHarness.h"

using namespace muster;
using namespace muster::client;

TEST_GROUP(Fleet) {
    FleetPlan plan;

    void setup() override {
        plan.clients = 30;
        plan.products = *products("win7", {});
        plan.namePattern = "PC-{n}";
    }
    std::size_t distinct() {
        std::set<Guid> cmids;
        const auto fleet = makeFleet(plan);
        for (const Profile& machine : *fleet)
            cmids.insert(machine.cmid);
        return cmids.size();
    }
};

TEST(Fleet, givesEachMachineANameAndACmidOfItsOwn) {
    const auto fleet = makeFleet(plan);
    LONGS_EQUAL(30, fleet->size());
    STRCMP_EQUAL("PC-001", fleet->front().name.c_str());
    STRCMP_EQUAL("PC-030", fleet->back().name.c_str());
    LONGS_EQUAL(30, distinct());
}

TEST(Fleet, isTheSameAgainFromTheSameSeed) {
    plan.cmidSeed = 7;
    const auto one = makeFleet(plan);
    const auto two = makeFleet(plan);
    CHECK(std::equal(one->begin(), one->end(), two->begin(),
                     [](const Profile& a, const Profile& b) { return a.cmid == b.cmid; }));
    plan.cmidSeed = 8;
    CHECK(makeFleet(plan)->front().cmid != one->front().cmid);
}

TEST(Fleet, clonesShareOneCmidUnderNamesOfTheirOwn) {
    plan.duplicates = 4;
    LONGS_EQUAL(27, distinct());
    CHECK(makeFleet(plan)->at(0).name != makeFleet(plan)->at(1).name);
}

TEST(Fleet, makesTheLastOnesVirtual) {
    plan.virtualMachines = 5;
    const auto fleet = makeFleet(plan);
    LONGS_EQUAL(5, std::count_if(fleet->begin(), fleet->end(), [](const Profile& p) { return p.isVirtual; }));
    CHECK(fleet->back().isVirtual);
}

TEST(Fleet, setsAllClocksWrongOrOnlySome) {
    plan.skew = std::chrono::hours(5);
    CHECK(makeFleet(plan)->front().skew == std::chrono::hours(5));
    plan.skewed = 1;
    CHECK(makeFleet(plan)->front().skew == std::chrono::hours(0));
    CHECK(makeFleet(plan)->back().skew == std::chrono::hours(5));
}

TEST(Fleet, refusesMoreVirtualMachinesThanMachines) {
    plan.virtualMachines = 31;
    CHECK(makeFleet(plan).error().text().find("31 of 30") != std::string::npos);
}

TEST(Fleet, refusesNamesThatTheWireCannotCarry) {
    plan.namePattern = std::string(61, 'x') + "{n}";
    CHECK(!makeFleet(plan).has_value());
    plan.namePattern = std::string(60, 'x') + "{n}";
    CHECK(makeFleet(plan).has_value());
}

TEST(Fleet, refusesOneNameForManyMachines) {
    plan.namePattern = "PC";
    CHECK(!makeFleet(plan).has_value());
    plan.clients = 1;
    STRCMP_EQUAL("PC", makeFleet(plan)->front().name.c_str());
}

TEST_GROUP(Duration){};

TEST(Duration, readsNumbersWithUnits) {
    using std::chrono::milliseconds;
    CHECK(*parseDuration("5h") == std::chrono::hours(5));
    CHECK(*parseDuration("+5h") == std::chrono::hours(5));
    CHECK(*parseDuration("-90s") == std::chrono::seconds(-90));
    CHECK(*parseDuration("60") == std::chrono::seconds(60));
    CHECK(*parseDuration("20ms") == milliseconds(20));
    CHECK(*parseDuration("2d") == std::chrono::hours(48));
}

TEST(Duration, refusesWhatIsNone) {
    for (const char* text : {"", "h", "5x", "5 h", "1.5h", "999999999999d", "9223372036854775807", "+-5s"})
        CHECK_FALSE_TEXT(parseDuration(text).has_value(), text);
}
