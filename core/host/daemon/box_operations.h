/// What only an appliance on its own box can do: musterd-system does it. Elsewhere the words are there and say so.
#pragma once

#include <string>

#include "api/operations.h"

namespace muster::daemon {

/// Adds network, time, hostname, firewall, slots, update, reset, restart and power-off of the box. While there is no
/// socket of the helper, each of them answers that this host does not offer it.
/// @param system  the path of the helper's socket; empty: there is none
Result<void> addBoxOperations(api::OperationTable& table, const std::string& system);

}  // namespace muster::daemon
