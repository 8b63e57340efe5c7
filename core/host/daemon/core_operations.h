/// The operations of the core itself: status, mode, dli, dlv, settings read again.
#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <vector>

#include "muster/result.h"
#include "muster/types.h"

#include "api/operations.h"
#include "audit/log.h"
#include "backup/backups.h"
#include "host/daemon/request_rate.h"
#include "host/daemon/services.h"
#include "host/plugins/plugin_host.h"

namespace muster::daemon {

/// What the core's operations look at and ask for. Outlives the table's use of them.
struct CoreView {
    Mode mode = Mode::none;
    std::string modeChosenBy;  ///< "command line", "person", "nobody"
    Timestamp started{};
    Monotonic startedAt{};
    const std::atomic<bool>& ready;
    const std::atomic<bool>& durable;
    const RequestRate& rate;
    DaemonServices& services;
    plugins::PluginHost& plugins;
    const dispatch::ActivationDispatcher& dispatcher;
    const supervise::ListenSockets& sockets;
    const PresentStore& store;
    /// Keeps the mode and begins anew in it. @param caller  who asked
    std::function<Result<void>(Mode mode, const std::string& caller)> chooseMode;
    /// Begins anew in the same mode, in order.
    std::function<void()> restart = {};
    const audit::Log* audit = nullptr;
    const backup::Backups* backups = nullptr;  ///< nullptr: nothing is kept
};

/// All that is wrong now, a sentence each; empty: nothing.
std::vector<std::string> troubles(const CoreView& view);
std::vector<std::string> troubles(const CoreView& view, const std::vector<plugins::PluginStatus>& plugins);

Result<void> addCoreOperations(api::OperationTable& table, const CoreView& view);

}  // namespace muster::daemon
