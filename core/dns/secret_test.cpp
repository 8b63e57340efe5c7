#include "dns/secret.h"

#include <string>
#include <string_view>
#include <utility>

#include "CppUTest/TestHarness.h"

using namespace muster;
using namespace muster::dns;

TEST_GROUP(Secret){};

TEST(Secret, isReadFromTheTextOfAKeyFile) {
    const auto secret = Secret::fromBase64(" AAECAwQFBgcICQoLDA0ODw==\n");
    CHECK(secret.has_value());
    LONGS_EQUAL(16, secret->octets().size());
    for (std::size_t i = 0; i < 16; ++i)
        LONGS_EQUAL(i, std::to_integer<unsigned>(secret->octets()[i]));
}

TEST(Secret, refusesWhatIsNoKeyAndDoesNotRepeatIt) {
    for (const char* bad :
         {"", "   ", "AAECAwQFBgcICQoLDA0ODw", "AAECAwQFBgcI CQoLDA0ODw==", "AAECAwQFBgcI\nCQoLDA0ODw==",
          "AAECAwQFBgcICQoLDA0OD!==", "AAECAwQFBgcICQoLDA0ODw==x", "AAECAw==", "not-base64-at-all"}) {
        const auto secret = Secret::fromBase64(bad);
        CHECK_FALSE_TEXT(secret.has_value(), bad);
        CHECK(std::string_view(bad).size() < 8 || secret.error().text().find(bad) == std::string::npos);
    }
}

TEST(Secret, isOfSixteenToFiveHundredAndTwelveOctets) {
    CHECK_FALSE(Secret::fromBase64("AAECAwQFBgcICQoLDA0O").has_value());    // 15
    CHECK(Secret::fromBase64(std::string(680, 'A') + "AAA=").has_value());  // 512
    CHECK_FALSE(Secret::fromBase64(std::string(680, 'A') + "AAAA").has_value());
    CHECK_FALSE(Secret::fromBase64(std::string(100000, 'A')).has_value());
}

TEST(Secret, movesAndLeavesNothingBehind) {
    auto first = Secret::fromBase64("AAECAwQFBgcICQoLDA0ODw==");
    Secret second(std::move(*first));
    CHECK(first->empty());  // NOLINT(bugprone-use-after-move): what is left is what is looked at
    LONGS_EQUAL(16, second.octets().size());
    Secret third;
    third = std::move(second);
    CHECK(second.empty());  // NOLINT(bugprone-use-after-move): the same
    LONGS_EQUAL(16, third.octets().size());
}
