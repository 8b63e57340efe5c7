#include "totp.h"

#include <array>
#include <utility>

#include "CppUTest/TestHarness.h"

using namespace muster;
using namespace muster::webui;

namespace {

constexpr std::string_view kRfcSecret = "12345678901234567890";

Timestamp at(std::int64_t seconds) {
    return Timestamp(std::chrono::seconds(seconds));
}

}  // namespace

TEST_GROUP(Totp){};

TEST(Totp, isThatOfRfc4226AppendixD) {
    const std::array<const char*, 10> codes{"755224", "287082", "359152", "969429", "338314",
                                            "254676", "287922", "162583", "399871", "520489"};
    for (std::size_t i = 0; i < codes.size(); ++i)
        STRCMP_EQUAL(codes[i], hotp(kRfcSecret, i).c_str());
}

TEST(Totp, isThatOfRfc6238AppendixB) {
    const std::pair<std::int64_t, const char*> cases[] = {{59, "94287082"},         {1111111109, "07081804"},
                                                          {1111111111, "14050471"}, {1234567890, "89005924"},
                                                          {2000000000, "69279037"}, {20000000000, "65353130"}};
    for (const auto& [seconds, code] : cases) {
        STRCMP_EQUAL(code, hotp(kRfcSecret, totpStep(at(seconds)), 8).c_str());
        CHECK_TRUE(totpMatch(kRfcSecret, std::string(code).substr(2), at(seconds), 0) == totpStep(at(seconds)));
    }
}

TEST(Totp, isTakenOneStepToEitherSideAndNoFurther) {
    const std::uint64_t step = totpStep(at(1'000'000'000));
    for (const std::uint64_t near : {step - 1, step, step + 1})
        CHECK_TRUE(totpMatch(kRfcSecret, hotp(kRfcSecret, near), at(1'000'000'000), 0) == near);
    for (const std::uint64_t far : {step - 2, step + 2})
        CHECK_FALSE(totpMatch(kRfcSecret, hotp(kRfcSecret, far), at(1'000'000'000), 0).has_value());
}

TEST(Totp, isTakenOnce) {
    const std::uint64_t step = totpStep(at(1'000'000'000));
    CHECK_FALSE(totpMatch(kRfcSecret, hotp(kRfcSecret, step), at(1'000'000'000), step).has_value());
    CHECK_FALSE(totpMatch(kRfcSecret, hotp(kRfcSecret, step - 1), at(1'000'000'000), step).has_value());
    CHECK_TRUE(totpMatch(kRfcSecret, hotp(kRfcSecret, step + 1), at(1'000'000'000), step).has_value());
}

TEST(Totp, isReadWithBlanksAndNothingElse) {
    const std::string code = hotp(kRfcSecret, totpStep(at(59)));
    CHECK_TRUE(totpMatch(kRfcSecret, code.substr(0, 3) + " " + code.substr(3), at(59), 0).has_value());
    for (const std::string& bad : {std::string(), code.substr(1), code + "0", "+" + code.substr(1), code + "\n"})
        CHECK_FALSE(totpMatch(kRfcSecret, bad, at(59), 0).has_value());
    CHECK_TRUE(totpStep(at(-1)) == 0);
    CHECK_FALSE(totpMatch(kRfcSecret, "000000", at(-1'000'000), 0).has_value());
}

TEST(Totp, uriEscapesWhatItMust) {
    STRCMP_EQUAL(
        "otpauth://totp/Muster%20kms1:al%40x?secret=MZXW6YTBOI&issuer=Muster%20kms1&algorithm=SHA1&digits=6&period=30",
        otpauthUri("Muster kms1", "al@x", "foobar").c_str());
}
