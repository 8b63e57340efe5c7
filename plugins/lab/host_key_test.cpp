#include "host_key.h"

#include <algorithm>
#include <set>
#include <string>

#include "CppUTest/TestHarness.h"

#include "muster/family.h"

using namespace muster;
using namespace muster::lab;

TEST_GROUP(HostKeys) {
    HostKey key = HostKey::issue("win7-2008r2", MUSTER_GROUP_C).value();
};

TEST(HostKeys, sayWhatTheyAreFor) {
    STRCMP_CONTAINS("LAB-WIN7-2008R2-C-", key.text().c_str());
    LONGS_EQUAL(std::string("LAB-WIN7-2008R2-C-XXXXXXXX-XXXXXXX").size(), key.text().size());
    STRCMP_EQUAL("win7-2008r2", key.family().c_str());
    LONGS_EQUAL(MUSTER_GROUP_C, key.group());
    CHECK_TRUE(key.partial() == key.text().substr(key.text().size() - 5));
    CHECK_TRUE(key.number() < 1'000'000'000);
}

TEST(HostKeys, comeBackFromTheirText) {
    for (const std::uint8_t group : {MUSTER_GROUP_CLIENT, MUSTER_GROUP_A, MUSTER_GROUP_B, MUSTER_GROUP_C})
        for (const char* family : {"vista-2008", "a", "win-8.x-is-no-name", "abc-def-ghi-2012"}) {
            const auto issued = HostKey::issue(family, group);
            CHECK_TRUE(issued.has_value() == (std::string(family).find('.') == std::string::npos));
            if (!issued)
                continue;
            const auto parsed = HostKey::parse(issued->text());
            CHECK_TRUE(parsed.has_value());
            CHECK_TRUE(*parsed == *issued);
            STRCMP_EQUAL(family, parsed->family().c_str());
            LONGS_EQUAL(group, parsed->group());
        }
}

TEST(HostKeys, areTakenAsPeopleTypeThem) {
    std::string typed = key.text();
    std::transform(typed.begin(), typed.end(), typed.begin(), [](unsigned char c) { return std::tolower(c); });
    CHECK_TRUE(HostKey::parse("  " + typed + "\n").value() == key);
    const std::size_t random = std::string("LAB-WIN7-2008R2-C-").size();
    std::replace(typed.begin() + static_cast<std::ptrdiff_t>(random), typed.end(), '0', 'o');
    std::replace(typed.begin() + static_cast<std::ptrdiff_t>(random), typed.end(), '1', 'l');
    CHECK_TRUE(HostKey::parse(typed).value() == key);
}

TEST(HostKeys, withAnyOneCharacterWrongAreRefusedInWindowsWords) {
    const std::string alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ-";
    for (std::size_t i = 0; i < key.text().size(); ++i)
        for (const char other : alphabet) {
            std::string wrong = key.text();
            if (wrong[i] == other || (wrong[i] == 'L' && other == '1'))
                continue;
            wrong[i] = other;
            const auto parsed = HostKey::parse(wrong);
            CHECK_FALSE(parsed.has_value());
            CHECK_TRUE(parsed.error().code == Code::malformed);
            STRCMP_CONTAINS("0xC004F050 The Software Licensing Service reported that the product key is invalid. ",
                            parsed.error().text().c_str());
        }
}

TEST(HostKeys, withTwoNeighboursSwappedAreRefused) {
    for (std::size_t i = 0; i + 1 < key.text().size(); ++i) {
        std::string wrong = key.text();
        if (wrong[i] == wrong[i + 1])
            continue;
        std::swap(wrong[i], wrong[i + 1]);
        CHECK_FALSE(HostKey::parse(wrong).has_value());
    }
}

TEST(HostKeys, thatAreNoneAreRefused) {
    for (const std::string& none : {std::string(), std::string("LAB"), std::string("LAB-"), std::string("LAB-----"),
                                    std::string("LAB-C-00000000-0000000"), std::string("LAB--C-00000000-0000000"),
                                    std::string(1000, 'A'), "LAB-" + std::string(1000, 'A'), std::string(5, '\0')})
        CHECK_FALSE(HostKey::parse(none).has_value());
}

TEST(HostKeys, areNeverIssuedTwice) {
    std::set<std::string> seen;
    for (int i = 0; i < 1000; ++i)
        CHECK_TRUE(seen.insert(HostKey::issue("vista-2008", MUSTER_GROUP_A)->text()).second);
}

TEST(HostKeys, areNotIssuedForANameThatCanBeNone) {
    for (const char* bad : {"", "-", "a--b", "a-", "-a", "Win7", "win7/..", "win7\n"})
        CHECK_FALSE(HostKey::issue(bad, MUSTER_GROUP_A).has_value());
    CHECK_FALSE(HostKey::issue("win7-2008r2", 4).has_value());
}
