#include "backup/backups.h"

#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include "CppUTest/TestHarness.h"

#include "muster/private_file.h"

#include "api/values.h"
#include "backup/database.h"
#include "backup/events.h"
#include "pool/schema.h"
#include "pool/test/scratch.h"
#include "support.h"

using namespace muster;
using namespace muster::backup;
using namespace muster::backup::test;

namespace {

constexpr const char* kPassword = "correct horse battery";

std::int64_t clientsIn(const std::filesystem::path& path) {
    sqlite3* handle = nullptr;
    sqlite3_open_v2(path.c_str(), &handle, SQLITE_OPEN_READWRITE, nullptr);
    sqlite3_stmt* statement = nullptr;
    std::int64_t count = -1;
    if (sqlite3_prepare_v2(handle, "SELECT count(DISTINCT cmid) FROM client", -1, &statement, nullptr) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW)
        count = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    sqlite3_close(handle);
    return count;
}

void execute(const std::filesystem::path& path, const char* sql) {
    sqlite3* handle = nullptr;
    sqlite3_open_v2(path.c_str(), &handle, SQLITE_OPEN_READWRITE, nullptr);
    LONGS_EQUAL(SQLITE_OK, sqlite3_exec(handle, sql, nullptr, nullptr, nullptr));
    sqlite3_close(handle);
}

}  // namespace

TEST_GROUP(Backups) {
    Scratch scratch;
    Directories directories{scratch / "state", scratch / "state/muster.toml"};
    std::unique_ptr<pool::Archive> store;
    std::unique_ptr<Backups> backups;
    Policy policy{.daily = false};
    std::mutex mutex;
    std::condition_variable changed;
    std::vector<std::uint32_t> events;
    int begunAnew = 0;
    std::string wrongSettings;

    void setup() override {
        const auto& state = directories.state;
        put(directories.settings, "[core]\n");
        put(state / "mode", "relay\n");
        put(state / "revisions/000001.toml", "# by alice\n");
        put(state / "relay/learned", "what was learnt");
        put(state / "audit/audit-1.jsonl", "{}\n");
        put(state / "webui/users.json", "users");
        put(state / "webui/tokens.json", "tokens");
        put(state / "webui/sessions.json", "sessions");
        put(state / "webui/certificate.pem", "certificate and key");
        put(state / "dns/keys/update.example.org", "tsig");
        open();
    }
    void teardown() override {
        backups.reset();
        store.reset();
    }
    pool::StoreConfig config() const {
        pool::StoreConfig config;
        config.directory = directories.state.string();
        config.segmentOctets = 1 << 20;
        config.intakeLimit = 1 << 20;
        return config;
    }
    void open() {
        backups.reset();
        store.reset();
        auto opened = pool::Archive::open(config());
        CHECK_TEXT(opened.has_value(), opened ? "" : opened.error().text().c_str());
        store = std::move(*opened);
        makeBackups(Mode::relay);
    }
    void makeBackups(Mode mode) {
        Surroundings around;
        around.directories = directories;
        around.version = "1.2.3";
        around.mode = mode;
        around.store = [this] { return store.get(); };
        around.policy = [this] {
            const std::lock_guard lock(mutex);
            return policy;
        };
        around.judgeSettings = [this](std::string_view text) -> Result<void> {
            if (text == wrongSettings)
                return fail(Code::incompatible, "settings", "this Muster would not start with them");
            return {};
        };
        around.event = [this](const EventSpec& spec, const Json&) {
            const std::lock_guard lock(mutex);
            events.push_back(spec.id);
            changed.notify_all();
        };
        around.beginAnew = [this] { ++begunAnew; };
        backups = std::make_unique<Backups>(std::move(around));
    }
    void add(std::uint64_t from, std::uint64_t to) const {
        std::vector<pool::RequestRecord> records;
        for (std::uint64_t i = from; i <= to; ++i)
            records.push_back(pool::test::requestOf(i));
        CHECK_TRUE(pool::test::appendAndWait(*store, std::move(records)) == pool::Durability::durable);
    }
    Item created(const Wish& wish) const {
        auto item = backups->create(wish);
        CHECK_TEXT(item.has_value(), item ? "" : item.error().text().c_str());
        return *item;
    }
    std::filesystem::path fileOfItem(const Item& item) const {
        return directories.state / "backups" / item.name;
    }
    /// What the daemon does between two lives.
    void beginAnew() {
        backups.reset();
        store.reset();
        auto put = putInPlace(directories);
        CHECK_TEXT(put.has_value(), put ? "" : put.error().text().c_str());
        CHECK_TRUE(put->has_value());
        CHECK_TRUE(forget(directories, **put).has_value());
        open();
    }
    void waitFor(std::uint32_t event, std::size_t times) {
        std::unique_lock lock(mutex);
        const bool came = changed.wait_for(lock, std::chrono::seconds(60), [&] {
            return static_cast<std::size_t>(std::count(events.begin(), events.end(), event)) >= times;
        });
        CHECK_TRUE(came);
    }
    std::vector<std::string> stagedFiles() const {
        std::vector<std::string> names;
        if (isThere(directories.state / "restore"))
            for (const auto& [name, content] : tree(directories.state / "restore"))
                names.push_back(name);
        return names;
    }
};

