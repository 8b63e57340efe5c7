/// Where the animals of the zoo meet the plugin host: a plugin directory and a state directory of the test's own, and
/// services that record what the host does with them.
#pragma once

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "CppUTest/TestHarness.h"

#include "muster/test/fake_host.h"

#include "host/plugins/image.h"
#include "host/plugins/plugin_host.h"

namespace zoo {

namespace fs = std::filesystem;

/// Gone with all that is in it when the test ends.
class TemporaryDirectory {
public:
    TemporaryDirectory() {
        std::string pattern = (fs::temp_directory_path() / "muster-zoo-XXXXXX").string();
        if (!mkdtemp(pattern.data()))
            throw std::runtime_error("no temporary directory");
        path_ = pattern;
    }
    ~TemporaryDirectory() {
        std::error_code ignored;
        fs::remove_all(path_, ignored);
    }
    TemporaryDirectory(const TemporaryDirectory&) = delete;
    TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
    const fs::path& path() const noexcept { return path_; }

private:
    fs::path path_;
};

class FakeServices final : public muster::plugins::Services {
public:
    explicit FakeServices(std::string state) : state_(std::move(state)) {}

    // --- settings by "section.key"; sections that describeSettings() refuses
    void set(const std::string& key, muster::SettingValue value) {
        const std::lock_guard lock(mutex_);
        settings_[key] = std::move(value);
    }
    std::map<std::string, std::string> badSections;

    /// What answers changeSettings(); nothing: it is refused.
    std::function<muster::Result<std::uint32_t>(
        std::string_view section, const std::vector<std::pair<std::string, std::optional<std::string>>>& edits,
        std::string_view author, std::string_view comment)>
        change;
    /// Where settings come from that are not set here.
    std::function<std::optional<muster::SettingValue>(std::string_view section, std::string_view key)> read;
    /// What settingFixed() says of "section.key".
    void fix(const std::string& key, const std::string& reason) {
        const std::lock_guard lock(mutex_);
        fixed_[key] = reason;
    }

    // --- what the host did
    std::map<std::string, muster::Fields> sections;
    std::map<muster::Mode, muster::Authority*> authorities;
    std::vector<std::string> logged() const {
        const std::lock_guard lock(mutex_);
        return lines_;
    }
    bool hasLogged(const std::string& part) const {
        for (const std::string& line : logged())
            if (line.find(part) != std::string::npos)
                return true;
        return false;
    }
    std::vector<std::pair<std::string, std::uint32_t>> journalled() const {
        const std::lock_guard lock(mutex_);
        return events_;
    }

    /// Calls an operation as a front end does.
    muster::Result<muster::Reply> call(const std::string& method, const std::string& path) {
        const auto match = table_.find(method, path);
        if (!match.registered)
            return muster::fail(muster::Code::missing, path, "no such operation");
        muster::Call call;
        call.caller = {"test", muster::Role::admin, "control"};
        call.path = muster::Json(muster::Json::Object{});
        for (std::size_t i = 0; i < match.values.size(); ++i)
            call.path.set(match.registered->operation().path_[i].name, match.values[i]);
        return match.registered->handler()(call);
    }

    std::vector<std::string> troubled(const std::string& plugin) const {
        const std::lock_guard lock(mutex_);
        const auto found = troubles_.find(plugin);
        return found == troubles_.end() ? std::vector<std::string>() : found->second;
    }

