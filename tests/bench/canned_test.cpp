#include "canned.h"

#include <cstring>

#include "CppUTest/TestHarness.h"

using namespace muster;
using namespace muster::bench;

namespace {

Seal::Mac mac(std::string_view hex) {
    Seal::Mac out{};
    for (std::size_t i = 0; i < out.size(); ++i)
        out[i] = static_cast<std::byte>(std::stoi(std::string(hex.substr(2 * i, 2)), nullptr, 16));
    return out;
}

}  // namespace

TEST_GROUP(Canned){};

TEST(Canned, fragmentLengthsSayTheSizesThatTheComparisonRestsOn) {
    LONGS_EQUAL(160, read16(bindPdu().data() + 8));
    LONGS_EQUAL(108, read16(bindAckPdu().data() + 8));
    LONGS_EQUAL(200, read16(responsePdu().data() + 8));
    std::array<std::byte, kRequestSize> request{};
    RequestMaker().write(request, 7, 2, FileTime{}, nullptr);
    LONGS_EQUAL(284, read16(request.data() + 8));
}

TEST(Canned, twoClientsDifferInCmidAndNameOnly) {
    const RequestMaker maker;
    std::array<std::byte, kRequestSize> one{};
    std::array<std::byte, kRequestSize> two{};
    maker.write(one, 1, 2, FileTime{5}, nullptr);
    maker.write(two, 9876543210, 2, FileTime{5}, nullptr);
    CHECK(std::memcmp(one.data() + kBodyOffset + 64, two.data() + kBodyOffset + 64, 16) != 0);
    MEMCMP_EQUAL(one.data(), two.data(), kBodyOffset + 64);
    const char expected[] = "p\0c\0-\0009\0008\0007\0006\0005\0004\0003\0002\0001\0000\0.\0b";
    MEMCMP_EQUAL(expected, two.data() + kBodyOffset + 108, sizeof expected - 1);
}

TEST(Canned, anAnswerCarriesItsRequestsCallCmidAndTime) {
    std::array<std::byte, kRequestSize> request{};
    RequestMaker().write(request, 7, 0x01020304, FileTime{0x1122334455667788}, nullptr);
    auto response = responsePdu();
    const auto before = response;
    answerTo(request, response);
    MEMCMP_EQUAL(request.data() + 12, response.data() + 12, 4);
    // After header, lengths, version, length of the ePID and the ePID itself.
    MEMCMP_EQUAL(cmidOf(7).octets.data(), response.data() + 36 + 4 + 4 + 98, 16);
    MEMCMP_EQUAL("\x88\x77\x66\x55\x44\x33\x22\x11", response.data() + 36 + 4 + 4 + 98 + 16, 8);
    MEMCMP_EQUAL(before.data() + 16, response.data() + 16, 36 + 4 + 4 + 98 - 16);
    MEMCMP_EQUAL(before.data() + 166, response.data() + 166, kResponseSize - 166);
}

TEST(Canned, sealIsTheCmacOfRfc4493) {
    Seal seal(mac("2b7e151628aed2a6abf7158809cf4f3c"));
    const auto block = mac("6bc1bee22e409f96e93d7e117393172a");
    CHECK(seal.over(block) == mac("070a16b46b4d4144f79bdd9dd04a287c"));
    CHECK(seal.over(block) == mac("070a16b46b4d4144f79bdd9dd04a287c"));  // the kept context starts afresh
}

TEST(Canned, aKeyFileOfAnotherShapeGivesNoSealingKey) {
    CHECK_FALSE(Seal::sealingKey("").has_value());
    CHECK_FALSE(Seal::sealingKey("2b7e151628aed2a6abf7158809cf4f3").has_value());
    CHECK_FALSE(Seal::sealingKey("2b7e151628aed2a6abf7158809cf4f3g").has_value());
    CHECK(Seal::sealingKey("2b7e151628aed2a6abf7158809cf4f3c\n").has_value());
}

TEST(Canned, theSealCoversEverythingBeforeIt) {
    const auto key = Seal::sealingKey("000102030405060708090a0b0c0d0e0f");
    Seal seal(*key);
    std::array<std::byte, kRequestSize> request{};
    RequestMaker().write(request, 3, 2, FileTime{77}, &seal);
    const auto expected = seal.over({request.data() + kBodyOffset, kSealedSize});
    MEMCMP_EQUAL(expected.data(), request.data() + kBodyOffset + kSealedSize, 16);
}
