/// Inside of the helper: a ticket, nsupdate, and what they said. A process without threads; it waits.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "muster/result.h"
#include "muster/secure_update.h"

namespace muster::nsupdate {

/// Where the programs may be, in the order in which they are looked for.
struct Programs {
    std::vector<std::string> nsupdate{"/usr/bin/nsupdate"};
    std::vector<std::string> kinit{"/usr/bin/kinit"};
};

class Runner {
public:
    /// @param state  the ticket is kept in STATE/gss while an update runs
    Runner(const std::filesystem::path& state, Programs programs);

    /// @param update  that check() has let pass
    /// @error missing  nsupdate, or kinit where a principal is named, is not installed: of which package it is
    /// @error denied   the keytab cannot be read, with what to do
    /// @error storage  STATE/gss cannot be made
    Result<SecureUpdateOutcome> run(const SecureUpdate& update) const;

private:
    std::filesystem::path directory_;
    Programs programs_;
    std::vector<std::string> environment_;
};

}  // namespace muster::nsupdate
