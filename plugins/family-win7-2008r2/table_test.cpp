/// What a person knows of this generation, written down without looking at the table.
#include <cstring>
#include <set>
#include <string>
#include <vector>

#include "CppUTest/TestHarness.h"

#include "muster/family.h"
#include "muster/types.h"

extern "C" const muster_family muster_family_win7_2008r2;

namespace {

const muster_family& family = muster_family_win7_2008r2;

std::string text(const muster_guid& guid) {
    muster::Guid out;
    std::memcpy(out.octets.data(), guid.octets, sizeof guid.octets);
    return out.text();
}

const muster_counted* counted(const std::string& name) {
    for (std::uint32_t i = 0; i < family.counted_count; ++i)
        if (family.counted[i].name == name)
            return &family.counted[i];
    return nullptr;
}

bool has(const muster_counted* product, const char* id, const char* name) {
    for (std::uint32_t i = 0; product && i < product->sku_count; ++i)
        if (text(product->skus[i].id) == id)
            return std::string(product->skus[i].name) == name;
    return false;
}

std::set<std::string> covered(std::uint8_t group) {
    std::set<std::string> ids;
    for (std::uint32_t k = 0; k < family.key_count; ++k)
        if (family.keys[k].group == group)
            for (std::uint32_t i = 0; i < family.keys[k].cover_count; ++i)
                ids.insert(text(family.keys[k].covers[i]));
    return ids;
}

const char* const kWindows7 = "7fde5219-fbfa-484a-82c9-34d1ad53e856";
const char* const kServerA = "0fc6ccaf-ff0e-4fae-9d08-4370785bf7ed";
const char* const kServerB = "ca87f5b6-cd46-40c0-b06d-8ecd57a4373f";
const char* const kServerC = "b2ca2689-a9a8-42d7-938d-cf8e9f201958";
// The generation before, which the keys of this one cover as well.
const char* const kVista = "212a64dc-43b1-4d3d-a30c-2fc69d2095c6";
const char* const kOldServerA = "33e156e4-b76f-4a52-9f91-f641dd95ac48";
const char* const kOldServerB = "8fe53387-3087-4447-8985-f75132215ac9";
const char* const kOldServerC = "8a21fdf3-cbc5-44eb-83f3-fe284e6680a7";

}  // namespace

TEST_GROUP(FamilyWin72008R2){};

TEST(FamilyWin72008R2, saysWhoItIs) {
    CHECK_TRUE(family.magic == MUSTER_FAMILY_MAGIC);
    LONGS_EQUAL(MUSTER_FAMILY_MAJOR, family.abi_major);
    LONGS_EQUAL(sizeof(muster_family), family.size);
    STRCMP_EQUAL("win7-2008r2", family.name);
    STRCMP_EQUAL("55c92734-d682-4d71-983e-d6ec3f16059f", text(family.application).c_str());
}

TEST(FamilyWin72008R2, knowsWindows7AndThreeGroupsOfServers) {
    LONGS_EQUAL(4, family.counted_count);
    STRCMP_EQUAL(kWindows7, text(counted("Windows 7")->id).c_str());
    STRCMP_EQUAL(kServerA, text(counted("Windows Server 2008 R2 A (Web and HPC)")->id).c_str());
    STRCMP_EQUAL(kServerB, text(counted("Windows Server 2008 R2 B (Standard and Enterprise)")->id).c_str());
    STRCMP_EQUAL(kServerC, text(counted("Windows Server 2008 R2 C (Datacenter and Itanium)")->id).c_str());
}

TEST(FamilyWin72008R2, needs25ClientsOr5Servers) {
    for (std::uint32_t i = 0; i < family.counted_count; ++i)
        LONGS_EQUAL(family.counted[i].group == MUSTER_GROUP_CLIENT ? 25 : 5, family.counted[i].threshold);
}

TEST(FamilyWin72008R2, countsVirtualMachinesAsPhysicalOnes) {
    for (std::uint32_t i = 0; i < family.counted_count; ++i) {
        LONGS_EQUAL(MUSTER_VIRTUAL_COUNTS, family.counted[i].virtual_rule);
        LONGS_EQUAL(4, family.counted[i].protocol_major);
    }
}

TEST(FamilyWin72008R2, knowsItsSixteenEditions) {
    const muster_counted* seven = counted("Windows 7");
    LONGS_EQUAL(9, seven->sku_count);
    CHECK_TRUE(has(seven, "ae2ee509-1b34-41c0-acb7-6d4650168915", "Windows 7 Enterprise"));
    CHECK_TRUE(has(seven, "b92e9980-b9d5-4821-9c94-140f632f6312", "Windows 7 Professional"));
    CHECK_TRUE(has(seven, "aa6dd3aa-c2b4-40e2-a544-a6bbb3f5c395", "Windows 7 ThinPC"));
    const muster_counted* a = counted("Windows Server 2008 R2 A (Web and HPC)");
    LONGS_EQUAL(3, a->sku_count);
    CHECK_TRUE(has(a, "f772515c-0e87-48d5-a676-e6962c3e1195", "Windows MultiPoint Server 2010"));
    const muster_counted* b = counted("Windows Server 2008 R2 B (Standard and Enterprise)");
    LONGS_EQUAL(2, b->sku_count);
    CHECK_TRUE(has(b, "68531fb9-5511-4989-97be-d11a0f55633f", "Windows Server 2008 R2 Standard"));
    const muster_counted* c = counted("Windows Server 2008 R2 C (Datacenter and Itanium)");
    LONGS_EQUAL(2, c->sku_count);
    CHECK_TRUE(has(c, "7482e61b-c589-4b7f-8ecc-46d455ac3b87", "Windows Server 2008 R2 Datacenter"));
}

TEST(FamilyWin72008R2, aKeyCoversItsGroupAndAllBelowInBothGenerations) {
    std::set<std::string> expected{kWindows7, kVista};
    CHECK_TRUE(covered(MUSTER_GROUP_CLIENT) == expected);
    expected.insert({kServerA, kOldServerA});
    CHECK_TRUE(covered(MUSTER_GROUP_A) == expected);
    expected.insert({kServerB, kOldServerB});
    CHECK_TRUE(covered(MUSTER_GROUP_B) == expected);
    expected.insert({kServerC, kOldServerC});
    CHECK_TRUE(covered(MUSTER_GROUP_C) == expected);
}

TEST(FamilyWin72008R2, hasFourHostKeysWhoseRangesDoNotMeet) {
    LONGS_EQUAL(4, family.key_count);
    for (std::uint32_t i = 0; i < family.key_count; ++i) {
        const muster_key& one = family.keys[i];
        CHECK_TRUE(one.epid_key_id_min < one.epid_key_id_max);
        for (std::uint32_t j = i + 1; j < family.key_count; ++j) {
            const muster_key& other = family.keys[j];
            CHECK_TRUE(one.epid_group != other.epid_group || one.epid_key_id_max < other.epid_key_id_min ||
                       other.epid_key_id_max < one.epid_key_id_min);
            CHECK_TRUE(text(one.id) != text(other.id));
        }
    }
}

TEST(FamilyWin72008R2, noIdentifierStandsForTwoThings) {
    std::set<std::string> ids;
    std::size_t listed = 0;
    for (std::uint32_t i = 0; i < family.counted_count; ++i) {
        ids.insert(text(family.counted[i].id));
        ++listed;
        for (std::uint32_t s = 0; s < family.counted[i].sku_count; ++s, ++listed)
            ids.insert(text(family.counted[i].skus[s].id));
    }
    LONGS_EQUAL(20, listed);
    LONGS_EQUAL(listed, ids.size());
}
