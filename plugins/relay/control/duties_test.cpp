#include "duties.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "CppUTest/TestHarness.h"

using namespace muster;
using namespace muster::relay;

TEST_GROUP(Duties) {
    std::filesystem::path directory;
    std::string path;
    const Timestamp when{std::chrono::milliseconds(1'700'000'000'000)};

    void setup() override {
        std::string pattern = (std::filesystem::temp_directory_path() / "muster-duties-XXXXXX").string();
        CHECK_TRUE(mkdtemp(pattern.data()) != nullptr);
        directory = pattern;
        path = directory / "duties";
    }
    void teardown() override {
        std::error_code ignored;
        std::filesystem::remove_all(directory, ignored);
    }
};

TEST(Duties, surviveARestart) {
    {
        Duties duties(path);
        CHECK_TRUE(duties.set("kms-a", {Duty::draining, "uid 0", when}).has_value());
        CHECK_TRUE(duties.set("kms b", {Duty::maintenance, "alice\tor\nbob", when}).has_value());
    }
    const Duties again(path);
    STRCMP_EQUAL("", again.trouble().c_str());
    CHECK(again.of("kms-a")->duty == Duty::draining);
    STRCMP_EQUAL("uid 0", again.of("kms-a")->by.c_str());
    CHECK(again.of("kms-a")->when == when);
    CHECK(again.of("kms b")->duty == Duty::maintenance);
    CHECK_FALSE(again.of("kms-c").has_value());
}

TEST(Duties, areTakenBack) {
    Duties duties(path);
    CHECK_TRUE(duties.set("kms-a", {Duty::draining, "uid 0", when}).has_value());
    CHECK_TRUE(duties.clear("kms-a").has_value());
    CHECK_FALSE(Duties(path).of("kms-a").has_value());
}

TEST(Duties, ofADamagedFileAreLeftOutOneByOne) {
    std::ofstream(path)
        << "draining\t1\tuid 0\tgood\nnonsense\n\t\t\t\ndraining\tx\tuid 0\tbad\nresting\t1\tme\tworse\n";
    const Duties duties(path);
    CHECK_TRUE(duties.of("good").has_value());
    CHECK_FALSE(duties.of("bad").has_value());
    CHECK_FALSE(duties.of("worse").has_value());
    CHECK_TRUE(duties.trouble().find("damaged") != std::string::npos);
}

TEST(Duties, thatCannotBeWrittenAreInForceAllTheSame) {
    Duties duties((directory / "no" / "such").string());
    CHECK_FALSE(duties.set("kms-a", {Duty::draining, "uid 0", when}).has_value());
    CHECK(duties.of("kms-a")->duty == Duty::draining);
}
