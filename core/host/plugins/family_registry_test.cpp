#include "host/plugins/family_registry.h"

#include <atomic>
#include <cstring>
#include <thread>

#include "CppUTest/TestHarness.h"

using namespace muster;
using plugins::FamilyRegistry;

namespace {

constexpr muster_guid kApplication = muster_guid{{9}};
constexpr muster_sku kSkus[] = {{muster_guid{{2}}, "Enterprise"}};
constexpr muster_counted counted(const char* name) {
    return {muster_guid{{1}}, name, "one", 0, MUSTER_VIRTUAL_COUNTS_NOT, 4, 0, 25, kSkus, 1, 0};
}
constexpr muster_counted kOld[] = {counted("old")};
constexpr muster_counted kNew[] = {counted("new")};
constexpr muster_family family(const char* name, const muster_counted* counted) {
    return {MUSTER_FAMILY_MAGIC,
            1,
            0,
            sizeof(muster_family),
            0,
            name,
            "1.0.0",
            name,
            kApplication,
            "Windows",
            counted,
            1,
            0,
            nullptr};
}
const muster_family kFirst = family("one", kOld);
const muster_family kSecond = family("one", kNew);
const muster_family kOther = family("other", kOld);

Guid guid(std::uint8_t n) {
    Guid out;
    out.octets[0] = std::byte{n};
    return out;
}

}  // namespace

TEST_GROUP(FamilyRegistry){};

TEST(FamilyRegistry, findsAProductByItsIdsAndKnowsNothingOfOthers) {
    FamilyRegistry registry;
    CHECK_TRUE(registry.put(kFirst).has_value());
    const Product product = registry.find(guid(1), guid(2));
    CHECK_TRUE(product.family == &kFirst && product.counted == &kOld[0] && product.sku == &kSkus[0]);
    CHECK_FALSE(product.countsVirtual);
    CHECK_TRUE(registry.find(guid(1), guid(7)).sku == nullptr);
    CHECK_TRUE(registry.find(guid(2), guid(2)).family == nullptr);
    CHECK_TRUE(registry.byName("one") == &kFirst);
    CHECK_TRUE(registry.byName("two") == nullptr);
}

TEST(FamilyRegistry, refusesAnIdThatAnotherFamilyHas) {
    FamilyRegistry registry;
    CHECK_TRUE(registry.put(kFirst).has_value());
    const auto refused = registry.put(kOther);
    CHECK_TRUE(refused.error().code == Code::duplicate);
    STRCMP_EQUAL(
        "counted ID 00000001-0000-0000-0000-000000000000 (old) is already in family one; a GUID belongs to one "
        "family",
        refused.error().detail.c_str());
    registry.remove("one");
    CHECK_TRUE(registry.put(kOther).has_value());
}

TEST(FamilyRegistry, readersSeeOneTableOrTheOtherWhileItChanges) {
    FamilyRegistry registry;
    CHECK_TRUE(registry.put(kFirst).has_value());
    std::atomic<bool> done{false};
    std::atomic<unsigned> torn{0};
    std::atomic<unsigned long> found{0};
    std::thread reader([&] {
        while (!done) {
            const Product product = registry.find(guid(1), guid(2));
            const bool first = product.family == &kFirst && product.counted == &kOld[0];
            const bool second = product.family == &kSecond && product.counted == &kNew[0];
            torn += first || second ? 0 : 1;
            ++found;
        }
    });
    for (int i = 0; i < 200 || found == 0; ++i)
        CHECK_TRUE(registry.put(i % 2 == 0 ? kSecond : kFirst).has_value());
    done = true;
    reader.join();
    LONGS_EQUAL(0, torn);
}