    // --- Services
    muster::Mode mode() const noexcept override { return muster::Mode::lab; }
    std::string stateDirectory() const override { return state_; }
    muster::Result<void> describeSettings(std::string_view section, muster::Fields fields) override {
        if (const auto bad = badSections.find(std::string(section)); bad != badSections.end())
            return muster::fail(muster::Code::malformed, "muster.toml", bad->second);
        sections[std::string(section)] = fields;
        return {};
    }
    void forgetSettings(std::string_view section) noexcept override { sections.erase(std::string(section)); }
    std::optional<muster::SettingValue> setting(std::string_view section, std::string_view key) const override {
        const std::lock_guard lock(mutex_);
        const auto value = settings_.find(std::string(section) + "." + std::string(key));
        if (value == settings_.end() && read)
            return read(section, key);
        return value == settings_.end() ? std::nullopt : std::optional(value->second);
    }
    muster::Result<std::uint32_t> changeSettings(
        std::string_view section, const std::vector<std::pair<std::string, std::optional<std::string>>>& edits,
        std::string_view author, std::string_view comment) override {
        if (!change)
            return muster::fail(muster::Code::denied, std::string(section), "there is no settings file");
        return change(section, edits, author, comment);
    }
    std::string settingFixed(std::string_view section, std::string_view key) const override {
        const std::lock_guard lock(mutex_);
        const auto found = fixed_.find(std::string(section) + "." + std::string(key));
        return found == fixed_.end() ? std::string() : found->second;
    }
    void log(muster::Severity, std::string_view channel, std::string_view text) override {
        const std::lock_guard lock(mutex_);
        lines_.push_back(std::string(channel) + ": " + std::string(text));
    }
    void journal(std::string_view source, const muster::EventSpec& spec, muster::Json) override {
        const std::lock_guard lock(mutex_);
        events_.emplace_back(source, spec.id);
    }
    void audit(std::string_view plugin, muster::AuditNote note) override {
        const std::lock_guard lock(mutex_);
        audited_.push_back(std::string(plugin) + ": " + note.action);
    }
    void troubles(std::string_view plugin, std::vector<std::string> lines) override {
        const std::lock_guard lock(mutex_);
        troubles_[std::string(plugin)] = std::move(lines);
    }
    muster::api::OperationTable& operations() noexcept override { return table_; }
    muster::plugins::Metrics& metrics() noexcept override { return metrics_; }
    void setAuthority(muster::Mode mode, muster::Authority* authority) noexcept override {
        authorities[mode] = authority;
    }
    unsigned reactorCount() const noexcept override { return 1; }
    muster::Reactor& reactor(unsigned) noexcept override { return sockets_.manual(); }
    muster::Dispatcher& dispatcher() noexcept override { return sockets_.fakeDispatcher; }
    muster::Pool& pool() noexcept override { return sockets_.fakePool; }
    void onReactors(const std::function<void(muster::Reactor&)>& work) override { sockets_.onReactors(work); }
    muster::Result<int> listenSocket(const muster::Address& address, bool /*forClients*/) override {
        return sockets_.listenSocket(address);
    }
    void closeListenSocket(const muster::Address& address) noexcept override { sockets_.closeListenSocket(address); }
    std::vector<muster::Address> listening() const override { return sockets_.listening(); }

private:
    const std::string state_;
    muster::api::OperationTable table_;
    muster::plugins::Metrics metrics_;
    muster::test::FakeHost sockets_;  // its reactor, its sockets, its stand-ins
    mutable std::mutex mutex_;
    std::map<std::string, muster::SettingValue> settings_;
    std::map<std::string, std::string> fixed_;
    std::vector<std::string> lines_;
    std::vector<std::string> audited_;
    std::map<std::string, std::vector<std::string>> troubles_;
    std::vector<std::pair<std::string, std::uint32_t>> events_;
};

/// A plugin host over a directory of its own. Base of the test groups.
struct Cage : public Utest {
    TemporaryDirectory plugins;
    TemporaryDirectory state;
    FakeServices services{state.path().string()};
    muster::plugins::PluginHostOptions options;
    std::unique_ptr<muster::plugins::PluginHost> host;

    Cage() {
        options.directories = {{plugins.path().string(), true}};
        options.guardDirectory = state.path().string();
        options.firmwareVersion = "1.0.0";
        options.safe = {"fit"};
    }

    static fs::path zoo() {
        return fs::read_symlink("/proc/self/exe").parent_path().parent_path() / "tests/plugins/zoo";
    }

    /// Puts an animal ("fit", "v2/twin") into the plugin directory, in one step as a careful installer does.
    void admit(const std::string& animal, std::string as = "") const {
        const fs::path from = zoo() / (animal + ".so");
        if (as.empty())
            as = from.filename().string();
        const fs::path temporary = plugins.path() / ("." + as + ".new");
        fs::copy_file(from, temporary, fs::copy_options::overwrite_existing);
        fs::rename(temporary, plugins.path() / as);
    }
    void release(const std::string& name) const { fs::remove(plugins.path() / (name + ".so")); }
    void write(const std::string& file, const std::string& content) const {
        std::ofstream(plugins.path() / file, std::ios::binary) << content;
    }

    void open() {
        host = std::make_unique<muster::plugins::PluginHost>(services, options);
        host->load();
        host->start();
    }
    void reopen() {
        host.reset();
        open();
    }

    muster::plugins::PluginStatus status(const std::string& name) const {
        for (const auto& status : host->list())
            if (status.name == name)
                return status;
        return {};
    }
    std::string stateOf(const std::string& name) const {
        const auto status = this->status(name);
        return status.name.empty() ? "absent" : muster::plugins::name(status.state);
    }
    std::string reason(const std::string& name) const { return status(name).reason; }
    std::string says(const std::string& path) {
        const auto reply = services.call("GET", path);
        if (!reply)
            return reply.error().text();
        const muster::Json* word = reply->body.find("says");
        return word && word->string() ? *word->string() : "?";
    }
};

/// Both parts of what an operator reads.
#define CHECK_STATE(wanted, animal)                        \
    CHECK_EQUAL_TEXT(std::string(wanted), stateOf(animal), \
                     (reason(animal) + " (state " + stateOf(animal) + ")").c_str())
#define CHECK_REASON(part, animal)                                  \
    CHECK_TRUE_TEXT(reason(animal).find(part) != std::string::npos, \
                    (std::string("expected \"") + (part) + "\", reads \"" + reason(animal) + "\"").c_str())

}  // namespace zoo

inline SimpleString StringFrom(const std::string& text) {
    return SimpleString(text.c_str());
}
