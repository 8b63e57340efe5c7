#include "host/daemon/run_settings.h"

#include <algorithm>
#include <thread>

#include "host/daemon/core_settings.h"

namespace muster::daemon {

namespace {

constexpr std::size_t kMaxUpstreamName = 64;  // octets; an address that is longer goes without a name of its own

/// relay.upstreams as the words of --relay say it.
std::string upstreams(const std::vector<std::string>& hosts) {
    std::string list;
    for (std::size_t i = 0; i < hosts.size(); ++i) {
        // Hosts are of characters that need no escape.
        const std::string name = hosts[i].size() <= kMaxUpstreamName ? "name = \"" + hosts[i] + "\", " : "";
        list += (i == 0 ? "{" : ", {") + name + "address = \"" + hosts[i] + "\", priority = " + std::to_string(i) + "}";
    }
    return "[" + list + "]";
}

std::string addresses(const std::vector<std::string>& all) {
    std::string list = "[";
    for (const std::string& address : all)
        list += (list.back() == '[' ? "\"" : ", \"") + address + '"';
    return list + ']';
}

settings::Options settingsOptions(const CommandLine& line, const std::filesystem::path& state, Log& log) {
    settings::Options options;
    options.file = !line.config.empty() ? line.config : state.empty() ? state : state / "muster.toml";
    options.fileMayBeMissing = line.config.empty();
    options.stateDirectory = state;
    options.overrides = line.set;
    // What the command line says by words of its own shows as such.
    const auto say = [&](const char* word, const std::string& key, const std::string& value) {
        options.overrides.push_back(key + "=" + value);
        options.words[key] = word;
    };
    if (!line.listen.empty())
        say("--listen", "listener.addresses", addresses(line.listen));
    if (!line.web.empty())
        say("--web", "webui.addresses", addresses(line.web));
    if (!line.relay.empty())
        say("--relay", "relay.upstreams", upstreams(line.relay));
    if (!line.state.empty())
        say("--state", "core.state-directory", std::filesystem::absolute(line.state).string());
    if (!line.control.empty())
        say("--control", "core.control-socket", std::filesystem::absolute(line.control).string());
    options.environment = settings::processEnvironment();
    options.notify = [&log](Severity severity, const std::string& text) { log.write(severity, "settings", text); };
    return options;
}

std::chrono::milliseconds duration(const settings::SettingsStore& settings, std::string_view key,
                                   std::chrono::milliseconds fallback) {
    return std::chrono::milliseconds(value<std::int64_t>(settings, "core", key, fallback.count()));
}

}  // namespace

Result<std::unique_ptr<settings::SettingsStore>> openSettings(const CommandLine& line,
                                                              const std::filesystem::path& state, Log& log) {
    auto opened = settings::SettingsStore::open(settingsOptions(line, state, log));
    if (!opened)
        return opened;
    if (auto announced = (*opened)->announce("core", "core", kCoreSettings); !announced)
        return fail(announced.error());
    if (auto announced = (*opened)->announce("core", "pool", kPoolSettings); !announced)
        return fail(announced.error());
    if (auto announced = (*opened)->announce("core", "backup", backup::kBackupSettings); !announced)
        return fail(announced.error());
    return opened;
}

Severity logLevel(const settings::SettingsStore& settings) {
    const std::string word = value<std::string>(settings, "core", "log-level", "info");
    return word == "debug"     ? Severity::debug
           : word == "warning" ? Severity::warning
           : word == "error"   ? Severity::error
                               : Severity::info;
}

dispatch::Limits limits(const settings::SettingsStore& settings) {
    dispatch::Limits limits;
    limits.commit = duration(settings, "commit-limit", limits.commit);
    limits.exchange = duration(settings, "exchange-limit", limits.exchange);
    return limits;
}

unsigned reactorCount(const settings::SettingsStore& settings) {
    const auto asked = static_cast<unsigned>(value<std::int64_t>(settings, "core", "reactors", 1));
    return std::clamp(asked, 1U, std::max(std::thread::hardware_concurrency(), 1U));
}

std::uint32_t newClientsPerHour(const settings::SettingsStore& settings) {
    return static_cast<std::uint32_t>(value<std::int64_t>(settings, "pool", "new-clients-per-hour", 1000));
}

bool recording(const settings::SettingsStore& settings) {
    return value<bool>(settings, "pool", "record", true);
}

backup::Policy backupPolicy(const settings::SettingsStore& settings) {
    backup::Policy policy;
    policy.daily = value<bool>(settings, "backup", "daily", policy.daily);
    policy.kept = static_cast<std::size_t>(value<std::int64_t>(settings, "backup", "kept", 7));
    policy.uploadLimit = value<std::int64_t>(settings, "backup", "upload-limit", policy.uploadLimit);
    policy.password = value<std::string>(settings, "backup", "password", "");
    return policy;
}

pool::StoreConfig storeConfig(const settings::SettingsStore& settings, const std::filesystem::path& directory,
                              bool degraded) {
    pool::StoreConfig config;
    config.directory = directory.string();
    config.degraded = degraded;
    config.intakeLimit = static_cast<std::size_t>(value<std::int64_t>(settings, "pool", "intake-limit", 8 << 20));
    config.retentionAge = std::chrono::duration_cast<std::chrono::hours>(std::chrono::milliseconds(value<std::int64_t>(
        settings, "pool", "retention-age", std::chrono::milliseconds(config.retentionAge).count())));
    config.retentionOctets =
        static_cast<std::uint64_t>(value<std::int64_t>(settings, "pool", "retention-size", 300 << 20));
    return config;
}

plugins::PluginHostOptions pluginOptions(const CommandLine& line, const std::filesystem::path& state) {
    plugins::PluginHostOptions options;
    if (line.plugins.empty())
        options.directories = plugins::standardDirectories();
    for (const std::filesystem::path& directory : line.plugins)
        options.directories.push_back({directory.string(), true});
    options.guardDirectory = state.string();
    options.firmwareVersion = MUSTER_VERSION;
    // Power cuts are unclean ends as well: whatever clients wait for starts in safe mode, too.
    options.safe = {"webui", "metrics", "listener", "relay", "lab"};
    return options;
}

}  // namespace muster::daemon
