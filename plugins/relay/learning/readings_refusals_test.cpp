#include "CppUTest/TestHarness.h"

#include "readings_test_support.h"

using namespace muster;
using namespace muster::relay;
using namespace muster::relay::test;
using namespace std::chrono_literals;

namespace {
constexpr std::chrono::hours kDay{24};
}

TEST_GROUP(AKeyThatDoesNotCover) {
    Estate estate;
    Traffic& host = estate.add("kms-a");
    Traffic& other = estate.add("kms-b");
};

TEST(AKeyThatDoesNotCover, isReadFromTwoRefusalsWhileOthersAreAnswered) {
    host.answered({.machine = 1}, 1);
    host.refused({.machine = 2, .counted = kServer2008R2B, .required = 5}, HResult::groupNotCovered);
    CHECK_FALSE(estate.has("key-does-not-cover"));
    const Timestamp first = host.now;
    host.refused({.machine = 2, .counted = kServer2008R2B, .required = 5}, HResult::groupNotCovered);
    const Reading reading = estate.get("key-does-not-cover");
    STRCMP_EQUAL(
        "This host's key does not cover Windows Server 2008 R2 B (Standard and Enterprise): 2 requests got 0xC004F042 "
        "and none an answer, while other products are answered.",
        reading.text.c_str());
    STRCMP_EQUAL("certain", name(reading.certainty));
    CHECK_TRUE(reading.since == first);
    CHECK_TRUE(evidenceHas(reading, "PC-2 (10.0.0.2), clock right: 0xC004F042."));
    CHECK_TRUE(reading.evidence[0].example.has_value());
    CHECK_TRUE(evidenceHas(reading,
                           "Its ePID reads as a Windows Server 2008 C (Datacenter & Itanium) host key, which "
                           "does not cover it."));
}

TEST(AKeyThatDoesNotCover, namesTheKeysThatWould) {
    for (int i = 0; i < 2; ++i)
        host.refused({.counted = kServer2008R2B}, HResult::groupNotCovered);
    const Reading reading = estate.get("key-does-not-cover");
    STRCMP_EQUAL(
        "Host keys that cover it: Windows Server 2008 R2 B (Standard & Enterprise) and Windows Server 2008 R2 C "
        "(Datacenter & Itanium). Or add an upstream whose key covers it.",
        reading.remedy.c_str());
    STRCMP_EQUAL("likely", name(reading.certainty));  // nothing else was answered
    CHECK_FALSE(contains(reading.text, "other products"));
}

TEST(AKeyThatDoesNotCover, namesTheUpstreamWhoseKeyDoes) {
    for (int i = 0; i < 2; ++i)
        host.refused({.counted = kWindows7}, HResult::groupNotCovered);
    other.answered({.counted = kWindows7}, 3);
    CHECK_TRUE(contains(estate.get("key-does-not-cover").remedy, "Or let kms-b serve Windows 7"));
    CHECK_FALSE(estate.has("key-does-not-cover", 1));
    other.refused({.counted = kWindows7}, HResult::groupNotCovered);
    CHECK_FALSE(contains(estate.get("key-does-not-cover").remedy, "kms-b"));
}

TEST(AKeyThatDoesNotCover, isNoMoreReadOnceItIsAnswered) {
    for (int i = 0; i < 2; ++i)
        host.refused({.counted = kWindows7}, HResult::groupNotCovered);
    host.answered({.counted = kWindows7}, 3);
    CHECK_FALSE(estate.has("key-does-not-cover"));
    host.refused({.counted = kWindows7}, HResult::groupNotCovered);
    CHECK_FALSE(estate.has("key-does-not-cover"));
}

TEST(AKeyThatDoesNotCover, isNoMoreReadAfterThirtyDays) {
    for (int i = 0; i < 2; ++i)
        host.refused({.counted = kWindows7}, HResult::groupNotCovered);
    estate.at = host.now + 30 * kDay;
    CHECK_TRUE(estate.has("key-does-not-cover"));
    estate.at += 1s;
    CHECK_FALSE(estate.has("key-does-not-cover"));
}

TEST(AKeyThatDoesNotCover, isNotReadFromAClientWhoseClockIsWrong) {
    host.answered({}, 1);
    for (int i = 0; i < 5; ++i)
        host.refused({.counted = kWindows7, .ahead = 6h}, HResult::invalidTimestamp);
    CHECK_FALSE(estate.has("key-does-not-cover"));
}

