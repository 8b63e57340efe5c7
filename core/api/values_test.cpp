#include "api/values.h"

#include "CppUTest/TestHarness.h"

using namespace muster;
using namespace muster::api;

namespace {

std::string back(const Field& field, const char* text) {
    const auto value = parseValue(field, text);
    return value ? valueText(field, *value) : "refused: " + value.error().found + ", allowed " + value.error().allowed;
}

constexpr Field kPort{.name = "port", .type = FieldType::integer, .minimum = 1, .maximum = 65535};
constexpr Field kIdle{.name = "idle", .type = FieldType::duration, .minimum = 1000, .maximum = 3'600'000};
constexpr Field kCap{.name = "cap", .type = FieldType::size, .minimum = 1024, .maximum = 1 << 20};
constexpr Field kName{.name = "name", .type = FieldType::text, .minimum = 1, .maximum = 8};
constexpr Field kListen{.name = "listen", .type = FieldType::addresses};
constexpr Field kAllow{.name = "allow", .type = FieldType::networks};

}  // namespace

TEST_GROUP(Values){};

TEST(Values, readsDurationsWithTheirUnitsAndRefusesBareNumbers) {
    LONGS_EQUAL(250, parseDuration("250ms").value_or(-1));
    LONGS_EQUAL(7 * 86'400'000, parseDuration("7d").value_or(-1));
    LONGS_EQUAL(0, parseDuration("0").value_or(-1));
    for (const char* text : {"", "30", "s", "-1s", "+1s", "1 s", "1.5s", "1S", "99999999999999999d"})
        CHECK_TEXT(!parseDuration(text), text);
}

TEST(Values, writesDurationsInTheLargestUnitThatFits) {
    STRCMP_EQUAL("90s", durationText(90'000).c_str());
    STRCMP_EQUAL("2h", durationText(7'200'000).c_str());
    STRCMP_EQUAL("0ms", durationText(0).c_str());
}

TEST(Values, readsSizes) {
    LONGS_EQUAL(65536, parseSize("64KiB").value_or(-1));
    LONGS_EQUAL(512, parseSize("512").value_or(-1));
    for (const char* text : {"64KB", "64kib", "-1B", "9999999999GiB"})
        CHECK_TEXT(!parseSize(text), text);
}

TEST(Values, readsNetworksAndRefusesThoseWithBitsBelowTheMask) {
    STRCMP_EQUAL("10.0.0.0/8", parseNetwork("10.0.0.0/8").value_or("").c_str());
    STRCMP_EQUAL("fe80::/10", parseNetwork("FE80:0::/10").value_or("").c_str());
    STRCMP_EQUAL("10.0.0.7/32", parseNetwork("10.0.0.7").value_or("").c_str());
    for (const char* text : {"10.0.0.1/8", "10.0.0.0/33", "10.0.0.0/", "10.0.0/8", "::/129", "fe80::1/10", "localhost"})
        CHECK_TEXT(!parseNetwork(text), text);
}

TEST(Values, readsTimesInUtcAndWritesThemBack) {
    STRCMP_EQUAL("2026-11-22T15:12:02.123Z",
                 isoTime(parseTimestamp("2026-11-22T15:12:02.123Z").value_or(Timestamp())).c_str());
    STRCMP_EQUAL("1601-01-01T00:00:00.000Z",
                 isoTime(parseTimestamp("1601-01-01T00:00:00Z").value_or(Timestamp())).c_str());
    for (const char* text : {"2026-02-30T00:00:00Z", "2026-11-22T25:00:00Z", "2026-11-22 15:12:02Z", "2026-11-22",
                             "2026-11-22T15:12:02+01:00", "2026-11-22T15:12:02.1Z"})
        CHECK_TEXT(!parseTimestamp(text), text);
}

TEST(Values, saysWhatWasFoundAndWhatIsAllowed) {
    STRCMP_EQUAL("refused: \"70000\", allowed 1 to 65535", back(kPort, "70000").c_str());
    STRCMP_CONTAINS("1s to 1h", back(kIdle, "2h").c_str());
    STRCMP_CONTAINS("1KiB to 1MiB", back(kCap, "2MiB").c_str());
    STRCMP_CONTAINS("1 to 8 octets", back(kName, "much too long").c_str());
    constexpr Field kMode{.name = "mode", .type = FieldType::choice, .choices = "lab|relay"};
    STRCMP_EQUAL("refused: \"host\", allowed one of lab, relay", back(kMode, "host").c_str());
}

TEST(Values, readsListsWithAndWithoutBracketsAndQuotes) {
    STRCMP_EQUAL("[127.0.0.1:1688]", back(kListen, "127.0.0.1:1688").c_str());
    STRCMP_EQUAL("[\"[::1]:1688\", 10.0.0.7:1688]", back(kListen, "[\"[::1]:1688\", 10.0.0.7:1688]").c_str());
    STRCMP_EQUAL("[\"[::1]:1688\"]", back(kListen, "[::1]:1688").c_str());
    STRCMP_EQUAL("[\"[::1]:1688\"]", back(kListen, "[[::1]:1688]").c_str());
    STRCMP_EQUAL("[]", back(kAllow, "[]").c_str());
    STRCMP_CONTAINS("refused", back(kAllow, "[10.0.0.0/8, everything]").c_str());
}

TEST(Values, whatItWritesItReadsAgain) {
    constexpr Field kTexts{.name = "texts", .type = FieldType::texts};
    const SettingValue value = std::vector<std::string>{"plain", "with, comma", "with \"quote\"", "", "a b"};
    const auto again = parseValue(kTexts, valueText(kTexts, value));
    CHECK(again.has_value());
    CHECK(*again == value);
}

TEST(Values, refusesControlCharactersAndBrokenUtf8InTexts) {
    constexpr Field kAny{.name = "any"};
    CHECK(!parseValue(kAny, "a\x1b[31m"));
    CHECK(!parseValue(kAny, "\xc3\x28"));
    CHECK(parseValue(kAny, "größe").has_value());
}

TEST(Values, shortensAndEscapesWhatItQuotes) {
    STRCMP_EQUAL("\"a\\x1b\\\"b\"", inQuotes("a\x1b\"b").c_str());
    CHECK(inQuotes(std::string(1000, 'x')).size() < 70);
}
