#include "learned.h"

#include <algorithm>
#include <atomic>
#include <thread>

#include "CppUTest/TestHarness.h"

#include "learned_test_support.h"

using namespace muster;
using namespace muster::relay;
using namespace muster::relay::test;
using namespace std::chrono_literals;

namespace {

constexpr std::chrono::hours kDay{24};

const ProductRecord* product(const Knowledge& knowledge, const Guid& counted, std::uint16_t major = 4) {
    for (const ProductRecord& record : knowledge.products)
        if (record.counted == counted && record.major == major)
            return &record;
    return nullptr;
}

std::size_t present(const Knowledge& knowledge, bool isVirtual, Timestamp now) {
    return static_cast<std::size_t>(
        std::count_if(knowledge.clients.begin(), knowledge.clients.end(), [&](const ClientRecord& client) {
            return client.isVirtual == isVirtual && client.application != ClientRecord::kSealed &&
                   isPresent(client, now);
        }));
}

}  // namespace

TEST_GROUP(WhatIsLearned) {
    Traffic host;
};

TEST(WhatIsLearned, isNothingBeforeTheFirstExchange) {
    const Knowledge knowledge = host.knowledge();
    CHECK_TRUE(knowledge.since == Timestamp{});
    CHECK_TRUE(knowledge.products.empty());
    CHECK_FALSE(host.record().headline().hasCount);
}

TEST(WhatIsLearned, sumsUpHowExchangesEnd) {
    host.answered({}, 1);
    host.answered({.machine = 2}, 2);
    host.refused({.counted = kWindows7}, HResult::groupNotCovered);
    host.ended({}, Ending::timedOut);
    host.ended({}, Ending::unreachable);
    const Headline headline = host.record().headline();
    LONGS_EQUAL(2, headline.answered);
    LONGS_EQUAL(1, headline.refused);
    LONGS_EQUAL(2, headline.failed);
    LONGS_EQUAL(2, headline.count);
    LONGS_EQUAL(1, host.knowledge().of(Ending::timedOut));
    CHECK_TRUE(headline.lastAnswer == kNoon + 2min);
}

TEST(WhatIsLearned, keepsTheEpidSinceWhenAndThoseBefore) {
    for (int i = 0; i < 8; ++i) {
        host.epid = std::string(kServer2008CEpid.substr(0, kServer2008CEpid.size() - 1)) + std::to_string(i);
        host.answered({}, 1);
        host.answered({}, 1);
    }
    const Knowledge knowledge = host.knowledge();
    LONGS_EQUAL(kMaxEpids, knowledge.epids.size());
    CHECK_TRUE(knowledge.epids[0].since == kNoon + 15min);
    CHECK_TRUE(knowledge.epids[0].last == kNoon + 16min);
    CHECK_TRUE(knowledge.epids[1].last == kNoon + 14min);
    LONGS_EQUAL(2, knowledge.epids[0].answers);
    LONGS_EQUAL('7', static_cast<int>(knowledge.epids[0].octets[2 * (kServer2008CEpid.size() - 1)]));
}

TEST(WhatIsLearned, knowsAnEpidThatComesBack) {
    const std::string first = host.epid;
    host.answered({}, 1);
    host.epid = kWindows7Epid;
    host.answered({}, 1);
    host.epid = first;
    host.answered({}, 1);
    const Knowledge knowledge = host.knowledge();
    LONGS_EQUAL(2, knowledge.epids.size());
    LONGS_EQUAL(1, knowledge.epids[0].returns);
    CHECK_TRUE(knowledge.epids[0].since == kNoon + 1min);
}

TEST(WhatIsLearned, takesNoMoreOfAnEpidThanItHasRoomFor) {
    host.epid = std::string(64, '5');
    host.answered({}, 1);
    LONGS_EQUAL(kMaxEpidOctets, host.knowledge().epids[0].size);
}

