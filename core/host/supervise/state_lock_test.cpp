#include "host/supervise/state_lock.h"

#include <cstdlib>
#include <filesystem>
#include <string>
#include <unistd.h>

#include "CppUTest/TestHarness.h"

using muster::supervise::StateLock;
namespace fs = std::filesystem;

TEST_GROUP(StateLock) {
    fs::path root;

    void setup() override {
        std::string pattern = (fs::temp_directory_path() / "muster-lock-XXXXXX").string();
        root = ::mkdtemp(pattern.data());
    }
    void teardown() override {
        fs::remove_all(root);
    }
};

TEST(StateLock, makesTheDirectoryForItsOwnerAlone) {
    const auto lock = StateLock::take(root / "a" / "b");
    CHECK(lock.has_value());
    CHECK(fs::status(root / "a" / "b").permissions() == fs::perms::owner_all);
}

TEST(StateLock, theSecondDaemonIsToldWhoHasIt) {
    auto first = StateLock::take(root);
    CHECK(first.has_value());
    {
        const auto second = StateLock::take(root);
        CHECK(!second.has_value());
        CHECK(second.error().code == muster::Code::duplicate);
        STRCMP_CONTAINS(("process " + std::to_string(::getpid())).c_str(), second.error().detail.c_str());
    }
    first = muster::fail(muster::Code::internal, "", "");  // the first goes
    CHECK(StateLock::take(root).has_value());
}

TEST(StateLock, whatCannotBeWrittenIsLockedAsItIs) {
    // A folder where the file would be made stands in for a disk that takes no file: root may write everywhere else.
    fs::create_directories(root / "lock");
    CHECK(!StateLock::take(root).has_value());
    const auto first = StateLock::takeAsItIs(root);
    CHECK(first.has_value());
    STRCMP_CONTAINS("cannot be opened", first->trouble().c_str());
    const auto second = StateLock::takeAsItIs(root);
    CHECK(!second.has_value());
    CHECK(second.error().code == muster::Code::duplicate);
    const auto nowhere = StateLock::takeAsItIs("/dev/null/state");
    CHECK(nowhere.has_value());
    STRCMP_CONTAINS("/dev/null/state", nowhere->trouble().c_str());
    CHECK(StateLock::takeAsItIs(root / "good").value().trouble().empty());
}

TEST(StateLock, isRenewedOnceItCanBeWrittenAndHeldAllTheWhile) {
    fs::create_directories(root / "lock");
    auto held = StateLock::takeAsItIs(root);
    CHECK(held.has_value());
    CHECK(!held->renew(root).has_value());
    STRCMP_CONTAINS("cannot be opened", held->trouble().c_str());
    fs::remove(root / "lock");
    CHECK(held->renew(root).has_value());
    STRCMP_EQUAL("", held->trouble().c_str());
    const auto second = StateLock::take(root);
    CHECK(!second.has_value());
    STRCMP_CONTAINS(("process " + std::to_string(::getpid())).c_str(), second.error().detail.c_str());
    CHECK(held->renew(root).has_value());  // nothing is left to do
    CHECK(!StateLock::take(root).has_value());
}

TEST(StateLock, isNotRenewedWhereAnotherDaemonCameMeanwhile) {
    fs::create_directories(root / "lock");
    auto held = StateLock::takeAsItIs("/dev/null/state");  // holds nothing
    CHECK(held.has_value());
    fs::remove(root / "lock");
    {
        const auto other = StateLock::take(root);
        const auto renewed = held->renew(root);
        CHECK(!renewed.has_value());
        CHECK(renewed.error().code == muster::Code::duplicate);
        CHECK(!held->trouble().empty());
    }
    CHECK(held->renew(root).has_value());
}

TEST(StateLock, saysWhatToDoAboutAFileInTheWay) {
    const auto lock = StateLock::take("/dev/null/state");
    CHECK(!lock.has_value());
    CHECK(lock.error().code == muster::Code::storage);
    STRCMP_CONTAINS("--state", lock.error().detail.c_str());
}
