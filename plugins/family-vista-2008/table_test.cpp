/// What a person knows of this generation, written down without looking at the table.
#include <cstring>
#include <set>
#include <string>
#include <vector>

#include "CppUTest/TestHarness.h"

#include "muster/family.h"
#include "muster/types.h"

extern "C" const muster_family muster_family_vista_2008;

namespace {

const muster_family& family = muster_family_vista_2008;

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

const char* const kVista = "212a64dc-43b1-4d3d-a30c-2fc69d2095c6";
const char* const kServerA = "33e156e4-b76f-4a52-9f91-f641dd95ac48";
const char* const kServerB = "8fe53387-3087-4447-8985-f75132215ac9";
const char* const kServerC = "8a21fdf3-cbc5-44eb-83f3-fe284e6680a7";

}  // namespace

TEST_GROUP(FamilyVista2008){};

TEST(FamilyVista2008, saysWhoItIs) {
    CHECK_TRUE(family.magic == MUSTER_FAMILY_MAGIC);
    LONGS_EQUAL(MUSTER_FAMILY_MAJOR, family.abi_major);
    LONGS_EQUAL(sizeof(muster_family), family.size);
    STRCMP_EQUAL("vista-2008", family.name);
    STRCMP_EQUAL("55c92734-d682-4d71-983e-d6ec3f16059f", text(family.application).c_str());
}

TEST(FamilyVista2008, knowsVistaAndThreeGroupsOfServers) {
    LONGS_EQUAL(4, family.counted_count);
    STRCMP_EQUAL(kVista, text(counted("Windows Vista")->id).c_str());
    STRCMP_EQUAL(kServerA, text(counted("Windows Server 2008 A (Web and HPC)")->id).c_str());
    STRCMP_EQUAL(kServerB, text(counted("Windows Server 2008 B (Standard and Enterprise)")->id).c_str());
    STRCMP_EQUAL(kServerC, text(counted("Windows Server 2008 C (Datacenter and Itanium)")->id).c_str());
}

TEST(FamilyVista2008, needs25ClientsOr5Servers) {
    for (std::uint32_t i = 0; i < family.counted_count; ++i)
        LONGS_EQUAL(family.counted[i].group == MUSTER_GROUP_CLIENT ? 25 : 5, family.counted[i].threshold);
}

TEST(FamilyVista2008, countsPhysicalMachinesOnly) {
    for (std::uint32_t i = 0; i < family.counted_count; ++i) {
        LONGS_EQUAL(MUSTER_VIRTUAL_COUNTS_NOT, family.counted[i].virtual_rule);
        LONGS_EQUAL(4, family.counted[i].protocol_major);
    }
}

TEST(FamilyVista2008, knowsItsThirteenEditions) {
    const muster_counted* vista = counted("Windows Vista");
    LONGS_EQUAL(4, vista->sku_count);
    CHECK_TRUE(has(vista, "4f3d1606-3fea-4c01-be3c-8d671c401e3b", "Windows Vista Business"));
    CHECK_TRUE(has(vista, "cfd8ff08-c0d7-452b-9f60-ef5c70c32094", "Windows Vista Enterprise"));
    const muster_counted* b = counted("Windows Server 2008 B (Standard and Enterprise)");
    LONGS_EQUAL(4, b->sku_count);
    CHECK_TRUE(has(b, "ad2542d4-9154-4c6d-8a44-30f11ee96989", "Windows Server 2008 Standard"));
    CHECK_TRUE(has(b, "8198490a-add0-47b2-b3ba-316b12d647b4", "Windows Server 2008 Enterprise without Hyper-V"));
    const muster_counted* c = counted("Windows Server 2008 C (Datacenter and Itanium)");
    LONGS_EQUAL(3, c->sku_count);
    CHECK_TRUE(has(c, "01ef176b-3e0d-422a-b4f8-4ea880035e8f", "Windows Server 2008 for Itanium Systems"));
    const muster_counted* a = counted("Windows Server 2008 A (Web and HPC)");
    LONGS_EQUAL(2, a->sku_count);
    CHECK_TRUE(has(a, "7afb1156-2c1d-40fc-b260-aab7442b62fe", "Windows Server 2008 HPC Edition"));
}

TEST(FamilyVista2008, aKeyCoversItsGroupAndAllBelow) {
    CHECK_TRUE(covered(MUSTER_GROUP_CLIENT) == std::set<std::string>({kVista}));
    CHECK_TRUE(covered(MUSTER_GROUP_A) == std::set<std::string>({kVista, kServerA}));
    CHECK_TRUE(covered(MUSTER_GROUP_B) == std::set<std::string>({kVista, kServerA, kServerB}));
    CHECK_TRUE(covered(MUSTER_GROUP_C) == std::set<std::string>({kVista, kServerA, kServerB, kServerC}));
}

TEST(FamilyVista2008, hasFiveHostKeysWhoseRangesDoNotMeet) {
    LONGS_EQUAL(5, family.key_count);
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

TEST(FamilyVista2008, noIdentifierStandsForTwoThings) {
    std::set<std::string> ids;
    std::size_t listed = 0;
    for (std::uint32_t i = 0; i < family.counted_count; ++i) {
        ids.insert(text(family.counted[i].id));
        ++listed;
        for (std::uint32_t s = 0; s < family.counted[i].sku_count; ++s, ++listed)
            ids.insert(text(family.counted[i].skus[s].id));
    }
    LONGS_EQUAL(17, listed);
    LONGS_EQUAL(listed, ids.size());
}
