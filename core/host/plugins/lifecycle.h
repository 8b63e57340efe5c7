/// Starting, stopping and succeeding one plugin: ledgers published and taken back, each in one step.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "host/plugins/instance.h"
#include "host/plugins/roster.h"
#include "host/plugins/services.h"
#include "host/plugins/socket_book.h"
#include "host/plugins/start_guard.h"

namespace muster::plugins {

/// @thread the plugin host's, one call at a time
class Lifecycle {
public:
    Lifecycle(Services& services, FamilyRegistry& families, Roster& roster, StartGuard& guard,
              std::chrono::milliseconds stopLimit);
    ~Lifecycle();
    Lifecycle(const Lifecycle&) = delete;
    Lifecycle& operator=(const Lifecycle&) = delete;

    /// Why what `judged` needs is not there; nullopt: all of it is started.
    std::optional<std::string> unmet(const JudgedPlugin& judged);

    /// Creates and starts a record that is ready. Afterwards it is started, failed, or rejected for want of its needs.
    void launch(Record& record);
    /// Dependents first. Afterwards it is in state `final`, or wedged.
    /// @param ending  the process ends: listening sockets stay open
    void takeDown(Record& record, State final, const std::string& reason, bool ending = false);
    /// Starts `next` beside the present instance and puts it in its place; what goes wrong leaves the present one.
    void succeed(Record& record, std::shared_ptr<const JudgedPlugin> next);
    /// Asks a wedged plugin, and wedged predecessors, once more.
    void retry(Record& record);

    /// A line in the log, and the event.
    void tell(std::uint32_t event, Severity severity, const Record& record, const std::string& text);

private:
    std::optional<Error> bringUp(Record& record, Instance& instance);
    std::optional<Error> publish(Instance& instance, const Instance* before);
    void withdraw(const Instance& instance);
    void discard(const std::shared_ptr<Instance>& instance, const Instance* before);
    std::optional<std::string> end(Instance& instance);
    std::optional<Error> eventsTaken(const JudgedPlugin& judged);

    Services& services_;
    Roster& roster_;
    StartGuard& guard_;
    const std::chrono::milliseconds stopLimit_;
    SocketBook sockets_;
    std::shared_ptr<Commons> commons_;
    std::map<Mode, std::string> deciders_;                 // plugin by mode
    std::vector<std::shared_ptr<Authority>> authorities_;  // kept: a reactor may be about to look at one
};

}  // namespace muster::plugins
