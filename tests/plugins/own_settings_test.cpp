/// A plugin that changes its own settings, over the real settings store: from inside of an operation, against a change
/// from outside at the same time.
#include <atomic>
#include <sstream>
#include <thread>

#include "api/json_text.h"
#include "cage.h"
#include "host/settings/settings.h"

using namespace muster;

TEST_GROUP_BASE(OwnSettings, zoo::Cage) {
    std::unique_ptr<settings::SettingsStore> store;
    std::mutex mutex;
    std::vector<std::function<void()>> untold;

    void setup() override {
        settings::Options given;
        given.file = state.path() / "muster.toml";
        given.fileMayBeMissing = true;
        given.stateDirectory = state.path();
        store = std::move(settings::SettingsStore::open(std::move(given)).value());
        services.change = [this](std::string_view section, const auto& edits, std::string_view author,
                                 std::string_view comment) {
            std::vector<settings::SettingsStore::Edit> full;
            full.reserve(edits.size());
            for (const auto& [key, value] : edits)
                full.push_back({std::string(section) + "." + key, value});
            return store->changeFromWithin(full, author, comment, [this](std::function<void()> job) {
                const std::lock_guard lock(mutex);
                untold.push_back(std::move(job));
            });
        };
        options.stopLimit = std::chrono::minutes(5);
        admit("sets-itself");
        open();
        CHECK(store->announce("sets-itself", "sets-itself", services.sections.at("sets-itself")).has_value());
        services.read = [this](std::string_view section, std::string_view key) { return store->value(section, key); };
        store->subscribe("sets-itself", [this](const settings::Change& change) {
            host->settingsChanged(change.section, change.restart);
        });
        CHECK_STATE("started", "sets-itself");
    }
    void teardown() override {
        host.reset();
        services.change = nullptr;
        store.reset();
    }
    /// What the daemon's worker does.
    std::size_t tell() {
        std::vector<std::function<void()>> jobs;
        {
            const std::lock_guard lock(mutex);
            jobs.swap(untold);
        }
        for (const auto& job : jobs)
            job();
        return jobs.size();
    }
    std::string call(const std::string& path) {
        const auto reply = services.call("POST", path);
        return reply ? api::dumpJson(reply->body) : reply.error().text();
    }
    std::string file() const {
        std::ifstream in(state.path() / "muster.toml");
        std::ostringstream out;
        out << in.rdbuf();
        return out.str();
    }
};

TEST(OwnSettings, aHandlerChangesThemAndThePluginIsToldAfterwards) {
    CHECK_EQUAL(std::string(R"({"revision":1,"word":"moo"})"), call("/sets-itself/word/moo"));
    CHECK_EQUAL(std::string("[sets-itself]\nword = \"moo\"\n"), file());
    CHECK_FALSE(services.hasLogged("told"));
    LONGS_EQUAL(1, tell());
    CHECK_TRUE(services.hasLogged("sets-itself: told moo"));
    CHECK_EQUAL(std::string("test"), store->revisions().back().author);
    CHECK_EQUAL(std::string("set word"), store->revisions().back().comment);
    CHECK_EQUAL(std::string(R"({"revision":1,"word":"moo"})"), call("/sets-itself/word/moo"));
    LONGS_EQUAL(0, tell());
    CHECK_EQUAL(std::string(R"({"revision":2,"word":"none"})"), call("/sets-itself/nothing/word"));
}

TEST(OwnSettings, aListOfObjectsGoesInAsItCameOut) {
    call("/sets-itself/post/north");
    call("/sets-itself/post/so\"uth");
    CHECK_EQUAL(
        std::string("[sets-itself]\nposts = [{name = \"north\", weight = 2}, {name = \"so\\\"uth\", weight = 2}]\n"),
        file());
}

TEST(OwnSettings, aChangeThatWantsARestartRestartsThePluginThatMadeIt) {
    CHECK_EQUAL(std::string(R"({"revision":1,"word":"none"})"), call("/sets-itself/anchor/xxxx"));
    CHECK_FALSE(services.hasLogged("sets-itself: anchor 4000"));
    LONGS_EQUAL(1, tell());
    CHECK_STATE("started", "sets-itself");
    CHECK_TRUE(services.hasLogged("sets-itself: anchor 4000"));
}

TEST(OwnSettings, whatIsWrongIsSaidAsOfAnyChange) {
    STRCMP_CONTAINS("sets-itself.word: \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\" found, text of at most 20 octets",
                    call("/sets-itself/word/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa").c_str());
    STRCMP_CONTAINS("sets-itself.hay: an unknown key", call("/sets-itself/nothing/hay").c_str());
    STRCMP_CONTAINS("sets-itself.posts[0].name: \"this name is much too long\" found",
                    call("/sets-itself/post/this name is much too long").c_str());
    LONGS_EQUAL(0, tell());
    CHECK_EQUAL(std::string(""), file());
}

TEST(OwnSettings, aChangeFromOutsideThatWaitsForThePluginDoesNotWedgeIt) {
    std::atomic<bool> answered{false};
    std::thread inside([&] {
        call("/sets-itself/later");
        answered = true;
    });
    while (!services.hasLogged("sets-itself: inside"))
        std::this_thread::yield();
    // It restarts the plugin, so it waits for the call inside; the call inside waits for it.
    std::atomic<bool> changing{false};
    store->subscribe("sets-itself", [&](const settings::Change& change) {
        changing = true;
        host->settingsChanged(change.section, change.restart);
    });
    std::thread outside([&] { CHECK(store->change({{"sets-itself.anchor", "9s"}}, "uid 0", "", 0).has_value()); });
    while (!changing)
        std::this_thread::yield();
    CHECK_FALSE(answered);
    services.fix("sets-itself.word", "go");
    inside.join();
    outside.join();
    CHECK_TRUE(services.hasLogged("another change is being made"));
    CHECK_STATE("started", "sets-itself");
    CHECK_TRUE(services.hasLogged("sets-itself: anchor 9000"));
}
