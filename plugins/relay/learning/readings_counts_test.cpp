#include "CppUTest/TestHarness.h"

#include "readings_test_support.h"

using namespace muster;
using namespace muster::relay;
using namespace muster::relay::test;
using namespace std::chrono_literals;

namespace {
constexpr std::chrono::hours kDay{24};
}

TEST_GROUP(VirtualMachines) {
    Estate estate;
    Traffic& host = estate.add("kms-a");
};

TEST(VirtualMachines, areNotCountedWhereTheCountIsThatOfThePhysicalOnes) {
    host.fill(1, 4, 1);
    host.fill(5, 30, 4, {.isVirtual = true}, false);
    const Reading reading = estate.get("counts-no-virtual");
    STRCMP_EQUAL(
        "This host counts no virtual machines: count 4; 30 clients were answered in 30 days, 26 of them virtual.",
        reading.text.c_str());
    CHECK_TRUE(reading.severity == Severity::warning);  // 25 are needed
    STRCMP_EQUAL("likely", name(reading.certainty));
    CHECK_TRUE(evidenceHas(reading, "Of 26 new virtual clients, 0 raised the count."));
    CHECK_FALSE(estate.has("counts-virtual"));
    CHECK_FALSE(estate.has("count-short"));
    CHECK_FALSE(estate.has("counts-virtual-contradicted"));
}

TEST(VirtualMachines, areJudgedFromFiveOn) {
    host.answered({.machine = 1}, 1);
    host.fill(2, 5, 1, {.isVirtual = true}, false);
    CHECK_FALSE(estate.has("counts-no-virtual"));
    host.answered({.machine = 6, .isVirtual = true}, 1);
    CHECK_TRUE(estate.has("counts-no-virtual"));
}

TEST(VirtualMachines, areNotCountedAlsoWhereOtherMachinesAskTheHostDirectly) {
    host.fill(1, 4, 18);  // 17 that never came through here
    host.fill(5, 30, 21, {.isVirtual = true}, false);
    CHECK_TRUE(estate.has("counts-no-virtual"));
}

TEST(VirtualMachines, areNotJudgedWhereThereAreNone) {
    host.fill(1, 30, 4, {}, false);
    CHECK_FALSE(estate.has("counts-no-virtual"));
    CHECK_FALSE(estate.has("counts-virtual"));
}

TEST(VirtualMachines, areNotJudgedByACountAtItsLimit) {
    host.fill(1, 50, 1);
    host.fill(51, 90, 50, {.isVirtual = true}, false);
    CHECK_FALSE(estate.has("counts-no-virtual"));
    CHECK_FALSE(estate.has("counts-virtual"));
}

TEST(VirtualMachines, areCountedWhereTheyRaiseTheCount) {
    host.fill(1, 4, 1);
    host.fill(5, 9, 5, {.isVirtual = true});
    const Reading reading = estate.get("counts-virtual");
    CHECK_TRUE(contains(reading.text, "count 9; 9 clients were answered in 30 days, 5 of them virtual"));
    CHECK_FALSE(estate.has("counts-no-virtual"));
}

TEST(VirtualMachines, areCountedWhereTheCountIsThatOfAll) {
    host.fill(1, 12, 14, {.isVirtual = true}, false);  // the host knew them before we came
    host.fill(20, 21, 14, {}, false);
    CHECK_TRUE(estate.has("counts-virtual"));
}

TEST(VirtualMachines, areNotJudgedWhenAHostFullOfOldersIsNewToUs) {
    host.fill(1, 3, 50, {}, false);
    host.fill(4, 20, 50, {.isVirtual = true}, false);
    CHECK_FALSE(estate.has("counts-virtual"));
    CHECK_FALSE(estate.has("counts-no-virtual"));
}

TEST(VirtualMachines, areNotJudgedByWhatWasSeenBeforeTheHostWasRebuilt) {
    host.fill(1, 4, 1);
    host.fill(5, 30, 5, {.isVirtual = true});
    CHECK_TRUE(estate.has("counts-virtual"));
    host.answered({.machine = 1}, 1);  // installed anew: it begins at one
    host.answered({.machine = 2}, 2);
    CHECK_FALSE(estate.has("counts-no-virtual"));
    CHECK_FALSE(estate.has("counts-virtual"));
    CHECK_TRUE(estate.has("count-fell"));
}

