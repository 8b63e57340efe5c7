#include "muster/private_file.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sys/stat.h>
#include <thread>
#include <vector>

#include "CppUTest/TestHarness.h"

using namespace muster;

TEST_GROUP(PrivateFile) {
    std::filesystem::path folder;
    std::string path;

    void setup() override {
        std::string pattern = (std::filesystem::temp_directory_path() / "muster-private-XXXXXX").string();
        CHECK_TRUE(mkdtemp(pattern.data()) != nullptr);
        folder = pattern;
        path = folder / "file";
    }
    void teardown() override {
        std::error_code ignored;
        std::filesystem::remove_all(folder, ignored);
    }
    std::size_t files() const {
        return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder), {}));
    }
    mode_t mode() const {
        struct stat status {};
        return stat(path.c_str(), &status) == 0 ? status.st_mode & 07777 : 0;
    }
};

TEST(PrivateFile, isReadAsItWasWrittenAndReplacedWhole) {
    CHECK(readPrivateFile(path, 10).error().code == Code::missing);
    CHECK_TRUE(writePrivateFile(path, "first").has_value());
    CHECK_TRUE(writePrivateFile(path, "second").has_value());
    STRCMP_EQUAL("second", readPrivateFile(path, 10)->c_str());
    LONGS_EQUAL(0600, mode());
    LONGS_EQUAL(1, files());
}

TEST(PrivateFile, beyondItsLimitOrOfAnotherKindIsRefused) {
    std::ofstream(path) << std::string(11, 'x');
    CHECK(readPrivateFile(path, 10).error().code == Code::storage);
    CHECK_TRUE(readPrivateFile(path, 11).has_value());
    CHECK(readPrivateFile(folder, 10).error().code == Code::storage);
    std::filesystem::create_symlink(path, folder / "link");
    CHECK(readPrivateFile(folder / "link", 100).error().code == Code::storage);
}

TEST(PrivateFile, thatCannotBeWrittenSaysWhyAndLeavesNothing) {
    const auto written = writePrivateFile(folder / "none" / "file", "x");
    CHECK(written.error().code == Code::storage);
    STRCMP_CONTAINS("No such file or directory", written.error().text().c_str());
    CHECK(makePrivateFile(folder / "none" / "file", "x").error().code == Code::storage);
    LONGS_EQUAL(0, files());
}

TEST(PrivateFile, isMadeByOneOfManyAndNeverReplaced) {
    std::vector<int> made(8);
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < made.size(); ++i)
        threads.emplace_back([&, i] {
            const auto result = makePrivateFile(path, std::string(1, static_cast<char>('a' + i)));
            made[i] = result ? 1 : result.error().code == Code::duplicate ? 0 : 100;
        });
    for (std::thread& thread : threads)
        thread.join();
    int sum = 0;
    char winner = '?';
    for (std::size_t i = 0; i < made.size(); ++i) {
        sum += made[i];
        if (made[i] == 1)
            winner = static_cast<char>('a' + i);
    }
    LONGS_EQUAL(1, sum);
    STRCMP_EQUAL(std::string(1, winner).c_str(), readPrivateFile(path, 10)->c_str());
    LONGS_EQUAL(0600, mode());
    LONGS_EQUAL(1, files());
}
