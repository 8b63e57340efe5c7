#include "learned_json.h"

#include "CppUTest/TestHarness.h"

#include "readings_test_support.h"

using namespace muster;
using namespace muster::relay;
using namespace muster::relay::test;
using namespace std::chrono_literals;

namespace {

/// The path of the first member that `fields` do not name; empty: they name all.
std::string unnamed(const Json& object, Fields fields) {
    for (const Json::Member& member : *object.object()) {
        const auto field =
            std::find_if(fields.begin(), fields.end(), [&](const Field& each) { return member.first == each.name; });
        if (field == fields.end())
            return member.first;
        if (field->type == FieldType::objects)
            for (const Json& item : *member.second.array())
                if (const std::string inner = unnamed(item, field->fields); !inner.empty())
                    return member.first + "." + inner;
    }
    return {};
}

std::string at(const Json& object, const char* name) {
    const Json* const value = object.find(name);
    return value && value->string() ? *value->string() : "";
}

}  // namespace

TEST_GROUP(LearnedAsAnAnswer) {
    Estate estate;
    Traffic& host = estate.add("kms-a");
    ReadingContext context{kNoon + 2h, {}};

    void setup() override {
        context.families = estate.families;
        host.fill(1, 4, 1);
        host.fill(5, 30, 4, {.isVirtual = true}, false);
        host.answered({.machine = 3, .major = 6}, 0);
        for (std::uint32_t i = 1; i < 4; ++i) {
            host.refused({.machine = i, .counted = kWindows7}, HResult::groupNotCovered);
            host.refused({.machine = i, .counted = cmid(9)}, HResult::groupNotCovered);
            host.refused({.machine = i, .ahead = 5h}, HResult::invalidTimestamp);
        }
    }
};

TEST(LearnedAsAnAnswer, saysNothingThatItsSchemaDoesNotName) {
    STRCMP_EQUAL("", unnamed(learnedJson(host.knowledge(), context), kLearnedFields).c_str());
    STRCMP_EQUAL("", unnamed(learnedJson({}, context), kLearnedFields).c_str());
    const Json readings = readingsJson(estate.of());
    CHECK_TRUE(readings.array()->size() >= 4);
    for (const Json& reading : *readings.array())
        STRCMP_EQUAL("", unnamed(reading, kReadingFields).c_str());
    const Json samples = countsJson(host.knowledge(), true, context);
    LONGS_EQUAL(7, samples.array()->size());
    for (const Json& sample : *samples.array())
        STRCMP_EQUAL("", unnamed(sample, kCountSampleFields).c_str());
}

TEST(LearnedAsAnAnswer, hasTheCountBesideWhoWasAnswered) {
    const Json counts = *learnedJson(host.knowledge(), context).find("counts");
    const Json& windows = counts.array()->at(0);
    STRCMP_EQUAL("Windows", at(windows, "application").c_str());
    LONGS_EQUAL(4, *windows.find("count")->integer());
    LONGS_EQUAL(50, *windows.find("most")->integer());
    LONGS_EQUAL(4, *windows.find("physical")->integer());
    LONGS_EQUAL(26, *windows.find("virtual")->integer());
    CHECK_FALSE(*windows.find("atLeast")->boolean());
}

TEST(LearnedAsAnAnswer, hasEachProductWithWhatItWasRefusedWith) {
    const Json learned = learnedJson(host.knowledge(), context);
    const Json::Array& products = *learned.find("products")->array();
    const auto named = [&](std::string_view name) {
        return *std::find_if(products.begin(), products.end(),
                             [&](const Json& each) { return at(each, "product") == name; });
    };
    LONGS_EQUAL(4, products.size());
    const Json windows7 = named("Windows 7");
    STRCMP_EQUAL("win7-2008r2", at(windows7, "family").c_str());
    LONGS_EQUAL(3, *windows7.find("refused")->integer());
    STRCMP_EQUAL("0xC004F042", at(windows7.find("results")->array()->at(0), "result").c_str());
    STRCMP_EQUAL("2026-11-22T12:32:00.000Z", at(windows7, "refusedSince").c_str());
    STRCMP_EQUAL("PC-1", at(windows7.find("examples")->array()->at(0), "machine").c_str());
    CHECK_TRUE(named("Windows Vista").find("refusedSince") == nullptr);
    CHECK_TRUE(named("sealed, version 6").find("countedId") == nullptr);
    STRCMP_EQUAL(cmid(9).text().c_str(), at(named(cmid(9).text()), "countedId").c_str());
}

TEST(LearnedAsAnAnswer, hasTheCountByTheHourAndByFiveMinutes) {
    LONGS_EQUAL(1, countsJson(host.knowledge(), false, context).array()->size());
    LONGS_EQUAL(7, countsJson(host.knowledge(), true, context).array()->size());
    context.now = kNoon + 26h;
    LONGS_EQUAL(0, countsJson(host.knowledge(), true, context).array()->size());
    LONGS_EQUAL(1, countsJson(host.knowledge(), false, context).array()->size());
    STRCMP_EQUAL("2026-11-22T12:00:00.000Z",
                 at(countsJson(host.knowledge(), false, context).array()->at(0), "start").c_str());
}

TEST(LearnedAsAnAnswer, showsInAListTheWorstThatIsToBeDone) {
    CHECK_TRUE(estate.has("clocks-disagree"));  // an error, all others are less
    STRCMP_EQUAL(estate.get("clocks-disagree").text.c_str(), worstReading(estate.of()).c_str());
    Estate calm;
    calm.add("kms-b").answered({}, 50);
    CHECK_FALSE(calm.of().empty());
    STRCMP_EQUAL("", worstReading(calm.of()).c_str());
}
