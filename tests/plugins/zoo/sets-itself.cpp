/// Characteristics: its operations change its own settings, a word that it reads again and an anchor that restarts it.
#include <thread>

#include "animal.h"

namespace {

constexpr muster::Field kPost[] = {{.name = "name", .minimum = 1, .maximum = 20, .required = true},
                                   {.name = "weight", .type = muster::FieldType::integer, .fallback = "1"}};
constexpr muster::Field kSettings[] = {
    {.name = "word", .help = "What it says.", .fallback = "none", .maximum = 20},
    {.name = "anchor", .type = muster::FieldType::duration, .fallback = "1s", .restart = true},
    {.name = "posts", .type = muster::FieldType::objects, .fallback = "[]", .fields = kPost}};
constexpr muster::Field kValue[] = {{.name = "value"}};

class SetsItself final : public zoo::Animal {
public:
    using Animal::Animal;
    void start() override {
        const auto operation = [&](const char* path, auto valueOf) {
            host_.operation({.method = "POST", .path = path, .summary = "Changes itself.", .path_ = kValue},
                            [this, valueOf](const muster::Call& call) -> muster::Result<muster::Reply> {
                                return change(call, valueOf(std::string(call.text("value"))));
                            });
        };
        operation("/sets-itself/word/{value}", [](const std::string& value) {
            return muster::SettingEdit{"word", value};
        });
        operation("/sets-itself/anchor/{value}", [](const std::string& value) {
            return muster::SettingEdit{"anchor", std::int64_t{1000} * static_cast<std::int64_t>(value.size())};
        });
        operation("/sets-itself/post/{value}", [this](const std::string& value) {
            auto posts = host_.setting("posts", std::vector<muster::Json>());
            posts.push_back(muster::json({{"name", value}, {"weight", 2}}));
            return muster::SettingEdit{"posts", std::move(posts)};
        });
        operation("/sets-itself/nothing/{value}", [](const std::string& value) {
            return muster::SettingEdit{value, std::nullopt};
        });
        // Is inside until somebody wants it to go on, then changes itself.
        host_.operation({.method = "POST", .path = "/sets-itself/later", .summary = "Waits, then changes itself."},
                        [this](const muster::Call& call) -> muster::Result<muster::Reply> {
                            host_.log(muster::Severity::info, "inside");
                            while (host_.settingFixed("word") != "go")
                                std::this_thread::yield();
                            return change(call, {"word", "later"});
                        });
        host_.log(muster::Severity::info, "anchor " + std::to_string(host_.setting("anchor", std::int64_t{0})));
    }
    void settingsChanged() override { host_.log(muster::Severity::info, "told " + host_.setting("word", "nothing")); }

private:
    muster::Result<muster::Reply> change(const muster::Call& call, const muster::SettingEdit& edit) {
        const auto revision = host_.changeSettings({edit}, call.caller.name, "set " + edit.key);
        host_.log(muster::Severity::info, revision ? "changed" : revision.error().text());
        if (!revision)
            return muster::fail(revision.error());
        return muster::Reply(muster::json({{"revision", *revision}, {"word", host_.setting("word", "nothing")}}));
    }
};

}  // namespace

MUSTER_PLUGIN_NAMED(sets_itself, "sets-itself", SetsItself, "1.0.0", .settings = kSettings);
