#include "count_table.h"

#include <vector>

#include "CppUTest/TestHarness.h"

using namespace muster;
using namespace muster::lab;

namespace {

Guid guid(std::uint32_t number) {
    Guid out;
    std::memcpy(out.octets.data(), &number, sizeof number);
    out.octets[15] = std::byte{1};
    return out;
}

const Guid kWindows = *Guid::parse("55c92734-d682-4d71-983e-d6ec3f16059f");
const Guid kOffice = *Guid::parse("59a52881-a989-479d-af46-f275c6370663");
const Timestamp kNow{std::chrono::hours(24 * 365 * 50)};
constexpr std::chrono::hours kDay{24};

}  // namespace

TEST_GROUP(Counting) {
    CountTable table;
    std::uint32_t ask(std::uint32_t machine, Timestamp now = kNow, std::uint32_t required = 25) {
        return table.count(kWindows, guid(machine), {}, required, now);
    }
};

TEST(Counting, theFirstMachineGetsOneAndTheSecondTwo) {
    LONGS_EQUAL(1, ask(1));
    LONGS_EQUAL(2, ask(2));
}

TEST(Counting, aMachineThatAsksAgainCountsOnce) {
    ask(1);
    ask(2);
    LONGS_EQUAL(2, ask(1));
    LONGS_EQUAL(2, ask(1, kNow + kDay));
}

TEST(Counting, clientsAndServersShareOneCountButApplicationsDoNot) {
    ask(1, kNow, 25);
    LONGS_EQUAL(2, ask(2, kNow, 5));
    LONGS_EQUAL(1, table.count(kOffice, guid(1), {}, 5, kNow));
}

TEST(Counting, stopsAtTwiceTheLargestNumberThatAnybodyNeeds) {
    for (std::uint32_t i = 0; i < 30; ++i)
        ask(i, kNow, 5);
    LONGS_EQUAL(10, table.current(kWindows, kNow));
    for (std::uint32_t i = 100; i < 200; ++i)
        ask(i, kNow, 25);
    LONGS_EQUAL(50, table.current(kWindows, kNow));
    LONGS_EQUAL(50, ask(1000, kNow, 5));
}

TEST(Counting, keepsTheNewestWhenItIsFull) {
    for (std::uint32_t i = 0; i < 10; ++i)
        ask(i, kNow + std::chrono::minutes(i), 5);
    ask(0, kNow + std::chrono::minutes(10), 5);  // the oldest asks again, so machine 1 is the oldest now
    ask(99, kNow + std::chrono::minutes(11), 5);
    // A day before 30 days after machine 99 asked, all but machines 0 and 99 are gone; machine 1 went when it was full.
    table.forget(kWindows, guid(1));
    LONGS_EQUAL(10, table.current(kWindows, kNow + std::chrono::minutes(11)));
    table.forget(kWindows, guid(0));
    LONGS_EQUAL(9, table.current(kWindows, kNow + std::chrono::minutes(11)));
}

TEST(Counting, aMachineThatIsSilentFor30DaysIsForgotten) {
    ask(1);
    ask(2, kNow + 10 * kDay);
    LONGS_EQUAL(2, table.current(kWindows, kNow + 30 * kDay - std::chrono::milliseconds(1)));
    LONGS_EQUAL(1, table.current(kWindows, kNow + 30 * kDay));
    LONGS_EQUAL(0, table.current(kWindows, kNow + 40 * kDay));
}

TEST(Counting, aRenewalBeginsThe30DaysAnew) {
    ask(1);
    ask(1, kNow + 20 * kDay);
    LONGS_EQUAL(1, table.current(kWindows, kNow + 49 * kDay));
    LONGS_EQUAL(0, table.current(kWindows, kNow + 50 * kDay));
}

TEST(Counting, aClockSetBackForgetsNobody) {
    ask(1, kNow + 100 * kDay);
    LONGS_EQUAL(2, ask(2, kNow));
}

TEST(Counting, aNewCmidTakesThePlaceOfTheOldOne) {
    ask(1);
    ask(2);
    LONGS_EQUAL(2, table.count(kWindows, guid(3), guid(1), 25, kNow));
    LONGS_EQUAL(3, ask(1));  // the old one is gone: who comes with it now is somebody else
}

TEST(Counting, aPreviousCmidThatIsTheSameOrUnknownChangesNothing) {
    ask(1);
    LONGS_EQUAL(1, table.count(kWindows, guid(1), guid(1), 25, kNow));
    LONGS_EQUAL(1, table.count(kWindows, guid(1), guid(77), 25, kNow));
}

TEST(Counting, whomAPersonRemovedNoLongerCounts) {
    ask(1);
    ask(2);
    table.forget(kWindows, guid(1));
    table.forget(kWindows, guid(1));
    table.forget(kOffice, guid(2));
    LONGS_EQUAL(1, table.current(kWindows, kNow));
}

TEST(Counting, comesBackFromThePoolNewestKept) {
    std::vector<CountedClient> newestFirst;
    for (std::uint32_t i = 0; i < 60; ++i)
        newestFirst.push_back({guid(i), kNow - std::chrono::minutes(i), 25});
    table.restore(kWindows, 25, newestFirst);
    LONGS_EQUAL(50, table.current(kWindows, kNow));
    LONGS_EQUAL(50, ask(0));
    LONGS_EQUAL(50, ask(49));
    table.forget(kWindows, guid(55));  // was beyond the fifty newest: nothing to forget
    LONGS_EQUAL(50, table.current(kWindows, kNow));
    CHECK_TRUE(table.knows(kWindows));
    CHECK_FALSE(table.knows(kOffice));
}

TEST(Counting, aNumberBeyondReasonDoesNotWidenTheTable) {
    LONGS_EQUAL(2 * CountTable::kMaxRequired, CountTable::capacityFor(0xFFFFFFFF));
}
