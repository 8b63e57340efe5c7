/// The users as their file has them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "muster/result.h"

#include "account.h"

namespace muster::webui {

/// Everything about one user. Secrets are in here: it stays within Users.
struct User {
    std::string id;  ///< 16 hexadecimal digits
    std::string name;
    Role role = Role::viewer;
    std::string passwordHash;    ///< a PHC string
    std::string totpSecret;      ///< octets; empty: no second factor
    std::uint64_t totpLast = 0;  ///< step of the last code that was used
    std::uint64_t stamp = 0;
    bool disabled = false;
    Timestamp created;
    std::optional<Timestamp> lastLogin;
    std::vector<std::string> sources;  ///< of log-ins, as sourceOf() writes them; the latest last

    Account account() const;
    bool operator==(const User&) const = default;
};

constexpr std::size_t kMaxUsers = 64;
constexpr std::size_t kMaxUserName = 32;          ///< characters
constexpr std::size_t kMaxKnownSources = 8;       ///< of one user
constexpr std::size_t kMaxUserFile = 128 * 1024;  ///< octets

/// 1 to 32 of ASCII letters, digits and . _ - @, the first a letter or digit. Names differ when they differ in more
/// than case; other alphabets are left out because they have letters that look alike.
bool isUserName(std::string_view text) noexcept;

/// @error malformed     not what writeUsers() makes: with the place
/// @error incompatible  of another version
Result<std::vector<User>> parseUsers(std::string_view text);
std::string writeUsers(const std::vector<User>& users);

}  // namespace muster::webui
