#include "system/commands.h"

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <sys/stat.h>
#include <unistd.h>

#include "CppUTest/TestHarness.h"

using namespace muster;
using namespace muster::system;
using namespace std::chrono_literals;

namespace {

std::string line(Command command, std::string_view word = {}) {
    const auto all = words(command, word);
    std::string out;
    if (all)
        for (const std::string& one : *all)
            out += (out.empty() ? "" : " ") + one;
    return out;
}

}  // namespace

TEST_GROUP(SystemCommands){};

TEST(SystemCommands, areTheseAndNoOthers) {
    STRCMP_EQUAL("/usr/bin/networkctl reload", line(Command::reloadNetwork).c_str());
    STRCMP_EQUAL("/usr/bin/systemctl --no-block try-restart systemd-resolved.service",
                 line(Command::restartResolved).c_str());
    STRCMP_EQUAL("/usr/bin/systemctl --no-block restart systemd-timesyncd.service", line(Command::restartTime).c_str());
    STRCMP_EQUAL("/usr/bin/systemctl --no-block stop systemd-timesyncd.service", line(Command::stopTime).c_str());
    STRCMP_EQUAL("/usr/bin/timedatectl set-time @1800000000", line(Command::setClock, "1800000000").c_str());
    STRCMP_EQUAL("/usr/bin/hostnamectl --transient hostname kms-1", line(Command::setHostname, "kms-1").c_str());
    STRCMP_EQUAL("/usr/sbin/nft --file /run/x", line(Command::loadRuleset, "/run/x").c_str());
    STRCMP_EQUAL("/usr/bin/rauc status --detailed --output-format=json", line(Command::slots).c_str());
    STRCMP_EQUAL("/usr/bin/rauc status mark-active other", line(Command::markSlot, "active other").c_str());
    STRCMP_EQUAL("/usr/bin/rauc install /data/b", line(Command::install, "/data/b").c_str());
    STRCMP_EQUAL("/usr/bin/systemctl --no-block reboot", line(Command::reboot).c_str());
    STRCMP_EQUAL("/usr/bin/systemctl --no-block poweroff", line(Command::powerOff).c_str());
    STRCMP_EQUAL("", line(static_cast<Command>(static_cast<int>(kLastCommand) + 1)).c_str());
}

TEST(SystemCommands, takeNoWordThatIsNotTheirs) {
    for (const Command command : {Command::reloadNetwork, Command::restartResolved, Command::restartTime,
                                  Command::stopTime, Command::slots, Command::reboot, Command::powerOff})
        STRCMP_EQUAL("", line(command, "x").c_str());
    for (const char* word : {"", "0", "-1", "1800000000 ", "1e9", "now", "99999999999"})
        STRCMP_EQUAL("", line(Command::setClock, word).c_str());
    for (const char* word : {"", "--static", "a b", "$(reboot)", "KMS"})
        STRCMP_EQUAL("", line(Command::setHostname, word).c_str());
    for (const char* word : {"", "good", "good  other", "good rootfs.0", "good other x", "worse other"})
        STRCMP_EQUAL("", line(Command::markSlot, word).c_str());
    for (const char* word : {"", "--help", "bundle", "/a\n"}) {
        STRCMP_EQUAL("", line(Command::install, word).c_str());
        STRCMP_EQUAL("", line(Command::loadRuleset, word).c_str());
    }
}

/// Programs of the test's own in the place of Debian's.
TEST_GROUP(SystemPrograms) {
    std::filesystem::path directory;

    void setup() override {
        std::string pattern = (std::filesystem::temp_directory_path() / "muster-system.XXXXXX").string();
        directory = ::mkdtemp(pattern.data());
    }
    void teardown() override {
        std::filesystem::remove_all(directory);
    }
    void program(const char* name, const std::string& body) const {
        const auto path = directory / name;
        std::ofstream(path) << "#!/bin/sh\nhere=" << directory.string() << "\n" << body;
        ::chmod(path.c_str(), 0700);
    }
    Result<std::string> ran(Command command, std::string_view word = {}, std::chrono::milliseconds limit = 20s) const {
        return Programs(directory.string()).run(command, word, limit);
    }
};

TEST(SystemPrograms, getTheirWordsAndAFixedEnvironmentAlone) {
    program("rauc", "echo \"$*\"; /usr/bin/env | /usr/bin/sort | grep -v '^PWD='; ls /proc/$$/fd >$here/descriptors\n");
    const int kept =
        ::fcntl(::open("/dev/null", O_RDONLY), F_DUPFD, 100);  // without close-on-exec, as a careless library
    ::setenv("MUSTER_TEST_SECRET", "x", 1);                    // NOLINT(concurrency-mt-unsafe): no other thread here
    const auto said = ran(Command::slots);
    ::unsetenv("MUSTER_TEST_SECRET");  // NOLINT(concurrency-mt-unsafe): as above
    CHECK(said.has_value());
    STRCMP_CONTAINS("status --detailed --output-format=json\n", said->c_str());
    STRCMP_CONTAINS("LC_ALL=C.UTF-8\nPATH=/usr/sbin:/usr/bin\nSYSTEMD_COLORS=0\nTZ=UTC\n", said->c_str());
    CHECK(said->find("SECRET") == std::string::npos);
    std::ifstream file(directory / "descriptors");
    const std::string open{std::istreambuf_iterator<char>(file), {}};
    STRCMP_CONTAINS("0\n1\n", open.c_str());
    CHECK(open.find(std::to_string(kept)) == std::string::npos);
    ::close(kept);
}

TEST(SystemPrograms, thatFailIsSaidInTheirOwnWords) {
    program("networkctl", "echo 'no bus' >&2; exit 3\n");
    const auto said = ran(Command::reloadNetwork);
    CHECK(!said && said.error().code == Code::internal);
    STRCMP_EQUAL("/usr/bin/networkctl: ended with 3: no bus", said.error().text().c_str());
}

TEST(SystemPrograms, thatAreNotThereAreNamedWithTheirPackage) {
    const auto said = ran(Command::loadRuleset, "/x");
    CHECK(!said && said.error().code == Code::missing);
    STRCMP_CONTAINS("nftables", said.error().text().c_str());
    CHECK_FALSE(Programs(directory.string()).isThere(Command::slots));
}

TEST(SystemPrograms, thatDoNotEndAreEndedWithAllTheyStarted) {
    program("networkctl", "echo $$ >$here/pid; sleep 1000 & sleep 1000\n");
    const auto said = ran(Command::reloadNetwork, {}, 300ms);
    CHECK(!said && said.error().code == Code::timeout);
    std::ifstream file(directory / "pid");
    pid_t pid = 0;
    file >> pid;
    CHECK(pid > 0);
    CHECK(::kill(pid, 0) != 0);
}

TEST(SystemPrograms, thatSayTooMuchAreHeardToTheBoundAlone) {
    program("networkctl", "head -c 300000 /dev/zero | tr '\\0' x\n");
    const auto said = ran(Command::reloadNetwork);
    CHECK(said.has_value());
    LONGS_EQUAL(Programs::kMaxOutput, said->size());
}
