#include "system/box.h"

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <poll.h>
#include <string>
#include <sys/stat.h>
#include <unistd.h>

#include "CppUTest/TestHarness.h"

#include "system/test_values.h"

using namespace muster;
using namespace muster::system;
using namespace std::chrono_literals;

/// A box in a directory: programs that write down what they were told, a clock that the test turns.
TEST_GROUP(Box) {
    std::filesystem::path directory;
    Places places;
    std::chrono::milliseconds now = 1000s;
    std::string boot = "first";
    std::unique_ptr<Box> box;
    std::string log;

    void setup() override {
        std::string pattern = (std::filesystem::temp_directory_path() / "muster-system.XXXXXX").string();
        directory = ::mkdtemp(pattern.data());
        places = {directory / "keep", directory / "run", directory / "update", directory / "reset",
                  directory / "zones"};
        std::filesystem::create_directories(places.update);
        std::filesystem::create_directories(places.zones / "Europe");
        std::ofstream(places.zones / "Europe/Berlin") << "TZif";
        for (const char* name : {"networkctl", "systemctl", "timedatectl", "hostnamectl", "nft", "rauc"})
            program(name, "");
        begin();
    }
    void teardown() override {
        box.reset();
        std::filesystem::remove_all(directory);
    }

    void program(const std::string& name, const std::string& body) const {
        const auto path = directory / name;
        std::ofstream(path) << "#!/bin/sh\nhere=" << directory.string() << "\necho \"" << name
                            << " $*\" >>$here/calls\n"
                            << body;
        ::chmod(path.c_str(), 0700);
    }
    /// The helper is started, or started again.
    void begin() {
        box.reset();
        box = std::make_unique<Box>(places, Programs(directory.string()), BootClock{[this] { return now; }, boot}, 90s,
                                    [this](bool, const std::string& text) { log += text + "\n"; });
        box->start();
    }
    std::string content(const std::filesystem::path& path) const {
        std::ifstream file(directory / path);
        return {std::istreambuf_iterator<char>(file), {}};
    }
    /// What was told to programs since the last look.
    std::string calls() const {
        std::string text = content("calls");
        std::filesystem::remove(directory / "calls");
        return text;
    }
    std::string addressed() const {
        return content("run/systemd/network/10-muster-eth0.network");
    }
    template <class T>
    T did(Verb verb, Argument argument = {}) {
        auto answer = box->answer({verb, std::move(argument)});
        if (!answer)
            FAIL(answer.error().text().c_str());
        return std::get<T>(std::move(*answer));
    }
    Code refused(Verb verb, Argument argument = {}) const {
        const auto answer = box->answer({verb, std::move(argument)});
        CHECK_FALSE(answer.has_value());
        return answer ? Code::internal : answer.error().code;
    }
    NetworkState network() {
        return did<NetworkState>(Verb::networkRead);
    }
    void turn(std::chrono::milliseconds by) {
        now += by;
        box->tick();
    }
};

TEST(Box, aNewOneLetsInClientsAndThePageAndLeavesTheNetworkAlone) {
    CHECK(network().settings == NetworkSettings());
    STRCMP_EQUAL(("nft --file " + (places.run / "muster-system/ruleset.nft").string() + "\n").c_str(), calls().c_str());
    STRCMP_CONTAINS("tcp dport { 443, 1688 } accept", content("run/muster-system/ruleset.nft").c_str());
    CHECK_FALSE(box->due().has_value());
    STRCMP_EQUAL("", log.c_str());
}

TEST(Box, aNetworkThatNobodyConfirmsGoesBack) {
    calls();
    const auto tried = did<NetworkState>(Verb::networkSet, test::network());
    LONGS_EQUAL(90, tried.secondsLeft);
    CHECK(tried.settings == test::network());
    STRCMP_CONTAINS("Address=10.0.0.7/24\n", addressed().c_str());
    STRCMP_CONTAINS("networkctl reload\n", calls().c_str());
    LONGS_EQUAL((now + 90s).count(), box->due()->count());
    turn(89s);
    LONGS_EQUAL(1, network().secondsLeft);
    turn(1s);
    LONGS_EQUAL(0, network().secondsLeft);
    CHECK(network().settings == NetworkSettings());
    STRCMP_EQUAL("", addressed().c_str());
    STRCMP_CONTAINS("networkctl reload\n", calls().c_str());
    STRCMP_CONTAINS("nobody confirmed", log.c_str());
    CHECK(refused(Verb::networkConfirm) == Code::conflict);
}

