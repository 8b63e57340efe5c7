/// The tokens as their file has them.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "muster/result.h"
#include "muster/types.h"

#include "account.h"

namespace muster::webui {

/// What a token may beside its role, which is always asked as well.
struct Scope {
    struct Rule {
        std::string method;  ///< "GET", "POST", "PUT", "PATCH", "DELETE", or "*": any
        std::string path;    ///< below /api/v1: "/clients" stands for itself and for all of "/clients/…"
        bool operator==(const Rule&) const = default;
    };
    bool readOnly = false;    ///< GET alone, whatever the rules say
    std::vector<Rule> rules;  ///< one must fit; none: all paths

    /// @param path  of the operation, as the table of operations has it ("/clients/{cmid}"), never a request's octets
    bool allows(std::string_view method, std::string_view path) const noexcept;
    bool operator==(const Scope&) const = default;
};

constexpr std::size_t kMaxRules = 32;
constexpr std::size_t kMaxTokens = 256;             ///< revoked and expired ones included
constexpr std::size_t kMaxTokenFile = 1024 * 1024;  ///< octets
constexpr std::size_t kMaxTokenName = 64;           ///< octets
constexpr std::size_t kMaxReason = 128;             ///< octets

/// "GET /clients", "* /events"; a path of one or more segments of letters, digits and - _ . { }, without "..".
/// @error malformed  with the text and what is wrong about it
Result<Scope::Rule> parseRule(std::string_view text);
std::string ruleText(const Scope::Rule& rule);

struct Token {
    std::string id;    ///< 8 of A-Z a-z 0-9: names it
    std::string name;  ///< for people; UTF-8 without control characters
    std::string hash;  ///< SHA-256 of the whole token, octets
    Role role = Role::viewer;
    Scope scope;
    std::string maker;   ///< its maker's user id; empty: made at the console
    std::string madeBy;  ///< its maker's name then
    Timestamp created;
    Timestamp expires;
    std::optional<Timestamp> lastUsed;
    std::string lastSource;  ///< empty: never used
    std::optional<Timestamp> revoked;
    std::string revokedBecause;  ///< empty unless revoked

    bool operator==(const Token&) const = default;
};

/// 1 to kMaxTokenName octets of UTF-8 without control characters.
bool isTokenName(std::string_view text) noexcept;

/// @error malformed     not what writeTokens() makes: with the place
/// @error incompatible  of another version
Result<std::vector<Token>> parseTokens(std::string_view text);
std::string writeTokens(const std::vector<Token>& tokens);

}  // namespace muster::webui
