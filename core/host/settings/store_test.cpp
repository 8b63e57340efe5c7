#include <algorithm>

#include "api/serve.h"
#include "host/settings/store_test_support.h"

using namespace muster;
using namespace muster::settings;
using namespace muster::settings::test;

TEST_GROUP_BASE(SettingsStore, StoreTest){};

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

TEST(SettingsStore, tellsTheAuditLogWhatWasBefore) {
    open("[listener]\nmax-connections = 1\n");
    CHECK(store->begin().good());
    api::OperationTable table;
    CHECK(addOperations(table, *store).has_value());
    std::string told;
    const auto call = [&](const char* method, const char* target, const std::string& body = "") {
        told.clear();
        return api::serve(table,
                          {.method = method,
                           .target = target,
                           .contentType = "application/json",
                           .body = body,
                           .caller = {"uid 0", Role::admin, "test"}},
                          {},
                          [&](const api::Observed& observed) {
                              told = api::dumpJson(observed.before) + " to " + api::dumpJson(observed.after) + " " +
                                     observed.result + " " + observed.detail;
                          })
            .status;
    };
    LONGS_EQUAL(200, call("PUT", "/settings/listener.max-connections", R"({"value":"2"})"));
    STRCMP_EQUAL(R"({"listener.max-connections":"1"} to {"listener.max-connections":"2"} done )", told.c_str());
    LONGS_EQUAL(200, call("PUT", "/settings/webui.password", R"({"value":"hunter2"})"));
    STRCMP_EQUAL(R"({"webui.password":null} to {"webui.password":"***"} done )", told.c_str());
    LONGS_EQUAL(
        200, call("PATCH", "/settings", R"({"set":["webui.password=hunter3"],"unset":["listener.max-connections"]})"));
    STRCMP_CONTAINS(R"("webui.password":"***")", told.c_str());
    STRCMP_CONTAINS(R"({"listener.max-connections":"2")", told.c_str());
    CHECK(told.find("hunter") == std::string::npos);
    LONGS_EQUAL(400, call("PUT", "/settings/listener.max-connections", R"({"value":"hunter2"})"));
    STRCMP_EQUAL("null to null malformed not valid: listener.max-connections", told.c_str());
    LONGS_EQUAL(200, call("POST", "/revisions/1/restore"));
    STRCMP_CONTAINS(R"("settings":{"listener.max-connections":"1"}})", told.c_str());
    STRCMP_CONTAINS(R"({"revision":)", told.c_str());
}