TEST(Box, aNetworkThatIsConfirmedStaysAlsoAfterRestarts) {
    did<NetworkState>(Verb::networkSet, test::network());
    LONGS_EQUAL(0, did<NetworkState>(Verb::networkConfirm).secondsLeft);
    turn(1h);
    begin();
    CHECK(network().settings == test::network());
    boot = "second";
    std::filesystem::remove_all(places.run);
    calls();
    begin();
    CHECK(network().settings == test::network());
    STRCMP_CONTAINS("Address=10.0.0.7/24\n", addressed().c_str());
    CHECK(calls().find("networkctl") == std::string::npos);  // networkd comes later, and reads it
}

TEST(Box, aTrialGoesOnWhenTheHelperIsStartedAgain) {
    did<NetworkState>(Verb::networkSet, test::network());
    now += 30s;
    begin();
    LONGS_EQUAL(60, network().secondsLeft);
    CHECK(network().settings == test::network());
    turn(60s);
    CHECK(network().settings == NetworkSettings());
}

TEST(Box, aTrialThatRanOutWhileTheHelperWasAwayIsOver) {
    did<NetworkState>(Verb::networkSet, test::network());
    calls();
    now += 91s;
    begin();
    CHECK(network().settings == NetworkSettings());
    STRCMP_EQUAL("", addressed().c_str());
    STRCMP_CONTAINS("networkctl reload\n", calls().c_str());
    STRCMP_CONTAINS("nobody confirmed", log.c_str());
}

TEST(Box, aTrialDoesNotOutliveAStartOfTheBox) {
    did<NetworkState>(Verb::networkSet, test::network());
    boot = "second";
    now = 5s;
    std::filesystem::remove_all(places.run);
    begin();
    CHECK(network().settings == NetworkSettings());
    STRCMP_EQUAL("", addressed().c_str());
}

TEST(Box, aTrialGoesBackToWhatWasConfirmedAndNotToAnotherTrial) {
    NetworkSettings first = test::network();
    did<NetworkState>(Verb::networkSet, first);
    did<NetworkState>(Verb::networkConfirm);
    NetworkSettings second = first;
    second.ports[0].addresses = {*Prefix::parse("10.0.0.8/24")};
    did<NetworkState>(Verb::networkSet, second);
    second.ports[0].addresses = {*Prefix::parse("10.0.0.9/24")};
    turn(60s);
    LONGS_EQUAL(90, did<NetworkState>(Verb::networkSet, second).secondsLeft);
    turn(90s);
    CHECK(network().settings == first);
    did<NetworkState>(Verb::networkSet, second);
    CHECK(did<NetworkState>(Verb::networkRevert).settings == first);
    did<NetworkState>(Verb::networkSet, second);
    LONGS_EQUAL(0, did<NetworkState>(Verb::networkSet, first).secondsLeft);  // back by hand needs no trial
}

TEST(Box, whatNetworkdRefusesIsNotTried) {
    program("networkctl", "[ ! -e $here/run/systemd/network/10-muster-eth0.network ] || { echo no; exit 1; }\n");
    CHECK(refused(Verb::networkSet, test::network()) == Code::internal);
    CHECK(network().settings == NetworkSettings());
    STRCMP_EQUAL("", addressed().c_str());
    CHECK_FALSE(box->due().has_value());
}

TEST(Box, goingBackIsTriedUntilItIsDone) {
    did<NetworkState>(Verb::networkSet, test::network());
    program("networkctl", "exit 1\n");
    turn(90s);
    STRCMP_EQUAL("", addressed().c_str());
    CHECK(box->due().has_value());
    program("networkctl", "");
    turn(5s);
    CHECK_FALSE(box->due().has_value());
}

