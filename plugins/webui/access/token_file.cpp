#include "token_file.h"

#include <algorithm>
#include <array>
#include <set>

#include "api/json_text.h"
#include "api/text.h"
#include "members.h"
#include "secrets.h"

namespace muster::webui {

namespace {

constexpr std::uint64_t kVersion = 1;
constexpr std::size_t kIdLength = 8;
constexpr std::size_t kHash = 32;  // octets
constexpr std::size_t kLongestPath = 128;
constexpr std::size_t kLongestRule = kLongestPath + 8;
constexpr std::size_t kLongestShort = 64;  // octets: ids, roles, names, sources
constexpr std::array<std::string_view, 6> kMethods{"GET", "POST", "PUT", "PATCH", "DELETE", "*"};

bool isAlphanumeric(char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool isRulePath(std::string_view path) noexcept {
    return path.size() >= 2 && path.size() <= kLongestPath && path.front() == '/' && path.back() != '/' &&
           path.find("//") == std::string_view::npos && path.find("..") == std::string_view::npos &&
           std::all_of(path.begin(), path.end(), [](char c) {
               return isAlphanumeric(c) || std::string_view("/-_.{}").find(c) != std::string_view::npos;
           });
}

bool fits(const Scope::Rule& rule, std::string_view method, std::string_view path) noexcept {
    return (rule.method == "*" || rule.method == method) && path.starts_with(rule.path) &&
           (path.size() == rule.path.size() || path[rule.path.size()] == '/');
}

Result<Token> parseToken(const Json& value) {
    Members members(value);
    Token token;
    token.id = members.text("id", kIdLength);
    token.name = members.text("name", kMaxTokenName);
    const auto hash = fromHex(members.text("sha256", 2 * kHash));
    const auto role = roleOf(members.text("role", kLongestShort));
    token.scope.readOnly = members.flag("read_only");
    for (const Json& item : members.list("rules", kMaxRules)) {
        auto rule = item.string() == nullptr ? fail(Code::malformed, "", "") : parseRule(*item.string());
        if (rule)
            token.scope.rules.push_back(std::move(*rule));
        else
            members.refuse("rules", "has an item that is no rule");
    }
    token.maker = members.text("maker", kLongestShort);
    token.madeBy = members.text("made_by", kLongestShort);
    token.created = members.time("created");
    token.expires = members.time("expires");
    token.lastUsed = members.maybeTime("last_used");
    token.lastSource = members.text("last_source", kLongestShort);
    token.revoked = members.maybeTime("revoked");
    token.revokedBecause = members.text("revoked_because", kMaxReason);
    if (token.id.size() != kIdLength || !std::all_of(token.id.begin(), token.id.end(), isAlphanumeric))
        members.refuse("id", "is not 8 letters and digits");
    if (!isTokenName(token.name))
        members.refuse("name", "is no token's name");
    if (!hash || hash->size() != kHash)
        members.refuse("sha256", "is not 64 hexadecimal digits");
    if (!role)
        members.refuse("role", "is none of viewer, operator, admin");
    if (const auto done = members.done(); !done)
        return fail(done.error());
    token.hash = hash.value_or("");
    token.role = role.value_or(Role::viewer);
    return token;
}

}  // namespace

bool Scope::allows(std::string_view method, std::string_view path) const noexcept {
    if (readOnly && method != "GET")
        return false;
    return rules.empty() ||
           std::any_of(rules.begin(), rules.end(), [&](const Rule& rule) { return fits(rule, method, path); });
}

Result<Scope::Rule> parseRule(std::string_view text) {
    const auto refuse = [&](std::string_view why) {
        return fail(Code::malformed, "scope \"" + std::string(text.substr(0, kLongestShort)) + "\"", std::string(why));
    };
    const std::size_t blank = text.find(' ');
    if (text.size() > kLongestRule || blank == std::string_view::npos)
        return refuse("write a method, a blank and a path, such as \"GET /clients\"");
    Scope::Rule rule{std::string(text.substr(0, blank)), std::string(text.substr(blank + 1))};
    if (std::find(kMethods.begin(), kMethods.end(), rule.method) == kMethods.end())
        return refuse("the method is one of GET, POST, PUT, PATCH, DELETE, or * for all");
    if (!isRulePath(rule.path))
        return refuse("the path begins with a slash, ends without one, and is below /api/v1, such as /clients");
    return rule;
}

std::string ruleText(const Scope::Rule& rule) {
    return rule.method + " " + rule.path;
}

bool isTokenName(std::string_view text) noexcept {
    return !text.empty() && text.size() <= kMaxTokenName && api::isUtf8(text) &&
           std::none_of(text.begin(), text.end(),
                        [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

Result<std::vector<Token>> parseTokens(std::string_view text) {
    const auto json = api::parseJson(text, kMaxTokenFile);
    if (!json)
        return fail(Code::malformed, "", json.error().detail);
    Members members(*json);
    if (members.number("version") != kVersion && json->find("version") != nullptr)
        return fail(Code::incompatible, "", "is of another version than 1, the only one that this firmware knows");
    const Json::Array& items = members.list("tokens", kMaxTokens);
    if (const auto done = members.done(); !done)
        return fail(done.error());
    std::vector<Token> tokens;
    std::set<std::string> ids;
    for (const Json& item : items) {
        auto token = parseToken(item);
        if (!token)
            return fail(Code::malformed, "",
                        "token " + std::to_string(tokens.size() + 1) + ": " + token.error().detail);
        if (!ids.insert(token->id).second)
            return fail(Code::malformed, "", "token " + std::to_string(tokens.size() + 1) + " is there twice");
        tokens.push_back(std::move(*token));
    }
    return tokens;
}

std::string writeTokens(const std::vector<Token>& tokens) {
    Json::Array items;
    for (const Token& token : tokens) {
        Json::Array rules;
        for (const Scope::Rule& rule : token.scope.rules)
            rules.emplace_back(ruleText(rule));
        items.push_back(json({{"id", token.id},
                              {"name", token.name},
                              {"sha256", hex(token.hash)},
                              {"role", roleName(token.role)},
                              {"read_only", token.scope.readOnly},
                              {"rules", std::move(rules)},
                              {"maker", token.maker},
                              {"made_by", token.madeBy},
                              {"created", timeJson(token.created)},
                              {"expires", timeJson(token.expires)},
                              {"last_used", timeJson(token.lastUsed)},
                              {"last_source", token.lastSource},
                              {"revoked", timeJson(token.revoked)},
                              {"revoked_because", token.revokedBecause}}));
    }
    return api::dumpJson(json({{"version", kVersion}, {"tokens", std::move(items)}})) + "\n";
}

}  // namespace muster::webui