TEST(AKeyThatDoesNotCover, isReadOnceForAllIdentifiersThatNobodyKnows) {
    for (std::uint32_t i = 0; i < 20; ++i)
        for (int k = 0; k < 2; ++k)
            host.refused({.counted = cmid(100 + i)}, HResult::groupNotCovered);
    LONGS_EQUAL(1, estate.of().size());
    CHECK_TRUE(contains(estate.of()[0].text, "20 product groups that no loaded family knows"));
    CHECK_TRUE(estate.of()[0].severity == Severity::info);
    LONGS_EQUAL(3, estate.of()[0].evidence.size());
}

TEST(AKeyThatDoesNotCover, usesTheNameOfALaterProduct) {
    const Guid server2012 = Guid::parse("8665cb71-468c-4aa3-a337-cb9bc9d5eaac").value();
    for (int k = 0; k < 2; ++k)
        host.refused({.counted = server2012}, HResult::groupNotCovered);
    CHECK_TRUE(contains(estate.get("key-does-not-cover").text, "does not cover Windows Server 2012"));
}

TEST(AKeyThatDoesNotCover, ofSealedRequestsIsReadWithoutTheProductsName) {
    host.answered({.machine = 1, .major = 6}, 0);
    for (int k = 0; k < 2; ++k)
        host.refused({.machine = 2, .major = 6}, HResult::groupNotCovered);
    host.answered({.machine = 1, .major = 6}, 0);
    const Reading reading = estate.get("key-does-not-cover");
    CHECK_TRUE(contains(reading.text, "some product that asks in version 6: 2 of 4 requests"));
    CHECK_TRUE(evidenceHas(reading, "10.0.0.2: 0xC004F042."));
}

TEST_GROUP(AMissingUpdate) {
    Estate estate;
    Traffic& host = estate.add("kms-a");
    void refuse(std::uint32_t machine, std::chrono::seconds ahead = 0s, const Guid& counted = kWindows7) {
        host.refused({.machine = machine, .counted = counted, .ahead = ahead}, HResult::invalidTimestamp);
    }
};

TEST(AMissingUpdate, isReadWhenAllOfAGenerationAreRefusedForClocksThatAreRight) {
    host.answered({.machine = 1}, 1);
    refuse(2);
    refuse(3, 30min);
    CHECK_FALSE(estate.has("update-missing"));
    refuse(2);
    const Reading reading = estate.get("update-missing");
    STRCMP_EQUAL(
        "This host lacks the update for Windows 7 and Windows Server 2008 R2: every request of theirs (3) got "
        "0xC004F06C though the clients' clocks are right, while other products are answered.",
        reading.text.c_str());
    STRCMP_EQUAL("likely", name(reading.certainty));
    CHECK_TRUE(evidenceHas(reading, "PC-3 (10.0.0.3), clock 30 min ahead: 0xC004F06C."));
    CHECK_TRUE(evidenceHas(reading, "build 6002"));
    CHECK_TRUE(contains(reading.remedy, "KB968912"));
    CHECK_TRUE(reading.since == kNoon + 2min);
    CHECK_FALSE(estate.has("host-clock"));
    CHECK_FALSE(estate.has("client-clocks"));
}

TEST(AMissingUpdate, isReadWithADoubtWhereTheKeyReadsAsOneOfThatGeneration) {
    host.answered({.machine = 1}, 1);
    for (std::uint32_t i = 2; i < 5; ++i)
        refuse(i);
    CHECK_FALSE(evidenceHas(estate.get("update-missing"), "one of the two readings is wrong"));
    host.epid = kServer2008R2CEpid;
    host.answered({.machine = 1}, 1);
    CHECK_TRUE(evidenceHas(estate.get("update-missing"), "one of the two readings is wrong"));
}

TEST(AMissingUpdate, needsTwoClients) {
    host.answered({.machine = 1}, 1);
    for (int i = 0; i < 9; ++i)
        refuse(2);
    CHECK_FALSE(estate.has("update-missing"));
}

TEST(AMissingUpdate, countsTheProductsOfOneGenerationTogether) {
    host.answered({.machine = 1}, 1);
    refuse(2);
    refuse(3, 0s, kServer2008R2B);
    refuse(3, 0s, kServer2008R2B);
    CHECK_TRUE(estate.has("update-missing"));
}

TEST(AMissingUpdate, isNotReadWhileOneOfThatGenerationIsAnswered) {
    host.answered({.machine = 1}, 1);
    for (std::uint32_t i = 2; i < 6; ++i)
        refuse(i);
    CHECK_TRUE(estate.has("update-missing"));
    host.answered({.machine = 7, .counted = kServer2008R2B}, 5);
    CHECK_FALSE(estate.has("update-missing"));
}

