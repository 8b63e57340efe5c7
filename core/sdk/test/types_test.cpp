#include "CppUTest/TestHarness.h"

#include "muster/authority.h"
#include "muster/plugin.h"

using namespace muster;

TEST_GROUP(Types){};

TEST(Types, aGuidIsReadAndWrittenInWindowsMemoryOrder) {
    const auto guid = Guid::parse("{55C92734-D682-4D71-983E-D6EC3F16059F}");
    CHECK(guid.has_value());
    CHECK_EQUAL(0x34, std::to_integer<int>(guid->octets[0]));
    CHECK_EQUAL(0x9f, std::to_integer<int>(guid->octets[15]));
    STRCMP_EQUAL("55c92734-d682-4d71-983e-d6ec3f16059f", guid->text().c_str());
}

TEST(Types, aGuidOfAnotherShapeIsRefused) {
    CHECK_FALSE(Guid::parse("55c92734-d682-4d71-983e-d6ec3f16059").has_value());
    CHECK_FALSE(Guid::parse("55c92734xd682-4d71-983e-d6ec3f16059f").has_value());
    CHECK_FALSE(Guid::parse("55c92734-d682-4d71-983e-d6ec3f16059g").has_value());
    CHECK_FALSE(Guid::parse("").has_value());
}

TEST(Types, aFileTimeSurvivesTheWayToATimestampAndBack) {
    const Timestamp day{std::chrono::milliseconds(1285782720000)};  // 2010-09-29 17:52 UTC
    CHECK_TRUE(FileTime::from(day).timestamp() == day);
    CHECK_TRUE(FileTime{~std::uint64_t{0}}.timestamp() > day);
    CHECK_TRUE(FileTime::from(Timestamp(std::chrono::milliseconds(-99'999'999'999'999))).ticks == 0);
}

TEST(Types, aTimeIsWrittenInUtcWithMilliseconds) {
    STRCMP_EQUAL("1970-01-01T00:00:00.000Z", isoTime({}).c_str());
    STRCMP_EQUAL("2010-09-29T17:52:00.007Z", isoTime(Timestamp(std::chrono::milliseconds(1285782720007))).c_str());
    STRCMP_EQUAL("1969-12-31T23:59:59.999Z", isoTime(Timestamp(std::chrono::milliseconds(-1))).c_str());
    STRCMP_EQUAL("9999-12-31T23:59:59.999Z", isoTime(Timestamp::max()).c_str());
    STRCMP_EQUAL("0000-01-01T00:00:00.000Z", isoTime(Timestamp::min()).c_str());
}

TEST(Types, anAddressIsReadWithItsPortInBothFamilies) {
    STRCMP_EQUAL("10.0.0.7:1688", Address::parse("10.0.0.7:1688")->text().c_str());
    STRCMP_EQUAL("[fe80::1]:1688", Address::parse("[fe80::1]:1688")->text().c_str());
    CHECK_TRUE(Address::parse("127.0.0.1:0")->isLoopback());
    CHECK_TRUE(Address::parse("[::1]:0")->isLoopback());
    CHECK_FALSE(Address::parse("[::2]:0")->isLoopback());
}

TEST(Types, anAddressThatIsNoneIsRefused) {
    for (const char* bad : {"", "10.0.0.7", "10.0.0.7:", "10.0.0.7:65536", "10.0.0.7:-1", "::1:1688", "kms:1688",
                            "[::1]", "[10.0.0.7]:1", "10.0.0.7:1688x", "[fe80::1%nosuchif]:1"})
        CHECK_FALSE(Address::parse(bad).has_value());
}

TEST(Types, aMachineNameIsCutBetweenCharacters) {
    MachineName name;
    name.assign(std::string(191, 'a') + "\xC3\xA9");
    CHECK_EQUAL(191U, name.view().size());
}

TEST(Types, anHresultIsShownAsWindowsShowsIt) {
    STRCMP_EQUAL("0xC004F038", text(HResult::notEnoughCount).c_str());
}
