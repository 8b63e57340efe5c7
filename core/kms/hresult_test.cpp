#include "kms/hresult.h"

#include <string>

#include "CppUTest/TestHarness.h"

using namespace muster;

TEST_GROUP(HResults){};

TEST(HResults, anInsufficientCountIsSaidAsSlmgrSaysIt) {
    const kms::HResultInfo* info = kms::find(HResult::notEnoughCount);
    STRCMP_EQUAL("SL_E_VL_NOT_ENOUGH_COUNT", std::string(info->symbol).c_str());
    STRCMP_EQUAL(
        "The computer could not be activated. The returned count from your Key Management Service is insufficient.",
        std::string(info->sentence).c_str());
}

TEST(HResults, aRefusedKeyIsSaidAsSlmgrSaysIt) {
    STRCMP_EQUAL("The Software Licensing Service reported that the product key is invalid.",
                 std::string(kms::find(HResult::invalidProductKey)->sentence).c_str());
}

TEST(HResults, everyCodeThatMusterUsesIsExplained) {
    for (const HResult code :
         {HResult::notEnoughCount, HResult::serviceNotEnabled, HResult::hostNotActivated, HResult::groupNotCovered,
          HResult::invalidProductKey, HResult::invalidTimestamp, HResult::serviceUnavailable, HResult::invalidArgument,
          HResult::invalidData, HResult::rpcServerUnavailable}) {
        const kms::HResultInfo* info = kms::find(code);
        CHECK_TRUE(info != nullptr);
        if (!info)
            return;
        CHECK_TRUE(info->code == code);
        for (const std::string_view words : {info->sentence, info->meaning, info->remedy})
            CHECK_TRUE(!words.empty() && words.back() == '.');
    }
}

TEST(HResults, aCodeThatNobodyKnowsIsNotFound) {
    POINTERS_EQUAL(nullptr, kms::find(HResult::ok));
    POINTERS_EQUAL(nullptr, kms::find(static_cast<HResult>(0xFFFFFFFF)));
    POINTERS_EQUAL(nullptr, kms::find(static_cast<HResult>(0xC004F040)));
}
