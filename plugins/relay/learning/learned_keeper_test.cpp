#include "learned_keeper.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sys/stat.h>
#include <thread>
#include <vector>

#include "CppUTest/TestHarness.h"

#include "learned_test_support.h"

using namespace muster;
using namespace muster::relay;
using namespace muster::relay::test;
using namespace std::chrono_literals;

TEST_GROUP(KeepingWhatIsLearned) {
    std::string folder;
    std::string path;
    std::vector<std::string> logged;
    LearnedKeeper::Log log = [this](Severity, std::string_view text) { logged.emplace_back(text); };

    void setup() override {
        char name[] = "/tmp/muster-learned-XXXXXX";
        folder = mkdtemp(name);
        path = folder + "/learned";
    }
    void teardown() override {
        std::filesystem::remove_all(folder);
    }
    void learn(Learned & learned) const {
        Traffic traffic(learned.of("kms-a"));
        traffic.answered({}, 17);
        traffic.refused({.counted = kWindows7}, HResult::groupNotCovered);
    }
    void put(const std::string& text) const {
        std::ofstream(path) << text;
    }
};

TEST(KeepingWhatIsLearned, outlastsARestart) {
    {
        Learned learned;
        LearnedKeeper keeper(learned, path, log);
        keeper.load();
        learn(learned);
        CHECK_TRUE(keeper.save());
    }
    Learned learned;
    LearnedKeeper(learned, path, log).load();
    LONGS_EQUAL(17, learned.of("kms-a")->headline().count);
    CHECK_TRUE(learned.of("kms-a")->latelyRefuses(kWindows7, kNoon + 5min));
    CHECK_TRUE(logged.empty());
    struct stat status {};
    LONGS_EQUAL(0, stat(path.c_str(), &status));
    LONGS_EQUAL(0600, status.st_mode & 07777);
}

TEST(KeepingWhatIsLearned, writesNothingWhereNothingHappened) {
    Learned learned;
    LearnedKeeper keeper(learned, path, log);
    keeper.load();
    CHECK_TRUE(keeper.save());
    CHECK_FALSE(std::filesystem::exists(path));
    learn(learned);
    CHECK_TRUE(keeper.save());
    std::filesystem::remove(path);
    CHECK_TRUE(keeper.save());
    CHECK_FALSE(std::filesystem::exists(path));
}

TEST(KeepingWhatIsLearned, putsADamagedFileAsideAndBeginsAnew) {
    put("muster relay, learned, version 1\nnonsense");
    Learned learned;
    LearnedKeeper keeper(learned, path, log);
    keeper.load();
    LONGS_EQUAL(1, logged.size());
    STRCMP_CONTAINS("learning begins anew", logged[0].c_str());
    CHECK_TRUE(std::filesystem::exists(path + ".damaged"));
    learn(learned);
    CHECK_TRUE(keeper.save());
    CHECK_TRUE(std::filesystem::exists(path));
}

TEST(KeepingWhatIsLearned, putsAFileAsideThatIsTooLong) {
    put("");
    std::filesystem::resize_file(path, 17U << 20U);
    Learned learned;
    LearnedKeeper(learned, path, log).load();
    LONGS_EQUAL(1, logged.size());
    CHECK_TRUE(std::filesystem::exists(path + ".damaged"));
}

TEST(KeepingWhatIsLearned, tellsOnceThatItCannotWrite) {
    Learned learned;
    LearnedKeeper keeper(learned, folder + "/gone/learned", log);
    keeper.load();
    learn(learned);
    CHECK_FALSE(keeper.save());
    CHECK_FALSE(keeper.save());
    LONGS_EQUAL(1, logged.size());
    std::filesystem::create_directory(folder + "/gone");
    CHECK_TRUE(keeper.save());
    CHECK_TRUE(std::filesystem::exists(folder + "/gone/learned"));
}

TEST(KeepingWhatIsLearned, writesNewsWithinAMinuteAndNumbersWithinTen) {
    const LearnedUpstream::Marks kept{100, 5};
    CHECK_FALSE(LearnedKeeper::due(kept, kept, 24h));
    CHECK_FALSE(LearnedKeeper::due(kept, {101, 6}, 59s));
    CHECK_TRUE(LearnedKeeper::due(kept, {101, 6}, 60s));
    CHECK_FALSE(LearnedKeeper::due(kept, {999, 5}, 9min + 59s));
    CHECK_TRUE(LearnedKeeper::due(kept, {999, 5}, 10min));
}

TEST(KeepingWhatIsLearned, writesWhenItIsStopped) {
    Learned learned;
    LearnedKeeper keeper(learned, path, log);
    keeper.load();
    std::atomic<bool> stopping{false};
    std::thread thread([&] { keeper.run(stopping); });
    learn(learned);
    keeper.stop();
    thread.join();
    Learned again;
    LearnedKeeper(again, path, log).load();
    LONGS_EQUAL(17, again.of("kms-a")->headline().count);
}

TEST(KeepingWhatIsLearned, leavesOutWhoWasSilentForThreeMonths) {
    Learned learned;
    LearnedKeeper keeper(learned, path, log);
    keeper.load();
    learn(learned);
    Traffic later(learned.of("kms-b"));
    later.now += LearnedKeeper::kSilence + 24h;
    later.answered({}, 3);
    (void)learned.of("never asked");
    CHECK_TRUE(keeper.save());
    Learned again;
    LearnedKeeper(again, path, log).load();
    LONGS_EQUAL(1, again.snapshot().size());
    STRCMP_EQUAL("kms-b", again.snapshot()[0].name.c_str());
}