TEST(Backups, holdWhatIsThereButNoSecretsWithoutAPassword) {
    add(1, 3);
    const Item item = created({.by = "alice"});
    CHECK_TRUE(item.verified && !item.encrypted && item.checked);
    STRCMP_EQUAL("", item.problem.c_str());
    std::string parts;
    for (const std::string& part : item.about.parts)
        parts += part + " ";
    STRCMP_EQUAL("settings pool relay audit ", parts.c_str());
    std::string leftOut;
    for (const LeftOut& part : item.about.leftOut)
        leftOut += part.part + ": " + part.why + "\n";
    STRCMP_EQUAL(
        "lab: there is nothing of it\ndns: there is nothing of it\n"
        "accounts: it holds secrets, and no password was given\nkeys: it holds secrets, and no password was given\n",
        leftOut.c_str());
    struct stat status {};
    LONGS_EQUAL(0, ::stat(fileOfItem(item).c_str(), &status));
    LONGS_EQUAL(0600, status.st_mode & 0777);
    LONGS_EQUAL(1, std::count(events.begin(), events.end(), kBackupMade.id));
    // Only the backup, what is known of it, and nothing that it was made of.
    for (const auto& [name, content] : tree(directories.state / "backups"))
        CHECK_TRUE_TEXT(name == item.name || name == "checked.json", name.c_str());
}

TEST(Backups, underAPasswordHoldAllButSessions) {
    const Item item = created({.password = kPassword, .by = "alice"});
    CHECK_TRUE(item.encrypted && item.verified);
    auto file = DiskFile::open(fileOfItem(item));
    auto reader = ArchiveReader::open(std::make_unique<FileSource>(std::move(*file)), kPassword);
    CHECK_TRUE(reader.has_value());
    std::string paths;
    for (const FileEntry& entry : (*reader)->manifest().files)
        paths += entry.path + " ";
    STRCMP_EQUAL(
        "mode muster.toml revisions/000001.toml pool.db relay/learned audit/audit-1.jsonl webui/tokens.json "
        "webui/users.json dns/keys/update.example.org webui/certificate.pem ",
        paths.c_str());
    const std::string text = get(fileOfItem(item));
    for (const char* secret : {"certificate and key", "tsig", "users.json"})
        CHECK_TRUE(text.find(secret) == std::string::npos);
}

TEST(Backups, refusePartsThatTheyCannotHold) {
    auto made = backups->create({.parts = {"pool", "nothing"}, .by = "alice"});
    CHECK_TRUE(!made && made.error().code == Code::malformed);
    STRCMP_CONTAINS("settings, pool, lab", made.error().text().c_str());
    made = backups->create({.parts = {"keys"}, .by = "alice"});
    CHECK_TRUE(!made && made.error().code == Code::denied);
    made = backups->create({.parts = {"lab"}, .by = "alice"});
    CHECK_TRUE(!made && made.error().code == Code::missing);
    made = backups->create({.password = "short", .by = "alice"});
    CHECK_TRUE(!made && made.error().code == Code::malformed);
    CHECK_TRUE(backups->list()->empty());
}

