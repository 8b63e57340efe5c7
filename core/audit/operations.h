/// `audit …`: what the table of operations offers of this room.
#pragma once

#include "muster/result.h"

#include "api/operations.h"
#include "audit/log.h"

namespace muster::audit {

/// Registers as "core". `log` outlives the table's use of it.
Result<void> addOperations(api::OperationTable& table, const Log& log);

}  // namespace muster::audit
