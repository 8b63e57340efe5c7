/// The tables of the pool, their versions, and the way from one to the next.
#pragma once

#include "pool/database.h"

namespace muster::pool {

constexpr std::int64_t kApplicationId = 0x4d535452;  ///< "MSTR": PRAGMA application_id of our files
constexpr std::int64_t kSchemaVersion = 1;           ///< PRAGMA user_version that this Muster writes

/// Brings the schema to kSchemaVersion, each step in one transaction; a new file gets all of it.
/// @error incompatible  written by a newer Muster
/// @error storage       not ours, or it cannot be changed
Result<void> migrate(Connection& connection);

}  // namespace muster::pool
