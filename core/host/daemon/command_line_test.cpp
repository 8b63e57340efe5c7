#include "host/daemon/command_line.h"

#include <string>
#include <vector>

#include "CppUTest/TestHarness.h"

using muster::daemon::CommandLine;
using muster::daemon::ExitCode;
using muster::daemon::Farewell;
using muster::daemon::parseCommandLine;

TEST_GROUP(CommandLine) {
    std::variant<CommandLine, Farewell> result;

    void parse(const std::vector<const char*>& words) {
        std::vector<const char*> argv{"musterd"};
        argv.insert(argv.end(), words.begin(), words.end());
        result = parseCommandLine(static_cast<int>(argv.size()), argv.data());
    }
    const CommandLine& line() const {
        CHECK(std::holds_alternative<CommandLine>(result));
        return std::get<CommandLine>(result);
    }
    void refused(const char* part) const {
        CHECK(std::holds_alternative<Farewell>(result));
        const auto& farewell = std::get<Farewell>(result);
        CHECK(farewell.code == ExitCode::usage);
        STRCMP_CONTAINS(part, farewell.text.c_str());
    }
};

TEST(CommandLine, takesALabWithoutAFile) {
    parse({"--lab", "--state", "/tmp/s", "--listen", "127.0.0.1:1688", "--listen", "[::1]:1688", "--control",
           "/tmp/c.sock", "--set", "pool.new-clients-per-hour=5", "--set", "core.log-level=debug"});
    CHECK(line().lab);
    CHECK(line().state == "/tmp/s");
    CHECK(line().control == "/tmp/c.sock");
    LONGS_EQUAL(2, line().listen.size());
    STRCMP_EQUAL("core.log-level=debug", line().set.at(1).c_str());
}

TEST(CommandLine, takesAFile) {
    parse({"--config", "/etc/muster/muster.toml", "--degraded", "--check"});
    CHECK(line().config == "/etc/muster/muster.toml");
    CHECK(line().degraded);
    CHECK(line().check);
}

TEST(CommandLine, wantsToKnowWhereItsStateIs) {
    parse({"--lab"});
    refused("--state DIR is needed");
}

TEST(CommandLine, aFilesModeIsNotOverruled) {
    parse({"--lab", "--config", "x.toml", "--state", "s"});
    refused("exclude each other");
}

TEST(CommandLine, namesTheAddressThatItCannotRead) {
    parse({"--lab", "--state", "s", "--listen", "localhost"});
    refused("\"localhost\" is no ADDRESS:PORT");
}

TEST(CommandLine, namesTheSettingThatItCannotRead) {
    parse({"--lab", "--state", "s", "--set", "log-level=core.debug"});
    refused("\"log-level=core.debug\" is not SECTION.KEY=VALUE");
}

TEST(CommandLine, aWordTooManyIsNotTakenForAnAddress) {
    parse({"--lab", "--state", "s", "--listen", "127.0.0.1:1688", "127.0.0.1:1689"});
    refused("127.0.0.1:1689");
}

TEST(CommandLine, takesARelayWithoutAFile) {
    parse({"--relay", "kms.example.org:1689", "--relay", "10.0.0.7", "--relay", "[2001:db8::7]", "--relay",
           "[2001:db8::7]:1700", "--state", "s", "--listen", "127.0.0.1:1688"});
    LONGS_EQUAL(4, line().relay.size());
    STRCMP_EQUAL("kms.example.org:1689", line().relay.at(0).c_str());
    STRCMP_EQUAL("[2001:db8::7]:1700", line().relay.at(3).c_str());
    STRCMP_EQUAL("--relay", line().modeOption());
    parse({"--state", "s"});
    CHECK(line().modeOption() == nullptr);
}

TEST(CommandLine, namesTheHostThatItCannotRead) {
    for (const char* host : {"", ":1688", "kms:", "kms:0", "kms:65536", "kms:x", "2001:db8::7", "[2001:db8::7",
                             "[::1]x", "[]:1", "[kms]", "k ms", "k\"ms", "kms:1:2", "kms:-1", "kms: 1", "kms/1"}) {
        parse({"--state", "s", "--relay", host});
        refused("is no HOST:PORT such as kms.example.org:1688");
    }
}

TEST(CommandLine, aRunHasOneModeAndOneListOfHosts) {
    parse({"--lab", "--relay", "kms", "--state", "s"});
    refused("--lab and --relay exclude each other");
    parse({"--relay", "kms", "--config", "x.toml", "--state", "s"});
    refused("its setting relay.upstreams");
    parse({"--relay", "kms", "--relay", "kms", "--state", "s"});
    refused("kms is there twice");
    parse({"--relay", "kms", "--set", "relay.upstreams=[]", "--state", "s"});
    refused("--relay and --set relay.upstreams exclude each other");
    parse({"--relay", "kms"});
    refused("--state DIR is needed");
}

TEST(CommandLine, refusesWordsItDoesNotKnow) {
    parse({"--state", "s", "--frobnicate"});
    refused("--frobnicate");
}

TEST(CommandLine, helpAndVersionAreNoErrors) {
    for (const char* word : {"--help", "--version"}) {
        parse({word});
        CHECK(std::holds_alternative<Farewell>(result));
        CHECK(std::get<Farewell>(result).code == ExitCode::good);
        STRCMP_CONTAINS("musterd", std::get<Farewell>(result).text.c_str());
    }
}
