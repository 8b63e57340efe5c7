/// The commonest passwords, compiled in.
#pragma once

#include <string_view>

namespace muster::webui {

/// @param lowered  ASCII in lower case
/// True for one of the 19,000 and more of common_passwords.txt. @thread any; pure
bool isCommonPassword(std::string_view lowered) noexcept;

}  // namespace muster::webui
