/// The way back from a crash loop: remembers across starts which plugin was starting when the daemon died.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "muster/result.h"

namespace muster::plugins {

/// Before a plugin is opened, created or started its name is written down (a crumb), and taken away afterwards. A crumb
/// found at the next start is a strike for that plugin; two strikes without a good start in between: quarantined. A
/// start that ended neither cleanly nor after a healthy minute, and has no crumb, is unclean; too many of those in a
/// row: safe mode.
///
/// @thread one at a time
class StartGuard {
public:
    static constexpr unsigned kStrikes = 2;

    /// @param file      where it is kept; empty: nowhere, and nothing is ever quarantined
    /// @param firmware  another one than in the file: strikes, quarantines and counts of before are let go
    /// @param uncleanLimit  more unclean starts in a row than that: safe mode; 0: never
    StartGuard(std::string file, std::string firmware, unsigned uncleanLimit);

    /// A start begins. What was remembered is weighed once; a file that cannot be read or makes no sense counts as
    /// none.
    /// @return  sentences for the operator
    std::vector<std::string> begin();
    bool safeMode() const noexcept { return safeMode_; }
    unsigned unclean() const noexcept { return unclean_; }
    /// Why that plugin is not to be opened; nullopt: it is free to start.
    std::optional<std::string> quarantined(std::string_view name) const;

    enum class Phase { open, create, start };
    /// About to do that to `name`. `open` is not synced: it has to survive the daemon, not the power; the other two
    /// are.
    void crumb(std::string_view name, Phase phase);
    /// That plugin has started: its strikes are forgotten.
    void good(std::string_view name);
    /// Nothing is about to be done any more.
    void clearCrumb();

    /// Forgets strikes and quarantine of one plugin. False: there were none.
    bool clear(std::string_view name);
    /// This start has lived long enough, or ends as it should: it is no unclean one.
    void healthy();
    void cleanStop();

    /// Why the file could not be written the last time; empty: it could.
    const std::string& trouble() const noexcept { return trouble_; }

private:
    void read();
    enum class Sync { none, file, all };
    void write(Sync sync);

    const std::string file_;
    const std::string firmware_;
    const unsigned uncleanLimit_;
    bool begun_ = false;
    bool safeMode_ = false;
    std::string trouble_;

    // what is in the file
    std::string writtenBy_;
    bool running_ = false;
    unsigned unclean_ = 0;
    std::string crumbName_;
    std::string crumbPhase_;
    std::map<std::string, unsigned, std::less<>> strikes_;
    std::set<std::string, std::less<>> quarantined_;
};

}  // namespace muster::plugins