TEST(Backups, restoreThePoolAsItWasAndKeepWhatCameSince) {
    add(1, 3);
    const Item item = created({.by = "alice"});
    add(4, 9);
    auto plan = backups->restore(item.name, {.by = "bob"});
    CHECK_TEXT(plan.has_value(), plan ? "" : plan.error().text().c_str());
    LONGS_EQUAL(1, begunAnew);
    LONGS_EQUAL(1, std::count(events.begin(), events.end(), kRestoreReady.id));
    // The audit log says what happened here: only by its name.
    CHECK_TRUE(std::find(plan->parts.begin(), plan->parts.end(), "audit") == plan->parts.end());
    put(directories.state / "audit/audit-1.jsonl", "{}\n{}\n");
    beginAnew();
    CHECK_TRUE(store->settle(std::chrono::seconds(60)));
    LONGS_EQUAL(3, store->totals().clients);
    LONGS_EQUAL(9, clientsIn(directories.state / plan->aside / "pool.db"));
    STRCMP_EQUAL("{}\n{}\n", get(directories.state / "audit/audit-1.jsonl").c_str());
    // And back again.
    const std::string aside = plan->aside;
    const auto items = backups->list();
    CHECK_TRUE(items.has_value());
    LONGS_EQUAL(2, items->size());
    const auto found = backups->find(aside);
    CHECK_TRUE(found.has_value());
    STRCMP_EQUAL("before-restore", name(found->origin));
    STRCMP_EQUAL("", found->problem.c_str());
    plan = backups->restore(aside, {.parts = {"pool"}, .by = "bob"});
    CHECK_TEXT(plan.has_value(), plan ? "" : plan.error().text().c_str());
    beginAnew();
    CHECK_TRUE(store->settle(std::chrono::seconds(60)));
    LONGS_EQUAL(9, store->totals().clients);
}

TEST(Backups, restoreAccountsAndEndAllSessions) {
    const Item item = created({.password = kPassword, .by = "alice"});
    put(directories.state / "webui/users.json", "other users");
    auto plan = backups->restore(item.name, {.parts = {"accounts"}, .by = "bob"});
    CHECK_TRUE(!plan && plan.error().code == Code::denied);
    CHECK_TRUE(stagedFiles().empty());
    plan = backups->restore(item.name, {.parts = {"accounts"}, .password = kPassword, .by = "bob"});
    CHECK_TEXT(plan.has_value(), plan ? "" : plan.error().text().c_str());
    beginAnew();
    STRCMP_EQUAL("users", get(directories.state / "webui/users.json").c_str());
    CHECK_FALSE(isThere(directories.state / "webui/sessions.json"));
    STRCMP_EQUAL("certificate and key", get(directories.state / "webui/certificate.pem").c_str());
}

TEST(Backups, restoreNothingOfWhatIsDamaged) {
    add(1, 3);
    const Item item = created({.by = "alice"});
    std::string text = get(fileOfItem(item));
    text[text.size() / 2] = static_cast<char>(text[text.size() / 2] ^ 1);
    put(fileOfItem(item), text);
    CHECK_FALSE(backups->find(item.name)->verified);  // it has changed since it was read
    const auto plan = backups->restore(item.name, {.by = "bob"});
    CHECK_FALSE(plan.has_value());
    CHECK_TRUE(plan.error().code == Code::malformed);
    STRCMP_CONTAINS(item.name.c_str(), plan.error().text().c_str());
    LONGS_EQUAL(0, begunAnew);
    CHECK_TRUE(stagedFiles().empty());
    const auto checked = backups->check(item.name, "");
    CHECK_FALSE(checked.has_value());
    const auto shown = backups->find(item.name);
    CHECK_FALSE(shown->verified);
    STRCMP_CONTAINS("damaged", shown->problem.c_str());
    CHECK_FALSE(backups->newest().has_value());
}

