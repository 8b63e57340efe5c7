#include <filesystem>
#include <fstream>
#include <sstream>
#include <unistd.h>

#include "CppUTest/TestHarness.h"

#include "api/describe.h"
#include "api/paging.h"
#include "api/problem.h"
#include "ctl/exit_codes.h"
#include "ctl/output.h"
#include "ctl/run.h"
#include "host/control/control_server.h"

using namespace muster;

namespace {

constexpr Field kClient[] = {{.name = "cmid", .type = FieldType::guid, .column = true},
                             {.name = "machine", .column = true},
                             {.name = "lastSeen", .type = FieldType::timestamp, .column = true},
                             {.name = "requests", .type = FieldType::integer}};
constexpr Field kList[] = {{.name = "limit", .type = FieldType::integer, .fallback = "2", .minimum = 1, .maximum = 2},
                           api::kCursorField,
                           {.name = "family", .type = FieldType::choice, .choices = "vista-2008|win7-2008r2"},
                           {.name = "onlyVirtual", .type = FieldType::boolean}};
constexpr Field kCmid[] = {{.name = "cmid", .type = FieldType::text, .maximum = 64}};
constexpr Field kKeyBody[] = {
    {.name = "key", .required = true}, {.name = "comment"}, {.name = "extra", .type = FieldType::integers}};
constexpr Field kBroken[] = {{.name = "broken", .type = FieldType::boolean},
                             {.name = "sized", .type = FieldType::boolean}};
constexpr Field kOctets[] = {{.name = "octets", .type = FieldType::integer, .column = true}};
constexpr Field kFileBody[] = {{.name = "file", .maximum = 61440}};
constexpr Field kSettingKey[] = {{.name = "key"}};
constexpr Field kValueBody[] = {{.name = "value", .required = true},
                                {.name = "revision", .type = FieldType::integer, .minimum = 0}};
constexpr Field kFamily[] = {{.name = "name", .column = true},
                             {.name = "count", .type = FieldType::integer, .column = true}};
constexpr Field kStatus[] = {{.name = "mode", .column = true},
                             {.name = "ready", .type = FieldType::boolean, .column = true},
                             {.name = "families", .type = FieldType::objects, .column = true, .fields = kFamily}};

}  // namespace

constexpr Field kUserBody[] = {{.name = "name", .required = true},
                               {.name = "password", .minimum = 1, .required = true, .secret = true}};
constexpr Field kOpenBody[] = {{.name = "password", .minimum = 1, .secret = true}};

