#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <sys/stat.h>
#include <unistd.h>

#include "CppUTest/TestHarness.h"

#include "api/json_text.h"
#include "api/serve.h"
#include "api/values.h"
#include "host/settings/settings.h"

using namespace muster;
using namespace muster::settings;

namespace {

constexpr Field kListener[] = {
    {.name = "max-connections", .type = FieldType::integer, .fallback = "4096", .minimum = 1, .maximum = 65536},
    {.name = "idle-timeout", .type = FieldType::duration, .fallback = "30s", .minimum = 1000, .maximum = 3'600'000},
    {.name = "reassembly-cap", .type = FieldType::size, .fallback = "64KiB", .minimum = 1024},
    {.name = "listen", .type = FieldType::addresses, .fallback = "[]", .restart = true},
    {.name = "allow", .type = FieldType::networks, .fallback = "[10.0.0.0/8, fe80::/10]"},
    {.name = "log-all", .type = FieldType::boolean, .fallback = "false"}};
constexpr Field kWeb[] = {{.name = "password", .secret = true}, {.name = "title", .fallback = "Muster"}};

constexpr Field kUpstream[] = {
    {.name = "name", .minimum = 1, .maximum = 63, .required = true},
    {.name = "address", .type = FieldType::address, .required = true},
    {.name = "priority", .type = FieldType::integer, .fallback = "0", .minimum = 0, .maximum = 99},
    {.name = "interval", .type = FieldType::duration, .fallback = "30s", .minimum = 1000},
    {.name = "families", .type = FieldType::texts, .fallback = "[]"},
    {.name = "state", .type = FieldType::choice, .fallback = "active", .choices = "active|draining"}};
constexpr Field kRelay[] = {
    {.name = "upstreams", .type = FieldType::objects, .fallback = "[]", .maximum = 4, .fields = kUpstream},
    {.name = "choice", .fallback = "primary"}};

std::string slurp(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    std::ostringstream out;
    out << in.rdbuf();
    return out.str();
}

}  // namespace

TEST_GROUP(SettingsStore) {
    std::filesystem::path directory;
    std::filesystem::path file;
    std::unique_ptr<SettingsStore> store;
    std::string told;
    std::string changes;

    void setup() override {
        std::string pattern = (std::filesystem::temp_directory_path() / "muster-settings-XXXXXX").string();
        directory = mkdtemp(pattern.data());
        file = directory / "muster.toml";
    }
    void teardown() override {
        store.reset();
        std::filesystem::remove_all(directory);
    }
    void write(const std::string& text) const {
        std::ofstream(file, std::ios::binary | std::ios::trunc) << text;
    }
    Options options() {
        Options out;
        out.file = file;
        out.stateDirectory = directory / "state";
        out.notify = [this](Severity severity, const std::string& text) {
            told += std::string(muster::name(severity)) + ": " + text + "\n";
        };
        return out;
    }
    void open(Options given) {
        store.reset();
        auto opened = SettingsStore::open(std::move(given));
        CHECK_TEXT(opened.has_value(), opened ? "" : opened.error().text().c_str());
        store = std::move(*opened);
        CHECK(store->announce("listener", "listener", kListener).has_value());
        CHECK(store->announce("webui", "webui", kWeb).has_value());
        store->subscribe("listener", [this](const Change& change) {
            changes += change.restart ? "restart:" : "changed:";
            for (const auto& key : change.keys)
                changes += " " + key;
            changes += "\n";
        });
    }
    void open(const std::string& text) {
        write(text);
        open(options());
    }
    std::int64_t number(const char* key) const {
        const auto value = store->value("listener", key);
        const auto* held = value ? std::get_if<std::int64_t>(&*value) : nullptr;
        return held ? *held : -1;
    }
    std::string upstreams() const {
        const auto value = store->value("relay", "upstreams");
        return value ? api::dumpJson(api::valueJson(*value)) : "none";
    }
    Result<std::uint32_t> set(const char* key, const char* value, std::uint32_t expected = 0) const {
        return store->change({{key, std::string(value)}}, "uid 0", "test", expected);
    }
};