TEST(Backups, restoreNoPartThatIsNotInIt) {
    const Item item = created({.parts = {"settings"}, .by = "alice"});
    auto plan = backups->restore(item.name, {.parts = {"pool"}, .by = "bob"});
    CHECK_TRUE(!plan && plan.error().code == Code::missing);
    plan = backups->restore(item.name, {.parts = {"nothing"}, .by = "bob"});
    CHECK_TRUE(!plan && plan.error().code == Code::malformed);
    for (const char* name : {"", "..", "../x", "muster-20270115-080000.backup/../x", "checked.json", "before-restore-",
                             "muster-20270115-08000x.backup"}) {
        plan = backups->restore(name, {.by = "bob"});
        CHECK_TRUE_TEXT(!plan && plan.error().code == Code::malformed, name);
    }
    plan = backups->restore("muster-20270115-080000.backup", {.by = "bob"});
    CHECK_TRUE(!plan && plan.error().code == Code::missing);
    LONGS_EQUAL(0, begunAnew);
}

TEST(Backups, restoreNoSettingsThatTheDaemonWouldNotStartWith) {
    const Item item = created({.by = "alice"});
    wrongSettings = "[core]\n";
    auto plan = backups->restore(item.name, {.by = "bob"});
    CHECK_FALSE(plan.has_value());
    STRCMP_CONTAINS("without settings", plan.error().text().c_str());
    CHECK_TRUE(stagedFiles().empty());
    plan = backups->restore(item.name, {.parts = {"pool", "relay"}, .by = "bob"});
    CHECK_TRUE(plan.has_value());
}

TEST(Backups, ofTheOtherModeHoldWhatNobodyHasOpen) {
    add(1, 4);
    store.reset();  // as after a change of mode
    makeBackups(Mode::lab);
    Item item = created({.by = "alice"});
    CHECK_TRUE(std::find(item.about.parts.begin(), item.about.parts.end(), "pool") != item.about.parts.end());
    execute(directories.state / "pool.db", "DELETE FROM client");
    auto plan = backups->restore(item.name, {.parts = {"pool"}, .by = "bob"});
    CHECK_TEXT(plan.has_value(), plan ? "" : plan.error().text().c_str());
    beginAnew();
    LONGS_EQUAL(4, store->totals().clients);
    // What is damaged there keeps nothing else from being saved, unless it is asked for.
    backups.reset();
    store.reset();
    put(directories.state / "pool.db", "no database at all, but as long as a page of one would be");
    makeBackups(Mode::lab);
    item = created({.by = "alice"});
    CHECK_TRUE(std::find(item.about.parts.begin(), item.about.parts.end(), "pool") == item.about.parts.end());
    CHECK_FALSE(backups->create({.parts = {"pool"}, .by = "alice"}).has_value());
}

TEST(Backups, goWithoutAStoreThatIsNotThere) {
    store.reset();
    CHECK_TRUE(backups->isNeeded());
    const Item item = created({.by = "alice"});
    bool said = false;
    for (const LeftOut& part : item.about.leftOut)
        said = said || (part.part == "pool" && part.why.find("goes on without") != std::string::npos);
    CHECK_TRUE(said);
    open();
    CHECK_FALSE(backups->isNeeded());
}

TEST(Backups, offerTheNewestThatIsGoodWhereADatabaseWasSetAside) {
    const Item older = created({.by = "alice"});
    const Item newer = created({.by = "alice"});
    CHECK_TRUE(backups->troubles().empty());
    put(directories.state / "pool.db.damaged-20270115-080000", "evidence");
    CHECK_TRUE(backups->isNeeded());
    auto lines = backups->troubles();
    LONGS_EQUAL(1, lines.size());
    STRCMP_CONTAINS(("musterctl backup restore " + newer.name).c_str(), lines[0].c_str());
    put(fileOfItem(newer), "damaged");
    CHECK_FALSE(backups->check(newer.name, "").has_value());
    STRCMP_CONTAINS(("musterctl backup restore " + older.name).c_str(), backups->troubles()[0].c_str());
    const auto plan = backups->restore(older.name, {.parts = {"pool"}, .by = "bob"});
    CHECK_TRUE(plan.has_value());
    beginAnew();
    CHECK_FALSE(backups->isNeeded());
    STRCMP_EQUAL("evidence", get(directories.state / plan->aside / "pool.db.damaged-20270115-080000").c_str());
}

