#include "user_file.h"

#include <algorithm>
#include <set>

#include "api/json_text.h"
#include "members.h"
#include "password.h"
#include "secrets.h"
#include "totp.h"

namespace muster::webui {

namespace {

constexpr std::uint64_t kVersion = 1;
constexpr std::size_t kIdLength = 16;
constexpr std::size_t kLongestSource = 64;  // octets
constexpr std::size_t kLongestHash = 128;   // octets

bool isAlphanumeric(char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

Result<User> parseUser(const Json& value) {
    Members members(value);
    User user;
    user.id = members.text("id", kIdLength);
    user.name = members.text("name", kMaxUserName);
    const auto role = roleOf(members.text("role", kMaxUserName));
    user.passwordHash = members.text("password", kLongestHash);
    const auto secret = fromHex(members.text("totp_secret", 2 * kTotpSecret));
    user.totpLast = members.number("totp_last");
    user.stamp = members.number("stamp");
    user.disabled = members.flag("disabled");
    user.created = members.time("created");
    user.lastLogin = members.maybeTime("last_login");
    for (const Json& source : members.list("sources", kMaxKnownSources)) {
        if (source.string() == nullptr || source.string()->size() > kLongestSource)
            members.refuse("sources", "has an item that is no address");
        else
            user.sources.push_back(*source.string());
    }
    if (user.id.size() != kIdLength || !fromHex(user.id))
        members.refuse("id", "is not 16 hexadecimal digits");
    if (!isUserName(user.name))
        members.refuse("name", "is no user's name");
    if (!role)
        members.refuse("role", "is none of viewer, operator, admin");
    if (!costOf(user.passwordHash))
        members.refuse("password", "is no Argon2id text");
    if (!secret || (!secret->empty() && secret->size() != kTotpSecret))
        members.refuse("totp_secret", "is not 40 hexadecimal digits");
    if (const auto done = members.done(); !done)
        return fail(done.error());
    user.role = role.value_or(Role::viewer);
    user.totpSecret = secret.value_or("");
    return user;
}

}  // namespace

Account User::account() const {
    return {id, name, role, stamp, disabled, !totpSecret.empty(), created, lastLogin};
}

bool isUserName(std::string_view text) noexcept {
    return !text.empty() && text.size() <= kMaxUserName && isAlphanumeric(text.front()) &&
           std::all_of(text.begin(), text.end(),
                       [](char c) { return isAlphanumeric(c) || c == '.' || c == '_' || c == '-' || c == '@'; });
}

Result<std::vector<User>> parseUsers(std::string_view text) {
    const auto json = api::parseJson(text, kMaxUserFile);
    if (!json)
        return fail(Code::malformed, "", json.error().detail);
    Members members(*json);
    if (members.number("version") != kVersion && json->find("version") != nullptr)
        return fail(Code::incompatible, "", "is of another version than 1, the only one that this firmware knows");
    const Json::Array& items = members.list("users", kMaxUsers);
    if (const auto done = members.done(); !done)
        return fail(done.error());
    std::vector<User> users;
    std::set<std::string> seen;  // names and ids: an id has no upper case, and 16 digits may be a name, hence the mark
    for (const Json& item : items) {
        auto user = parseUser(item);
        if (!user)
            return fail(Code::malformed, "", "user " + std::to_string(users.size() + 1) + ": " + user.error().detail);
        if (!seen.insert("name " + lowerAscii(user->name)).second || !seen.insert("id " + user->id).second)
            return fail(Code::malformed, "", "user " + std::to_string(users.size() + 1) + " is there twice");
        users.push_back(std::move(*user));
    }
    return users;
}

std::string writeUsers(const std::vector<User>& users) {
    Json::Array items;
    for (const User& user : users) {
        Json::Array sources;
        for (const std::string& source : user.sources)
            sources.emplace_back(source);
        items.push_back(json({{"id", user.id},
                              {"name", user.name},
                              {"role", roleName(user.role)},
                              {"password", user.passwordHash},
                              {"totp_secret", hex(user.totpSecret)},
                              {"totp_last", user.totpLast},
                              {"stamp", user.stamp},
                              {"disabled", user.disabled},
                              {"created", timeJson(user.created)},
                              {"last_login", timeJson(user.lastLogin)},
                              {"sources", std::move(sources)}}));
    }
    return api::dumpJson(json({{"version", kVersion}, {"users", std::move(items)}})) + "\n";
}

}  // namespace muster::webui
