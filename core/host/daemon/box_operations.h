/// What only an appliance on its own box can do. Elsewhere the words are there and say so.
#pragma once

#include "api/operations.h"

namespace muster::daemon {

/// Adds network, time, update, slots and reset, each of which answers that this host does not offer it.
Result<void> addBoxOperations(api::OperationTable& table);

}  // namespace muster::daemon
