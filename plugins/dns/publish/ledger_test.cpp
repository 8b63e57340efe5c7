#include "publish/ledger.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sys/stat.h>

#include "CppUTest/TestHarness.h"

#include "publish/fake_world.h"

using namespace muster;
using namespace muster::publisher;
using muster::publisher::test::a;
using muster::publisher::test::srv;

TEST_GROUP(Ledger) {
    std::string directory;

    void setup() override {
        std::string pattern = (std::filesystem::temp_directory_path() / "muster-dns-XXXXXX").string();
        CHECK_TRUE(mkdtemp(pattern.data()) != nullptr);
        directory = pattern;
    }
    void teardown() override {
        std::filesystem::remove_all(directory);
    }
    static std::vector<Published> some() {
        return {{"corp.example", "corp.example", "192.0.2.1:53", "tsig", "muster-update",
                 srv("_vlmcs._tcp.corp.example", "muster-01.corp.example", 1700, 5, 7, 600)},
                {"corp.example", "corp.example", "", "none", "", a("muster-01.corp.example", "192.0.2.7")},
                {"corp.example",
                 "corp.example",
                 "",
                 "gss",
                 "",
                 {"muster-01.corp.example", dns::Type::aaaa, std::chrono::hours(1), dns::Service(),
                  *dns::numericAddress("2001:db8::7")}}};
    }
};

TEST(Ledger, knowsAfterARestartWhatItPublishedAndWhere) {
    {
        Ledger ledger(directory);
        CHECK_TRUE(ledger.remember("corp.example", "corp.example", some()).has_value());
    }
    const Ledger again(directory);
    CHECK_TRUE(again.trouble().empty());
    CHECK_TRUE(again.published() == some());
    struct stat status {};
    LONGS_EQUAL(0, stat((directory + "/published").c_str(), &status));
    LONGS_EQUAL(0600, status.st_mode & 07777);
}

TEST(Ledger, replacesWhatItKnewOfOneZoneOnly) {
    Ledger ledger(directory);
    CHECK_TRUE(ledger.remember("corp.example", "corp.example", some()).has_value());
    Published other = some()[0];
    other.zone = "old.example";
    CHECK_TRUE(ledger.remember("corp.example", "old.example", {other}).has_value());
    CHECK_TRUE(ledger.remember("corp.example", "corp.example", {}).has_value());
    CHECK_TRUE(ledger.published() == std::vector{other});
}

TEST(Ledger, leavesDamagedLinesOutAndSaysSo) {
    const std::string good = writePublished(some());
    std::ofstream(directory + "/published") << good << "corp.example\tcorp.example\t\n"
                                            << "a\tb\tc\n";
    const Ledger ledger(directory);
    LONGS_EQUAL(3, ledger.published().size());
    STRCMP_CONTAINS("2 lines are damaged", ledger.trouble().c_str());
}

TEST(Ledger, readsNothingThatCouldNotStandInDns) {
    const std::string good = writePublished({some()[0]});
    const auto with = [&](const std::string& from, const std::string& to) {
        std::string text = good;
        text.replace(text.find(from), from.size(), to);
        std::size_t damaged = 0;
        const auto read = readPublished(text, damaged);
        return read.empty() && damaged > 0;
    };
    CHECK_TRUE(with("\t1700\t", "\t0\t"));
    CHECK_TRUE(with("\t1700\t", "\t65536\t"));
    CHECK_TRUE(with("\t600\t", "\t4294967295\t"));
    CHECK_TRUE(with("muster-01.corp.example\n", "muster 01\n"));
    CHECK_TRUE(with("SRV", "TXT"));
    CHECK_TRUE(with("corp.example\tcorp.example", "corp..example\tcorp.example"));
}

TEST(Ledger, keepsWithdrawalsWithTheirAuthor) {
    {
        Ledger ledger(directory);
        CHECK_TRUE(ledger.withdraw("corp.example", {"alice\n", Timestamp(std::chrono::seconds(5))}).has_value());
    }
    Ledger again(directory);
    STRCMP_EQUAL("alice ", again.withdrawn("corp.example")->by.c_str());
    CHECK_FALSE(again.withdrawn("other.example").has_value());
    CHECK_TRUE(again.allow("corp.example", {}).has_value());
    CHECK_FALSE(Ledger(directory).withdrawn("corp.example").has_value());
}

TEST(Ledger, ofAllThatAreWithdrawnOneCanComeBack) {
    Ledger ledger(directory);
    CHECK_TRUE(ledger.withdraw(Ledger::kAll, {"alice", {}}).has_value());
    CHECK_TRUE(ledger.withdrawn("to-come.example").has_value());
    CHECK_TRUE(ledger.allow("corp.example", {"branch.example"}).has_value());
    CHECK_FALSE(ledger.withdrawn("corp.example").has_value());
    CHECK_TRUE(ledger.withdrawn("branch.example").has_value());
}
