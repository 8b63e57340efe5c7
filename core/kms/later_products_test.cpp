#include "kms/later_products.h"

#include <set>

#include "CppUTest/TestHarness.h"

using muster::Guid;
using namespace muster::kms;

TEST_GROUP(LaterProducts){};

TEST(LaterProducts, areFoundByTheirCountedId) {
    const Guid server2012 = *Guid::parse("8665cb71-468c-4aa3-a337-cb9bc9d5eaac");
    CHECK(findLaterProduct(server2012) != nullptr);
    STRCMP_EQUAL("Windows Server 2012", laterProductName(server2012).c_str());
}

TEST(LaterProducts, sayWhenANameIsUncertain) {
    STRCMP_EQUAL("Windows Server 2022 (uncertain)",
                 laterProductName(*Guid::parse("b74263e4-0f92-46c6-bcf8-c11d5efe2959")).c_str());
}

TEST(LaterProducts, areSilentAboutWhatTheyDoNotKnow) {
    CHECK(findLaterProduct(Guid{}) == nullptr);
    STRCMP_EQUAL("", laterProductName(*Guid::parse("7fde5219-fbfa-484a-82c9-34d1ad53e856")).c_str());  // Windows 7
}

TEST(LaterProducts, haveEachIdentifierOnceAndANameForIt) {
    std::set<Guid> seen;
    for (const LaterProduct& product : laterProducts()) {
        CHECK_FALSE(product.counted.isZero());
        CHECK_FALSE(product.name.empty());
        CHECK(seen.insert(product.counted).second);
    }
    CHECK(seen.size() > 20);
}
