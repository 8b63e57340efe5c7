#include <sys/stat.h>
#include <unistd.h>

#include "host/settings/store_test_support.h"

using namespace muster;
using namespace muster::settings;
using namespace muster::settings::test;

TEST_GROUP_BASE(SettingsChanges, StoreTest){};

TEST(SettingsChanges, changesOneValueAndNothingElse) {
    open("# mine\n[listener]\nmax-connections = 100  # few\nidle-timeout = '45s'\n");
    CHECK(store->begin().good());
    CHECK(set("listener.max-connections", "200").has_value());
    CHECK(set("listener.idle-timeout", "50s").has_value());
    STRCMP_EQUAL("# mine\n[listener]\nmax-connections = 200  # few\nidle-timeout = '50s'\n", slurp(file).c_str());
    LONGS_EQUAL(200, number("max-connections"));
    STRCMP_EQUAL("changed: max-connections\nchanged: idle-timeout\n", changes.c_str());
}

TEST(SettingsChanges, changesAListOfObjectsAndLeavesTheRestOfTheFileAlone) {
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

TEST(SettingsChanges, neverOverwritesATableThatWasEditedByHand) {
    const std::string text = "[[relay.upstreams]]\nname = 'a'\naddress = '10.0.0.1:1688'\n";
    open(text);
    CHECK(store->announce("relay", "relay", kRelay).has_value());
    CHECK(store->begin().good());
    write(text + "priority = 3\n");
    const auto refused = set("relay.upstreams", "[{name=a,address=10.0.0.2:1688}]");
    CHECK(!refused);
    STRCMP_CONTAINS("was just edited by hand to a list of 1 items", refused.error().text().c_str());
}

TEST(SettingsChanges, saysWhichChangesWantARestart) {
    open("[listener]\n");
    CHECK(set("listener.listen", "127.0.0.1:1688, [::1]:1688").has_value());
    STRCMP_EQUAL("restart: listen\n", changes.c_str());
    STRCMP_EQUAL("[listener]\nlisten = [\"127.0.0.1:1688\", \"[::1]:1688\"]\n", slurp(file).c_str());
    CHECK(store->change({{"listener.listen", std::nullopt}}, "uid 0", "", 0).has_value());
    STRCMP_EQUAL("[listener]\n", slurp(file).c_str());
}

TEST(SettingsChanges, aBadChangeChangesNothing) {
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

TEST(SettingsChanges, aChangeFromWithinIsInForceAtOnceAndToldLater) {
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

TEST(SettingsChanges, aChangeFromWithinDoesNotWaitForEverForAnotherOne) {
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

TEST(SettingsChanges, keepsRevisionsThatCanBeComparedAndRolledBack) {
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

TEST(SettingsChanges, takesAGoodEditByHandAsARevision) {
    open("[listener]\nmax-connections = 1\n");
    CHECK(store->begin().good());
    write("[listener]\n# by me\nmax-connections = 7\n");
    CHECK(store->reload().value_or(false));
    LONGS_EQUAL(7, number("max-connections"));
    STRCMP_EQUAL("edited by hand", store->revisions().back().author.c_str());
    STRCMP_EQUAL("changed: max-connections\n", changes.c_str());
    CHECK(!store->reload().value_or(true));
}

TEST(SettingsChanges, aBadEditByHandChangesNothingAndIsTold) {
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

TEST(SettingsChanges, rollsBackOverABrokenFileAndKeepsItsText) {
    open("[listener]\nmax-connections = 1\n");
    CHECK(store->begin().good());
    write("[listener\n");
    CHECK(store->rollBack(1, "uid 0", 0).has_value());
    STRCMP_EQUAL("[listener]\nmax-connections = 1\n", slurp(file).c_str());
    STRCMP_EQUAL("[listener\n", store->revisionText(2).value_or("").c_str());
}

TEST(SettingsChanges, neverOverwritesAnEditThatNobodyHasSeen) {
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

TEST(SettingsChanges, keepsSecretsOutOfTheFile) {
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

TEST(SettingsChanges, keepsTheModeOfTheFileAndALinkALink) {
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

TEST(SettingsChanges, saysWhatToDoWhenTheDirectoryCannotBeWritten) {
    open("[listener]\n");
    std::filesystem::create_directory(directory / "muster.toml.new");  // stands in for any trouble with the new file
    const auto refused = set("listener.max-connections", "2");
    CHECK(!refused);
    LONGS_EQUAL(int(Code::storage), int(refused.error().code));
    LONGS_EQUAL(4096, number("max-connections"));
    STRCMP_EQUAL("[listener]\n", slurp(file).c_str());
}
