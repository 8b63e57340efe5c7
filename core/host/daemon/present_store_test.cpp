#include "host/daemon/present_store.h"

#include <filesystem>
#include <unistd.h>

#include "CppUTest/TestHarness.h"

using muster::daemon::PresentStore;
namespace fs = std::filesystem;
namespace pool = muster::pool;

TEST_GROUP(PresentStore) {
    const fs::path directory = fs::temp_directory_path() / ("muster-present." + std::to_string(::getpid()));
    int looked = 0;
    muster::Result<std::unique_ptr<pool::Archive>> open() {
        ++looked;
        if (!fs::exists(directory))
            return muster::fail(muster::Code::storage, directory.string(), "look " + std::to_string(looked));
        return pool::Archive::open({.directory = directory.string()});
    }
    void teardown() override {
        fs::remove_all(directory);
    }
};

TEST(PresentStore, isLookedForUntilItIsThereAndSaysWhyItIsNot) {
    PresentStore store(nullptr, "it was missing at the start", [this] { return open(); });
    CHECK(store.isWanted());
    STRCMP_EQUAL("it was missing at the start", store.trouble().c_str());
    CHECK_FALSE(store.look());
    POINTERS_EQUAL(nullptr, store.get());
    STRCMP_CONTAINS("look 1", store.trouble().c_str());
    fs::create_directory(directory);
    CHECK(store.look());
    CHECK(store.get() != nullptr);
    STRCMP_EQUAL("", store.trouble().c_str());
    CHECK_FALSE(store.isWanted());
    CHECK_FALSE(store.look());
    LONGS_EQUAL(2, looked);
    store.close();
    POINTERS_EQUAL(nullptr, store.get());
}

TEST(PresentStore, aModeWithoutOneLooksForNone) {
    PresentStore store(nullptr, "", [this] { return open(); });
    CHECK_FALSE(store.isWanted());
    CHECK_FALSE(store.look());
    LONGS_EQUAL(0, looked);
}
