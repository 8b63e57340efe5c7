/// From the command line and the settings to what each room wants to know at its start.
#pragma once

#include <filesystem>
#include <memory>
#include <string_view>
#include <utility>
#include <variant>

#include "muster/result.h"

#include "backup/backup_settings.h"
#include "host/daemon/command_line.h"
#include "host/daemon/log.h"
#include "host/dispatch/service.h"
#include "host/plugins/plugin_host.h"
#include "host/settings/settings.h"
#include "pool/store.h"

namespace muster::daemon {

/// The settings of this run, with the core's own sections announced.
/// @param state  the state directory; empty while it is only asked for: nothing is kept then
Result<std::unique_ptr<settings::SettingsStore>> openSettings(const CommandLine& line,
                                                              const std::filesystem::path& state, Log& log);

/// A core setting; its default is in the schema, so that it always has a value of that type.
template <class T>
T value(const settings::SettingsStore& settings, std::string_view section, std::string_view key, T fallback) {
    if (auto found = settings.value(section, key))
        if (T* typed = std::get_if<T>(&*found))
            return std::move(*typed);
    return fallback;
}

Severity logLevel(const settings::SettingsStore& settings);
dispatch::Limits limits(const settings::SettingsStore& settings);
unsigned reactorCount(const settings::SettingsStore& settings);
std::uint32_t newClientsPerHour(const settings::SettingsStore& settings);
bool recording(const settings::SettingsStore& settings);
backup::Policy backupPolicy(const settings::SettingsStore& settings);
pool::StoreConfig storeConfig(const settings::SettingsStore& settings, const std::filesystem::path& directory,
                              bool degraded);
plugins::PluginHostOptions pluginOptions(const CommandLine& line, const std::filesystem::path& state);

}  // namespace muster::daemon
