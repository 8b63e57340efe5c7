#include "learned_file.h"

#include "CppUTest/TestHarness.h"

#include "learned_test_support.h"

using namespace muster;
using namespace muster::relay;
using namespace muster::relay::test;
using namespace std::chrono_literals;

namespace {

/// An upstream that has seen something of everything.
Knowledge eventful() {
    Traffic host;
    host.fill(1, 30, 1);
    host.fill(31, 40, 31, {.isVirtual = true});
    host.answered({.machine = 1, .counted = cmid(5), .required = 5, .application = kOffice}, 7);
    host.answered({.machine = 50, .major = 6}, 0);
    host.epid = kServer2008R2CEpid;
    host.renewal = 20'000;
    host.waited = 17'123;
    host.answered({.machine = 2}, 4);
    for (std::uint32_t i = 1; i < 6; ++i) {
        host.refused({.machine = i, .counted = kWindows7, .ahead = -3s}, HResult::groupNotCovered);
        host.refused({.machine = i, .counted = kVista, .ahead = -5h}, HResult::invalidTimestamp);
        host.refused({.machine = i, .major = 5}, HResult::invalidData);
        host.ended({.machine = i}, Ending::timedOut);
    }
    return host.knowledge();
}

/// The same content with a checksum that fits, as somebody would make who can write the file.
std::string sealed(std::string file) {
    const std::size_t head = file.find('\n') + 1;
    std::uint32_t crc = 0xffffffffU;
    for (std::size_t i = head + 4; i < file.size(); ++i) {
        crc ^= static_cast<unsigned char>(file[i]);
        for (int bit = 0; bit < 8; ++bit)
            crc = (crc & 1U) != 0 ? (crc >> 1) ^ 0xedb88320U : crc >> 1;
    }
    crc = ~crc;
    for (unsigned i = 0; i < 4; ++i)
        file[head + i] = static_cast<char>(crc >> (8 * i) & 0xffU);
    return file;
}

}  // namespace

TEST_GROUP(TheLearnedFile){};

TEST(TheLearnedFile, givesBackAllThatWasLearnt) {
    const std::string file = encodeLearned({{"kms-a", eventful()}, {"kms-b", {}}});
    const auto back = decodeLearned(file);
    CHECK_TRUE(back.has_value());
    LONGS_EQUAL(2, back->size());
    STRCMP_EQUAL("kms-a", (*back)[0].name.c_str());
    const Knowledge before = eventful();
    const Knowledge& after = (*back)[0].knowledge;
    CHECK_TRUE(before.since == after.since);
    CHECK_TRUE(before.endings == after.endings);
    LONGS_EQUAL(before.products.size(), after.products.size());
    const auto windows7 = [](const Knowledge& knowledge) {
        return *std::find_if(knowledge.products.begin(), knowledge.products.end(),
                             [](const ProductRecord& record) { return record.counted == kWindows7; });
    };
    CHECK_TRUE(windows7(after).inRun());
    LONGS_EQUAL(3, windows7(after).run.examples.size());
    CHECK_TRUE(windows7(before).run.examples[1].machine.view() == windows7(after).run.examples[1].machine.view());
    LONGS_EQUAL(-3, windows7(after).run.examples[1].ahead);
    LONGS_EQUAL(before.clients.size(), after.clients.size());
    CHECK_TRUE(before.epids[0].octets == after.epids[0].octets);
    LONGS_EQUAL(before.times.quantile(0.99), after.times.quantile(0.99));
    CHECK_TRUE(encodeLearned(*back) == file);
}

TEST(TheLearnedFile, isKnownByItsFirstLine) {
    CHECK_TRUE(decodeLearned("").error().code == Code::malformed);
    CHECK_TRUE(decodeLearned("{}").error().code == Code::malformed);
    CHECK_TRUE(decodeLearned("muster relay, learned, version 2\n").error().code == Code::incompatible);
    CHECK_TRUE(decodeLearned("muster relay, learned, version 1\n").error().code == Code::malformed);
}

TEST(TheLearnedFile, thatWasCutOffOrChangedAnywhereIsRefused) {
    const std::string file = encodeLearned({{"kms-a", eventful()}});
    for (std::size_t size = 0; size < file.size(); size += 97)
        CHECK_FALSE(decodeLearned(file.substr(0, size)).has_value());
    for (std::size_t at = 0; at < file.size(); at += 101) {
        std::string changed = file;
        changed[at] = static_cast<char>(changed[at] ^ 0x10);
        CHECK_FALSE(decodeLearned(changed).has_value());
    }
    CHECK_FALSE(decodeLearned(file + "x").has_value());
}

TEST(TheLearnedFile, isJudgedFieldByFieldEvenWhereItsChecksumFits) {
    const std::string file = encodeLearned({{"kms-a", eventful()}});
    LONGS_EQUAL(1, decodeLearned(sealed(file))->size());
    for (std::size_t size = file.find('\n') + 5; size < file.size(); size += 53)
        CHECK_FALSE(decodeLearned(sealed(file.substr(0, size))).has_value());
    CHECK_FALSE(decodeLearned(sealed(file + "x")).has_value());
    const std::size_t head = file.find('\n') + 5;
    std::string many = file;
    many[head] = '\x41';  // 65 upstreams
    CHECK_FALSE(decodeLearned(sealed(many)).has_value());
    std::string nameless = file;
    nameless[head + 2] = '\0';
    CHECK_FALSE(decodeLearned(sealed(nameless)).has_value());
}

TEST(TheLearnedFile, takesNoClientOfAnApplicationThatIsNotThere) {
    Knowledge knowledge = eventful();
    knowledge.clients[0].application = static_cast<std::uint8_t>(knowledge.applications.size());
    CHECK_FALSE(decodeLearned(encodeLearned({{"kms-a", knowledge}})).has_value());
}

TEST(TheLearnedFile, takesNoMoreClientsOfOneApplicationThanThereIsRoomFor) {
    Knowledge knowledge = eventful();
    while (knowledge.clients.size() < kMaxClients + 100)
        knowledge.clients.push_back(
            {cmid(static_cast<std::uint32_t>(1000 + knowledge.clients.size())), 0, 0, 0, false});
    CHECK_FALSE(decodeLearned(encodeLearned({{"kms-a", knowledge}})).has_value());
}

TEST(TheLearnedFile, takesNoTimeBeyondTheYear9999) {
    Knowledge knowledge;
    knowledge.since = Timestamp(std::chrono::milliseconds(INT64_MAX));
    const auto back = decodeLearned(encodeLearned({{"kms-a", knowledge}}));
    CHECK_TRUE(back.has_value());  // what a wrong clock wrote is brought into range
    CHECK_TRUE((*back)[0].knowledge.since < Timestamp(std::chrono::hours(24 * 365 * 8100)));
}

TEST(TheLearnedFile, ofAFullUpstreamIsFarBelowItsLimit) {
    Traffic host;
    for (std::uint32_t i = 0; i < 5'000; ++i) {
        host.now += 13min;
        host.answered({.machine = i % 600, .counted = cmid(i % 70)}, i % 50);
        host.refused({.machine = i % 600, .counted = cmid(i % 70)}, static_cast<HResult>(0xC0040000 + i % 20));
        host.answered({.machine = i % 600, .major = 6}, 0);
    }
    const std::string file = encodeLearned({{"kms-a", host.knowledge()}});
    CHECK_TRUE(file.size() * Learned::kMaxUpstreams < kMaxLearnedFile);
    CHECK_TRUE(decodeLearned(file).has_value());
}
