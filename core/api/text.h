/// Texts on their way in and out: UTF-8, percent and base64url encoding.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace muster::api {

/// RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF.
bool isUtf8(std::string_view text) noexcept;

/// RFC 3986 2.1. Nothing for a broken escape, and for what decodes to a NUL or to no UTF-8.
/// @param plusIsSpace  as in a query (application/x-www-form-urlencoded)
std::optional<std::string> percentDecode(std::string_view text, bool plusIsSpace);
/// All but unreserved characters are escaped.
std::string percentEncode(std::string_view text);

/// RFC 4648 5, without padding.
std::string base64Url(std::string_view octets);
std::optional<std::string> fromBase64Url(std::string_view text);

}  // namespace muster::api
