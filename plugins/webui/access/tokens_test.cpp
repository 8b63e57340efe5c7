#include "tokens.h"

#include <atomic>
#include <map>
#include <sys/stat.h>

#include "CppUTest/TestHarness.h"

#include "access_fixture.h"
#include "secrets.h"

using namespace muster;
using namespace muster::webui;
using namespace muster::webui::test;
using namespace std::chrono_literals;

TEST_GROUP(TheTokens) {
    Folder folder;
    ManualClocks clock;
    std::map<std::string, Account, std::less<>> accounts{{"a", account("a", Role::admin)},
                                                         {"o", account("o", Role::operator_)}};
    std::unique_ptr<Tokens> tokens = open();

    static Account account(const std::string& id, Role role) {
        Account made;
        made.id = id;
        made.name = "user " + id;
        made.role = role;
        return made;
    }
    Result<std::unique_ptr<Tokens>> tryToOpen() {
        return Tokens::open(
            folder.file("tokens"),
            [this](std::string_view id) {
                const auto found = accounts.find(id);
                return found == accounts.end() ? std::nullopt : std::optional(found->second);
            },
            clock.clocks());
    }
    std::unique_ptr<Tokens> open() {
        return tryToOpen().value();
    }
    void reopen() {
        tokens.reset();
        tokens = open();
    }
    std::string make(const std::string& name, Role role = Role::viewer, const char* maker = "a") {
        return tokens->make({.name = name, .role = role, .scope = {}}, accounts.at(maker)).value().text;
    }
    bool works(const std::string& text) const {
        return tokens->use(text, "10.0.0.7").has_value();
    }
    std::string why(const std::string& text) const {
        return tokens->use(text, "10.0.0.7").error().text();
    }
};

TEST(TheTokens, areShownOnceAndKeptAsADigest) {
    const auto made = tokens->make({.name = "scraper", .role = Role::operator_, .scope = {}}, accounts.at("a")).value();
    LONGS_EQUAL(4 + 8 + 1 + 43, made.text.size());
    CHECK_TRUE(made.text.starts_with("mst_" + made.token.id + "_"));
    CHECK_TRUE(folder.read("tokens").find(made.text.substr(13)) == std::string::npos);
    CHECK_TRUE(folder.read("tokens").find(hex(sha256(made.text))) != std::string::npos);
    struct stat status {};
    LONGS_EQUAL(0, stat(folder.file("tokens").c_str(), &status));
    LONGS_EQUAL(0600, status.st_mode & 07777);
    reopen();
    const auto access = tokens->use(made.text, "10.0.0.7").value();
    STRCMP_EQUAL("scraper", access.name.c_str());
    CHECK(access.role == Role::operator_);
    CHECK_TRUE(made.token.expires - made.token.created == 24h * 90);
}