TEST(Backups, ofAnOlderSchemaAreMigratedAndOfANewerOneRefused) {
    add(1, 2);
    backups.reset();
    store.reset();
    std::filesystem::remove(directories.state / "pool.db");
    {
        auto connection =
            pool::Connection::open((directories.state / "pool.db").string(), pool::Connection::Use::write);
        CHECK_TRUE(connection.has_value());
        CHECK_TRUE(pool::migrate(**connection, pool::kSchemaVersion - 1).has_value());
    }
    for (const auto& file : present(directories, *partOf("pool")))
        if (file.kind == FileKind::attached)
            std::filesystem::remove(directories.state / file.path);
    makeBackups(Mode::lab);
    const Item item = created({.parts = {"pool"}, .by = "alice"});
    LONGS_EQUAL(pool::kSchemaVersion - 1, *checkDatabase(directories.state / "pool.db", kGoOn));
    const auto plan = backups->restore(item.name, {.by = "bob"});
    CHECK_TEXT(plan.has_value(), plan ? "" : plan.error().text().c_str());
    beginAnew();
    backups.reset();
    store.reset();
    LONGS_EQUAL(pool::kSchemaVersion, *checkDatabase(directories.state / "pool.db", kGoOn));
    execute(directories.state / "pool.db", "PRAGMA user_version = 99");
    makeBackups(Mode::lab);
    const auto made = backups->create({.parts = {"pool"}, .by = "alice"});
    CHECK_FALSE(made.has_value());
    STRCMP_CONTAINS("has schema 99", made.error().text().c_str());
}

TEST(Backups, acceptNoDatabaseThatBringsCodeOrIsDamaged) {
    add(1, 200);
    backups.reset();
    store.reset();
    const std::filesystem::path path = directories.state / "pool.db";
    execute(path,
            "PRAGMA wal_checkpoint(TRUNCATE); CREATE TRIGGER t AFTER INSERT ON client BEGIN DELETE FROM client; END");
    execute(path, "PRAGMA wal_checkpoint(TRUNCATE)");
    auto checked = checkDatabase(path, kGoOn);
    CHECK_FALSE(checked.has_value());
    STRCMP_CONTAINS("triggers", checked.error().text().c_str());
    execute(path, "DROP TRIGGER t; PRAGMA wal_checkpoint(TRUNCATE)");
    CHECK_TRUE(checkDatabase(path, kGoOn).has_value());
    std::string text = get(path);
    for (std::size_t i = 4096; i < text.size(); i += 64)
        text[i] = static_cast<char>(text[i] ^ 0x55);
    put(path, text);
    checked = checkDatabase(path, kGoOn);
    CHECK_FALSE(checked.has_value());
    CHECK_TRUE(checked.error().code == Code::malformed);
    put(path, "SQLite format 3");
    CHECK_FALSE(checkDatabase(path, kGoOn).has_value());
}

TEST(Backups, comeDailyWhenTheyAreDueAndSoManyAreKept) {
    policy = {.daily = true, .kept = 3};
    for (std::size_t day = 1; day <= 5; ++day) {
        put(directories.state / "backups/next-daily", "2020-01-01T00:00:00.000Z");
        makeBackups(Mode::relay);
        backups->start();
        waitFor(kBackupMade.id, day);
        backups->stop();  // after what comes behind the event
    }
    const auto items = backups->list();
    LONGS_EQUAL(3, items->size());
    for (const Item& item : *items) {
        CHECK_TRUE(item.origin == Origin::daily && item.verified);
        STRCMP_EQUAL("daily", item.about.by.c_str());
    }
    const auto due = api::parseTimestamp(get(directories.state / "backups/next-daily"));
    CHECK_TRUE(due && *due > wallNow() + std::chrono::hours(23) && *due < wallNow() + std::chrono::hours(25));
}

