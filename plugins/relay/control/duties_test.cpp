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
        CHECK_TRUE(duties.set("kms-a", {Duty::draining, Duty::active, "uid 0", when}).has_value());
        CHECK_TRUE(duties.set("kms b", {Duty::maintenance, std::nullopt, "alice\tor\nbob", when}).has_value());
    }
    const Duties again(path);
    STRCMP_EQUAL("", again.trouble().c_str());
    CHECK(again.of("kms-a")->duty == Duty::draining);
    STRCMP_EQUAL("uid 0", again.of("kms-a")->by.c_str());
    CHECK(again.of("kms-a")->when == when);
    CHECK(again.of("kms-a")->over == Duty::active);
    CHECK(again.of("kms b")->duty == Duty::maintenance);
    CHECK_FALSE(again.of("kms b")->over.has_value());
    CHECK_FALSE(again.of("kms-c").has_value());
}

TEST(Duties, areTakenBack) {
    Duties duties(path);
    CHECK_TRUE(duties.set("kms-a", {Duty::draining, Duty::active, "uid 0", when}).has_value());
    CHECK_TRUE(duties.clear("kms-a").has_value());
    CHECK_FALSE(Duties(path).of("kms-a").has_value());
}

TEST(Duties, forWhatIsSoAnywayAreNotKept) {
    Duties duties(path);
    CHECK_TRUE(duties.set("a", {Duty::maintenance, Duty::active, "uid 0", when}).has_value());
    CHECK_TRUE(duties.set("a", {Duty::active, Duty::active, "uid 0", when}).has_value());
    CHECK_TRUE(duties.set("b", {Duty::active, std::nullopt, "uid 0", when}).has_value());
    CHECK_TRUE(duties.set("c", {Duty::active, Duty::maintenance, "uid 0", when}).has_value());
    const Duties again(path);
    CHECK_FALSE(again.of("a").has_value());
    CHECK_FALSE(again.of("b").has_value());
    CHECK(again.of("c")->duty == Duty::active);
}

TEST(Duties, endWhenTheSettingsSaySomethingElseThanTheyDid) {
    {
        Duties duties(path);
        CHECK_TRUE(duties.set("same", {Duty::draining, Duty::active, "uid 0", when}).has_value());
        CHECK_TRUE(duties.set("changed", {Duty::draining, Duty::active, "uid 7", when}).has_value());
        CHECK_TRUE(duties.set("gone", {Duty::active, Duty::maintenance, "uid 0", when}).has_value());
        CHECK_TRUE(duties.set("found", {Duty::draining, std::nullopt, "uid 0", when}).has_value());
        const auto ended = duties.settle({{"same", Duty::active}, {"changed", Duty::maintenance}});
        LONGS_EQUAL(2, ended.size());
        STRCMP_EQUAL("upstream changed is no longer draining by the word of uid 7: the settings say maintenance since",
                     ended[0].c_str());
        STRCMP_EQUAL("upstream gone is no longer active by the word of uid 0: the settings name it no more",
                     ended[1].c_str());
    }
    const Duties again(path);
    CHECK_TRUE(again.of("same").has_value());
    CHECK_FALSE(again.of("changed").has_value());
    CHECK_FALSE(again.of("gone").has_value());
    CHECK_TRUE(again.of("found").has_value());
}

TEST(Duties, goWithANewName) {
    Duties duties(path);
    CHECK_TRUE(duties.set("a", {Duty::draining, Duty::active, "uid 0", when}).has_value());
    CHECK_TRUE(duties.rename("a", "z").has_value());
    CHECK_TRUE(duties.rename("nobody", "y").has_value());
    CHECK_FALSE(duties.of("a").has_value());
    CHECK_FALSE(duties.of("y").has_value());
    CHECK(Duties(path).of("z")->duty == Duty::draining);
}

TEST(Duties, ofADamagedFileAreLeftOutOneByOne) {
    std::ofstream(path) << "draining\t-\t1\tuid 0\tgood\nnonsense\n\t\t\t\t\ndraining\tactive\tx\tuid 0\tbad\n"
                           "resting\t-\t1\tme\tworse\ndraining\tresting\t1\tme\tworst\n";
    const Duties duties(path);
    CHECK_TRUE(duties.of("good").has_value());
    CHECK_FALSE(duties.of("bad").has_value());
    CHECK_FALSE(duties.of("worse").has_value());
    CHECK_FALSE(duties.of("worst").has_value());
    CHECK_TRUE(duties.trouble().find("damaged") != std::string::npos);
}

TEST(Duties, thatCannotBeWrittenAreInForceAllTheSame) {
    Duties duties((directory / "no" / "such").string());
    CHECK_FALSE(duties.set("kms-a", {Duty::draining, Duty::active, "uid 0", when}).has_value());
    CHECK(duties.of("kms-a")->duty == Duty::draining);
}