TEST(AMissingUpdate, isReadOfAHostThatAnsweredThatGenerationBeforeItWasRebuilt) {
    host.answered({.machine = 2, .counted = kWindows7}, 1);
    host.now += 2 * kDay;
    for (std::uint32_t i = 2; i < 5; ++i)
        refuse(i);
    host.answered({.machine = 1}, 1);
    CHECK_TRUE(estate.has("update-missing"));
}

TEST(AMissingUpdate, isNotReadFromClientsWhoseClocksAreWrong) {
    host.answered({.machine = 1}, 1);
    for (std::uint32_t i = 2; i < 9; ++i)
        refuse(i, -5h);
    host.answered({.machine = 1}, 1);
    CHECK_FALSE(estate.has("update-missing"));
    CHECK_TRUE(estate.has("client-clocks"));
}

TEST(AMissingUpdate, isNotReadFromClocksNearTheLimit) {
    host.answered({.machine = 1}, 1);
    for (std::uint32_t i = 2; i < 9; ++i)
        refuse(i, 3h + 55min);
    CHECK_FALSE(estate.has("update-missing"));
    CHECK_FALSE(estate.has("client-clocks"));
}

TEST(AMissingUpdate, isReadBesideAClientWhoseClockIsWrong) {
    host.answered({.machine = 1}, 1);
    for (std::uint32_t i = 2; i < 5; ++i)
        refuse(i);
    refuse(9, 7h);
    CHECK_TRUE(estate.has("update-missing"));
    CHECK_TRUE(estate.has("client-clocks"));
}

TEST(AMissingUpdate, isNotReadWhenEverybodyIsRefused) {
    host.answered({.machine = 1}, 1);
    for (std::uint32_t i = 2; i < 6; ++i)
        refuse(i);
    refuse(1, 0s, kVista);
    CHECK_FALSE(estate.has("update-missing"));
    const Reading reading = estate.get("host-clock");
    CHECK_TRUE(contains(reading.text, "its own clock is more than 4 h off."));
    CHECK_TRUE(reading.severity == Severity::error);
}

TEST_GROUP(WrongClocks) {
    Estate estate;
    Traffic& host = estate.add("kms-a");
    void refuse(std::uint32_t machine, std::chrono::seconds ahead = 0s, const Guid& counted = kVista) {
        host.refused({.machine = machine, .counted = counted, .ahead = ahead}, HResult::invalidTimestamp);
    }
};

TEST(WrongClocks, areTheHostsWhenThreeClientsWithRightClocksAreRefusedAndNobodyIsAnswered) {
    refuse(1);
    refuse(2);
    refuse(1);
    CHECK_FALSE(estate.has("host-clock"));
    refuse(3);
    const Reading reading = estate.get("host-clock");
    CHECK_TRUE(contains(reading.text, "or it lacks the update"));  // one generation alone cannot tell
    LONGS_EQUAL(3, reading.evidence.size());
    host.answered({.machine = 4}, 1);
    CHECK_FALSE(estate.has("host-clock"));
}

TEST(WrongClocks, areTheClientsWhenTheHostAnswersOthers) {
    host.answered({.machine = 1}, 1);
    refuse(2, -5h);
    Reading reading = estate.get("client-clocks");
    STRCMP_EQUAL("likely", name(reading.certainty));
    host.answered({.machine = 1}, 1);
    refuse(3, 26h);
    reading = estate.get("client-clocks");
    STRCMP_EQUAL("certain", name(reading.certainty));
    STRCMP_EQUAL(
        "2 clients are refused with 0xC004F06C because their clocks are more than 4 h off; the host answers others.",
        reading.text.c_str());
    CHECK_TRUE(evidenceHas(reading, "PC-2 (10.0.0.2), clock 5 h 0 min behind: 0xC004F06C."));
    CHECK_TRUE(evidenceHas(reading, "clock 26 h 0 min ahead"));
    CHECK_TRUE(reading.since == kNoon + 2min);
    estate.at = host.now + 8 * kDay;
    CHECK_FALSE(estate.has("client-clocks"));
}

TEST(WrongClocks, areOfACommonSourceWhenThreeAgreeAndNobodyIsAnswered) {
    refuse(1, -5h);
    refuse(2, -5h - 4min);
    CHECK_FALSE(estate.has("clocks-disagree"));
    refuse(3, -5h + 4min);
    CHECK_TRUE(estate.has("clocks-disagree"));
    CHECK_FALSE(estate.has("client-clocks"));
    host.answered({.machine = 4}, 1);
    CHECK_FALSE(estate.has("clocks-disagree"));
    CHECK_TRUE(estate.has("client-clocks"));
}

