/// `backup …`: what the table of operations offers of this room.
#pragma once

#include "muster/result.h"

#include "api/operations.h"
#include "backup/backups.h"

namespace muster::backup {

/// Registers as "core". `backups` outlives the table's use of it.
Result<void> addOperations(api::OperationTable& table, Backups& backups);

}  // namespace muster::backup
