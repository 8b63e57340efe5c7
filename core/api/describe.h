/// What the table says about itself: GET /operations for musterctl, GET /openapi.json for everybody else.
#pragma once

#include <string>
#include <string_view>

#include "muster/json.h"
#include "muster/schema.h"

#include "api/operations.h"

namespace muster::api {

/// {"items": [{"method", "path", "role", "cli", "summary", "confirm", "list", "text", "stream", "pathFields", "query",
/// "body", "answer"}], "next": null}, written
std::string describe(const OperationTable& table);
/// A field as JSON: name, type, help and what else is set.
Json describe(const Field& field);

/// OpenAPI 3.1. @param version  of the firmware
Json openApi(const OperationTable& table, std::string_view version);

/// Registers GET /operations and GET /openapi.json as "core". `table` must outlive them.
Result<void> addDescriptions(OperationTable& table, std::string_view version);

}  // namespace muster::api
