/// Finds plugins in fixed directories, judges them, starts them in the order of their needs, keeps a ledger of what
/// each has registered and takes it back. Nothing that was opened is ever unmapped.
#pragma once

#include <chrono>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "muster/result.h"
#include "muster/types.h"

#include "host/plugins/catalogue.h"
#include "host/plugins/family_registry.h"
#include "host/plugins/roster.h"
#include "host/plugins/services.h"

namespace muster::plugins {

struct PluginHostOptions {
    std::vector<PluginDirectory> directories;  ///< in this order; within one by name. The first of two names stays
    std::string guardDirectory;                ///< STATE: where the crash guard keeps its crumbs; empty: no guard
    std::string firmwareVersion;               ///< another one than last time lets go of all quarantines
    std::string buildId = MUSTER_BUILD_ID;
    std::vector<std::string> safe;              ///< what starts in safe mode; families always do
    std::chrono::milliseconds stopLimit{5000};  ///< for calls inside a plugin to leave; then it is wedged
    std::chrono::seconds healthyAfter{60};      ///< a start that lived so long was clean
    unsigned uncleanLimit = 3;                  ///< more unclean starts in a row without culprit: safe mode; 0: never
    std::size_t maxFileSize = 64u << 20;        ///< octets of one plugin's file
};

/// @thread any; load(), start(), stop(), rescan(), clear(), settingsChanged() and tick() wait for each other. None of
///         them is called on a reactor's thread, nor by a plugin from its own start() or stop().
class PluginHost {
public:
    /// @param services  outlives the plugin host
    PluginHost(Services& services, PluginHostOptions options);
    /// stop()
    ~PluginHost();
    PluginHost(const PluginHost&) = delete;
    PluginHost& operator=(const PluginHost&) = delete;

    /// Finds and judges; families are in service afterwards, C++ plugins are opened and their settings described, none
    /// is created. The settings file is read after this, and before start().
    void load();
    /// Creates and starts what was judged fit, needs first. What fails, fails alone.
    void start();
    /// Stops all, dependents first; the end of the process comes next: listening sockets are left open. A clean stop
    /// clears the crash guard's count.
    void stop() noexcept;

    /// Looks at the directories again: what has gone is stopped, what is new is started, what has changed is succeeded
    /// by its new version (which serves as soon as its start has returned; if it fails, the old one goes on). Wedged
    /// plugins are asked once more.
    /// @return  one sentence per change; empty: nothing has changed
    std::vector<std::string> rescan();

    /// Lets a quarantined or failed plugin try again, now.
    /// @error missing   no plugin of that name
    /// @error conflict  its state is neither; the detail names it
    Result<void> clear(std::string_view name);

    /// Values of section `section` have changed. @param restart  one of them is marked so in the schema
    void settingsChanged(std::string_view section, bool restart);

    /// Once a second: stops plugins whose threads have thrown, and notes when this start has lived long enough.
    void tick(Monotonic now);

    std::vector<PluginStatus> list() const;  ///< ordered by name, holders before duplicates
    bool safeMode() const noexcept;
    /// A plugin did not stop: code of it may still run. The process then ends with _exit, not by unwinding.
    bool anyWedged() const;
    FamilyRegistry& families() noexcept;

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

/// Events of the core that the plugin host raises.
std::span<const EventSpec> pluginEvents() noexcept;
/// Settings of section [family-NAME], the same for every family.
Fields familySettings() noexcept;

/// Registers GET /plugins, POST /plugins/rescan and POST /plugins/{name}/clear as operations of the core.
Result<void> addPluginOperations(api::OperationTable& table, PluginHost& host);

}  // namespace muster::plugins
