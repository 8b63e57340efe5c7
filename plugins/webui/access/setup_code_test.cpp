#include "setup_code.h"

#include <sys/stat.h>

#include "CppUTest/TestHarness.h"

#include "access_fixture.h"

using namespace muster;
using namespace muster::webui;
using namespace muster::webui::test;
using Verdict = SetupCode::Verdict;

TEST_GROUP(TheSetupCode) {
    Folder folder;
    ManualClocks clock;
    Throttle throttle{clock.clocks()};
    SetupCode code{folder.file("setup-code"), throttle};

    std::string prepared() {
        CHECK_TRUE(code.prepare(false).has_value());
        return code.show().value();
    }
    Verdict check(const std::string& typed) {
        return code.check(typed, from("10.0.0.7")).verdict;
    }
};

TEST(TheSetupCode, isFourGroupsOfFour) {
    const std::string text = prepared();
    LONGS_EQUAL(19, text.size());
    for (const std::size_t dash : {4U, 9U, 14U})
        BYTES_EQUAL('-', text[dash]);
    CHECK_TRUE(text.find_first_of("01IOabc") == std::string::npos);
    STRCMP_EQUAL((text + "\n").c_str(), folder.read("setup-code").c_str());
    struct stat status {};
    LONGS_EQUAL(0, stat(folder.file("setup-code").c_str(), &status));
    LONGS_EQUAL(0600, status.st_mode & 07777);
}

TEST(TheSetupCode, isTheSameAfterARestart) {
    const std::string text = prepared();
    SetupCode later(folder.file("setup-code"), throttle);
    CHECK_TRUE(later.prepare(false).has_value());
    STRCMP_EQUAL(text.c_str(), later.show()->c_str());
}

TEST(TheSetupCode, isTypedInAnyCaseWithOrWithoutDashes) {
    const std::string text = prepared();
    std::string bare;
    for (const char c : text)
        if (c != '-')
            bare.push_back(c >= 'A' ? static_cast<char>(c - 'A' + 'a') : c);
    for (const std::string& typed : {text, bare, " " + bare + "\n", text.substr(0, 9) + " " + text.substr(9)})
        CHECK(check(typed) == Verdict::right);
    std::string other = text;
    other.back() = other.back() == '2' ? '3' : '2';
    for (const std::string& typed : {other, std::string(), text + "2", text.substr(1), std::string(10'000, '2')})
        CHECK(check(typed) == Verdict::wrong);
}

TEST(TheSetupCode, isNoMoreOnceItIsSpent) {
    const std::string text = prepared();
    CHECK(check(text) == Verdict::right);
    CHECK(check(text) == Verdict::right);  // the first user was refused: again
    CHECK_TRUE(code.spend().has_value());
    CHECK(check(text) == Verdict::none);
    CHECK(check("") == Verdict::none);
    CHECK_FALSE(code.show().has_value());
    CHECK_TRUE(access(folder.file("setup-code").c_str(), F_OK) != 0);
    CHECK_TRUE(code.spend().has_value());
}

TEST(TheSetupCode, thatWasLeftBehindGoesWhereThereAreUsers) {
    prepared();
    SetupCode later(folder.file("setup-code"), throttle);
    CHECK_TRUE(later.prepare(true).has_value());
    CHECK_FALSE(later.show().has_value());
    CHECK_TRUE(access(folder.file("setup-code").c_str(), F_OK) != 0);
}

TEST(TheSetupCode, isNotAskedTooOften) {
    const std::string text = prepared();
    for (int i = 0; i < 10; ++i)
        CHECK(check("wrong") == Verdict::wrong);
    const auto refused = code.check(text, from("10.0.0.7"));
    CHECK(refused.verdict == Verdict::throttled);
    CHECK_TRUE(refused.wait.count() > 0);
    clock.pass(std::chrono::minutes(5));
    CHECK(check(text) == Verdict::right);
}

TEST(TheSetupCode, ofADamagedFileIsRefusedAndTheFileLeftAsItIs) {
    for (const char* const bad : {"", "0000-0000-0000-0000\n", "2222-2222-2222-222\n"}) {
        folder.write("setup-code", bad);
        const auto prepared = code.prepare(false);
        CHECK(prepared.error().code == Code::malformed);
        STRCMP_CONTAINS("move it away", prepared.error().text().c_str());
        STRCMP_EQUAL(bad, folder.read("setup-code").c_str());
        CHECK_FALSE(code.show().has_value());
    }
}

TEST(TheSetupCode, thatCannotBeWrittenIsNone) {
    folder.block("setup-code");
    CHECK(code.prepare(false).error().code == Code::storage);
    CHECK_FALSE(code.show().has_value());
}