TEST(SettingsStore, givesDefaultsAndWhatTheFileSays) {
    open("[listener]\nidle-timeout = \"1m\"\nreassembly-cap = 2048\n");
    CHECK(store->begin().good());
    LONGS_EQUAL(4096, number("max-connections"));
    LONGS_EQUAL(60'000, number("idle-timeout"));
    LONGS_EQUAL(2048, number("reassembly-cap"));
    CHECK(std::get<std::vector<std::string>>(*store->value("listener", "allow")).size() == 2);
    CHECK(!store->value("listener", "no-such-key"));
    CHECK(!store->value("nobody", "key"));
}

TEST(SettingsStore, reportsEverythingThatIsWrongWithLineAndWhatIsAllowed) {
    open(
        "stray = 1\n[listener]\nmax-connections = 99999999\nidle-timeout = 30\nallow = [\"10.0.0.1/8\"]\ncolour = "
        "'red'\nlog-all = 1979-05-27\n[webui]\npassword = \"hunter2\"\n");
    const std::string text = store->check().text();
    for (const char* part :
         {"muster.toml:1: stray: a key outside of a section",
          "muster.toml:3: listener.max-connections: 99999999 found, 1 to 65536 allowed",
          "muster.toml:4: listener.idle-timeout: 30 found, a duration such as \"30s\"", "muster.toml:5: listener.allow",
          "muster.toml:6: listener.colour: an unknown key found, only max-connections",
          "muster.toml:7: listener.log-all: 1979-05-27 found, true or false",
          "muster.toml:9: webui.password: a secret"})
        STRCMP_CONTAINS(part, text.c_str());
    CHECK(text.find("hunter2") == std::string::npos);
    LONGS_EQUAL(4096, number("max-connections"));
}

TEST(SettingsStore, refusesAFileThatIsNoTomlWithLineAndColumn) {
    write("[listener\n");
    const auto opened = SettingsStore::open(options());
    CHECK(!opened);
    STRCMP_CONTAINS("muster.toml:1:", opened.error().text().c_str());
}

TEST(SettingsStore, saysThatAFileIsMissingUnlessItMayBe) {
    CHECK(!SettingsStore::open(options()));
    auto lenient = options();
    lenient.fileMayBeMissing = true;
    open(lenient);
    CHECK(set("listener.max-connections", "17").has_value());
    STRCMP_EQUAL("[listener]\nmax-connections = 17\n", slurp(file).c_str());
}

TEST(SettingsStore, keepsAndOnlyMentionsTheSectionOfAPluginThatIsNotThere) {
    open("[family-win7-2008r2]\nanything = 1\n[listener]\n");
    const Report report = store->begin();
    CHECK(report.good());
    LONGS_EQUAL(1, report.warnings.size());
    STRCMP_CONTAINS("[family-win7-2008r2]: no such plugin is loaded", report.warnings[0].c_str());
    CHECK(set("listener.max-connections", "5").has_value());
    STRCMP_CONTAINS("anything = 1", slurp(file).c_str());
    const auto refused = set("family-win7-2008r2.anything", "2");
    CHECK(!refused);
    STRCMP_CONTAINS("an unknown section", refused.error().text().c_str());
}

TEST(SettingsStore, changesOneValueAndNothingElse) {
    open("# mine\n[listener]\nmax-connections = 100  # few\nidle-timeout = '45s'\n");
    CHECK(store->begin().good());
    CHECK(set("listener.max-connections", "200").has_value());
    CHECK(set("listener.idle-timeout", "50s").has_value());
    STRCMP_EQUAL("# mine\n[listener]\nmax-connections = 200  # few\nidle-timeout = '50s'\n", slurp(file).c_str());
    LONGS_EQUAL(200, number("max-connections"));
    STRCMP_EQUAL("changed: max-connections\nchanged: idle-timeout\n", changes.c_str());
}

TEST(SettingsStore, readsAListOfObjectsInBothOfItsForms) {
    const char* const meant =
        R"([{"name":"kms-a","address":"10.20.0.21:1688","priority":0,"interval":5000,"families":["vista-2008"],)"
        R"("state":"active"},{"name":"kms-b","address":"[::1]:1688","priority":7,"interval":30000,"families":[],)"
        R"("state":"active"}])";
    for (const char* text :
         {"[relay]\nupstreams = [ {name = \"kms-a\", address = \"10.20.0.21:1688\", families = [\"vista-2008\"], "
          "interval = '5s'}, {name = 'kms-b', address = '[::1]:1688', priority = 7} ]\n",
          "[relay]\nupstreams = [\n  # one\n  {name = 'kms-a', interval = '5s', address = '10.20.0.21:1688', families "
          "= "
          "['vista-2008']},\n  {name = 'kms-b', address = '[::1]:1688', priority = 7},\n]\n",
          "[[relay.upstreams]]\nname = 'kms-a'\naddress = '10.20.0.21:1688'\ninterval = '5s'\nfamilies = [\n "
          "'vista-2008' ]\n[relay]\nchoice = 'x'\n[[relay.upstreams]]\nname = 'kms-b'\npriority = 7\naddress = "
          "'[::1]:1688'\n"}) {
        open(text);
        CHECK(store->announce("relay", "relay", kRelay).has_value());
        STRCMP_EQUAL("", store->begin().text().c_str());
        STRCMP_EQUAL(meant, upstreams().c_str());
    }
}

TEST(SettingsStore, namesFileLineAndPlaceOfWhatIsWrongInAListOfObjects) {
    const char* const tables =
        "[relay]\n[[relay.upstreams]]\nname = 'a'\naddress = '10.0.0.1:1'\n\n[[relay.upstreams]]\nname = 'b'\n"
        "[[relay.upstreams]]\nname = 'c'\naddress = 'x'\npriority = 100\ncolour = 'red'\nfamilies = ['a', 1]\n"
        "interval = 5\n";
    open(tables);
    CHECK(store->announce("relay", "relay", kRelay).has_value());
    const std::string text = store->check().text();
    for (const char* part :
         {"muster.toml:6: relay.upstreams[1].address: nothing found, an address",
          "muster.toml:10: relay.upstreams[2].address: \"x\" found, an address",
          "muster.toml:11: relay.upstreams[2].priority: 100 found, 0 to 99 allowed",
          "muster.toml:12: relay.upstreams[2].\"colour\": a member of that name found, only name, address",
          "muster.toml:13: relay.upstreams[2].families: [\"a\", 1] found, a list of text",
          "muster.toml:14: relay.upstreams[2].interval: 5 found, a duration"})
        STRCMP_CONTAINS(part, text.c_str());
    LONGS_EQUAL(5, std::count(text.begin(), text.end(), '\n'));
    STRCMP_EQUAL("[]", upstreams().c_str());
    for (const char* wrong : {"upstreams = 'a'\n", "upstreams = ['a']\n", "[relay.upstreams]\nname = 'a'\n",
                              "upstreams = [{name='a',address='1.1.1.1:1'},{name='a',address='1.1.1.1:1'},"
                              "{name='a',address='1.1.1.1:1'},{name='a',address='1.1.1.1:1'},"
                              "{name='a',address='1.1.1.1:1'}]\n"}) {
        const Report report = store->checkText(std::string("[relay]\n") + wrong, "f");
        CHECK_TEXT(!report.good() && report.text().find("relay.upstreams") != std::string::npos, wrong);
    }
}

TEST(SettingsStore, changesAListOfObjectsAndLeavesTheRestOfTheFileAlone) {
    open(
        "# mine\n[relay]\nchoice = 'x' # so\n\n# cellar\n[[relay.upstreams]]\nname = 'a'\naddress = '10.0.0.1:1688' # "
        "rack 4\n");
    CHECK(store->announce("relay", "relay", kRelay).has_value());
    CHECK(store->begin().good());
    std::string told;
    store->subscribe("relay", [&](const Change& change) { told += change.keys.at(0); });
    const auto changed =
        set("relay.upstreams",
            "[{name=a,address=10.0.0.1:1688,state=draining},{name=b,address=10.0.0.2:1688,interval=5s}]");
    CHECK_TEXT(changed.has_value(), changed ? "" : changed.error().text().c_str());
    STRCMP_EQUAL(
        "# mine\n[relay]\nchoice = 'x' # so\n\n# cellar\n[[relay.upstreams]]\nname = 'a'\naddress = "
        "'10.0.0.1:1688' # rack 4\nstate = \"draining\"\n\n[[relay.upstreams]]\nname = \"b\"\naddress = "
        "\"10.0.0.2:1688\"\ninterval = \"5s\"\n",
        slurp(file).c_str());
    STRCMP_EQUAL("upstreams", told.c_str());
    STRCMP_CONTAINS("+state = \"draining\"\n", store->diff(1, 0).value_or("").c_str());

    const auto refused = set("relay.upstreams", "[{name=a},{name=b,address=x,colour=red}]");
    CHECK(!refused);
    for (const char* part : {"relay.upstreams[0].address: nothing found", "relay.upstreams[1].address: \"x\" found",
                             "relay.upstreams[1].\"colour\""})
        STRCMP_CONTAINS(part, refused.error().detail.c_str());
    CHECK(store->rollBack(1, "uid 0", 0).has_value());
    STRCMP_CONTAINS("\"name\":\"a\"", upstreams().c_str());
    CHECK(upstreams().find("\"b\"") == std::string::npos);
    CHECK(store->change({{"relay.upstreams", std::nullopt}}, "uid 0", "", 0).has_value());
    STRCMP_EQUAL("# mine\n[relay]\nchoice = 'x' # so\n\n# cellar\n", slurp(file).c_str());
}

TEST(SettingsStore, neverOverwritesATableThatWasEditedByHand) {
    const std::string text = "[[relay.upstreams]]\nname = 'a'\naddress = '10.0.0.1:1688'\n";
    open(text);
    CHECK(store->announce("relay", "relay", kRelay).has_value());
    CHECK(store->begin().good());
    write(text + "priority = 3\n");
    const auto refused = set("relay.upstreams", "[{name=a,address=10.0.0.2:1688}]");
    CHECK(!refused);
    STRCMP_CONTAINS("was just edited by hand to a list of 1 items", refused.error().text().c_str());
}

TEST(SettingsStore, takesAListOfObjectsFromCommandLineAndEnvironment) {
    auto given = options();
    given.fileMayBeMissing = true;
    given.overrides = {R"(relay.upstreams=[{name="a",address="127.0.0.1:1700"}])"};
    open(given);
    CHECK(store->announce("relay", "relay", kRelay).has_value());
    CHECK(store->check().good());
    STRCMP_CONTAINS(R"({"name":"a","address":"127.0.0.1:1700","priority":0)", upstreams().c_str());
    given.environment = {"MUSTER_RELAY__UPSTREAMS={name=e,address=127.0.0.1:1701}"};
    open(given);
    CHECK(store->announce("relay", "relay", kRelay).has_value());
    STRCMP_CONTAINS(R"({"name":"e","address":"127.0.0.1:1701","priority":0)", upstreams().c_str());
    given.environment = {};
    given.overrides = {"relay.upstreams=[{name=a,address=x}]"};
    open(given);
    CHECK(store->announce("relay", "relay", kRelay).has_value());
    STRCMP_CONTAINS("command line --set: relay.upstreams[0].address: \"x\" found", store->check().text().c_str());
    given.overrides = {"relay.upstreams=[{name=a"};
    open(given);
    CHECK(store->announce("relay", "relay", kRelay).has_value());
    STRCMP_CONTAINS(
        "command line --set: relay.upstreams: \"[{name=a\" without its end found, a list of at most 4 objects",
        store->check().text().c_str());
}

TEST(SettingsStore, saysWhichChangesWantARestart) {
    open("[listener]\n");
    CHECK(set("listener.listen", "127.0.0.1:1688, [::1]:1688").has_value());
    STRCMP_EQUAL("restart: listen\n", changes.c_str());
    STRCMP_EQUAL("[listener]\nlisten = [\"127.0.0.1:1688\", \"[::1]:1688\"]\n", slurp(file).c_str());
    CHECK(store->change({{"listener.listen", std::nullopt}}, "uid 0", "", 0).has_value());
    STRCMP_EQUAL("[listener]\n", slurp(file).c_str());
}

TEST(SettingsStore, aBadChangeChangesNothing) {
    const std::string text = "[listener]\nmax-connections = 100\n";
    open(text);
    const auto refused =
        store->change({{"listener.max-connections", "0"}, {"listener.colour", "red"}, {"nokey", "1"}}, "uid 0", "", 0);
    CHECK(!refused);
    for (const char* part : {"\"0\" found, 1 to 65536 allowed", "listener.colour: an unknown key", "no SECTION.KEY"})
        STRCMP_CONTAINS(part, refused.error().detail.c_str());
    STRCMP_EQUAL(text.c_str(), slurp(file).c_str());
    STRCMP_EQUAL("", changes.c_str());
}

TEST(SettingsStore, aChangeFromWithinIsInForceAtOnceAndToldLater) {
    open("[listener]\nmax-connections = 1\n");
    CHECK(store->begin().good());
    std::vector<std::function<void()>> later;
    const auto keep = [&](std::function<void()> job) { later.push_back(std::move(job)); };
    LONGS_EQUAL(2, store->changeFromWithin({{"listener.max-connections", "2"}}, "plugin", "test", keep).value_or(0));
    LONGS_EQUAL(2, number("max-connections"));
    STRCMP_EQUAL("[listener]\nmax-connections = 2\n", slurp(file).c_str());
    STRCMP_EQUAL("", changes.c_str());
    LONGS_EQUAL(1, later.size());
    later.front()();
    STRCMP_EQUAL("changed: max-connections\n", changes.c_str());

    // What somebody did by hand meanwhile is told later as well.
    write("[listener]\nmax-connections = 2\nlog-all = true\n");
    LONGS_EQUAL(4, store->changeFromWithin({{"listener.max-connections", "3"}}, "plugin", "test", keep).value_or(0));
    LONGS_EQUAL(3, later.size());
    const auto refused = store->changeFromWithin({{"listener.max-connections", "0"}}, "plugin", "test", keep);
    CHECK(!refused);
    STRCMP_CONTAINS("listener.max-connections: \"0\" found", refused.error().detail.c_str());
}

TEST(SettingsStore, aChangeFromWithinDoesNotWaitForEverForAnotherOne) {
    open("[listener]\n");
    CHECK(store->begin().good());
    Result<std::uint32_t> inner = 0U;
    store->subscribe("listener", [&](const Change&) {
        inner = store->changeFromWithin({{"listener.log-all", "true"}}, "plugin", "", [](auto&&) {});
    });
    CHECK(set("listener.max-connections", "2").has_value());
    CHECK(!inner);
    LONGS_EQUAL(int(Code::busy), int(inner.error().code));
    STRCMP_EQUAL("[listener]\nmax-connections = 2\n", slurp(file).c_str());
    CHECK(set("listener.max-connections", "2").has_value());  // the turn was given back
}

TEST(SettingsStore, saysWhatFixesASetting) {
    auto given = options();
    given.fileMayBeMissing = true;
    given.overrides = {"listener.max-connections=1"};
    given.environment = {"MUSTER_LISTENER__LOG_ALL=true"};
    open(given);
    STRCMP_EQUAL("command line --set listener.max-connections", store->fixedBy("listener", "max-connections").c_str());
    STRCMP_EQUAL("environment variable MUSTER_LISTENER__LOG_ALL", store->fixedBy("listener", "log-all").c_str());
    STRCMP_EQUAL("", store->fixedBy("listener", "listen").c_str());
    given.file.clear();
    open(given);
    STRCMP_EQUAL("this daemon has no settings file", store->fixedBy("listener", "listen").c_str());
    STRCMP_EQUAL("", store->fixedBy("webui", "password").c_str());
}

TEST(SettingsStore, keepsRevisionsThatCanBeComparedAndRolledBack) {
    open("[listener]\nmax-connections = 1\n");
    CHECK(store->begin().good());
    LONGS_EQUAL(1, store->revision());
    CHECK(set("listener.max-connections", "2").has_value());
    CHECK(set("listener.max-connections", "3").has_value());
    LONGS_EQUAL(3, store->revision());
    STRCMP_EQUAL(
        "--- revision 1\n+++ in force\n@@ -1,2 +1,2 @@\n [listener]\n-max-connections = 1\n+max-connections = 3\n",
        store->diff(1, 0).value_or("").c_str());
    LONGS_EQUAL(4, store->rollBack(1, "uid 0", 3).value_or(0));
    STRCMP_EQUAL("[listener]\nmax-connections = 1\n", slurp(file).c_str());
    LONGS_EQUAL(1, number("max-connections"));
    CHECK(!store->rollBack(99, "uid 0", 0));

    open(options());  // a restart knows them all, and adds none
    CHECK(store->begin().good());
    const auto all = store->revisions();
    LONGS_EQUAL(4, all.size());
    STRCMP_EQUAL("uid 0", all[1].author.c_str());
    STRCMP_EQUAL("rolled back to revision 1", all[3].comment.c_str());
    STRCMP_EQUAL("[listener]\nmax-connections = 2\n", store->revisionText(2).value_or("").c_str());
}

TEST(SettingsStore, takesAGoodEditByHandAsARevision) {
    open("[listener]\nmax-connections = 1\n");
    CHECK(store->begin().good());
    write("[listener]\n# by me\nmax-connections = 7\n");
    CHECK(store->reload().value_or(false));
    LONGS_EQUAL(7, number("max-connections"));
    STRCMP_EQUAL("edited by hand", store->revisions().back().author.c_str());
    STRCMP_EQUAL("changed: max-connections\n", changes.c_str());
    CHECK(!store->reload().value_or(true));
}

TEST(SettingsStore, aBadEditByHandChangesNothingAndIsTold) {
    open("[listener]\nmax-connections = 1\n");
    CHECK(store->begin().good());
    for (const char* bad : {"[listener]\nmax-connections = 0\n", "[listener\n"}) {
        told.clear();
        write(bad);
        CHECK(!store->reload());
        LONGS_EQUAL(1, number("max-connections"));
        STRCMP_CONTAINS("error: settings file refused, the old settings stay in force: ", told.c_str());
        const auto refused = set("listener.log-all", "true");
        CHECK(!refused);
        LONGS_EQUAL(int(Code::conflict), int(refused.error().code));
        STRCMP_EQUAL(bad, slurp(file).c_str());
    }
    CHECK(!store->checkFile().good());
    LONGS_EQUAL(1, store->revision());
}

TEST(SettingsStore, rollsBackOverABrokenFileAndKeepsItsText) {
    open("[listener]\nmax-connections = 1\n");
    CHECK(store->begin().good());
    write("[listener\n");
    CHECK(store->rollBack(1, "uid 0", 0).has_value());
    STRCMP_EQUAL("[listener]\nmax-connections = 1\n", slurp(file).c_str());
    STRCMP_EQUAL("[listener\n", store->revisionText(2).value_or("").c_str());
}

TEST(SettingsStore, neverOverwritesAnEditThatNobodyHasSeen) {
    open("[listener]\nmax-connections = 1\n");
    CHECK(store->begin().good());
    write("[listener]\nmax-connections = 50\n");
    const auto refused = set("listener.max-connections", "2");
    CHECK(!refused);
    STRCMP_CONTAINS("was just edited by hand to 50", refused.error().text().c_str());
    LONGS_EQUAL(50, number("max-connections"));
    CHECK(set("listener.max-connections", "2").has_value());

    write("[listener]\nmax-connections = 2\nlog-all = true\n");
    CHECK(set("listener.max-connections", "3").has_value());  // another key: both edits stand
    STRCMP_EQUAL("[listener]\nmax-connections = 3\nlog-all = true\n", slurp(file).c_str());

    const auto stale = set("listener.max-connections", "4", 1);
    CHECK(!stale);
    LONGS_EQUAL(int(Code::conflict), int(stale.error().code));
    STRCMP_CONTAINS("revision 1 was seen", stale.error().text().c_str());
    CHECK(set("listener.max-connections", "4", store->revision()).has_value());
}

TEST(SettingsStore, theEnvironmentWinsAndSaysSo) {
    write("[listener]\nmax-connections = 1\n");
    auto given = options();
    given.environment = {"MUSTER_LISTENER__MAX_CONNECTIONS=9", "MUSTER_LISTENER__TYPO=1", "PATH=/bin",
                         "MUSTER_CONTROL=/x"};
    open(given);
    LONGS_EQUAL(9, number("max-connections"));
    const Report report = store->check();
    CHECK(report.good());
    LONGS_EQUAL(1, report.warnings.size());
    STRCMP_CONTAINS("MUSTER_LISTENER__TYPO", report.warnings[0].c_str());
    const auto refused = set("listener.max-connections", "2");
    CHECK(!refused);
    STRCMP_CONTAINS("environment variable MUSTER_LISTENER__MAX_CONNECTIONS", refused.error().text().c_str());
    STRCMP_EQUAL("environment variable MUSTER_LISTENER__MAX_CONNECTIONS", store->all().at(0).reason.c_str());
    STRCMP_EQUAL("[listener]\nmax-connections = 1\n", slurp(file).c_str());
}

TEST(SettingsStore, aBadValueInTheEnvironmentOrOnTheCommandLineIsReported) {
    auto given = options();
    given.fileMayBeMissing = true;
    given.environment = {"MUSTER_LISTENER__IDLE_TIMEOUT=fast"};
    given.overrides = {"listener.max-connections=many", "listner.max-connections=1", "listener.colour=red"};
    open(given);
    const std::string text = store->check().text();
    for (const char* part :
         {"environment variable MUSTER_LISTENER__IDLE_TIMEOUT: listener.idle-timeout: \"fast\" found",
          "command line --set: listener.max-connections: \"many\" found",
          "command line --set: listner.max-connections: an unknown section", "listener.colour: an unknown key"})
        STRCMP_CONTAINS(part, text.c_str());
    given.overrides = {"nonsense"};
    CHECK(!SettingsStore::open(given));
}

TEST(SettingsStore, namesTheWordOfTheCommandLineThatSetsAValue) {
    auto given = options();
    given.fileMayBeMissing = true;
    given.overrides = {"listener.max-connections=0", "relay.upstreams=[]", "listener.log-all=true"};
    given.words = {{"listener.max-connections", "--connections"}, {"relay.upstreams", "--relay"}};
    open(given);
    const Report report = store->check();
    STRCMP_EQUAL("command line --connections: listener.max-connections: \"0\" found, 1 to 65536 allowed",
                 report.text().c_str());
    STRCMP_EQUAL("command line --relay: the plugin relay is not loaded; ignored", report.warnings.at(0).c_str());
    STRCMP_EQUAL("command line --connections", store->all().at(0).reason.c_str());
    STRCMP_EQUAL("command line --set listener.log-all", store->all().at(5).reason.c_str());
    const auto refused = set("listener.max-connections", "5");
    CHECK(!refused);
    STRCMP_CONTAINS("is fixed by the command line --connections; change it there", refused.error().text().c_str());
}

TEST(SettingsStore, worksWithoutAFileFromTheCommandLineAlone) {
    Options given;
    given.stateDirectory = directory;
    given.overrides = {"listener.listen=[127.0.0.1:1688]", "listener.max-connections=12"};
    open(given);
    CHECK(store->begin().good());
    LONGS_EQUAL(12, number("max-connections"));
    STRCMP_EQUAL("command line", settings::name(store->all().at(0).source));
    const auto refused = set("listener.idle-timeout", "10s");
    CHECK(!refused);
    STRCMP_CONTAINS("without a settings file; start it with --config", refused.error().text().c_str());
}

TEST(SettingsStore, keepsSecretsOutOfTheFile) {
    open("[webui]\ntitle = \"x\"\n");
    CHECK(set("webui.password", "hunter2").has_value());
    STRCMP_EQUAL("[webui]\ntitle = \"x\"\n", slurp(file).c_str());
    STRCMP_EQUAL("hunter2", std::get<std::string>(store->value("webui", "password").value_or("")).c_str());
    struct stat info {};
    LONGS_EQUAL(0, stat((directory / "state/secrets/webui.password").c_str(), &info));
    LONGS_EQUAL(0600, info.st_mode & 0777U);
    for (const Setting& setting : store->all())
        if (setting.key == "webui.password") {
            CHECK(!setting.value);
            STRCMP_EQUAL("secret", settings::name(setting.source));
        }
}

TEST(SettingsStore, refusesASectionThatAnotherOwns) {
    open("");
    const auto second = store->announce("other", "listener", kWeb);
    CHECK(!second);
    STRCMP_CONTAINS("belongs to listener", second.error().text().c_str());
    CHECK(store->announce("listener", "listener", kListener).has_value());
}

TEST(SettingsStore, refusesASchemaWhoseDefaultItsOwnBoundsRefuse) {
    open("");
    static constexpr Field kBad[] = {{.name = "x", .type = FieldType::integer, .fallback = "7", .maximum = 5}};
    CHECK(!store->announce("bad", "bad", kBad));
    static constexpr Field kEmpty[] = {{.name = "x", .type = FieldType::objects}};
    CHECK(!store->announce("bad", "bad", kEmpty));
    static constexpr Field kDefault[] = {{.name = "x", .type = FieldType::objects, .fields = kBad}};
    const auto nested = store->announce("bad", "bad", kDefault);
    CHECK(!nested);
    STRCMP_EQUAL(
        "settings of bad: x has the member x, which cannot have its default: its default: \"7\" found, at most 5 "
        "allowed",
        nested.error().text().c_str());
    static constexpr Field kDeep[] = {{.name = "x", .type = FieldType::objects, .fields = kRelay}};
    CHECK(!store->announce("bad", "bad", kDeep));
    static constexpr Field kSecret[] = {{.name = "x", .type = FieldType::objects, .fields = kWeb}};
    CHECK(!store->announce("bad", "bad", kSecret));
    static constexpr Field kMissing[] = {
        {.name = "x", .type = FieldType::objects, .fallback = "[{name=a}]", .fields = kUpstream}};
    const auto missing = store->announce("bad", "bad", kMissing);
    CHECK(!missing);
    STRCMP_CONTAINS("its default[0].address: nothing found", missing.error().text().c_str());
}

TEST(SettingsStore, keepsTheModeOfTheFileAndALinkALink) {
    write("[listener]\n");
    chmod(file.c_str(), 0604);
    const auto link = directory / "link.toml";
    std::filesystem::create_symlink(file, link);
    auto given = options();
    given.file = link;
    open(given);
    CHECK(set("listener.max-connections", "2").has_value());
    CHECK(std::filesystem::is_symlink(link));
    struct stat info {};
    LONGS_EQUAL(0, stat(file.c_str(), &info));
    LONGS_EQUAL(0604, info.st_mode & 0777U);
    STRCMP_EQUAL("[listener]\nmax-connections = 2\n", slurp(file).c_str());
}

TEST(SettingsStore, saysWhatToDoWhenTheDirectoryCannotBeWritten) {
    open("[listener]\n");
    std::filesystem::create_directory(directory / "muster.toml.new");  // stands in for any trouble with the new file
    const auto refused = set("listener.max-connections", "2");
    CHECK(!refused);
    LONGS_EQUAL(int(Code::storage), int(refused.error().code));
    LONGS_EQUAL(4096, number("max-connections"));
    STRCMP_EQUAL("[listener]\n", slurp(file).c_str());
}

TEST(SettingsStore, offersItsOperations) {
    open("[listener]\nmax-connections = 1\n");
    CHECK(store->begin().good());
    api::OperationTable table;
    CHECK(addOperations(table, *store).has_value());
    const auto call = [&](const char* method, const char* target, const std::string& body = "") {
        return api::serve(table, {.method = method,
                                  .target = target,
                                  .contentType = "application/json",
                                  .body = body,
                                  .caller = {"uid 0", Role::admin, "test"}});
    };
    STRCMP_EQUAL("{\"revision\":2}",
                 call("PUT", "/settings/listener.max-connections", R"({"value":"2"})").body.c_str());
    STRCMP_CONTAINS("\"value\":\"2\",\"source\":\"file\"",
                    call("GET", "/settings/listener.max-connections").body.c_str());
    LONGS_EQUAL(8, api::parseJson(call("GET", "/settings").body, 1 << 20)->find("items")->array()->size());
    STRCMP_EQUAL("{\"revision\":3}",
                 call("PATCH", "/settings", R"({"set":["listener.log-all=true"],"unset":["listener.max-connections"]})")
                     .body.c_str());
    STRCMP_EQUAL("[listener]\nlog-all = true\n", slurp(file).c_str());

    CHECK(store->announce("relay", "relay", kRelay).has_value());
    STRCMP_EQUAL("{\"revision\":4}",
                 call("PUT", "/settings/relay.upstreams", R"({"value":"[{\"name\":\"a\",\"address\":\"[::1]:1\"}]"})")
                     .body.c_str());
    const std::string upstreams = call("GET", "/settings/relay.upstreams").body;
    for (const char* part :
         {R"("value":"[{name = \"a\", address = \"[::1]:1\"}]","source":"file")",
          R"("items":[{"name":"a","address":"[::1]:1","priority":0,"interval":30000,"families":[],"state":"active"}])",
          R"("fields":[{"name":"name","type":"text","allowed":"text of 1 to 63 octets")"})
        STRCMP_CONTAINS(part, upstreams.c_str());
    STRCMP_CONTAINS(R"("errors":[{"name":"relay.upstreams[0].address","found":"nothing")",
                    call("PUT", "/settings/relay.upstreams", R"({"value":"[{name=a}]"})").body.c_str());
    STRCMP_EQUAL("{\"revision\":5}", call("DELETE", "/settings/relay.upstreams").body.c_str());

    const api::Response bad = call("PUT", "/settings/listener.max-connections", R"({"value":"0"})");
    LONGS_EQUAL(400, bad.status);
    STRCMP_CONTAINS("\"errors\":[{\"name\":\"listener.max-connections\"", bad.body.c_str());
    STRCMP_CONTAINS("\"good\":true", call("POST", "/settings/check").body.c_str());
    const api::Response other =
        call("POST", "/settings/check", R"({"file":"[listener]\nmax-connections = 0\nx = 1\n"})");
    LONGS_EQUAL(400, other.status);
    STRCMP_CONTAINS("file:3", other.body.c_str());

    STRCMP_CONTAINS("{\"items\":[{\"number\":5", call("GET", "/revisions").body.c_str());
    STRCMP_CONTAINS("\n-max-connections = 1\n", call("GET", "/revisions/1?diff").body.c_str());
    STRCMP_EQUAL("{\"revision\":6}", call("POST", "/revisions/1/restore", R"({"revision":5})").body.c_str());
    LONGS_EQUAL(409, call("POST", "/revisions/2/restore", R"({"revision":3})").status);
}
