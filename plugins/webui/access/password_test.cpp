#include "password.h"

#include <algorithm>

#include "CppUTest/TestHarness.h"

#include "access_fixture.h"
#include "common_passwords.h"
#include "secrets.h"

using namespace muster;
using namespace muster::webui;
using namespace muster::webui::test;
using namespace std::chrono_literals;

namespace {

/// Made by the program argon2 of Debian: printf PASSWORD | argon2 SALT -id -t PASSES -k KIB -p 1 -l 32 -e
struct Vector {
    const char* password;
    const char* encoded;
};
constexpr Vector kVectors[] = {
    {"lantern orchid 42 quay",
     "$argon2id$v=19$m=32768,t=3,p=1$MDEyMzQ1Njc4OWFiY2RlZg$ti9el1Pz+3/Q/xfCc0WxY6YFsMCRRMOYDXCP6odDg3k"},
    {"lantern orchid 42 quay",
     "$argon2id$v=19$m=64,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$biqHAY+0AYKHAeTkJDW2lybtxFTDBE2QNlM9I5o6GbM"},
    {"pa\xc3\x9fwort f\xc3\xbcr zw\xc3\xb6lf",
     "$argon2id$v=19$m=19456,t=2,p=1$ZmVkY2JhOTg3NjU0MzIxMA$5Le6Lo2gkiyIpJUa8ziXN93vSttAtnZ1tFCaIRWnhPQ"},
};

}  // namespace

TEST_GROUP(Passwords) {
    PasswordHasher hasher{kCheap};

    static bool may(std::string_view password, std::string_view user = "alice") {
        return judgePassword(password, user).has_value();
    }
    static void refuses(std::string_view password, const char* because, std::string_view user = "alice") {
        const auto judged = judgePassword(password, user);
        CHECK_FALSE_TEXT(judged.has_value(), std::string(password).c_str());
        STRCMP_CONTAINS(because, judged.error().text().c_str());
    }
};

TEST(Passwords, areCheckedAsTheReferenceProgramMakesThem) {
    for (const Vector& vector : kVectors) {
        CHECK_TRUE(hasher.matches(vector.password, vector.encoded).value());
        CHECK_FALSE(hasher.matches(std::string(vector.password) + " ", vector.encoded).value());
    }
}

TEST(Passwords, areHashedWithASaltOfTheirOwn) {
    const std::string first = hasher.hash(kPassword).value();
    const std::string second = hasher.hash(kPassword).value();
    CHECK_FALSE(first == second);
    CHECK_TRUE(costOf(first) == kCheap);
    CHECK_TRUE(hasher.matches(kPassword, first).value());
    CHECK_FALSE(hasher.matches(kOther, first).value());
    CHECK_FALSE(hasher.needsRehash(first));
    CHECK_TRUE(hasher.needsRehash(kVectors[0].encoded));
}

TEST(Passwords, costByDefaultMoreThanOwaspsLeast) {
    CHECK_TRUE(costOf(kVectors[0].encoded) == PasswordCost());
    CHECK_TRUE(PasswordCost().memory >= 19 * 1024);
    CHECK_TRUE(PasswordCost().passes >= 2);
}

TEST(Passwords, ofNobodyNeverMatch) {
    CHECK_FALSE(hasher.matchesNobody("").value());
    CHECK_FALSE(hasher.matchesNobody(kPassword).value());
}