TEST(WhatIsLearned, keepsChangesOfTheIntervals) {
    host.answered({}, 1);
    host.renewal = 43'200;
    host.answered({}, 1);
    const Knowledge knowledge = host.knowledge();
    LONGS_EQUAL(2, knowledge.intervals.size());
    LONGS_EQUAL(43'200, knowledge.intervals[0].renewal);
    LONGS_EQUAL(10'080, knowledge.intervals[1].renewal);
}

TEST(WhatIsLearned, samplesTheCountByTheHourAndByFiveMinutes) {
    host.fill(1, 59, 1);  // 12:01 to 12:59
    host.fill(60, 61, 7, {}, false);
    const ApplicationRecord record = host.knowledge().applications.at(0);
    LONGS_EQUAL(2, record.hours.size());
    LONGS_EQUAL(1, record.hours[0].least);
    LONGS_EQUAL(59, record.hours[0].most);
    LONGS_EQUAL(59, record.hours[0].last);
    LONGS_EQUAL(7, record.hours[1].last);
    LONGS_EQUAL(13, record.minutes.size());
    LONGS_EQUAL(5, record.minutes[1].least);
    LONGS_EQUAL(9, record.minutes[1].last);
}

TEST(WhatIsLearned, keepsThirtyDaysOfSamplesAndNoMore) {
    for (int i = 0; i < 900; ++i) {
        host.now += 59min;
        host.answered({}, 3);
    }
    const ApplicationRecord record = host.knowledge().applications.at(0);
    LONGS_EQUAL(kMaxHours, record.hours.size());
    LONGS_EQUAL(kMaxFiveMinutes, record.minutes.size());
    LONGS_EQUAL((host.now.time_since_epoch().count() / 3'600'000) * 3600, record.hours.back().start);
}

TEST(WhatIsLearned, forgetsSamplesOfATimeThatHasNotComeYet) {
    host.answered({}, 40);
    host.now += 400 * kDay;
    host.answered({}, 41);
    host.now -= 400 * kDay;
    host.answered({}, 42);
    const ApplicationRecord record = host.knowledge().applications.at(0);
    LONGS_EQUAL(1, record.hours.size());
    LONGS_EQUAL(42, record.hours[0].last);
}

TEST(WhatIsLearned, countsEachApplicationByItself) {
    host.answered({}, 30);
    host.answered({.counted = cmid(77), .required = 5, .application = kOffice}, 4);
    const Knowledge knowledge = host.knowledge();
    LONGS_EQUAL(2, knowledge.applications.size());
    LONGS_EQUAL(30, knowledge.applications[0].count);
    LONGS_EQUAL(50, knowledge.applications[0].cap());
    LONGS_EQUAL(4, knowledge.applications[1].count);
    LONGS_EQUAL(10, knowledge.applications[1].cap());
}

TEST(WhatIsLearned, tellsVirtualMachinesFromPhysicalOnes) {
    host.fill(1, 4, 1);
    host.fill(5, 30, 4, {.isVirtual = true}, false);
    host.fill(1, 4, 4, {}, false);  // who comes again is no other client
    const Knowledge knowledge = host.knowledge();
    LONGS_EQUAL(4, present(knowledge, false, host.now));
    LONGS_EQUAL(26, present(knowledge, true, host.now));
    LONGS_EQUAL(26, knowledge.applications[0].virtual_.asked);
    LONGS_EQUAL(0, knowledge.applications[0].virtual_.rose);
    LONGS_EQUAL(3, knowledge.applications[0].physical.rose);  // the first had nothing to compare with
}

TEST(WhatIsLearned, countsOnlyWhoWasAnswered) {
    host.refused({.machine = 1}, HResult::groupNotCovered);
    host.ended({.machine = 2}, Ending::timedOut);
    CHECK_TRUE(host.knowledge().clients.empty());
}

TEST(WhatIsLearned, knowsSealedRequestsByTheirAddressAlone) {
    host.answered({.machine = 1, .major = 6}, 0);
    host.answered({.machine = 2, .major = 6}, 0);
    host.answered({.machine = 2, .major = 5}, 0);
    const Knowledge knowledge = host.knowledge();
    LONGS_EQUAL(2, knowledge.clients.size());
    LONGS_EQUAL(ClientRecord::kSealed, knowledge.clients[0].application);
    CHECK_TRUE(knowledge.applications.empty());
    CHECK_TRUE(knowledge.epids.empty());
    LONGS_EQUAL(2, product(knowledge, {}, 6)->answered);
    LONGS_EQUAL(1, product(knowledge, {}, 5)->answered);
    CHECK_FALSE(host.record().headline().hasCount);
}

TEST(WhatIsLearned, saysAtLeastWhereMoreClientsComeThanItHasRoomFor) {
    host.fill(1, kMaxClients, 50, {}, false);
    CHECK_TRUE(host.knowledge().applications[0].overflowed == Timestamp{});
    host.answered({.machine = kMaxClients + 1}, 50);
    const Knowledge knowledge = host.knowledge();
    LONGS_EQUAL(kMaxClients, knowledge.clients.size());
    CHECK_TRUE(knowledge.applications[0].overflowed == host.now);
    host.answered({.machine = 1, .major = 6}, 0);  // sealed requests have room of their own
    LONGS_EQUAL(kMaxClients + 1, host.knowledge().clients.size());
}

TEST(WhatIsLearned, givesTheRoomOfThoseThatTheHostForgotToOthers) {
    host.fill(1, kMaxClients, 50, {}, false);
    host.now += 31 * kDay;
    host.fill(2001, 2010, 10, {}, false);
    const Knowledge knowledge = host.knowledge();
    LONGS_EQUAL(10, knowledge.clients.size());
    LONGS_EQUAL(10, present(knowledge, false, host.now));
    CHECK_TRUE(knowledge.applications[0].overflowed == Timestamp{});
}

TEST(WhatIsLearned, forgetsClientsOfATimeThatHasNotComeYet) {
    host.now += 400 * kDay;
    host.fill(1, 10, 1);
    host.now -= 400 * kDay;
    host.answered({.machine = 11}, 11);
    LONGS_EQUAL(1, present(host.knowledge(), false, host.now));
}

TEST(WhatIsLearned, beginsAnewWhenTheCountFallsByMoreThanHalf) {
    host.fill(1, 20, 1);
    const Timestamp before = host.knowledge().applications[0].epoch;
    host.answered({.machine = 1}, 12);  // expired, not lost
    CHECK_TRUE(host.knowledge().applications[0].epoch == before);
    host.answered({.machine = 2}, 2);
    const ApplicationRecord record = host.knowledge().applications[0];
    CHECK_TRUE(record.epoch == host.now);
    LONGS_EQUAL(12, record.fellFrom);
    LONGS_EQUAL(2, record.fellTo);
}

TEST(WhatIsLearned, beginsAnewWhenAnotherEpidAnswers) {
    host.fill(1, 20, 1);
    host.epid = kServer2008R2CEpid;
    host.answered({.machine = 1}, 20);
    const ApplicationRecord record = host.knowledge().applications[0];
    CHECK_TRUE(record.epoch == host.now);
    LONGS_EQUAL(0, record.fellFrom);
}

TEST(WhatIsLearned, keepsExamplesOfARefusalEachOfAnotherClient) {
    for (std::uint32_t machine : {7U, 7U, 8U, 9U, 7U, 10U})
        host.refused({.machine = machine, .counted = kWindows7, .ahead = 90s}, HResult::groupNotCovered);
    const Knowledge knowledge = host.knowledge();
    const Run& run = product(knowledge, kWindows7)->run;
    LONGS_EQUAL(6, run.length);
    LONGS_EQUAL(3, run.examples.size());
    CHECK_TRUE(std::none_of(run.examples.begin(), run.examples.end(),
                            [](const Example& example) { return example.cmid == cmid(8); }));
    const Example& last = *std::find_if(run.examples.begin(), run.examples.end(),
                                        [](const Example& example) { return example.cmid == cmid(10); });
    STRCMP_EQUAL("PC-10", std::string(last.machine.view()).c_str());
    STRCMP_EQUAL("10.0.0.10", last.source.host().c_str());
    LONGS_EQUAL(90, last.ahead);
    CHECK_TRUE(last.code == HResult::groupNotCovered);
}

TEST(WhatIsLearned, aRunOfRefusalsEndsWithTheNextAnswer) {
    host.refused({.counted = kWindows7}, HResult::groupNotCovered);
    CHECK_TRUE(product(host.knowledge(), kWindows7)->inRun());
    host.answered({.counted = kWindows7}, 3);
    CHECK_FALSE(product(host.knowledge(), kWindows7)->inRun());
    host.refused({.counted = kWindows7}, HResult::groupNotCovered);
    const Knowledge knowledge = host.knowledge();
    LONGS_EQUAL(1, product(knowledge, kWindows7)->run.length);
    CHECK_TRUE(product(knowledge, kWindows7)->run.since == host.now);
    LONGS_EQUAL(2, product(knowledge, kWindows7)->codes.at(0).total);
}

TEST(WhatIsLearned, aWrongClockSaysNothingAboutTheHost) {
    host.refused({.machine = 3, .ahead = -5h}, HResult::invalidTimestamp);
    host.refused({.machine = 4, .ahead = 4h}, HResult::invalidTimestamp);  // neither right nor surely wrong
    const Knowledge knowledge = host.knowledge();
    CHECK_FALSE(product(knowledge, kVista)->inRun());
    LONGS_EQUAL(1, knowledge.offClocks.size());
    LONGS_EQUAL(-5 * 3600, knowledge.offClocks[0].ahead);
}

TEST(WhatIsLearned, inventedIdentifiersDisplaceNothingThatIsKnown) {
    host.answered({.counted = kVista}, 1);
    host.refused({.counted = kWindows7}, HResult::groupNotCovered);
    for (std::uint32_t i = 0; i < 1000; ++i)
        host.refused({.counted = cmid(1000 + i)}, HResult::groupNotCovered);
    const Knowledge knowledge = host.knowledge();
    LONGS_EQUAL(kMaxProducts, knowledge.products.size());
    CHECK_TRUE(product(knowledge, kVista) != nullptr);
    CHECK_TRUE(product(knowledge, kWindows7) != nullptr);
    CHECK_TRUE(product(knowledge, cmid(1999)) != nullptr);
    CHECK_TRUE(product(knowledge, cmid(1000)) == nullptr);
}

TEST(WhatIsLearned, tellsSixteenCodesApartAndSumsUpTheRest) {
    for (std::uint32_t i = 0; i < 20; ++i)
        host.refused({.counted = kVista}, static_cast<HResult>(0xC0040000 + i));
    const Knowledge knowledge = host.knowledge();
    LONGS_EQUAL(kMaxCodes, knowledge.codes.size());
    LONGS_EQUAL(4, knowledge.otherRefusals);
    LONGS_EQUAL(kMaxProductCodes, product(knowledge, kVista)->codes.size());
    LONGS_EQUAL(20 - kMaxProductCodes, product(knowledge, kVista)->otherRefusals);
}

TEST(WhatIsLearned, readsMedianAndNinetyNinthPercentile) {
    for (std::uint32_t i = 1; i <= 200; ++i) {
        host.waited = i <= 196 ? 4'000 : 18'000;
        host.answered({.machine = i}, 1);
    }
    const Headline headline = host.record().headline();
    CHECK_TRUE(headline.medianUs >= 4'000 && headline.medianUs <= 4'500);
    CHECK_TRUE(headline.p99Us >= 18'000 && headline.p99Us <= 20'300);
}

TEST(WhatIsLearned, forgetsAnswerTimesAfterTwoDays) {
    host.waited = 4'000'000;
    host.answered({}, 1);
    host.waited = 1'000;
    host.now += 2 * kDay;
    host.answered({}, 1);
    CHECK_TRUE(host.record().headline().p99Us < 1'200);
}

TEST_GROUP(WhetherAnUpstreamLatelyRefuses) {
    Traffic host;
    bool refuses(const Guid& counted) {
        return host.record().latelyRefuses(counted, host.now);
    }
};

TEST(WhetherAnUpstreamLatelyRefuses, isSoAfterItSaidThatItsKeyDoesNotCoverThat) {
    CHECK_FALSE(refuses(kWindows7));
    host.refused({.counted = kWindows7}, HResult::groupNotCovered);
    CHECK_TRUE(refuses(kWindows7));
    CHECK_FALSE(refuses(kVista));
    host.answered({.counted = kVista}, 1);
    CHECK_TRUE(refuses(kWindows7));
    host.answered({.counted = kWindows7}, 2);
    CHECK_FALSE(refuses(kWindows7));
}

TEST(WhetherAnUpstreamLatelyRefuses, isForAnHour) {
    host.refused({.counted = kWindows7}, HResult::groupNotCovered);
    host.now += 1h;
    CHECK_TRUE(refuses(kWindows7));
    host.now += 1s;
    CHECK_FALSE(refuses(kWindows7));
}

TEST(WhetherAnUpstreamLatelyRefuses, isNoMoreTrueWhenTheClockIsSetBack) {
    host.refused({.counted = kWindows7}, HResult::groupNotCovered);
    host.now -= 24h;
    CHECK_FALSE(refuses(kWindows7));
}

TEST(WhetherAnUpstreamLatelyRefuses, isSoForAWrongClockOnlyIfTheClockIsRight) {
    host.refused({.counted = kWindows7, .ahead = 5h}, HResult::invalidTimestamp);
    CHECK_FALSE(refuses(kWindows7));
    host.refused({.counted = kWindows7, .ahead = 3h}, HResult::invalidTimestamp);
    CHECK_TRUE(refuses(kWindows7));
}

TEST(WhetherAnUpstreamLatelyRefuses, isNotSoForWhatIsTheFaultOfOneClient) {
    host.refused({.counted = kWindows7}, HResult::groupNotCovered);
    host.refused({.counted = kWindows7, .ahead = 9h}, HResult::invalidTimestamp);
    host.refused({.counted = kWindows7}, HResult::invalidData);
    CHECK_TRUE(refuses(kWindows7));
    host.refused({.counted = kVista}, HResult::invalidData);
    CHECK_FALSE(refuses(kVista));
}

TEST(WhetherAnUpstreamLatelyRefuses, isNotKnownOfSealedRequests) {
    host.refused({.major = 6}, HResult::groupNotCovered);
    CHECK_FALSE(refuses({}));
}

TEST(WhetherAnUpstreamLatelyRefuses, isKnownOfARecordThatWasPutBack) {
    host.refused({.counted = kWindows7}, HResult::groupNotCovered);
    const LearnedUpstream again(host.knowledge());
    CHECK_TRUE(again.latelyRefuses(kWindows7, host.now));
}

TEST_GROUP(LearnedOfAll) {
    Learned learned;
};

TEST(LearnedOfAll, givesOneRecordForEachName) {
    CHECK_TRUE(learned.find("kms-a") == nullptr);
    const auto record = learned.of("kms-a");
    CHECK_TRUE(learned.of("kms-a") == record);
    CHECK_TRUE(learned.of("kms-b") != record);
    LONGS_EQUAL(2, learned.snapshot().size());
    STRCMP_EQUAL("kms-a", learned.snapshot()[0].name.c_str());
}

TEST(LearnedOfAll, makesRoomOfWhatNobodyHoldsAndHasBeenSilentLongest) {
    const auto held = learned.of("held");
    for (std::size_t i = 1; i < Learned::kMaxUpstreams; ++i) {
        Traffic traffic(learned.of("kms-" + std::to_string(i)));
        traffic.now += i * 1h;
        traffic.answered({}, 1);
    }
    learned.of("one more");
    LONGS_EQUAL(Learned::kMaxUpstreams, learned.snapshot().size());
    CHECK_TRUE(learned.find("held") == held);
    CHECK_TRUE(learned.find("kms-1") == nullptr);
    CHECK_TRUE(learned.find("kms-2") != nullptr);
}

TEST(LearnedOfAll, itsMarksGrowWithEveryExchangeAndNeverFall) {
    Traffic traffic(learned.of("kms-a"));
    traffic.answered({}, 1);
    const auto first = learned.marks();
    traffic.answered({}, 1);
    const auto second = learned.marks();
    LONGS_EQUAL(first.exchanges + 1, second.exchanges);
    LONGS_EQUAL(first.news, second.news);
    traffic.refused({.counted = kWindows7}, HResult::groupNotCovered);
    CHECK_TRUE(learned.marks().news > second.news);
    const auto third = learned.marks();
    learned.forget("kms-a");
    CHECK_TRUE(learned.marks().news > third.news);
    CHECK_TRUE(learned.find("kms-a") == nullptr);
}

TEST(LearnedOfAll, isReadWhileItIsWritten) {
    std::atomic<bool> stop{false};
    std::vector<std::thread> reactors;
    reactors.reserve(2);
    for (unsigned i = 0; i < 2; ++i)
        reactors.emplace_back([this, &stop, i] {
            Traffic traffic(learned.of("kms-a"));
            for (std::uint32_t n = 0; n < 5'000 || !stop; ++n) {
                traffic.answered({.machine = n % 700 + i}, n % 50);
                traffic.refused({.machine = n % 5, .counted = cmid(n % 90)}, HResult::groupNotCovered);
                (void)traffic.record().latelyRefuses(cmid(3), traffic.now);
                if (n >= 200'000)
                    break;
            }
        });
    for (int i = 0; i < 50; ++i) {
        for (const auto& [name, knowledge] : learned.snapshot())
            CHECK_TRUE(knowledge.clients.size() <= kMaxClients && knowledge.products.size() <= kMaxProducts);
        (void)learned.of("kms-a")->headline();
    }
    stop = true;
    for (std::thread& reactor : reactors)
        reactor.join();
    const Headline headline = learned.of("kms-a")->headline();
    LONGS_EQUAL(headline.answered, headline.refused);
    CHECK_TRUE(headline.answered >= 10'000);
}
