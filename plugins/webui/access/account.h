/// A user as the rest of the plugin sees it: without password and secrets.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "muster/operation.h"
#include "muster/types.h"

namespace muster::webui {

struct Account {
    std::string id;    ///< 16 hexadecimal digits, random: another user of the same name later has another one
    std::string name;  ///< as it was written when it was added
    Role role = Role::viewer;
    std::uint64_t stamp = 0;  ///< counts what ends all sessions: password, second factor, disabling
    bool disabled = false;
    bool hasTotp = false;
    Timestamp created;
    std::optional<Timestamp> lastLogin;
};

/// "viewer", "operator", "admin"
constexpr std::string_view roleName(Role role) noexcept {
    return role == Role::admin ? "admin" : role == Role::operator_ ? "operator" : "viewer";
}
constexpr std::optional<Role> roleOf(std::string_view text) noexcept {
    for (const Role role : {Role::viewer, Role::operator_, Role::admin})
        if (roleName(role) == text)
            return role;
    return std::nullopt;
}

}  // namespace muster::webui
