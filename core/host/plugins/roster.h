/// Every file that was found, and what has become of it.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "muster/family.h"

#include "host/plugins/catalogue.h"
#include "host/plugins/instance.h"
#include "host/plugins/judge.h"

namespace muster::plugins {

enum class State : std::uint8_t {
    rejected,     ///< judged unfit; nothing of it has run but ELF constructors
    quarantined,  ///< it was starting when the daemon died, twice; not opened until cleared
    failed,       ///< it threw in create or start, or in a thread of its own
    started,
    wedged,   ///< calls inside, or its own stop, did not end in time; its code and object stay
    stopped,  ///< not started yet, held back in safe mode, or its file is gone
};
/// "rejected", "quarantined", …
const char* name(State state) noexcept;

struct PluginStatus {
    std::string name;  ///< "listener", "family-win7-2008r2"
    std::string version;
    std::string kind;  ///< "family", "authority", "listener", …; empty if it was not read
    State state = State::stopped;
    std::string reason;  ///< a sentence for the operator; empty when there is nothing to say
    std::string file;
    std::string buildId;  ///< of C++ plugins
};

/// One file. Only the plugin host's present call touches it, but for `status`, which list() copies.
struct Record {
    Candidate candidate;
    PluginStatus status;  ///< written through Roster

    std::string hash;  ///< of the content that was judged last; empty: it could not be read
    std::shared_ptr<const JudgedPlugin> judged;
    const muster_family* family = nullptr;                ///< in the registry
    std::shared_ptr<Instance> instance;                   ///< started or wedged
    std::vector<std::shared_ptr<Instance>> wedgedBefore;  ///< predecessors that did not stop

    bool duplicate = false;  ///< another file holds the name
    bool gone = false;       ///< the file is not there any more
    bool ready = false;      ///< fit, and to be started as soon as its needs are
    bool heldBack = false;   ///< by safe mode
};

class Roster {
public:
    Record& add(const Candidate& candidate);
    void remove(const Record& record);

    /// The record that holds that name and whose file is there; nullptr: none.
    Record* holder(std::string_view name) noexcept;
    Record* byFile(std::string_view file) noexcept;
    std::vector<Record*> all();
    /// Those whose instance needs `name`.
    std::vector<Record*> dependents(std::string_view name);

    void set(Record& record, State state, std::string reason = "");
    void setReason(Record& record, std::string reason);
    void describe(Record& record, std::string version, std::string kind, std::string buildId);

    /// Ordered by name, holders before duplicates. @thread any
    std::vector<PluginStatus> list() const;

private:
    mutable std::mutex mutex_;  // of `records_` as such, and of every status
    std::vector<std::unique_ptr<Record>> records_;
};

}  // namespace muster::plugins
