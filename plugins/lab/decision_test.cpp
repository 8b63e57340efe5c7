#include "decision.h"

#include <string>

#include "CppUTest/TestHarness.h"

using namespace muster;
using namespace muster::lab;

namespace {

const Timestamp kNow{std::chrono::hours(24 * 365 * 50)};

Facts good() {
    Facts facts;
    facts.wellFormed = facts.sealed = facts.anyKey = facts.familyKnown = facts.sameApplication = facts.covered = true;
    facts.requiredClients = 25;
    facts.clientTime = FileTime::from(kNow);
    facts.received = kNow;
    return facts;
}

}  // namespace

TEST_GROUP(TheDecision) {
    Facts facts = good();
    Rules rules;
    void refused(HResult code) const {
        const Verdict verdict = judge(facts, rules);
        CHECK_TRUE(verdict.kind == Verdict::Kind::refused);
        STRCMP_EQUAL(text(code).c_str(), text(verdict.code).c_str());
        CHECK_TRUE(*verdict.reason != '\0');
    }
    void granted() const {
        CHECK_TRUE(judge(facts, rules).kind == Verdict::Kind::granted);
    }
};

TEST(TheDecision, isAGrantWhenNothingSpeaksAgainstIt) {
    granted();
}

TEST(TheDecision, letsAClockBe4HoursOffAndNoMore) {
    for (const auto off : {std::chrono::hours(4), std::chrono::hours(-4)}) {
        facts.clientTime = FileTime::from(kNow + off);
        granted();
        facts.clientTime = FileTime::from(
            kNow + off + (off.count() > 0 ? std::chrono::milliseconds(1) : std::chrono::milliseconds(-1)));
        refused(HResult::invalidTimestamp);
    }
}

TEST(TheDecision, survivesTheEndsOfTime) {
    for (const std::uint64_t ticks : {std::uint64_t{0}, ~std::uint64_t{0}}) {
        facts.clientTime.ticks = ticks;
        refused(HResult::invalidTimestamp);
    }
}

TEST(TheDecision, takes25And5AndWhatTheSettingsAdd) {
    facts.requiredClients = 5;
    granted();
    for (const std::uint32_t odd : {0U, 1U, 24U, 26U, 1000U, 0xFFFFFFFFU}) {
        facts.requiredClients = odd;
        refused(HResult::invalidArgument);
    }
    rules.extraThresholds = {3, 1000};
    facts.requiredClients = 1000;
    granted();
    facts.requiredClients = 4;
    refused(HResult::invalidArgument);
}

TEST(TheDecision, withoutAHostKeyIsThatTheHostIsNotActivated) {
    facts.anyKey = facts.covered = false;
    refused(HResult::hostNotActivated);
}

TEST(TheDecision, onAnUncoveredGroupIsTheSameWithAndWithoutItsFamily) {
    facts.covered = false;
    refused(HResult::groupNotCovered);
    facts.familyKnown = facts.sameApplication = false;
    refused(HResult::groupNotCovered);
}

TEST(TheDecision, ofAnUnUpdatedHostBlamesTheClockForAGenerationThatItDoesNotKnow) {
    rules.unUpdatedHost = true;
    facts.covered = false;
    refused(HResult::groupNotCovered);
    facts.familyKnown = false;
    refused(HResult::invalidTimestamp);
}

TEST(TheDecision, onWhatTheLabCannotReadIsInvalidData) {
    facts.sealed = false;
    refused(HResult::invalidData);
    STRCMP_EQUAL("a real client asked the lab", judge(facts, rules).reason);
    facts.opaque = true;
    refused(HResult::invalidData);
    facts.wellFormed = false;
    refused(HResult::invalidData);
}

TEST(TheDecision, onARealClientDoesNotDependOnAnythingElse) {
    facts = Facts{};
    facts.wellFormed = true;
    STRCMP_EQUAL("a real client asked the lab", judge(facts, rules).reason);
}

TEST(TheDecision, onTooManyNewClientsIsAFaultOnlyWhereTheyWouldHaveBeenCounted) {
    facts.overNewClientLimit = true;
    CHECK_TRUE(judge(facts, rules).kind == Verdict::Kind::tooBusy);
    facts.covered = false;
    refused(HResult::groupNotCovered);
}
