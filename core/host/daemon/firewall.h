/// On a box: open are the ports that musterd listens on, and no others.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "muster/types.h"

#include "host/daemon/log.h"
#include "system/client.h"

namespace muster::daemon {

/// The TCP ports of `listening`, without what only the box itself reaches; at most system::kMaxOpen, the lowest.
system::OpenPorts portsOf(const std::vector<Address>& listening);

/// @thread one: the worker's
class Firewall {
public:
    Firewall(const std::string& system, const Log& log) : client_(system), log_(log) {}

    /// Tells the helper what has changed since it was told; tries again at the next tick where that failed.
    void tick(const std::vector<Address>& listening);

private:
    const system::Client client_;
    const Log& log_;
    std::optional<system::OpenPorts> told_;
    std::string trouble_;  ///< said already
};

}  // namespace muster::daemon
