/// What the tests of the store share: two sections, a list of objects, a file, a store.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>

#include "CppUTest/TestHarness.h"

#include "api/json_text.h"
#include "api/values.h"
#include "host/settings/settings.h"

namespace muster::settings::test {

inline constexpr Field kListener[] = {
    {.name = "max-connections", .type = FieldType::integer, .fallback = "4096", .minimum = 1, .maximum = 65536},
    {.name = "idle-timeout", .type = FieldType::duration, .fallback = "30s", .minimum = 1000, .maximum = 3'600'000},
    {.name = "reassembly-cap", .type = FieldType::size, .fallback = "64KiB", .minimum = 1024},
    {.name = "listen", .type = FieldType::addresses, .fallback = "[]", .restart = true},
    {.name = "allow", .type = FieldType::networks, .fallback = "[10.0.0.0/8, fe80::/10]"},
    {.name = "log-all", .type = FieldType::boolean, .fallback = "false"}};
inline constexpr Field kWeb[] = {{.name = "password", .secret = true}, {.name = "title", .fallback = "Muster"}};

inline constexpr Field kUpstream[] = {
    {.name = "name", .minimum = 1, .maximum = 63, .required = true},
    {.name = "address", .type = FieldType::address, .required = true},
    {.name = "priority", .type = FieldType::integer, .fallback = "0", .minimum = 0, .maximum = 99},
    {.name = "interval", .type = FieldType::duration, .fallback = "30s", .minimum = 1000},
    {.name = "families", .type = FieldType::texts, .fallback = "[]"},
    {.name = "state", .type = FieldType::choice, .fallback = "active", .choices = "active|draining"}};
inline constexpr Field kRelay[] = {
    {.name = "upstreams", .type = FieldType::objects, .fallback = "[]", .maximum = 4, .fields = kUpstream},
    {.name = "choice", .fallback = "primary"}};

inline std::string slurp(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    std::ostringstream out;
    out << in.rdbuf();
    return out.str();
}

/// A settings file in a directory of its own, and a store over it.
struct StoreTest : public Utest {
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
    void write(const std::string& text) const { std::ofstream(file, std::ios::binary | std::ios::trunc) << text; }
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

}  // namespace muster::settings::test
