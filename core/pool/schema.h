/// The tables of the pool, their versions, and the way from one to the next.
#pragma once

#include "pool/database.h"

namespace muster::pool {

constexpr std::int64_t kApplicationId = 0x4d535452;  ///< "MSTR": PRAGMA application_id of our files
constexpr std::int64_t kSchemaVersion = 5;           ///< PRAGMA user_version that this Muster writes

/// Brings the schema to version `to`, each step in one transaction; a new file gets all of it.
/// @param to  kSchemaVersion but for tests of the way there
/// @error incompatible  written by a newer Muster
/// @error storage       not ours, or it cannot be changed
Result<void> migrate(Connection& connection, std::int64_t to = kSchemaVersion);

}  // namespace muster::pool
