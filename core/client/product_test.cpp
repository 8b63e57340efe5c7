#include "client/product.h"

#include "CppUTest/TestHarness.h"

using namespace muster;
using namespace muster::client;

namespace {

constexpr auto kNoEditions = std::span<const std::string>{};

}  // namespace

TEST_GROUP(Edition){};

TEST(Edition, offersTheWordsThatAUserTypes) {
    const std::vector<std::string> words = generationWords();
    for (const char* word : {"vista", "server2008", "win7", "server2008r2"})
        CHECK_TRUE_TEXT(std::find(words.begin(), words.end(), word) != words.end(), word);
}

TEST(Edition, takesTheEnterpriseEditionWhenNoneIsNamed) {
    const auto chosen = products("win7", kNoEditions);
    CHECK(chosen.has_value());
    LONGS_EQUAL(1, chosen->size());
    STRCMP_EQUAL("Windows 7 Enterprise", chosen->front().name.c_str());
    STRCMP_EQUAL("ae2ee509-1b34-41c0-acb7-6d4650168915", chosen->front().sku.text().c_str());
    STRCMP_EQUAL("7fde5219-fbfa-484a-82c9-34d1ad53e856", chosen->front().counted.text().c_str());
    LONGS_EQUAL(25, chosen->front().threshold);
}

TEST(Edition, takesTheLongFormOfAGeneration) {
    CHECK(products("windows7", kNoEditions).has_value());
}

TEST(Edition, takesEditionsByNameInAnyCaseAndById) {
    const std::vector<std::string> editions = {"windows server 2008 r2 standard",
                                               "620e2b3d-09e7-42fd-802a-17a13652fe7a"};
    const auto chosen = products("server2008r2", editions);
    CHECK(chosen.has_value());
    LONGS_EQUAL(2, chosen->size());
    STRCMP_EQUAL("Windows Server 2008 R2 Standard", chosen->at(0).name.c_str());
    STRCMP_EQUAL("Windows Server 2008 R2 Enterprise", chosen->at(1).name.c_str());
    LONGS_EQUAL(5, chosen->at(0).threshold);
}

TEST(Edition, saysWhichEditionsThereAreWhenOneIsUnknown) {
    const std::vector<std::string> editions = {"Windows Vista Ultimate"};
    const auto chosen = products("vista", editions);
    CHECK(!chosen.has_value());
    CHECK(chosen.error().text().find("Windows Vista Business") != std::string::npos);
}

TEST(Edition, saysWhichFamiliesThereAreWhenOneIsUnknown) {
    const auto chosen = products("win95", kNoEditions);
    CHECK(!chosen.has_value());
    CHECK(chosen.error().text().find("win7") != std::string::npos);
}

TEST(Edition, givesServer2008SixtyDaysOfGraceAndTheOthersThirty) {
    LONGS_EQUAL(60 * 24 * 60, initialGrace(products("server2008", kNoEditions)->front()).count());
    for (const char* word : {"vista", "win7", "server2008r2"})
        LONGS_EQUAL(30 * 24 * 60, initialGrace(products(word, kNoEditions)->front()).count());
}
