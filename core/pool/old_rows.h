/// Requests as rows of twenty columns, as the first two versions of the schema had them.
#pragma once

#include "pool/database.h"

namespace muster::pool {

/// Brings all requests of table `journal` into blocks of table `requests`. @error storage
Result<void> rowsToBlocks(Connection& connection);

}  // namespace muster::pool
