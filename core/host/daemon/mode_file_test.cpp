#include "host/daemon/mode_file.h"

#include <cstdlib>
#include <fstream>
#include <string>

#include "CppUTest/TestHarness.h"

using namespace muster::daemon;
using muster::Code;
using muster::Mode;
namespace fs = std::filesystem;

TEST_GROUP(ModeFile) {
    fs::path state;

    void setup() override {
        std::string pattern = (fs::temp_directory_path() / "muster-mode-XXXXXX").string();
        state = ::mkdtemp(pattern.data());
    }
    void teardown() override {
        fs::remove_all(state);
    }
};

TEST(ModeFile, aFreshApplianceServesNeither) {
    CHECK(readMode(state) == Mode::none);
}

TEST(ModeFile, keepsWhatWasChosen) {
    CHECK(writeMode(state, Mode::relay).has_value());
    CHECK(readMode(state) == Mode::relay);
    CHECK(writeMode(state, Mode::lab).has_value());
    CHECK(readMode(state) == Mode::lab);
}

TEST(ModeFile, doesNotGuessWhatAnotherWordMeant) {
    std::ofstream(state / "mode") << "production\n";
    const auto mode = readMode(state);
    CHECK(!mode.has_value());
    CHECK(mode.error().code == Code::malformed);
}

TEST(ModeFile, theLabHasADirectoryOfItsOwn) {
    CHECK(modeDirectory("/s", Mode::lab) == "/s/lab");
    CHECK(modeDirectory("/s", Mode::relay) == "/s");
}