TEST(WrongClocks, areNotOfACommonSourceWhereTheyDiffer) {
    refuse(1, -5h);
    refuse(2, 9h);
    refuse(3, -5h);
    CHECK_FALSE(estate.has("clocks-disagree"));
    CHECK_TRUE(estate.has("client-clocks"));
}

TEST(WrongClocks, areOursWhenFiveThatAreAnsweredDifferFromUsAndNotFromEachOther) {
    for (std::uint32_t i = 1; i <= 4; ++i)
        host.answered({.machine = i, .ahead = 11min + i * 1s}, i);
    host.answered({.machine = 4, .ahead = 11min}, 4);
    CHECK_FALSE(estate.has("own-clock"));
    host.answered({.machine = 5, .ahead = 12min}, 5);
    const Reading reading = estate.get("own-clock");
    CHECK_TRUE(contains(reading.text, "this appliance's clock is wrong"));
    LONGS_EQUAL(5, reading.evidence.size());
    host.answered({.machine = 6}, 6);
    CHECK_FALSE(estate.has("own-clock"));
}

TEST(WrongClocks, areNotOursWhenTheyDifferFromEachOther) {
    for (std::uint32_t i = 1; i <= 8; ++i)
        host.answered({.machine = i, .ahead = i * 20min}, i);
    CHECK_FALSE(estate.has("own-clock"));
}

TEST_GROUP(AHostThatRefuses) {
    Estate estate;
    Traffic& host = estate.add("kms-a");
};

TEST(AHostThatRefuses, isNotActivatedWhenItSaysSoTwice) {
    host.answered({}, 1);
    host.refused({.machine = 2}, HResult::hostNotActivated);
    CHECK_FALSE(estate.has("not-activated"));
    host.refused({.machine = 3, .counted = kWindows7}, HResult::hostNotActivated);
    const Reading reading = estate.get("not-activated");
    CHECK_TRUE(reading.severity == Severity::critical);
    STRCMP_EQUAL("certain", name(reading.certainty));
    CHECK_TRUE(evidenceHas(reading, "PC-3"));
    CHECK_TRUE(contains(reading.remedy, "slmgr /ato"));
    CHECK_TRUE(reading.since == kNoon + 2min);
    STRCMP_EQUAL("not-activated", estate.of().front().code.c_str());  // the most severe first
    host.answered({}, 1);
    CHECK_FALSE(estate.has("not-activated"));
}

TEST(AHostThatRefuses, hasNoKmsWhenItSaysSo) {
    for (int i = 0; i < 2; ++i)
        host.refused({}, HResult::serviceNotEnabled);
    CHECK_TRUE(contains(estate.get("not-enabled").text, "KMS is not enabled"));
    CHECK_FALSE(estate.has("not-activated"));
}

TEST(AHostThatRefuses, isExplainedByTheTableOfErrors) {
    for (int i = 0; i < 2; ++i)
        host.refused({}, HResult::invalidProductKey);
    CHECK_FALSE(estate.has("refuses-all"));
    host.refused({}, HResult::invalidProductKey);
    CHECK_TRUE(contains(estate.get("refuses-all").text, "3 requests got 0xC004F050"));
    CHECK_FALSE(estate.get("refuses-all").remedy.empty());
}

TEST(AHostThatRefuses, isNotJudgedByOneClientThatSendsNonsense) {
    host.answered({}, 1);
    for (int i = 0; i < 50; ++i)
        host.refused({.machine = 66}, HResult::invalidData);
    CHECK_FALSE(estate.has("refuses-all"));
}

TEST(AHostThatRefuses, doesNotSpeakAVersionThatItNeverAnswered) {
    host.answered({}, 1);
    host.refused({.machine = 2, .major = 6}, HResult::invalidData);
    host.refused({.machine = 2, .major = 6}, HResult::invalidData);
    host.refused({.machine = 2, .major = 6}, HResult::invalidData);
    CHECK_FALSE(estate.has("version-not-spoken"));  // one machine that sends nonsense
    host.refused({.machine = 3, .major = 6}, HResult::invalidData);
    CHECK_TRUE(contains(estate.get("version-not-spoken").text, "protocol version 6: 4 requests"));
    host.answered({.machine = 3, .major = 6}, 0);
    CHECK_FALSE(estate.has("version-not-spoken"));
}