TEST(Box, aTrialFileThatIsDamagedIsNoTrial) {
    for (const char* text :
         {"", "first 1090000", "first x\n", "first 99999999999999999999\n", "first 1090000\nrubbish"}) {
        std::filesystem::create_directories(places.keep);
        std::ofstream(places.keep / "network.trial") << text;
        begin();
        LONGS_EQUAL(0, network().secondsLeft);
        CHECK_FALSE(std::filesystem::exists(places.keep / "network.trial"));
    }
}

TEST(Box, settingsThatAreDamagedGiveWayToTheDefaults) {
    std::filesystem::create_directories(places.keep);
    for (const char* name : {"network", "time", "firewall", "hostname"})
        std::ofstream(places.keep / name) << "rubbish";
    begin();
    CHECK(network().settings == NetworkSettings());
    CHECK(did<TimeState>(Verb::timeRead).settings == TimeSettings());
    STRCMP_CONTAINS("damaged", log.c_str());
}

TEST(Box, theClockIsSetByServersOrByHand) {
    calls();
    CHECK(refused(Verb::clockSet, Clock{1'800'000'000}) == Code::conflict);
    did<TimeState>(Verb::timeSet, test::time());
    STRCMP_EQUAL("systemctl --no-block restart systemd-timesyncd.service\n", calls().c_str());
    STRCMP_CONTAINS("NTP=ntp.corp.example 10.0.0.1\n", content("run/systemd/timesyncd.conf.d/muster.conf").c_str());
    STRCMP_EQUAL((places.zones / "Europe/Berlin").c_str(),
                 std::filesystem::read_symlink(places.run / "muster-system/localtime").c_str());
    TimeSettings off = test::time();
    off.ntp = false;
    did<TimeState>(Verb::timeSet, off);
    STRCMP_EQUAL("systemctl --no-block stop systemd-timesyncd.service\n", calls().c_str());
    did<TimeState>(Verb::clockSet, Clock{1'800'000'000});
    STRCMP_EQUAL("timedatectl set-time @1800000000\n", calls().c_str());
    boot = "second";
    begin();
    CHECK(did<TimeState>(Verb::timeRead).settings == off);
    STRCMP_CONTAINS("stop systemd-timesyncd", calls().c_str());
}

TEST(Box, aZoneThatIsNotThereChangesNothing) {
    TimeSettings settings = test::time();
    settings.zone = "Europe/Atlantis";
    CHECK(refused(Verb::timeSet, settings) == Code::missing);
    CHECK(did<TimeState>(Verb::timeRead).settings == TimeSettings());
    STRCMP_EQUAL("", content("run/systemd/timesyncd.conf.d/muster.conf").c_str());
}

TEST(Box, serversHaveToldTheTimeWhenTimesyncdSaysSo) {
    CHECK_FALSE(did<TimeState>(Verb::timeRead).synchronized);
    std::filesystem::create_directories(places.run / "systemd/timesync");
    std::ofstream(places.run / "systemd/timesync/synchronized") << "";
    CHECK(did<TimeState>(Verb::timeRead).synchronized);
}

TEST(Box, itsNameIsGivenAgainOnceHostnamedIsThere) {
    did<Hostname>(Verb::hostnameSet, Hostname{"kms-1"});
    STRCMP_CONTAINS("hostnamectl --transient hostname kms-1\n", calls().c_str());
    boot = "second";
    program("hostnamectl", "exit 1\n");
    begin();
    turn(0s);
    calls();
    turn(4s);
    STRCMP_EQUAL("", calls().c_str());
    program("hostnamectl", "");
    turn(1s);
    STRCMP_EQUAL("hostnamectl --transient hostname kms-1\n", calls().c_str());
    CHECK_FALSE(box->due().has_value());
    STRCMP_EQUAL("kms-1", did<Hostname>(Verb::hostnameRead).name.c_str());
}

TEST(Box, openPortsAreKeptAndRefusedOnesAreNot) {
    did<OpenPorts>(Verb::firewallSet, test::open());
    begin();
    CHECK(did<OpenPorts>(Verb::firewallRead) == test::open());
    program("nft", "! grep -q 2222 $2 || exit 1\n");
    CHECK(refused(Verb::firewallSet, OpenPorts{{2222}, {}}) == Code::internal);
    CHECK(did<OpenPorts>(Verb::firewallRead) == test::open());
    STRCMP_CONTAINS("1688", content("run/muster-system/ruleset.nft").c_str());
}

TEST(Box, aBundleIsInstalledFromItsOnePlace) {
    CHECK(refused(Verb::updateInstall) == Code::missing);
    std::filesystem::create_symlink("/etc/shadow", places.bundle());
    CHECK(refused(Verb::updateInstall) == Code::denied);
    std::filesystem::remove(places.bundle());
    std::ofstream(places.bundle()) << "bundle";
    program("rauc", "echo installing; echo ' 40% Copying image'; while [ ! -e $here/go ]; do sleep 0.01; done\n");
    calls();
    CHECK(did<UpdateState>(Verb::updateInstall).phase == UpdateState::Phase::installing);
    CHECK(refused(Verb::updateInstall) == Code::busy);
    CHECK(refused(Verb::restart) == Code::busy);
    CHECK(refused(Verb::reset) == Code::busy);
    const auto hear = [&](const auto& enough) {
        for (int i = 0; i < 2000 && !enough(); ++i) {
            pollfd wait{box->updater().output(), POLLIN, 0};
            if (::poll(&wait, 1, 10) > 0)
                box->updater().readable();
        }
    };
    hear([&] { return did<UpdateState>(Verb::updateRead).percent == 40; });
    STRCMP_EQUAL("Copying image", did<UpdateState>(Verb::updateRead).words.c_str());
    std::ofstream(directory / "go") << "";
    hear([&] { return !box->updater().isBusy(); });
    CHECK((did<UpdateState>(Verb::updateRead) ==
           UpdateState{UpdateState::Phase::installed, 100, "Copying image", {}, {}}));
    CHECK_FALSE(std::filesystem::exists(places.bundle()));
    STRCMP_EQUAL(
        ("rauc install " + places.bundle().string() + "\nrauc status --detailed --output-format=json\n").c_str(),
        calls().c_str());
    begin();
    CHECK(did<UpdateState>(Verb::updateRead).phase == UpdateState::Phase::installed);
}

TEST(Box, aBundleThatIsRefusedIsSaidToBeInRaucsWords) {
    std::ofstream(places.bundle()) << "bundle";
    program("rauc", "echo 'LastError: signature verification failed'; echo \"Installing \\`x' failed\"; exit 1\n");
    did<UpdateState>(Verb::updateInstall);
    for (int i = 0; i < 2000 && box->updater().isBusy(); ++i) {
        pollfd wait{box->updater().output(), POLLIN, 0};
        if (::poll(&wait, 1, 10) > 0)
            box->updater().readable();
    }
    const auto state = did<UpdateState>(Verb::updateRead);
    CHECK(state.phase == UpdateState::Phase::failed);
    STRCMP_EQUAL("signature verification failed", state.words.c_str());
}

TEST(Box, aSlotThatUsedUpItsTriesIsToldUntilTheNextInstallation) {
    std::filesystem::create_directories(places.keep);
    std::ofstream(places.wentBack()) << "Muster 9.9.9 in slot B did not start: \x1b[31mno answer\n";
    std::filesystem::permissions(places.wentBack(), std::filesystem::perms::owner_read);
    const auto state = did<UpdateState>(Verb::updateRead);
    CHECK(state.phase == UpdateState::Phase::wentBack);
    STRCMP_EQUAL("Muster 9.9.9 in slot B did not start:  [31mno answer ", state.words.c_str());
    std::ofstream(places.bundle()) << "bundle";
    program("rauc", "sleep 1000\n");
    CHECK(did<UpdateState>(Verb::updateInstall).phase == UpdateState::Phase::installing);
    CHECK_FALSE(std::filesystem::exists(places.wentBack()));
}

TEST(Box, anInstallationThatWasCutShortHasFailed) {
    std::ofstream(places.bundle()) << "bundle";
    program("rauc", "sleep 1000\n");
    did<UpdateState>(Verb::updateInstall);
    begin();
    const auto state = did<UpdateState>(Verb::updateRead);
    CHECK(state.phase == UpdateState::Phase::failed);
    STRCMP_CONTAINS("cut short", state.words.c_str());
}

/// A box whose other system was just written.
struct UpdatedBox : TEST_GROUP_CppUTestGroupBox {
    void runs(const char* booted) const {
        program("rauc",
                std::string("[ $1 != status ] || echo '{\"booted\":\"") + booted +
                    "\",\"boot_primary\":\"boot.1\",\"slots\":["
                    "{\"boot.0\":{\"bootname\":\"A\",\"slot_status\":{\"bundle\":{\"version\":\"1.0\"}}}},"
                    "{\"boot.1\":{\"bootname\":\"B\",\"slot_status\":{\"bundle\":{\"version\":\"1.1\"}}}}]}'\n");
    }
    void setup() override {
        TEST_GROUP_CppUTestGroupBox::setup();
        runs("A");
        std::ofstream(places.bundle()) << "bundle";
        did<UpdateState>(Verb::updateInstall);
        for (int i = 0; i < 2000 && box->updater().isBusy(); ++i) {
            pollfd wait{box->updater().output(), POLLIN, 0};
            if (::poll(&wait, 1, 10) > 0)
                box->updater().readable();
        }
    }
    void restart(const char* into) {
        runs(into);
        boot += "+";
        begin();
    }
    UpdateState::Phase phase() { return did<UpdateState>(Verb::updateRead).phase; }
};
TEST_GROUP_BASE(Updated, UpdatedBox){};

TEST(Updated, itSaysIntoWhichSystemAndWhat) {
    const auto state = did<UpdateState>(Verb::updateRead);
    CHECK(state.phase == UpdateState::Phase::installed);
    STRCMP_EQUAL("B", state.slot.c_str());
    STRCMP_EQUAL("1.1", state.version.c_str());
    begin();
    CHECK(phase() == UpdateState::Phase::installed);  // only the helper was restarted
}

TEST(Updated, whatRunsAfterTheRestartIsSaid) {
    restart("B");
    CHECK(phase() == UpdateState::Phase::running);
    restart("B");
    CHECK(phase() == UpdateState::Phase::running);
}

TEST(Updated, aSystemThatDidNotHoldIsRemembered) {
    restart("B");
    CHECK(phase() == UpdateState::Phase::running);
    restart("A");
    CHECK(phase() == UpdateState::Phase::wentBack);
    STRCMP_EQUAL("1.1", did<UpdateState>(Verb::updateRead).version.c_str());
    STRCMP_CONTAINS("not found good", log.c_str());
    restart("A");
    CHECK(phase() == UpdateState::Phase::wentBack);
}

TEST(Updated, whileRaucDoesNotAnswerNothingIsJudged) {
    program("rauc", "exit 1\n");
    boot = "second";
    begin();
    CHECK(phase() == UpdateState::Phase::installed);
    runs("A");
    CHECK(phase() == UpdateState::Phase::wentBack);
}

TEST(Updated, whoChoosesTheOldSystemIsNotToldThatTheNewOneFailed) {
    did<SlotsState>(Verb::slotMark, SlotMark{SlotMark::As::active, SlotMark::Which::booted});
    restart("A");
    CHECK(phase() == UpdateState::Phase::none);
    did<SlotsState>(Verb::slotMark, SlotMark{SlotMark::As::active, SlotMark::Which::other});
    restart("B");
    CHECK(phase() == UpdateState::Phase::running);
}

TEST(Box, aResetIsAFlagAndARestart) {
    calls();
    did<std::monostate>(Verb::reset);
    CHECK(std::filesystem::exists(places.resetFlag));
    STRCMP_EQUAL("systemctl --no-block reboot\n", calls().c_str());
    program("systemctl", "exit 1\n");
    CHECK(refused(Verb::reset) == Code::internal);
    CHECK_FALSE(std::filesystem::exists(places.resetFlag));  // else a restart of another day would do it
}

TEST(Box, helloSaysWhatThereIs) {
    const auto hello = did<Hello>(Verb::hello);
    STRCMP_EQUAL(places.bundle().c_str(), hello.updateFile.c_str());
    CHECK(hello.slots);
    std::filesystem::remove(directory / "rauc");
    CHECK_FALSE(did<Hello>(Verb::hello).slots);
    CHECK(refused(Verb::slotsRead) == Code::missing);
}
