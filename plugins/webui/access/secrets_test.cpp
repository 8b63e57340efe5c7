#include "secrets.h"

#include <set>

#include "CppUTest/TestHarness.h"

using namespace muster::webui;

TEST_GROUP(Secrets){};

TEST(Secrets, digestsAreThoseOfTheStandards) {
    // FIPS 180-4, "abc"; RFC 4231 case 2; RFC 2202 case 2.
    STRCMP_EQUAL("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", hex(sha256("abc")).c_str());
    STRCMP_EQUAL("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
                 hex(hmacSha256("Jefe", "what do ya want for nothing?")).c_str());
    STRCMP_EQUAL("effcdf6ae5eb2fa2d27416d5f184df9c259a7c79",
                 hex(hmacSha1("Jefe", "what do ya want for nothing?")).c_str());
}

TEST(Secrets, base32IsThatOfRfc4648) {
    const char* const cases[][2] = {{"", ""},
                                    {"f", "MY"},
                                    {"fo", "MZXQ"},
                                    {"foo", "MZXW6"},
                                    {"foob", "MZXW6YQ"},
                                    {"fooba", "MZXW6YTB"},
                                    {"foobar", "MZXW6YTBOI"}};
    for (const auto& [octets, text] : cases)
        STRCMP_EQUAL(text, base32(octets).c_str());
}

TEST(Secrets, hexadecimalDigitsAreReadAsTheyAreWritten) {
    const std::string octets("\x00\xff\x10z", 4);
    CHECK_TRUE(fromHex(hex(octets)) == octets);
    for (const char* const bad : {"0", "0g", "AB", " 00"})
        CHECK_FALSE(fromHex(bad).has_value());
}

TEST(Secrets, areComparedWholly) {
    CHECK_TRUE(sameSecret("", ""));
    CHECK_TRUE(sameSecret("abc", "abc"));
    CHECK_FALSE(sameSecret("abc", "abd"));
    CHECK_FALSE(sameSecret("abc", "xbc"));
    CHECK_FALSE(sameSecret("abc", "ab"));
    CHECK_FALSE(sameSecret("\x01", "\x81"));
}

TEST(Secrets, drawnAtRandomAreOfTheirAlphabetAndNeverTheSame) {
    std::set<std::string> seen;
    for (int i = 0; i < 1000; ++i) {
        const std::string text = randomText("abc", 43);
        LONGS_EQUAL(43, text.size());
        CHECK_TRUE(text.find_first_not_of("abc") == std::string::npos);
        CHECK_TRUE(seen.insert(text).second);
        CHECK_TRUE(seen.insert(randomOctets(32)).second);
    }
}

TEST(Secrets, drawnFromAnAlphabetFavourNoCharacter) {
    // 200 characters: taken modulo, the first 56 would come twice as often.
    std::string alphabet;
    for (int i = 0; i < 200; ++i)
        alphabet.push_back(static_cast<char>(i));
    std::size_t low = 0;
    const std::size_t count = 100'000;
    for (const char c : randomText(alphabet, count))
        low += static_cast<unsigned char>(c) < 56 ? 1 : 0;
    CHECK_TRUE(low > count * 26 / 100 && low < count * 30 / 100);  // 28 %, ten standard deviations to either side
}

TEST(Secrets, thatAreWipedAreGone) {
    std::string secret = "secret";
    wipe(secret);
    CHECK_TRUE(secret.empty());
}