TEST(Backups, aDailyOneThatFailsIsToldAndTriedAgain) {
    policy = {.daily = true};
    put(directories.state / "backups/next-daily", "2020-01-01T00:00:00.000Z");
    std::filesystem::remove(directories.state / "mode");
    std::filesystem::create_directories(directories.state / "mode");  // no regular file
    makeBackups(Mode::relay);
    backups->start();
    waitFor(kBackupFailed.id, 1);
    backups->stop();
    const auto lines = backups->troubles();
    LONGS_EQUAL(1, lines.size());
    STRCMP_CONTAINS("the daily backup cannot be made", lines[0].c_str());
    STRCMP_EQUAL("2020-01-01T00:00:00.000Z", get(directories.state / "backups/next-daily").c_str());
    CHECK_TRUE(backups->list()->empty());
}

TEST(Backups, aDueTimeOfAClockThatWasWrongDoesNotPutItOff) {
    put(directories.state / "backups/next-daily", "2099-01-01T00:00:00.000Z");
    makeBackups(Mode::relay);
    backups->start();
    backups->stop();
    const auto due = api::parseTimestamp(get(directories.state / "backups/next-daily"));
    CHECK_TRUE(due && *due < wallNow() + std::chrono::hours(2));
}

TEST(Backups, whatAPowerCutLeftOfOneThatWasBeingMadeIsRemoved) {
    put(directories.state / "backups/.making", "half");
    put(directories.state / "backups/.pool.copy", "half");
    const Item item = created({.by = "alice"});
    LONGS_EQUAL(1, backups->list()->size());
    CHECK_FALSE(isThere(directories.state / "backups/.pool.copy"));
    CHECK_TRUE(backups->remove(item.name).has_value());
    CHECK_TRUE(backups->list()->empty());
}

TEST(Backups, areFetchedAndBroughtBackWhole) {
    const Item item = created({.by = "alice"});
    auto file = backups->open(item.name);
    CHECK_TRUE(file.has_value());
    const std::string text = get(fileOfItem(item));
    const auto bring = [&](const std::string& octets, std::int64_t announced) {
        StringSource source(octets);
        return backups->upload(
            [&](Buffer buffer) { return source.read(buffer.first(std::min<std::size_t>(buffer.size(), 100))); },
            announced);
    };
    auto brought = bring(text, static_cast<std::int64_t>(text.size()));
    CHECK_TEXT(brought.has_value(), brought ? "" : brought.error().text().c_str());
    CHECK_TRUE(brought->verified && brought->origin == Origin::uploaded);
    CHECK_TRUE(get(fileOfItem(*brought)) == text);
    brought = bring(text.substr(0, text.size() / 2), -1);
    CHECK_TRUE(!brought && brought.error().code == Code::malformed);
    brought = bring("no backup", -1);
    CHECK_TRUE(!brought && brought.error().code == Code::malformed);
    policy.uploadLimit = static_cast<std::int64_t>(text.size()) - 1;
    brought = bring(text, -1);
    CHECK_TRUE(!brought && brought.error().code == Code::denied);
    brought = bring("", static_cast<std::int64_t>(text.size()));
    CHECK_TRUE(!brought && brought.error().code == Code::denied);
    LONGS_EQUAL(2, backups->list()->size());
    for (const auto& [name, content] : tree(directories.state / "backups"))
        CHECK_TRUE_TEXT(name.front() != '.', name.c_str());
}

TEST(Backups, broughtUnderAPasswordAreProvedOnceItIsKnown) {
    const std::string text = get(fileOfItem(created({.password = kPassword, .by = "alice"})));
    const auto bring = [&] {
        StringSource source(text);
        return backups->upload([&](Buffer buffer) { return source.read(buffer); }, -1);
    };
    auto brought = bring();
    CHECK_TRUE(brought && brought->encrypted && !brought->verified && !brought->checked);
    auto checked = backups->check(brought->name, "");
    CHECK_TRUE(!checked && checked.error().code == Code::denied);
    checked = backups->check(brought->name, kPassword);
    CHECK_TRUE(checked && checked->verified);
    policy.password = kPassword;  // the setting's
    brought = bring();
    CHECK_TRUE(brought && brought->verified);
}
