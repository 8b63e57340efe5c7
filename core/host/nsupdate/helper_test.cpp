#include "host/nsupdate/helper.h"

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <sys/stat.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#include "CppUTest/TestHarness.h"

#include "host/nsupdate/script.h"
#include "host/nsupdate/test_updates.h"
#include "host/supervise/rights.h"

using namespace muster;
using namespace muster::nsupdate;
using namespace std::chrono_literals;

TEST_GROUP(NsupdateHelper) {
    std::filesystem::path directory;
    Programs programs;
    SecureUpdate update = test::update();

    void setup() override {
        std::string pattern = (std::filesystem::temp_directory_path() / "muster-nsupdate.XXXXXX").string();
        directory = ::mkdtemp(pattern.data());
        programs = {{(directory / "nsupdate").string()}, {(directory / "kinit").string()}};
        update.keytab = (directory / "keytab").string();
        std::ofstream(update.keytab) << "k";
    }
    void teardown() override {
        std::filesystem::remove_all(directory);
    }

    void program(const std::string& body) const {
        const auto path = directory / "nsupdate";
        std::ofstream(path) << "#!/bin/sh\nhere=" << directory.string() << "\n" << body;
        ::chmod(path.c_str(), 0700);
    }
    std::string content(const char* name) const {
        std::ifstream file(directory / name);
        return {std::istreambuf_iterator<char>(file), {}};
    }
    std::unique_ptr<Helper> started() const {
        auto helper = Helper::start(directory, programs);
        CHECK(helper.has_value());
        return std::move(*helper);
    }
};

TEST(NsupdateHelper, oneUpdateAfterTheOther) {
    program("cat >$here/input; echo done; exit 4\n");
    const auto helper = started();
    for (int i = 0; i < 3; ++i) {
        const auto outcome = helper->ask(update);
        CHECK(outcome.has_value());
        LONGS_EQUAL(4, outcome->exit);
        STRCMP_EQUAL("done\n", outcome->words.c_str());
        STRCMP_EQUAL(script(update).c_str(), content("input").c_str());
    }
    update.zone = "no zone";
    const auto refused = helper->ask(update);
    CHECK(!refused && refused.error().code == Code::malformed);
}

TEST(NsupdateHelper, anErrorOfTheRunnerComesBackWhole) {
    const auto helper = started();
    const auto refused = helper->ask(update);
    CHECK(!refused && refused.error().code == Code::missing);
    STRCMP_CONTAINS("bind9-dnsutils", refused.error().text().c_str());
}

TEST(NsupdateHelper, whatItStartsHasNoRightAndNoDescriptor) {
    program("grep -E '^(CapPrm|CapEff|CapInh|CapAmb|NoNewPrivs)' /proc/self/status; ls /proc/$$/fd\n");
    const int kept = ::open("/dev/null", O_RDONLY);  // without close-on-exec: what a careless library leaves open
    const auto helper = started();
    const auto outcome = helper->ask(update);
    ::close(kept);
    CHECK(outcome.has_value());
    const std::string words = outcome->words;
    for (const char* line : {"CapPrm:\t0000000000000000\n", "CapEff:\t0000000000000000\n",
                             "CapInh:\t0000000000000000\n", "CapAmb:\t0000000000000000\n", "NoNewPrivs:\t1\n"})
        STRCMP_CONTAINS(line, words.c_str());
    // The shell itself keeps its script open, as 10 or so.
    STRCMP_CONTAINS("\n0\n1\n", words.c_str());
    CHECK(words.find("\n" + std::to_string(kept) + "\n") == std::string::npos);
}

TEST(NsupdateHelper, worksAfterItsParentMayStartNothing) {
    program("echo done\n");
    const pid_t child = ::fork();
    if (child == 0) {
        auto helper = Helper::start(directory, programs);
        if (!helper)
            ::_exit(1);
        static_cast<void>(supervise::denyExec());
        const auto outcome = (*helper)->ask(update);
        helper->reset();
        ::_exit(outcome && outcome->words == "done\n" ? 0 : 2);
    }
    int status = -1;
    ::waitpid(child, &status, 0);
    LONGS_EQUAL(0, status);
}

TEST(NsupdateHelper, endsWithItsParentHoweverThatEnds) {
    program("echo $$ >$here/pid.new; mv $here/pid.new $here/pid; exec sleep 1000\n");
    update.limit = 100s;
    const pid_t parent = ::fork();
    if (parent == 0) {
        auto helper = Helper::start(directory, programs);
        if (helper)
            static_cast<void>((*helper)->ask(update));
        ::_exit(1);
    }
    for (int i = 0; i < 3000 && content("pid").empty(); ++i)
        std::this_thread::sleep_for(10ms);
    const std::string pid = content("pid");
    CHECK_FALSE(pid.empty());
    ::kill(parent, SIGKILL);
    ::waitpid(parent, nullptr, 0);
    const auto gone = [&] {
        std::ifstream status("/proc/" + std::to_string(std::stol(pid)) + "/stat");
        std::string text;
        std::getline(status, text);
        return text.empty() || text.find(") Z ") != std::string::npos;
    };
    for (int i = 0; i < 3000 && !gone(); ++i)
        std::this_thread::sleep_for(10ms);
    CHECK(gone());
}

TEST(NsupdateHelper, oneThatHasEndedIsSaidToHave) {
    program("echo done\n");
    const auto helper = started();
    ::kill(helper->process(), SIGKILL);
    for (int i = 0; i < 2; ++i) {
        const auto refused = helper->ask(update);
        CHECK(!refused && refused.error().code == Code::missing);
        STRCMP_CONTAINS("restart musterd", refused.error().text().c_str());
    }
}

TEST(NsupdateHelper, whoWaitsForAnotherWaitsNoLongerThanHisLimit) {
    program("touch $here/runs; while [ ! -e $here/go ]; do sleep 0.01; done; echo done\n");
    const auto helper = started();
    std::atomic<bool> good{false};
    std::thread first([&] {
        auto patient = update;
        patient.limit = 60s;
        const auto outcome = helper->ask(patient);
        good = outcome && outcome->words == "done\n";
    });
    for (int i = 0; i < 3000 && !std::filesystem::exists(directory / "runs"); ++i)
        std::this_thread::sleep_for(10ms);
    update.limit = 100ms;
    const auto refused = helper->ask(update);
    std::ofstream(directory / "go") << "go";
    first.join();
    CHECK(!refused && refused.error().code == Code::busy);
    CHECK(good);
}