TEST_GROUP(Musterctl) {
    std::filesystem::path directory;
    std::string path;
    api::OperationTable table;
    std::unique_ptr<control::ControlServer> server;
    std::vector<Json> clients;
    std::string removed;
    std::string uploaded;
    std::ostringstream out;
    std::ostringstream err;
    std::function<bool(const std::string&)> confirm;
    std::function<std::optional<std::string>(const std::string&)> secret;
    std::string typed;  // on standard input

    void setup() override {
        std::string pattern = (std::filesystem::temp_directory_path() / "muster-ctl-XXXXXX").string();
        directory = mkdtemp(pattern.data());
        path = (directory / "control.sock").string();
        CHECK(api::addDescriptions(table, "0").has_value());
        add({.method = "GET",
             .path = "/clients",
             .role = Role::viewer,
             .cli = "client list",
             .summary = "Clients of the pool.",
             .query = kList,
             .answer = kClient,
             .list = true},
            [this](const Call& call) -> Result<Reply> {
                std::vector<std::string> keys;
                for (std::size_t i = 0; i < clients.size(); ++i)
                    keys.push_back("k" + std::to_string(i));
                return api::pageOf("clients", call, keys, clients);
            });
        add({.method = "DELETE",
             .path = "/clients/{cmid}",
             .role = Role::operator_,
             .cli = "client remove",
             .summary = "Forget a client.",
             .path_ = kCmid,
             .confirm = "Forget this client?"},
            [this](const Call& call) -> Result<Reply> {
                removed = call.text("cmid");
                return Reply();
            });
        add({.method = "GET",
             .path = "/dump",
             .role = Role::viewer,
             .cli = "dump get",
             .summary = "A file.",
             .query = kBroken,
             .file = true},
            [](const Call& call) -> Result<Reply> {
                Reply reply;
                reply.file = {.mediaType = "application/octet-stream",
                              .name = "dump",
                              .size = call.flag("sized") ? 200'000 : -1,
                              .write = [broken = call.flag("broken")](OctetSink& sink) -> Result<void> {
                                  for (int i = 0; i < 20; ++i) {
                                      if (broken && i == 10)
                                          return fail(Code::storage, "disk", "is away");
                                      sink.write(std::string(10'000, static_cast<char>('a' + i)));
                                  }
                                  return {};
                              }};
                return reply;
            });
        add({.method = "POST",
             .path = "/dump",
             .role = Role::operator_,
             .cli = "dump put",
             .summary = "Takes a file.",
             .answer = kOctets,
             .upload = 1'000'000},
            [this](const Call& call) -> Result<Reply> {
                std::string piece(10'000, ' ');
                while (true) {
                    const auto read = call.upload->read(piece.data(), piece.size());
                    if (!read)
                        return fail(read.error());
                    if (*read == 0)
                        return Reply(json({{"octets", static_cast<std::int64_t>(uploaded.size())}}));
                    uploaded.append(piece, 0, *read);
                }
            });
        add({.method = "POST",
             .path = "/keys",
             .role = Role::admin,
             .cli = "key add",
             .summary = "Install a key.",
             .body = kKeyBody},
            [](const Call& call) -> Result<Reply> {
                if (call.text("key") == "bad")
                    return fail(Code::denied, "key", "0xC004F050, the product key is invalid; install its family");
                return Reply(json({{"body", call.body}}));
            });
        add({.method = "POST",
             .path = "/check",
             .role = Role::admin,
             .cli = "settings check",
             .summary = "Check a file.",
             .body = kFileBody},
            [](const Call& call) -> Result<Reply> {
                if (call.text("file") == "bad")
                    return api::problemReply({Code::malformed, "", "two things"},
                                             {{"a.b", "1", "2 to 3", "file:1"}, {"a.c", "\x1b[31m", "x", "file:2"}});
                return Reply(json({{"size", call.text("file").size()}}));
            });
        add({.method = "GET", .path = "/status", .role = Role::viewer, .cli = "status", .answer = kStatus},
            [](const Call&) -> Result<Reply> {
                Json::Array families{json({{"name", "win7-2008r2"}, {"count", 30}}),
                                     json({{"name", "vista-2008"}, {"count", 0}})};
                return Reply(json({{"mode", "lab"}, {"ready", true}, {"families", std::move(families)}}));
            });
        add({.method = "PUT",
             .path = "/settings/{key}",
             .role = Role::admin,
             .cli = "settings set",
             .summary = "Change one setting.",
             .path_ = kSettingKey,
             .body = kValueBody},
            [](const Call& call) -> Result<Reply> {
                return Reply(json({{"path", call.path}, {"body", call.body}}));
            });
        add({.method = "POST",
             .path = "/users",
             .role = Role::admin,
             .cli = "user add",
             .summary = "Add a user.",
             .body = kUserBody},
            [](const Call& call) -> Result<Reply> {
                return Reply(json({{"body", call.body}}));
            });
        add({.method = "POST",
             .path = "/open",
             .role = Role::admin,
             .cli = "backup open",
             .summary = "Open one.",
             .body = kOpenBody},
            [](const Call& call) -> Result<Reply> {
                return Reply(json({{"body", call.body}}));
            });
        add({.method = "GET", .path = "/dli", .role = Role::viewer, .cli = "dli", .text = true},
            [](const Call&) -> Result<Reply> {
                Reply reply;
                reply.text = "Listening on Port: 1688\n\x1b[2Jname\n";
                return reply;
            });
        add({.method = "GET",
             .path = "/events",
             .role = Role::viewer,
             .cli = "event watch",
             .answer = kFamily,
             .stream = true},
            [](const Call&) -> Result<Reply> {
                Reply reply;
                reply.stream = [](Sink& sink) {
                    sink.write(json({{"name", "one"}, {"count", 1}}));
                    sink.write(json({{"name", "two"}, {"count", 2}}));
                };
                return reply;
            });
        server = std::make_unique<control::ControlServer>(path, table, control::Options());
        CHECK(server->start().has_value());
    }
    void teardown() override {
        server.reset();
        std::filesystem::remove_all(directory);
    }
    void add(const Operation& operation, Handler handler) {
        const auto added = table.add("core", operation, std::move(handler));
        CHECK_TEXT(added.has_value(), added ? "" : added.error().text().c_str());
    }
    int tell(const std::vector<std::string>& words, bool terminal = false) {
        out.str("");
        err.str("");
        ctl::Surroundings around{out, err};
        around.control = path.c_str();
        around.outIsTerminal = terminal;
        around.confirm = confirm;
        around.secret = secret;
        std::istringstream in(typed);
        around.in = &in;
        return ctl::run(words, around);
    }
    void addClient(const char* machine) {
        clients.push_back(json({{"cmid", "c" + std::to_string(clients.size())},
                                {"machine", machine},
                                {"lastSeen", "2026-11-22T15:12:02.123Z"},
                                {"requests", 3}}));
    }
};

TEST(Musterctl, listsAllPagesAsATable) {
    for (const char* name : {"pc-1", "größe", "evil\x1b[31m\u202e", "x", ""})
        addClient(name);
    LONGS_EQUAL(ctl::kDone, tell({"client", "list"}));
    STRCMP_EQUAL(
        "CMID  MACHINE  LAST SEEN\n"
        "c0    pc-1     2026-11-22T15:12:02.123Z\n"
        "c1    größe    2026-11-22T15:12:02.123Z\n"
        "c2    evil\\x1b[31m\\u202e  2026-11-22T15:12:02.123Z\n"
        "c3    x        2026-11-22T15:12:02.123Z\n"
        "c4    -        2026-11-22T15:12:02.123Z\n",
        out.str().c_str());
}

TEST(Musterctl, listsAsCsvWithEveryFieldAndNoFormula) {
    addClient("=cmd|' /C calc'!A0");
    addClient("a,\"b\"");
    addClient("@x");
    LONGS_EQUAL(ctl::kDone, tell({"-o", "csv", "client", "list"}));
    STRCMP_EQUAL(
        "cmid,machine,lastSeen,requests\r\n"
        "c0,'=cmd|' /C calc'!A0,2026-11-22T15:12:02.123Z,3\r\n"
        "c1,\"a,\"\"b\"\"\",2026-11-22T15:12:02.123Z,3\r\n"
        "c2,'@x,2026-11-22T15:12:02.123Z,3\r\n",
        out.str().c_str());
}

TEST(Musterctl, listsAsOneJsonDocument) {
    for (int i = 0; i < 3; ++i)
        addClient("a");
    LONGS_EQUAL(ctl::kDone, tell({"client", "list", "--output=json"}));
    STRCMP_CONTAINS("{\"items\":[{\"cmid\":\"c0\"", out.str().c_str());
    STRCMP_CONTAINS(",{\"cmid\":\"c2\"", out.str().c_str());
    STRCMP_CONTAINS("],\"next\":null}\n", out.str().c_str());
    clients.clear();
    tell({"client", "list", "-o", "json"});
    STRCMP_EQUAL("{\"items\":[],\"next\":null}\n", out.str().c_str());
}

TEST(Musterctl, stopsAtTheLimit) {
    for (int i = 0; i < 5; ++i)
        addClient("a");
    LONGS_EQUAL(ctl::kDone, tell({"client", "list", "--limit", "3", "-o", "csv"}));
    STRCMP_CONTAINS("c2,", out.str().c_str());
    CHECK(out.str().find("c3,") == std::string::npos);
    LONGS_EQUAL(ctl::kUsage, tell({"client", "list", "--limit", "0"}));
}

TEST(Musterctl, writesAFileWhereItIsTold) {
    const std::string to = (directory / "dump").string();
    for (const char* sized : {"--sized", "--broken=false"}) {
        LONGS_EQUAL(ctl::kDone, tell({"dump", "get", sized, "--to", to}));
        LONGS_EQUAL(200'000, std::filesystem::file_size(to));
        LONGS_EQUAL(0600, static_cast<int>(std::filesystem::status(to).permissions()));
        LONGS_EQUAL(ctl::kUsage, tell({"dump", "get", "--to", to}));
        STRCMP_CONTAINS("is there already", err.str().c_str());
        std::filesystem::remove(to);
    }
    LONGS_EQUAL(ctl::kDone, tell({"dump", "get"}));
    LONGS_EQUAL(200'000, out.str().size());
    LONGS_EQUAL(ctl::kUsage, tell({"dump", "get"}, true));
    STRCMP_CONTAINS("--to FILE", err.str().c_str());
    LONGS_EQUAL(ctl::kUsage, tell({"dump", "get", "--to", (directory / "no" / "such").string()}));
}

TEST(Musterctl, leavesNothingOfAFileThatBreaksOff) {
    const std::string to = (directory / "dump").string();
    for (const char* sized : {"--sized=true", "--sized=false"}) {
        LONGS_EQUAL(ctl::kBroken, tell({"dump", "get", "--broken", sized, "--to", to}));
        STRCMP_CONTAINS("broke off", err.str().c_str());
        for (const auto& entry : std::filesystem::directory_iterator(directory))
            CHECK(entry.path().filename() == "control.sock");
    }
}

TEST(Musterctl, sendsAFile) {
    const std::string from = (directory / "from").string();
    std::string text;
    for (int i = 0; i < 50'000; ++i)
        text += std::to_string(i);
    std::ofstream(from, std::ios::binary) << text;
    LONGS_EQUAL(ctl::kDone, tell({"dump", "put", from}));
    CHECK(text == uploaded);
    STRCMP_CONTAINS(std::to_string(text.size()).c_str(), out.str().c_str());
    std::filesystem::resize_file(from, 1'000'001);
    LONGS_EQUAL(ctl::kRefused, tell({"dump", "put", from}));
    STRCMP_CONTAINS("1000000 allowed", err.str().c_str());
    LONGS_EQUAL(ctl::kUsage, tell({"dump", "put", directory.string()}));
    STRCMP_CONTAINS("no ordinary file", err.str().c_str());
    LONGS_EQUAL(ctl::kUsage, tell({"dump", "put"}));
}

TEST(Musterctl, asksBeforeItRemoves) {
    LONGS_EQUAL(ctl::kNotConfirmed, tell({"client", "remove", "c1"}));
    STRCMP_EQUAL("musterctl: Forget this client? Nobody is here to ask: repeat it with --yes\n", err.str().c_str());
    confirm = [](const std::string&) { return false; };
    LONGS_EQUAL(ctl::kNotConfirmed, tell({"client", "remove", "c1"}));
    STRCMP_EQUAL("", removed.c_str());
    confirm = [](const std::string& question) { return question == "Forget this client?"; };
    LONGS_EQUAL(ctl::kDone, tell({"client", "remove", "c1"}));
    STRCMP_EQUAL("c1", removed.c_str());
    confirm = {};
    LONGS_EQUAL(ctl::kDone, tell({"client", "remove", "c/2 ?", "--yes"}));
    STRCMP_EQUAL("c/2 ?", removed.c_str());
}

TEST(Musterctl, sendsPositionalsAndOptionsOfTheBody) {
    LONGS_EQUAL(ctl::kDone,
                tell({"key", "add", "LAB-1", "--comment", "mine", "--extra", "3", "--extra", "4", "-o", "json"}));
    STRCMP_EQUAL("{\"body\":{\"key\":\"LAB-1\",\"comment\":\"mine\",\"extra\":[3,4]}}\n", out.str().c_str());
}

TEST(Musterctl, sendsOneWordToEachPositional) {
    LONGS_EQUAL(ctl::kDone, tell({"settings", "set", "listener.idle-timeout", "45s", "--revision", "3", "-o", "json"}));
    STRCMP_EQUAL("{\"path\":{\"key\":\"listener.idle-timeout\"},\"body\":{\"value\":\"45s\",\"revision\":3}}\n",
                 out.str().c_str());
    LONGS_EQUAL(ctl::kDone, tell({"settings", "set", "a.b", "[10.0.0.0/8, fe80::/10]", "-o", "json"}));
    STRCMP_CONTAINS("\"value\":\"[10.0.0.0/8, fe80::/10]\"", out.str().c_str());
    LONGS_EQUAL(ctl::kDone, tell({"settings", "set", "a.b", "-o", "json", "--", "-5"}));
    STRCMP_CONTAINS("\"value\":\"-5\"", out.str().c_str());
    LONGS_EQUAL(ctl::kUsage, tell({"settings", "set", "a.b"}));
    LONGS_EQUAL(ctl::kUsage, tell({"settings", "set", "a.b", "1", "2"}));
}

TEST(Musterctl, printsAProblemAsOneSentenceWithItsHint) {
    LONGS_EQUAL(ctl::kRefused, tell({"key", "add", "bad"}));
    STRCMP_EQUAL("musterctl: key: 0xC004F050, the product key is invalid. install its family\n", err.str().c_str());
}

TEST(Musterctl, sendsAFileAndPrintsAllThatIsWrongWithIt) {
    const std::string file = directory / "muster.toml";
    std::ofstream(file) << "bad";
    LONGS_EQUAL(ctl::kRefused, tell({"settings", "check", file}));
    STRCMP_EQUAL(
        "musterctl: two things\n  file:1: a.b: 1 found, 2 to 3 allowed\n"
        "  file:2: a.c: \\x1b[31m found, x allowed\n",
        err.str().c_str());
    std::ofstream(file) << "longer";
    LONGS_EQUAL(ctl::kDone, tell({"settings", "check", file}));
    STRCMP_EQUAL("size: 6\n", out.str().c_str());
    LONGS_EQUAL(ctl::kDone, tell({"settings", "check"}));
    LONGS_EQUAL(ctl::kUsage, tell({"settings", "check", directory / "none"}));
}

TEST(Musterctl, showsOneObjectWithWhatIsInIt) {
    LONGS_EQUAL(ctl::kDone, tell({"status"}));
    STRCMP_EQUAL(
        "mode:     lab\nready:    yes\nfamilies:\n  name:  win7-2008r2\n  count: 30\n\n  name:  vista-2008\n"
        "  count: 0\n",
        out.str().c_str());
}

TEST(Musterctl, printsTextAsItIsAndHarmlessOnATerminal) {
    LONGS_EQUAL(ctl::kDone, tell({"dli"}));
    STRCMP_EQUAL("Listening on Port: 1688\n\x1b[2Jname\n", out.str().c_str());
    LONGS_EQUAL(ctl::kDone, tell({"dli"}, true));
    STRCMP_EQUAL("Listening on Port: 1688\n\\x1b[2Jname\n", out.str().c_str());
}

TEST(Musterctl, printsAStreamLineByLine) {
    LONGS_EQUAL(ctl::kDone, tell({"event", "watch"}));
    STRCMP_EQUAL("one  1\ntwo  2\n", out.str().c_str());
    LONGS_EQUAL(ctl::kDone, tell({"event", "watch", "-o", "json"}));
    STRCMP_EQUAL("{\"name\":\"one\",\"count\":1}\n{\"name\":\"two\",\"count\":2}\n", out.str().c_str());
}

TEST(Musterctl, knowsWhatIsNoCommand) {
    for (const std::vector<std::string>& words : {std::vector<std::string>{"nonsense"},
                                                  {"client"},
                                                  {},
                                                  {"client", "remove"},
                                                  {"key", "add", "a", "b"},
                                                  {"client", "list", "--colour", "red"},
                                                  {"client", "list", "--family", "vista"},
                                                  {"-o", "xml", "status"}}) {
        LONGS_EQUAL(ctl::kUsage, tell(words));
        CHECK(!err.str().empty());
    }
    LONGS_EQUAL(ctl::kDone, tell({"client", "list", "--help"}));
    STRCMP_CONTAINS("--only-virtual", out.str().c_str());
}

TEST(Musterctl, saysWhereItLookedWhenNobodyAnswers) {
    server->stop();
    LONGS_EQUAL(ctl::kUnreachable, tell({"status"}));
    STRCMP_CONTAINS(("control socket " + path + ": there is none").c_str(), err.str().c_str());
    STRCMP_CONTAINS("--control PATH", err.str().c_str());
    LONGS_EQUAL(ctl::kDone, tell({"--help"}));
    LONGS_EQUAL(ctl::kDone, tell({"--version"}));
}

TEST(Musterctl, completesWhatTheDaemonOffers) {
    const auto completed = [this](std::vector<std::string> words) {
        words.insert(words.begin(), {"__complete", "--"});
        LONGS_EQUAL(ctl::kDone, tell(words));
        return out.str();
    };
    STRCMP_EQUAL("backup\nclient\ndli\ndump\nevent\nkey\nsettings\nstatus\nuser\n", completed({""}).c_str());
    STRCMP_EQUAL("list\nremove\n", completed({"client", ""}).c_str());
    STRCMP_EQUAL("remove\n", completed({"-o", "json", "client", "r"}).c_str());
    STRCMP_EQUAL("--family\n", completed({"client", "list", "--f"}).c_str());
    STRCMP_EQUAL("win7-2008r2\n", completed({"client", "list", "--family", "w"}).c_str());
    STRCMP_EQUAL("csv\njson\ntable\n", completed({"status", "-o", ""}).c_str());
    STRCMP_EQUAL("", completed({"status", "x", ""}).c_str());
    server->stop();
    STRCMP_EQUAL("", completed({""}).c_str());
}

TEST(Musterctl, findsTheSocketByOptionThenByEnvironment) {
    const std::string elsewhere = directory / "none.sock";
    LONGS_EQUAL(ctl::kUnreachable, tell({"status", "--control", elsewhere}));
    LONGS_EQUAL(ctl::kUnreachable, tell({"-c", elsewhere, "status"}));
    LONGS_EQUAL(ctl::kUnreachable, tell({"--control=" + elsewhere, "status"}));
    LONGS_EQUAL(ctl::kDone, tell({"status", "--control", path}));
}

TEST(Musterctl, takesASecretFromAFileAndNeverFromTheCommandLine) {
    std::ofstream(directory / "secret") << "a quiet harbour\n";
    LONGS_EQUAL(ctl::kDone,
                tell({"-o", "json", "user", "add", "ada", "--password-file", (directory / "secret").string()}));
    STRCMP_CONTAINS("\"password\":\"a quiet harbour\"", out.str().c_str());
    LONGS_EQUAL(ctl::kUsage, tell({"-o", "json", "user", "add", "ada", "a quiet harbour"}));
    LONGS_EQUAL(ctl::kUsage, tell({"-o", "json", "user", "add", "ada", "--password", "a quiet harbour"}));
    LONGS_EQUAL(ctl::kUsage, tell({"-o", "json", "user", "add", "ada", "--password=a quiet harbour"}));
    LONGS_EQUAL(ctl::kUsage,
                tell({"-o", "json", "user", "add", "ada", "--password-file", (directory / "none").string()}));
    STRCMP_CONTAINS("cannot be read", err.str().c_str());
}

TEST(Musterctl, takesARequiredSecretFromStandardInputWhereNobodyCanBeAsked) {
    typed = "from a pipe\nmore";
    LONGS_EQUAL(ctl::kDone, tell({"-o", "json", "user", "add", "ada"}));
    STRCMP_CONTAINS("\"password\":\"from a pipe\"", out.str().c_str());
    typed = "";
    LONGS_EQUAL(ctl::kUsage, tell({"-o", "json", "user", "add", "ada"}));
    STRCMP_CONTAINS("--password-file", err.str().c_str());
}

TEST(Musterctl, asksForASecretAndTwiceForANewOne) {
    std::vector<std::string> prompts;
    std::vector<std::string> answers{"same same", "same same", "one", "another"};
    std::size_t next = 0;
    secret = [&](const std::string& prompt) {
        prompts.push_back(prompt);
        return std::optional(answers.at(next++));
    };
    LONGS_EQUAL(ctl::kDone, tell({"-o", "json", "user", "add", "ada"}));
    LONGS_EQUAL(2, prompts.size());
    STRCMP_CONTAINS("\"password\":\"same same\"", out.str().c_str());
    LONGS_EQUAL(ctl::kUsage, tell({"-o", "json", "user", "add", "ada"}));
    STRCMP_CONTAINS("not the same", err.str().c_str());
    next = 0;
    prompts.clear();
    LONGS_EQUAL(ctl::kDone, tell({"-o", "json", "backup", "open", "--password"}));
    LONGS_EQUAL(1, prompts.size());
    prompts.clear();
    LONGS_EQUAL(ctl::kDone, tell({"-o", "json", "backup", "open"}));  // not required: not asked for
    LONGS_EQUAL(0, prompts.size());
}