TEST(Passwords, longerThanAnyThatMayBeNeverMatchAndMayBeAsLongAsTheyLike) {
    const std::string longest(kMaxPasswordOctets, 'x');
    const std::string encoded = hasher.hash(longest).value();
    CHECK_TRUE(hasher.matches(longest, encoded).value());
    CHECK_FALSE(hasher.matches(longest + "y", encoded).value());
    CHECK_FALSE(hasher.matches(std::string(100'000, 'x'), encoded).value());
}

TEST(Passwords, hashesOfAnotherShapeAreNone) {
    const std::string good = kVectors[1].encoded;
    CHECK_TRUE(costOf(good).has_value());
    const auto with = [&](const std::string& was, const std::string& is) {
        std::string text = good;
        return text.replace(text.find(was), was.size(), is);
    };
    for (const std::string& bad :
         {std::string(), good + "A", good.substr(0, good.size() - 1), with("argon2id", "argon2i"), with("v=19", "v=16"),
          with("m=64", "m=7"), with("m=64", "m=131073"), with("m=64", "m=99999999999"), with("m=64", "m=064"),
          with("m=64", "m="), with("t=1", "t=0"), with("t=1", "t=17"), with("p=1", "p=2"), with("$MDEy", "$MD=y")}) {
        CHECK_FALSE_TEXT(costOf(bad).has_value(), bad.c_str());
        CHECK(hasher.matches(kPassword, bad).error().code == Code::malformed);
        CHECK_TRUE(hasher.needsRehash(bad));
    }
}

TEST(Passwords, areCheckedByFewAtOnceAndTheRestHearThatItIsBusy) {
    PasswordHasher one({16 * 1024, 2}, {.inside = 1, .waiting = 0, .patience = 0ms});
    const std::string encoded = one.hash(kPassword).value();
    std::atomic<int> right{0};
    std::atomic<int> busy{0};
    onThreads(8, [&](std::size_t) {
        const auto matched = one.matches(kPassword, encoded);
        if (matched && *matched)
            ++right;
        else if (!matched && matched.error().code == Code::busy)
            ++busy;
    });
    LONGS_EQUAL(8, right + busy);
    CHECK_TRUE(right >= 1);
}

TEST(Passwords, areCountedInCharactersNotOctets) {
    refuses("kq7 vXb2 mP", "11 characters");
    CHECK_TRUE(may("kq7 vXb2 mPz"));
    refuses("\xc3\xa4\xc3\xb6\xc3\xbc\xc3\x9f\xe2\x82\xac!", "6 characters");
    CHECK_TRUE(may("\xc3\xa4\xc3\xb6\xc3\xbc\xc3\x9f\xe2\x82\xac k\xc3\xa9 vx%2"));
    std::string many;
    for (int i = 0; i < 128; ++i)
        many += "\xf0\x9f\x98" + std::string(1, static_cast<char>(0x80 + i * 7 % 64));
    LONGS_EQUAL(kMaxPasswordOctets, many.size());
    refuses(many, "repeats itself");  // but not for its length
    refuses(many + "x", "at most 128");
    std::string random = hex(randomOctets(64));
    CHECK_TRUE(may(random));
    refuses(random + "x", "129 characters");
}

TEST(Passwords, mustBeUtf8WithoutControlCharacters) {
    refuses("kq7 vXb2 mPz\xff", "UTF-8");
    refuses("kq7 vXb2 mPz\n", "control");
    refuses(std::string_view("kq7 vXb2\0mPz", 12), "control");
}

TEST(Passwords, needNoKindOfCharacter) {
    for (const char* const good : {"correct horse battery staple", "xkqvwzjypbmt", "849302758491", "ZQXJKVWPMBTG",
                                   "the muster of crows at noon", "alice likes plums", "!!%)(&$/=?+#"})
        CHECK_TRUE_TEXT(may(good), good);
}

TEST(Passwords, ofTheCommonestAreRefused) {
    refuses("password1234", "commonest");
    refuses("christopher1", "commonest");
    refuses("Christopher1", "commonest");
    refuses("Dragon!2026!", "digits or signs around");
    refuses("123monkey456", "digits or signs around");
    refuses("p@ssw0rd2026", "digits or signs around");
}

TEST(Passwords, thatAreRunsOrRepetitionsAreRefused) {
    for (const char* const run : {"123456789012", "210987654321", "abcdefghijkl", "zyxwvutsrqpo", "qwertzuiopas",
                                  "1qaz2wsx3edc", "QWERTYuiop[]"})
        CHECK_FALSE_TEXT(may(run), run);
    refuses("345678901234", "keyboard");
    refuses("aaaaaaaaaaaa", "repeats itself");
    refuses("abcxabcxabcx", "repeats itself");
    refuses("kq7v!kq7v!kq", "repeats itself");
}

TEST(Passwords, ofNothingButNamesAreRefused) {
    refuses("zwetschke2026!", "only the user's name", "Zwetschke");
    refuses("musterADMIN-1", "only the user's name");
    refuses("Admin-Alice-2026", "only the user's name");
    refuses("!kms.relay.kms!", "only the user's name");
    CHECK_TRUE(may("zwetschke2026!", "bob"));
}

TEST(Passwords, listHoldsWordsOfEveryLengthAndFindsThemAll) {
    CHECK_TRUE(isCommonPassword("123456"));
    CHECK_TRUE(isCommonPassword("password"));
    CHECK_TRUE(isCommonPassword("qwerty"));
    CHECK_FALSE(isCommonPassword(""));
    CHECK_FALSE(isCommonPassword("a"));
    CHECK_FALSE(isCommonPassword("zzzzzzzzzzzzzz"));
    CHECK_FALSE(isCommonPassword(std::string(1000, 'a')));
}
