#include "kms/epid.h"

#include <string>

#include "CppUTest/TestHarness.h"

using namespace muster;
using namespace muster::kms;

namespace {

constexpr muster_key kKeys[] = {{.id = {},
                                 .name = "Windows Server 2008 R2 C (Datacenter & Itanium)",
                                 .covers = nullptr,
                                 .cover_count = 0,
                                 .group = MUSTER_GROUP_C,
                                 .reserved = {},
                                 .epid_group = 168,
                                 .epid_key_id_min = 305000000,
                                 .epid_key_id_max = 312119999,
                                 .reserved2 = 0}};

muster_family familyOf() {
    muster_family family{};
    family.keys = kKeys;
    family.key_count = 1;
    return family;
}

}  // namespace

TEST_GROUP(AnEpid) {
    const muster_family family = familyOf();
    const muster_family* const families[1] = {&family};
};

TEST(AnEpid, isTakenApart) {
    const auto epid = parseEpid("55041-00168-305-123456-03-1033-7601.0000-0992009");
    CHECK_TRUE(epid.has_value());
    LONGS_EQUAL(55041, epid->platform);
    LONGS_EQUAL(168, epid->group);
    LONGS_EQUAL(305123456, epid->keyId);
    LONGS_EQUAL(3, epid->licenseType);
    LONGS_EQUAL(1033, epid->lcid);
    LONGS_EQUAL(7601, epid->build);
    LONGS_EQUAL(99, epid->dayOfYear);
    LONGS_EQUAL(2009, epid->year);
    CHECK_FALSE(epid->isLab());
}

TEST(AnEpid, isWrittenAsItWasRead) {
    for (const char* known :
         {"55041-00168-305-123456-03-1033-7601.0000-0992009", "11111-00116-106-000474-00-1033-5231.0000-2782005",
          "03612-00206-556-000001-03-10249-14393.0000-0012020"})
        STRCMP_EQUAL(known, text(*parseEpid(known)).c_str());
}

TEST(AnEpid, ofAnotherShapeIsNone) {
    for (const char* bad :
         {"", "-------", "55041-00168-305-123456-03-1033-7601.0000", "55041-00168-305-123456-03-1033-7601-0992009",
          "5504-00168-305-123456-03-1033-7601.0000-0992009", "55041-00168-3051-23456-03-1033-7601.0000-0992009",
          "55041-00168-305-123456-03-1033-7601.0000-0992009-1", "55041-00168-305-123456-03-1033-7601.0000-09920090",
          "x5041-00168-305-123456-03-1033-7601.0000-0992009", "55041-00168-305-123456-03--7601.0000-0992009",
          " 55041-00168-305-123456-03-1033-7601.0000-0992009", "55041-00168-305-123456-03-1033-7601.0000-099200\n"})
        CHECK_FALSE(parseEpid(bad).has_value());
}

TEST(AnEpid, saysWhichKeyItReadsAsAndWhenItWasActivated) {
    STRCMP_EQUAL(
        "Reads as a Windows Server 2008 R2 C (Datacenter & Itanium) host key, activated 2009-04-09 on Windows 7 or "
        "Server 2008 R2 (build 7601).",
        readEpid("55041-00168-305-123456-03-1033-7601.0000-0992009", families).c_str());
}

TEST(AnEpid, ofAGroupThatNobodyKnowsIsStillRead) {
    STRCMP_EQUAL("Reads as a host key of group 206, which no loaded family knows, activated 2020-12-31 on build 26100.",
                 readEpid("03612-00206-556-000001-03-1033-26100.0000-3662020", families).c_str());
}

TEST(AnEpid, outsideItsGroupsRangeIsNotThatKey) {
    POINTERS_EQUAL(nullptr, findKey(*parseEpid("55041-00168-304-999999-03-1033-7601.0000-0992009"), families));
    POINTERS_EQUAL(nullptr, findKey(*parseEpid("55041-00169-305-123456-03-1033-7601.0000-0992009"), families));
}

TEST(AnEpid, withADayThatItsYearHasNotSaysNoDate) {
    for (const char* never :
         {"55041-00168-305-123456-03-1033-7601.0000-3662009", "55041-00168-305-123456-03-1033-7601.0000-0002009",
          "55041-00168-305-123456-03-1033-7601.0000-9999999"})
        CHECK_FALSE(parseEpid(never)->activated().has_value());
}

TEST(AnEpid, ofTheLabSaysSo) {
    STRCMP_CONTAINS("A lab host key of Muster's",
                    readEpid("00000-00000-001-000002-03-1033-7601.0000-0012026", families).c_str());
}

TEST(AnEpid, thatIsNoneSaysSo) {
    STRCMP_EQUAL("Not an ePID.", readEpid("hello", families).c_str());
}