TEST(VirtualMachines, areNoMoreJudgedByACountThatIsAWeekOld) {
    host.fill(1, 4, 1);
    host.fill(5, 30, 4, {.isVirtual = true}, false);
    estate.at = host.now + 7 * kDay;
    CHECK_TRUE(estate.has("counts-no-virtual"));
    estate.at += 1s;
    CHECK_FALSE(estate.has("counts-no-virtual"));
}

TEST(VirtualMachines, contradictASetting) {
    Traffic& second = estate.add("kms-b", CountsVirtual::yes);
    second.fill(1, 4, 1);
    second.fill(5, 30, 4, {.isVirtual = true}, false);
    const Reading reading = estate.get("counts-virtual-contradicted", 1);
    CHECK_TRUE(contains(reading.text, "The setting counts-virtual says yes, the answers say no: count 4;"));
    CHECK_TRUE(contains(reading.remedy, "Set counts-virtual of kms-b to no"));
    Traffic& third = estate.add("kms-c", CountsVirtual::no);
    third.fill(1, 9, 1, {.isVirtual = true});
    CHECK_TRUE(contains(estate.get("counts-virtual-contradicted", 2).text, "says no, the answers say yes"));
    Traffic& fourth = estate.add("kms-d", CountsVirtual::yes);
    fourth.fill(1, 9, 1, {.isVirtual = true});
    CHECK_TRUE(estate.has("counts-virtual", 3));
    CHECK_FALSE(estate.has("counts-virtual-contradicted", 3));
}

TEST_GROUP(ACount) {
    Estate estate;
    Traffic& host = estate.add("kms-a");
};

TEST(ACount, ofFiftyIsNoFault) {
    host.fill(1, 49, 1);
    CHECK_FALSE(estate.has("count-capped"));
    host.answered({.machine = 50}, 50);
    host.fill(51, 212, 50, {}, false);
    const Reading reading = estate.get("count-capped");
    CHECK_TRUE(reading.severity == Severity::info);
    CHECK_TRUE(contains(reading.text, "Count 50 is the most that this host shows"));
    CHECK_TRUE(evidenceHas(reading, "Count 50; 212 clients were answered in 30 days, 0 of them virtual."));
    CHECK_FALSE(estate.has("count-short"));
    CHECK_FALSE(estate.has("count-below-need"));
}

TEST(ACount, ofTenIsNoFaultWhereOnlyServersAsk) {
    host.fill(1, 10, 1, {.counted = kServer2008B, .required = 5});
    host.fill(11, 40, 10, {.counted = kServer2008B, .required = 5}, false);
    CHECK_TRUE(estate.has("count-capped"));
    CHECK_FALSE(estate.has("count-short"));
}

TEST(ACount, ofFiftyIsTheLimitAlsoWhereClientsAskDirectly) {
    host.answered({.counted = kServer2008B, .required = 5}, 50);
    CHECK_TRUE(estate.has("count-capped"));
}

TEST(ACount, isSaidWithAtLeastWhereThereAreMoreThanWeRemember) {
    host.fill(1, kMaxClients + 10, 50, {}, false);
    CHECK_TRUE(evidenceHas(estate.get("count-capped"), "at least 512 clients were answered"));
}

TEST(ACount, thatIsTooLowNamesWhoWaits) {
    host.answered({.machine = 1, .counted = kServer2008R2B, .required = 5}, 19);
    CHECK_FALSE(estate.has("count-below-need"));
    host.answered({.machine = 2, .counted = kWindows7}, 19);
    const Reading reading = estate.get("count-below-need");
    STRCMP_EQUAL("Count 19 is too low for Windows 7 (needs 25): those clients are answered and do not activate.",
                 reading.text.c_str());
    CHECK_TRUE(evidenceHas(reading, "Enough for Windows Server 2008 R2 B (Standard and Enterprise)."));
    host.answered({.machine = 3}, 25);
    CHECK_FALSE(estate.has("count-below-need"));
}

TEST(ACount, isTooLowForThePhysicalMachinesThatWereAnswered) {
    host.fill(1, 4, 1, {}, false);
    CHECK_FALSE(estate.has("count-short"));
    host.answered({.machine = 5}, 1);
    const Reading reading = estate.get("count-short");
    CHECK_TRUE(contains(reading.text, "Count 1, although 5 clients were answered in 30 days"));
    host.answered({.machine = 5}, 3);  // two less than five: machines may have changed their CMID
    CHECK_FALSE(estate.has("count-short"));
}

