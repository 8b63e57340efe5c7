/// Requests over time, by how they ended.
#pragma once

#include "pool/pool_operations.h"

namespace muster::pool {

void addHistoryOperations(const PoolContext& context, const AddOperation& add);

}  // namespace muster::pool
