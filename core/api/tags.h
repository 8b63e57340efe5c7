/// Entity tags: whether what a person is about to change is still what they saw.
/// @source RFC 9110, 8.8.3 and 13.1
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "api/operations.h"

namespace muster::api {

/// The tag of what can be changed at a path: of those members of its GET's answer that a PUT or PATCH there takes. What
/// is counted or measured beside them leaves the tag alone.
/// @param row     of the GET  @param answer  of it
/// @return        in quotes; nothing where that path has neither PUT nor PATCH
std::optional<std::string> tagOf(const OperationTable& table, const Registered& row, const Json& answer);

/// Whether `tag` is among those of the header's value: `"a", "b"` or `*`. A weak one (W/"a") matches where `weak`.
bool matches(std::string_view header, std::string_view tag, bool weak) noexcept;

}  // namespace muster::api
