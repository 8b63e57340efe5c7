#include "backup/staging.h"

#include <sys/stat.h>

#include "CppUTest/TestHarness.h"

#include "muster/private_file.h"

#include "support.h"

using namespace muster;
using namespace muster::backup;
using namespace muster::backup::test;

namespace {

struct PowerCut {};

/// Lets `steps` changes pass, and then nothing more.
std::function<void()> cutAfter(int steps) {
    return [left = steps]() mutable {
        if (left-- == 0)
            throw PowerCut();
    };
}

}  // namespace

TEST_GROUP(BackupStaging) {
    std::unique_ptr<Scratch> scratch;
    Directories directories;
    bool elsewhere = false;

    /// A box with pool, settings and accounts; what is to come has another pool, other settings and users.
    void fill() {
        scratch = std::make_unique<Scratch>();
        const std::filesystem::path state = *scratch / "state";
        directories = {state, elsewhere ? *scratch / "etc/muster.toml" : state / "muster.toml"};
        put(directories.settings, "old settings");
        put(state / "revisions/000001.toml", "old 1");
        put(state / "revisions/000002.toml", "old 2");
        put(state / "pool.db", "old pool");
        put(state / "pool.db-wal", "old log");
        put(state / "pool.db.damaged-1", "evidence");
        put(state / "intake-0.log", "old intake");
        put(state / "webui/users.json", "old users");
        put(state / "webui/sessions.json", "old sessions");
        put(state / "webui/certificate.pem", "old certificate");
        put(state / "lock", "lock");
    }
    Plan planOf() const {
        Plan plan;
        plan.backup = "muster-20270115-080000.backup";
        plan.by = "alice";
        plan.when = Timestamp(std::chrono::seconds(1'800'000'000));
        plan.parts = {"settings", "pool", "accounts"};
        plan.aside = "before-restore-20270115-080001";
        return plan;
    }
    void stage() const {
        auto staging = Staging::begin(directories);
        CHECK_TRUE(staging.has_value());
        for (const auto& [path, content] : {std::pair("muster.toml", "new settings"),
                                            {"revisions/000001.toml", "new 1"},
                                            {"pool.db", "new pool"},
                                            {"webui/users.json", "new users"},
                                            {"webui/tokens.json", "new tokens"}}) {
            const auto to = staging->place(path);
            CHECK_TRUE(to.has_value());
            put(*to, content);
        }
        CHECK_TRUE(staging->ready(planOf()).has_value());
    }
    void finish() const {
        auto done = putInPlace(directories);
        CHECK_TEXT(done.has_value(), done ? "" : done.error().text().c_str());
        if (*done)
            CHECK_TRUE(forget(directories, **done).has_value());
    }
    void isNew() const {
        using Tree = std::vector<std::pair<std::string, std::string>>;
        Tree wanted{{"before-restore-20270115-080001/intake-0.log", "old intake"},
                    {"before-restore-20270115-080001/muster.toml", "old settings"},
                    {"before-restore-20270115-080001/pool.db", "old pool"},
                    {"before-restore-20270115-080001/pool.db-wal", "old log"},
                    {"before-restore-20270115-080001/pool.db.damaged-1", "evidence"},
                    {"before-restore-20270115-080001/revisions/000001.toml", "old 1"},
                    {"before-restore-20270115-080001/revisions/000002.toml", "old 2"},
                    {"before-restore-20270115-080001/webui/sessions.json", "old sessions"},
                    {"before-restore-20270115-080001/webui/users.json", "old users"},
                    {"lock", "lock"},
                    {"pool.db", "new pool"},
                    {"revisions/000001.toml", "new 1"},
                    {"webui/certificate.pem", "old certificate"},
                    {"webui/tokens.json", "new tokens"},
                    {"webui/users.json", "new users"}};
        if (!elsewhere)
            wanted.emplace_back("muster.toml", "new settings");
        std::sort(wanted.begin(), wanted.end());
        Tree found = tree(directories.state);
        const auto mark = std::find_if(found.begin(), found.end(), [](const auto& file) {
            return file.first == "before-restore-20270115-080001/restored.json";
        });
        CHECK_TRUE(mark != found.end());
        const auto plan = readPlan(mark->second);
        CHECK_TRUE(plan.has_value());
        STRCMP_EQUAL("alice", plan->by.c_str());
        found.erase(mark);
        CHECK_TRUE(found == wanted);
        STRCMP_EQUAL("new settings", get(directories.settings).c_str());
        CHECK_FALSE(isThere(directories.state / "restore"));
    }
    /// Stopped after each number of steps, and started again: the outcome is always the same.
    void survivesEachCut() {
        int steps = 0;
        for (;; ++steps) {
            fill();
            stage();
            try {
                auto done = putInPlace(directories, cutAfter(steps));
                CHECK_TRUE(done.has_value() && done->has_value());
                break;
            } catch (const PowerCut&) {
            }
            finish();
            isNew();
        }
        CHECK_TRUE(steps > 15);  // so many places to be cut at were tried
        for (int later = 0;; ++later) {
            fill();
            stage();
            auto done = putInPlace(directories);
            CHECK_TRUE(done.has_value() && done->has_value());
            bool cut = false;
            try {
                CHECK_TRUE(forget(directories, **done, cutAfter(later)).has_value());
            } catch (const PowerCut&) {
                cut = true;
            }
            finish();
            isNew();
            if (!cut)
                break;
        }
    }
};

TEST(BackupStaging, putsInPlaceWhatLiesReadyAndKeepsWhatWasThere) {
    fill();
    stage();
    CHECK_TRUE(isStaged(directories.state));
    STRCMP_EQUAL("old pool", get(directories.state / "pool.db").c_str());  // nothing happens before the start
    auto done = putInPlace(directories);
    CHECK_TRUE(done.has_value() && done->has_value());
    STRCMP_EQUAL("muster-20270115-080000.backup", (*done)->backup.c_str());
    CHECK_TRUE(isStaged(directories.state));  // until it is in the audit log
    CHECK_TRUE(forget(directories, **done).has_value());
    isNew();
    done = putInPlace(directories);
    CHECK_TRUE(done.has_value() && !done->has_value());
    isNew();
}

TEST(BackupStaging, survivesAPowerCutBetweenAnyTwoSteps) {
    survivesEachCut();
}

TEST(BackupStaging, survivesItWhereTheSettingsStandElsewhere) {
    elsewhere = true;
    survivesEachCut();
}

TEST(BackupStaging, survivesTwoPowerCutsInOneRestore) {
    for (int first = 0; first < 14; first += 2)
        for (int second = 0; second < 14; second += 3) {
            fill();
            stage();
            for (const int steps : {first, second})
                try {
                    (void)putInPlace(directories, cutAfter(steps));
                } catch (const PowerCut&) {
                }
            finish();
            isNew();
        }
}

TEST(BackupStaging, whatWasNeverReadyGoesAndChangesNothing) {
    fill();
    const auto before = tree(directories.state);
    put(directories.state / "restore/files/pool.db", "half a pool");
    auto done = putInPlace(directories);
    CHECK_TRUE(done.has_value() && !done->has_value());
    CHECK_TRUE(tree(directories.state) == before);
    {
        auto staging = Staging::begin(directories);
        CHECK_TRUE(staging.has_value());
        put(*staging->place("pool.db"), "half a pool");
    }
    CHECK_TRUE(tree(directories.state) == before);
    CHECK_FALSE(isThere(directories.state / "restore"));
}

TEST(BackupStaging, aSecondOneWaitsForTheStart) {
    fill();
    stage();
    const auto second = Staging::begin(directories);
    CHECK_FALSE(second.has_value());
    CHECK_TRUE(second.error().code == Code::busy);
    CHECK_TRUE(isStaged(directories.state));
}

TEST(BackupStaging, whatARunBetweenTwoAttemptsMadeIsKeptAsWell) {
    fill();
    stage();
    try {
        // Far enough that the old pool is aside, and the new one is not there yet.
        for (int steps = 0; get(directories.state / "pool.db") == "old pool"; ++steps)
            try {
                (void)putInPlace(directories, cutAfter(steps));
            } catch (const PowerCut&) {
            }
    } catch (const PowerCut&) {
    }
    CHECK_FALSE(isThere(directories.state / "pool.db"));
    put(directories.state / "pool.db", "pool of a run in between");
    finish();
    STRCMP_EQUAL("new pool", get(directories.state / "pool.db").c_str());
    STRCMP_EQUAL("old pool", get(directories.state / "before-restore-20270115-080001/pool.db").c_str());
    STRCMP_EQUAL("pool of a run in between",
                 get(directories.state / "before-restore-20270115-080001/pool.db.2").c_str());
}

TEST(BackupStaging, aMarkThatIsNoneOfOursPutsNothingAnywhere) {
    for (
        const char* mark :
        {"", "{}", "[1]",
         R"({"backup":"x","by":"y","when":"2027-01-15T08:00:00.000Z","parts":["pool"],"files":["../x"],"aside":"before-restore-20270115-080001"})",
         R"({"backup":"x","by":"y","when":"2027-01-15T08:00:00.000Z","parts":["pool"],"files":[],"aside":"before-restore-/../.."})",
         R"({"backup":"x","by":"y","when":"2027-01-15T08:00:00.000Z","parts":["nothing"],"files":[],"aside":"before-restore-20270115-080001"})"}) {
        fill();
        put(directories.state / "restore/ready", mark);
        const auto before = tree(directories.state);
        const auto done = putInPlace(directories);
        CHECK_FALSE_TEXT(done.has_value(), mark);
        STRCMP_CONTAINS("remove STATE/restore", done.error().text().c_str());
        CHECK_TRUE(tree(directories.state) == before);
    }
}