TEST(TheTokens, areNoOtherTexts) {
    const std::string text = make("scraper");
    std::string other = text;
    other.back() = other.back() == 'A' ? 'B' : 'A';
    for (const std::string& wrong : {std::string(), std::string("mst_"), other, text + "A", text.substr(0, 55),
                                     "MST" + text.substr(3), std::string(10'000, 'x')})
        CHECK(tokens->use(wrong, "10.0.0.7").error().code == Code::denied);
}

TEST(TheTokens, doNoMoreThanTheirMakerMayNow) {
    CHECK(tokens->make({.name = "x", .role = Role::admin, .scope = {}}, accounts.at("o")).error().code == Code::denied);
    const std::string text = make("scraper", Role::operator_);
    accounts.at("a").role = Role::viewer;
    CHECK(tokens->use(text, "")->role == Role::viewer);
    accounts.at("a").role = Role::admin;
    CHECK(tokens->use(text, "")->role == Role::operator_);
    accounts.at("a").disabled = true;
    STRCMP_CONTAINS("gone or disabled", why(text).c_str());
    accounts.clear();
    STRCMP_CONTAINS("gone or disabled", why(text).c_str());
    const auto console = tokens->make({.name = "console's", .role = Role::admin, .scope = {}}, std::nullopt).value();
    CHECK(tokens->use(console.text, "")->role == Role::admin);
}

TEST(TheTokens, expire) {
    for (const auto life : {0s, std::chrono::seconds(Tokens::kLongestLife) + 1s, -1s})
        CHECK(tokens->make({.name = "x", .scope = {}, .life = life}, std::nullopt).error().code == Code::malformed);
    const auto made = tokens->make({.name = "short", .scope = {}, .life = 60s}, std::nullopt).value();
    clock.pass(59'999ms);
    CHECK_TRUE(works(made.text));
    clock.pass(1ms);
    STRCMP_CONTAINS("expired", why(made.text).c_str());
    CHECK_TRUE(tokens->make({.name = "short", .scope = {}}, std::nullopt).has_value());  // the name is free again
}

TEST(TheTokens, haveNamesOfTheirOwn) {
    make("scraper");
    CHECK(tokens->make({.name = "scraper", .scope = {}}, std::nullopt).error().code == Code::duplicate);
    for (const std::string& bad : {std::string(), std::string("a\nb"), std::string("\xff"), std::string(65, 'x')})
        CHECK(tokens->make({.name = bad, .scope = {}}, std::nullopt).error().code == Code::malformed);
}

TEST(TheTokens, areRevokedForAReasonThatIsKept) {
    const std::string text = make("scraper");
    const std::string id = tokens->list()[0].id;
    CHECK_TRUE(tokens->revoke(id, "lost laptop").has_value());
    STRCMP_CONTAINS("lost laptop", why(text).c_str());
    CHECK(tokens->revoke(id, "again").error().code == Code::conflict);
    CHECK(tokens->revoke("nosuchid", "").error().code == Code::missing);
    reopen();
    CHECK_FALSE(works(text));
    STRCMP_EQUAL("lost laptop", tokens->byId(id)->revokedBecause.c_str());
}

TEST(TheTokens, areRevokedWhereTheyWereSeenInTheClear) {
    const std::string text = make("scraper");
    std::string other = text;
    other.back() = other.back() == 'A' ? 'B' : 'A';
    CHECK_FALSE(tokens->revokeSeen(other, "seen on plain HTTP").has_value());
    CHECK_TRUE(works(text));
    STRCMP_EQUAL(tokens->list()[0].id.c_str(), tokens->revokeSeen(text, "seen on plain HTTP")->c_str());
    CHECK_FALSE(works(text));
    CHECK_FALSE(tokens->revokeSeen(text, "seen on plain HTTP").has_value());
}

TEST(TheTokens, areRevokedAtOnceThoughTheDiskFailsAndWrittenLater) {
    const std::string text = make("scraper");
    folder.block("tokens");
    CHECK_TRUE(tokens->revokeSeen(text, "seen on plain HTTP").has_value());
    CHECK_FALSE(works(text));
    CHECK(tokens->flush().error().code == Code::storage);
    CHECK(tokens->make({.name = "x", .scope = {}}, std::nullopt).error().code == Code::storage);
    LONGS_EQUAL(1, tokens->list().size());
    folder.unblock("tokens");
    CHECK_TRUE(tokens->flush().has_value());
    reopen();
    CHECK_FALSE(works(text));
}

TEST(TheTokens, areNotWrittenForEachUse) {
    const std::string text = make("scraper");
    const std::string before = folder.read("tokens");
    clock.pass(1h);
    for (int i = 0; i < 10; ++i)
        CHECK_TRUE(works(text));
    STRCMP_EQUAL(before.c_str(), folder.read("tokens").c_str());
    CHECK_TRUE(tokens->list()[0].lastUsed == clock.wall());
    CHECK_TRUE(tokens->flush().has_value());
    CHECK_FALSE(before == folder.read("tokens"));
    clock.pass(1h);
    CHECK_TRUE(works(text));
    reopen();  // the end writes, too
    CHECK_TRUE(tokens->list()[0].lastUsed == clock.wall());
    STRCMP_EQUAL("10.0.0.7", tokens->list()[0].lastSource.c_str());
}

TEST(TheTokens, areBoundedAndThoseThatWorkNoMoreGoFirst) {
    make("token");
    std::vector<Token> many(kMaxTokens, tokens->list()[0]);
    tokens.reset();
    for (std::size_t i = 0; i < kMaxTokens; ++i) {
        many[i].id = "token" + std::to_string(100 + i);
        many[i].name = "token " + std::to_string(i);
    }
    folder.write("tokens", writeTokens(many));
    tokens = open();
    CHECK(tokens->make({.name = "more", .scope = {}}, std::nullopt).error().code == Code::busy);
    const std::string id = tokens->list()[7].id;
    CHECK_TRUE(tokens->revoke(id, "").has_value());
    CHECK_TRUE(tokens->make({.name = "more", .scope = {}}, std::nullopt).has_value());
    CHECK_FALSE(tokens->byId(id).has_value());
    reopen();
    LONGS_EQUAL(kMaxTokens, tokens->list().size());
}

TEST(TheTokens, mayBeForReadingOnly) {
    const Scope scope{.readOnly = true, .rules = {}};
    CHECK_TRUE(scope.allows("GET", "/clients"));
    CHECK_FALSE(scope.allows("POST", "/clients"));
}

TEST(TheTokens, mayBeForSomePathsOnly) {
    const Scope scope{.readOnly = false, .rules = {{"GET", "/clients"}, {"*", "/dns/records"}}};
    CHECK_TRUE(scope.allows("GET", "/clients"));
    CHECK_TRUE(scope.allows("GET", "/clients/{cmid}"));
    CHECK_TRUE(scope.allows("DELETE", "/dns/records/{name}"));
    CHECK_FALSE(scope.allows("DELETE", "/clients/{cmid}"));
    CHECK_FALSE(scope.allows("GET", "/clients-secret"));
    CHECK_FALSE(scope.allows("GET", "/dns"));
    CHECK_FALSE(scope.allows("GET", ""));
    const auto made = tokens->make({.name = "x", .scope = scope}, std::nullopt).value();
    reopen();
    CHECK_TRUE(tokens->use(made.text, "")->scope == scope);
    CHECK(tokens->make({.name = "y", .scope = {.readOnly = false, .rules = {{"GET", "clients"}}}}, std::nullopt)
              .error()
              .code == Code::malformed);
}

TEST(TheTokens, rulesAreAMethodAndAPath) {
    STRCMP_EQUAL("* /lab/keys", ruleText(parseRule("* /lab/keys").value()).c_str());
    for (const char* const bad : {"", "GET", "GET ", "GET /", "GET clients", "get /clients", "GET /clients/", "GET //a",
                                  "GET /a/../b", "GET /a%2f", "HEAD /clients", "GET  /clients", "GET /a b"})
        CHECK_FALSE_TEXT(parseRule(bad).has_value(), bad);
    CHECK_FALSE(parseRule("GET /" + std::string(200, 'a')).has_value());
}

TEST(TheTokens, ofADamagedFileAreNotReadAndTheFileIsLeftAsItIs) {
    make("scraper");
    tokens.reset();
    const std::string good = folder.read("tokens");
    const auto with = [&](const std::string& was, const std::string& is) {
        std::string text = good;
        return text.replace(text.find(was), was.size(), is);
    };
    for (const std::string& bad :
         {std::string(), good.substr(0, good.size() / 2), with("\"viewer\"", "\"root\""), with("sha256", "sha1"),
          with("\"rules\":[]", "\"rules\":[\"GET\"]"), with("\"read_only\":false", "\"read_only\":null"),
          with("scraper", ""), with("\"maker\"", "\"more\":1,\"maker\"")}) {
        folder.write("tokens", bad);
        const auto opened = tryToOpen();
        CHECK_FALSE_TEXT(opened.has_value(), bad.c_str());
        CHECK(opened.error().code == Code::malformed);
        STRCMP_EQUAL(bad.c_str(), folder.read("tokens").c_str());
    }
    folder.write("tokens", with("\"version\":1", "\"version\":9"));
    CHECK(tryToOpen().error().code == Code::incompatible);
    folder.write("tokens", good);
    LONGS_EQUAL(1, open()->list().size());
}

TEST(TheTokens, standManyThreadsAtOnce) {
    const std::string shared = make("shared");
    std::atomic<int> uses{0};
    std::atomic<int> wrong{0};  // the checks of CppUTest are for one thread
    const auto expect = [&](bool is) { wrong += is ? 0 : 1; };
    onThreads(4, [&](std::size_t i) {
        for (int k = 0; k < 20; ++k) {
            const auto made =
                tokens->make({.name = std::to_string(i) + "." + std::to_string(k), .scope = {}}, std::nullopt).value();
            uses += tokens->use(shared, "10.0.0.7").has_value() ? 1 : 0;
            expect(tokens->use(made.text, "10.0.0.8").has_value());
            expect(tokens->revoke(made.token.id, "done").has_value());
            expect(!tokens->use(made.text, "10.0.0.8").has_value());
            expect(tokens->flush().has_value());
        }
    });
    LONGS_EQUAL(0, wrong.load());
    LONGS_EQUAL(80, uses.load());
    reopen();
    LONGS_EQUAL(81, tokens->list().size());
    CHECK_TRUE(works(shared));
}
