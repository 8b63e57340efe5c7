/// What somebody who helps from afar needs to see: the answers of all operations that say so, in one text.
#pragma once

#include <string>

#include "api/operations.h"

namespace muster::daemon {

/// Adds `GET /support`. @param version  of the firmware
Result<void> addSupport(api::OperationTable& table, std::string_view version);

}  // namespace muster::daemon