TEST(ACount, isNotTooLowForVirtualMachinesUnlessTheSettingSaysThatTheyCount) {
    Traffic& second = estate.add("kms-b", CountsVirtual::yes);
    for (Traffic* traffic : {&host, &second}) {
        traffic->fill(1, 10, 15, {}, false);
        traffic->fill(11, 30, 15, {.isVirtual = true}, false);
    }
    CHECK_FALSE(estate.has("count-short", 0));
    CHECK_TRUE(estate.has("count-short", 1));
}

TEST(ACount, thatFellByMoreThanHalfIsToldForAWeek) {
    host.fill(1, 40, 1);
    host.answered({.machine = 1}, 20);
    CHECK_FALSE(estate.has("count-fell"));
    host.answered({.machine = 1}, 9);
    CHECK_TRUE(contains(estate.get("count-fell").text, "fell from 20 to 9"));
    estate.at = host.now + 7 * kDay + 1s;
    CHECK_FALSE(estate.has("count-fell"));
}

TEST_GROUP(ASplitCount) {
    Estate estate;
    Traffic& a = estate.add("kms-a");
    Traffic& b = estate.add("kms-b");
    void setup() override {
        b.epid = kServer2008R2CEpid;
    }
};

TEST(ASplitCount, isToldAtBothHostsWithTheirCounts) {
    a.answered({.machine = 1}, 14);
    b.answered({.machine = 2, .counted = kWindows7}, 11);
    for (std::size_t i : {0U, 1U}) {
        const Reading reading = estate.get("count-split", i);
        STRCMP_EQUAL(
            "The count is split: kms-a 14 and kms-b 11. None reaches the 25 that clients need; together they would.",
            reading.text.c_str());
        STRCMP_EQUAL("likely", name(reading.certainty));
        CHECK_TRUE(evidenceHas(reading, "Count 14 at kms-a."));
    }
}

TEST(ASplitCount, isNotToldWhereEvenTheSumIsTooLow) {
    a.answered({.machine = 1}, 14);
    b.answered({.machine = 2}, 10);
    CHECK_FALSE(estate.has("count-split"));
}

TEST(ASplitCount, isNotToldOfOneHost) {
    a.answered({.machine = 1}, 14);
    b.refused({.machine = 2}, HResult::groupNotCovered);
    CHECK_FALSE(estate.has("count-split"));
}

TEST(ASplitCount, isNotToldWhereOneHostHasEnough) {
    a.answered({.machine = 1}, 25);
    b.answered({.machine = 2}, 11);
    CHECK_FALSE(estate.has("count-split", 0));
    CHECK_FALSE(estate.has("count-split", 1));
}

TEST(ASplitCount, isNotToldOfServersThatNeedFive) {
    a.answered({.machine = 1, .counted = kServer2008B, .required = 5}, 6);
    b.answered({.machine = 2, .counted = kServer2008B, .required = 5}, 7);
    CHECK_FALSE(estate.has("count-split"));
}

TEST(ASplitCount, isCertainWhereWeSawEnoughClients) {
    a.fill(1, 14, 1);
    b.fill(15, 25, 1);
    STRCMP_EQUAL("certain", name(estate.get("count-split").certainty));
}

TEST(ASplitCount, isNotToldOfOneHostUnderTwoNames) {
    b.epid = a.epid;
    a.fill(1, 14, 1);
    b.fill(1, 14, 14, {}, false);
    CHECK_FALSE(estate.has("count-split"));
    b.fill(15, 25, 14, {}, false);  // more clients than either counts: two hosts after all
    CHECK_TRUE(estate.has("count-split"));
}

TEST(ASplitCount, isNotToldAcrossApplications) {
    a.answered({.machine = 1}, 14);
    b.answered({.machine = 2, .counted = cmid(9), .application = kOffice}, 14);
    CHECK_FALSE(estate.has("count-split"));
}

TEST(ASplitCount, isNotToldFromACountThatIsAWeekOld) {
    a.answered({.machine = 1}, 14);
    b.now += 8 * kDay;
    b.answered({.machine = 2}, 14);
    CHECK_FALSE(estate.has("count-split", 0));
    CHECK_FALSE(estate.has("count-split", 1));
}
