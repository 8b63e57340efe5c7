#include "host/nsupdate/runner.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

#include "CppUTest/TestHarness.h"

#include "host/nsupdate/message.h"
#include "host/nsupdate/script.h"
#include "host/nsupdate/test_updates.h"

using namespace muster;
using namespace muster::nsupdate;
using namespace std::chrono_literals;

namespace {

std::string content(const std::filesystem::path& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

/// Programs of the test's own in the place of Debian's: scripts that write down what they were started with.
TEST_GROUP(NsupdateRunner) {
    std::filesystem::path directory;
    Programs programs;
    SecureUpdate update = test::update();

    void setup() override {
        std::string pattern = (std::filesystem::temp_directory_path() / "muster-nsupdate.XXXXXX").string();
        directory = ::mkdtemp(pattern.data());
        programs = {{(directory / "none").string(), (directory / "nsupdate").string()},
                    {(directory / "kinit").string()}};
        update.keytab = (directory / "keytab").string();
        std::ofstream(update.keytab) << "k";
    }
    void teardown() override {
        std::filesystem::remove_all(directory);
    }

    void program(const char* name, const std::string& body) const {
        const auto path = directory / name;
        std::ofstream(path) << "#!/bin/sh\nhere=" << directory.string() << "\n" << body;
        ::chmod(path.c_str(), 0700);
    }
    Result<SecureUpdateOutcome> ran() const {
        return Runner(directory, programs).run(update);
    }
};

TEST(NsupdateRunner, nsupdateGetsTheScriptAndAFixedEnvironment) {
    program("nsupdate",
            "cat >$here/input; echo \"$*\" >$here/words; /usr/bin/env >$here/environment\n"
            "echo ticket >$here/gss/ticket; echo said; echo complained >&2; exit 2\n");
    ::setenv("MUSTER_TEST_SECRET", "x", 1);  // NOLINT(concurrency-mt-unsafe): no other thread here
    const auto outcome = ran();
    ::unsetenv("MUSTER_TEST_SECRET");  // NOLINT(concurrency-mt-unsafe): as above
    CHECK(outcome.has_value());
    LONGS_EQUAL(2, outcome->exit);
    CHECK(outcome->ticket && !outcome->timedOut);
    STRCMP_EQUAL("said\ncomplained\n", outcome->words.c_str());
    STRCMP_EQUAL("-g\n", content(directory / "words").c_str());
    STRCMP_EQUAL(script(update).c_str(), content(directory / "input").c_str());
    const std::string environment = content(directory / "environment");
    STRCMP_CONTAINS(("KRB5_CLIENT_KTNAME=FILE:" + update.keytab + "\n").c_str(), environment.c_str());
    STRCMP_CONTAINS(("KRB5CCNAME=FILE:" + (directory / "gss" / "ticket").string() + "\n").c_str(), environment.c_str());
    CHECK(environment.find("MUSTER_TEST_SECRET") == std::string::npos);
    CHECK_FALSE(std::filesystem::exists(directory / "gss" / "ticket"));
    struct stat entry {};
    LONGS_EQUAL(0, ::stat((directory / "gss").c_str(), &entry));
    LONGS_EQUAL(0700, entry.st_mode & 0777U);
}

TEST(NsupdateRunner, aPrincipalGetsItsTicketFirst) {
    program("kinit", "echo \"$*\" >$here/words; echo ticket >$here/gss/ticket\n");
    program("nsupdate", "cat $here/words\n");
    update.principal = "muster-01$@CORP.EXAMPLE";
    const auto outcome = ran();
    CHECK(outcome.has_value() && outcome->exit == 0 && outcome->ticket);
    STRCMP_EQUAL(("-k -t " + update.keytab + " -c FILE:" + (directory / "gss" / "ticket").string() +
                  " muster-01$@CORP.EXAMPLE\n")
                     .c_str(),
                 outcome->words.c_str());
}

TEST(NsupdateRunner, oneThatReadsNothingIsNoSignal) {
    program("nsupdate", "exec <&-; echo said\n");
    update.add.assign(40'000, test::service(1689));  // more than any buffer takes
    const auto outcome = ran();
    CHECK(outcome.has_value() && outcome->exit == 0);
    STRCMP_EQUAL("said\n", outcome->words.c_str());
}

TEST(NsupdateRunner, withoutATicketNothingIsSent) {
    program("kinit", "echo 'kinit: Preauthentication failed while getting initial credentials' >&2; exit 1\n");
    program("nsupdate", "touch $here/ran\n");
    update.principal = "muster-01$@CORP.EXAMPLE";
    const auto outcome = ran();
    CHECK(outcome.has_value() && outcome->exit == 1 && !outcome->ticket && !outcome->timedOut);
    STRCMP_CONTAINS("Preauthentication failed", outcome->words.c_str());
    CHECK_FALSE(std::filesystem::exists(directory / "ran"));
}

TEST(NsupdateRunner, aTicketOfAnEarlierRunIsNotUsed) {
    std::filesystem::create_directory(directory / "gss");
    std::ofstream(directory / "gss" / "ticket") << "of another principal";
    program("nsupdate", "test -e $here/gss/ticket && echo there\nexit 0\n");
    const auto outcome = ran();
    CHECK(outcome.has_value() && !outcome->ticket);
    STRCMP_EQUAL("", outcome->words.c_str());
}

TEST(NsupdateRunner, whatDoesNotEndIsKilledWithAllThatItStarted) {
    program("nsupdate", "trap '' TERM INT HUP\nsleep 1000 &\necho $! >$here/child\necho begun\nwait\n");
    update.limit = 500ms;
    const auto outcome = ran();
    CHECK(outcome.has_value() && outcome->timedOut);
    LONGS_EQUAL(128 + 9, outcome->exit);
    const pid_t child = static_cast<pid_t>(std::stol("0" + content(directory / "child")));
    if (child != 0) {  // a slow machine may have killed it before
        const auto gone = [&] {
            std::ifstream status("/proc/" + std::to_string(child) + "/stat");
            std::string text;
            std::getline(status, text);
            return text.empty() || text.find(") Z ") != std::string::npos;
        };
        for (int i = 0; i < 3000 && !gone(); ++i)
            std::this_thread::sleep_for(10ms);
        CHECK(gone());
    }
}

TEST(NsupdateRunner, whoClosesHisOutputAndGoesOnIsEndedToo) {
    program("nsupdate", "exec >&- 2>&- <&-\nexec sleep 1000\n");
    update.limit = 400ms;
    const auto outcome = ran();
    CHECK(outcome.has_value() && outcome->timedOut);
}

TEST(NsupdateRunner, ofManyWordsTheFirstAreKept) {
    program("nsupdate",
            "echo begin; i=0; while [ $i -lt 3000 ]; do echo 0123456789012345678901234567890123456789; "
            "i=$((i+1)); done; exit 3\n");
    const auto outcome = ran();
    CHECK(outcome.has_value());
    LONGS_EQUAL(3, outcome->exit);
    UNSIGNED_LONGS_EQUAL(kMaxWords, outcome->words.size());
    STRCMP_CONTAINS("begin\n0123", outcome->words.c_str());
}

TEST(NsupdateRunner, whatIsNotInstalledIsNamedWithItsPackage) {
    auto refused = ran();
    CHECK(!refused && refused.error().code == Code::missing);
    STRCMP_CONTAINS("bind9-dnsutils", refused.error().text().c_str());
    program("nsupdate", "exit 0\n");
    update.principal = "muster-01$@CORP.EXAMPLE";
    refused = ran();
    CHECK(!refused && refused.error().code == Code::missing);
    STRCMP_CONTAINS("krb5-user", refused.error().text().c_str());
}

TEST(NsupdateRunner, aKeytabThatCannotBeReadIsNamed) {
    program("nsupdate", "touch $here/ran\n");
    update.keytab += ".absent";
    auto refused = ran();
    CHECK(!refused && refused.error().code == Code::denied);
    STRCMP_CONTAINS((update.keytab + " cannot be read: No such file").c_str(), refused.error().text().c_str());
    update.keytab = directory.string();
    refused = ran();
    CHECK(!refused && refused.error().code == Code::denied);
    CHECK_FALSE(std::filesystem::exists(directory / "ran"));
}

TEST(NsupdateRunner, aLinkInThePlaceOfTheTicketsDirectoryIsNotFollowed) {
    program("nsupdate", "touch $here/ran\n");
    std::filesystem::create_directory(directory / "elsewhere");
    std::filesystem::create_directory_symlink(directory / "elsewhere", directory / "gss");
    const auto refused = ran();
    CHECK(!refused && refused.error().code == Code::storage);
    CHECK_FALSE(std::filesystem::exists(directory / "ran"));
}
