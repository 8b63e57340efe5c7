/// Users and tokens.
#include "account_fields.h"
#include "operations.h"

namespace muster::webui {

namespace {

constexpr const char* kRoles = "viewer|operator|admin";
constexpr std::int64_t kMaxDays = 730;

constexpr Field kRole{
    .name = "role", .type = FieldType::choice, .help = "What the user may.", .choices = kRoles, .required = true};
constexpr Field kUserAnswer[] = {
    {.name = "name", .help = "The user.", .column = true},
    {.name = "role", .type = FieldType::choice, .help = "What the user may.", .choices = kRoles, .column = true},
    {.name = "disabled", .type = FieldType::boolean, .help = "Whether the user may not log in.", .column = true},
    {.name = "totp", .type = FieldType::boolean, .help = "Whether there is a second factor.", .column = true},
    {.name = "created", .type = FieldType::timestamp, .help = "When the user was added."},
    {.name = "lastLogin", .type = FieldType::timestamp, .help = "The last log-in.", .column = true},
};
constexpr Field kUserBody[] = {kName, kRole, kPassword};
constexpr Field kUserPath[] = {kName};
constexpr Field kUserSetBody[] = {
    {.name = "role", .type = FieldType::choice, .help = "What the user may from now on.", .choices = kRoles},
    {.name = "disabled", .type = FieldType::boolean, .help = "Whether the user may not log in."},
    {.name = "password",
     .help = "A new password; the user's sessions end.",
     .minimum = 1,
     .maximum = kMaxPasswordOctets,
     .secret = true},
    {.name = "remove-totp", .type = FieldType::boolean, .help = "Takes the second factor away."},
};

constexpr Field kTokenBody[] = {
    {.name = "name", .help = "What it is for.", .minimum = 1, .maximum = 64, .required = true},
    kRole,
    {.name = "days",
     .type = FieldType::integer,
     .help = "Life in days.",
     .fallback = "90",
     .minimum = 1,
     .maximum = kMaxDays},
    {.name = "read-only", .type = FieldType::boolean, .help = "GET alone.", .fallback = "false"},
    {.name = "scope",
     .type = FieldType::texts,
     .help = "What it may, such as \"GET /clients\" or \"* /events\"; none: all that its role may.",
     .minimum = 0,
     .maximum = static_cast<std::int64_t>(kMaxRules)},
};
constexpr Field kTokenAnswer[] = {
    {.name = "id", .help = "Names the token.", .column = true},
    {.name = "name", .help = "What it is for.", .column = true},
    {.name = "role", .type = FieldType::choice, .help = "What it may.", .choices = kRoles, .column = true},
    {.name = "readOnly", .type = FieldType::boolean, .help = "GET alone."},
    {.name = "scope", .type = FieldType::texts, .help = "What it is held to."},
    {.name = "madeBy", .help = "Who made it."},
    {.name = "created", .type = FieldType::timestamp, .help = "When it was made."},
    {.name = "expires", .type = FieldType::timestamp, .help = "When it ends.", .column = true},
    {.name = "lastUsed", .type = FieldType::timestamp, .help = "When it was used last.", .column = true},
    {.name = "lastSource", .help = "From where."},
    {.name = "revoked", .help = "Why it does not work any more; empty: it does.", .column = true},
    {.name = "token", .help = "The token itself; only in the answer that makes it."},
};

template <class T>
Result<Reply> done(const Result<T>& result) {
    if (!result)
        return fail(result.error());
    return Reply(json({{"done", true}}));
}

Json userJson(const Account& account) {
    return json({{"name", account.name},
                 {"role", roleName(account.role)},
                 {"disabled", account.disabled},
                 {"totp", account.hasTotp},
                 {"created", isoTime(account.created)},
                 {"lastLogin", account.lastLogin ? Json(isoTime(*account.lastLogin)) : Json()}});
}

Json tokenJson(const Token& token) {
    Json::Array scope;
    for (const Scope::Rule& rule : token.scope.rules)
        scope.emplace_back(ruleText(rule));
    return json({{"id", token.id},
                 {"name", token.name},
                 {"role", roleName(token.role)},
                 {"readOnly", token.scope.readOnly},
                 {"scope", Json(std::move(scope))},
                 {"madeBy", token.madeBy},
                 {"created", isoTime(token.created)},
                 {"expires", isoTime(token.expires)},
                 {"lastUsed", token.lastUsed ? Json(isoTime(*token.lastUsed)) : Json()},
                 {"lastSource", token.lastSource},
                 {"revoked", token.revokedBecause}});
}

/// All operations of this file: one object that each handler shares.
class AccountOperations {
public:
    AccountOperations(Host& host, Gatekeeper& gatekeeper) : host_(host), gatekeeper_(gatekeeper) {}

    Result<Reply> listUsers(const Call&) {
        Json::Array all;
        for (const Account& account : gatekeeper_.users().list())
            all.push_back(userJson(account));
        return items(std::move(all));
    }
    Result<Reply> addUser(const Call& call) {
        auto account = gatekeeper_.users().add(call.text("name"), *roleOf(call.text("role")), call.text("password"));
        if (!account)
            return fail(account.error());
        if (auto spent = gatekeeper_.setupCode().spend(); !spent)  // the console may be first as well
            host_.log(Severity::warning, "the setup code's file: " + spent.error().text());
        return Reply(userJson(*account));
    }
    Result<Reply> removeUser(const Call& call) {
        const auto before = gatekeeper_.users().find(call.text("name"));
        auto reply = done(gatekeeper_.users().remove(call.text("name")));
        if (reply && before)
            reply->before = userJson(*before);
        return reply;
    }
    Result<Reply> setUser(const Call& call) {
        Users& users = gatekeeper_.users();
        const std::string_view name = call.text("name");
        const auto before = users.find(name);
        // Before anything is changed: half of what was asked for would be worse than none.
        if (!call.text("password").empty())
            if (auto judged = judgePassword(call.text("password"), name); !judged)
                return fail(judged.error());
        if (const Json* role = call.body.find("role"); role != nullptr && role->string() != nullptr)
            if (auto set = users.setRole(name, *roleOf(*role->string())); !set)
                return fail(set.error());
        if (const Json* disabled = call.body.find("disabled"); disabled != nullptr && disabled->boolean() != nullptr)
            if (auto set = users.setDisabled(name, *disabled->boolean()); !set)
                return fail(set.error());
        if (!call.text("password").empty())
            if (auto set = users.setPassword(name, call.text("password")); !set)
                return fail(set.error());
        if (call.flag("remove-totp"))
            if (auto set = users.removeTotp(name); !set)
                return fail(set.error());
        const auto account = users.find(name);
        if (!account)
            return fail(Code::missing, "user " + std::string(name), "there is none of that name; the list has all");
        Reply reply(userJson(*account));
        if (before)
            reply.before = userJson(*before);
        reply.after = reply.body;
        if (!call.text("password").empty())
            reply.after.set("password", "changed");
        return reply;
    }
    Result<Reply> showUser(const Call& call) {
        const auto account = gatekeeper_.users().find(call.text("name"));
        if (!account)
            return fail(Code::missing, "user " + std::string(call.text("name")),
                        "there is none of that name; the list has all");
        return Reply(userJson(*account));
    }

    Result<Reply> listTokens(const Call&) {
        Json::Array all;
        for (const Token& token : gatekeeper_.tokens().list())
            all.push_back(tokenJson(token));
        return items(std::move(all));
    }
    Result<Reply> addToken(const Call& call) {
        Tokens::Wanted wanted;
        wanted.name = call.text("name");
        wanted.role = *roleOf(call.text("role"));
        wanted.life = std::chrono::hours(24 * call.integer("days", 90));
        wanted.scope.readOnly = call.flag("read-only");
        if (const Json* scope = call.body.find("scope"); scope != nullptr && scope->array() != nullptr)
            for (const Json& text : *scope->array()) {
                auto rule = parseRule(text.string() != nullptr ? *text.string() : "");
                if (!rule)
                    return fail(rule.error());
                wanted.scope.rules.push_back(std::move(*rule));
            }
        std::optional<Account> maker;
        if (call.caller.front == "web") {
            auto account = own(gatekeeper_, call);
            if (!account)
                return fail(account.error());  // a token makes no tokens: they would outlive it
            maker = *account;
        }
        auto made = gatekeeper_.tokens().make(wanted, maker);
        if (!made)
            return fail(made.error());
        Reply reply(tokenJson(made->token));
        reply.after = reply.body;
        reply.body.set("token", made->text);
        return reply;
    }
    Result<Reply> removeToken(const Call& call) {
        const auto token = gatekeeper_.tokens().byId(call.text("id"));
        auto reply = done(gatekeeper_.tokens().revoke(call.text("id"), "by " + call.caller.name));
        if (reply && token)
            reply->before = tokenJson(*token);
        return reply;
    }

private:
    Host& host_;
    Gatekeeper& gatekeeper_;
};

}  // namespace

void registerAccounts(Host& host, Gatekeeper& gatekeeper) {
    const auto operations = std::make_shared<AccountOperations>(host, gatekeeper);
    using Method = Result<Reply> (AccountOperations::*)(const Call&);
    const auto add = [&](const Operation& operation, Method method) {
        host.operation(operation, [operations, method](const Call& call) { return ((*operations).*method)(call); });
    };
    add({.method = "GET",
         .path = "/users",
         .role = Role::admin,
         .cli = "user list",
         .summary = "Lists the users.",
         .answer = kUserAnswer,
         .list = true},
        &AccountOperations::listUsers);
    add({.method = "POST",
         .path = "/users",
         .role = Role::admin,
         .cli = "user add",
         .summary = "Adds a user.",
         .body = kUserBody,
         .answer = kUserAnswer},
        &AccountOperations::addUser);
    add({.method = "GET",
         .path = "/users/{name}",
         .role = Role::admin,
         .cli = "user show",
         .summary = "Shows one user.",
         .path_ = kUserPath,
         .answer = kUserAnswer},
        &AccountOperations::showUser);
    add({.method = "PATCH",
         .path = "/users/{name}",
         .role = Role::admin,
         .cli = "user set",
         .summary = "Changes role, password or second factor of a user, or disables it.",
         .path_ = kUserPath,
         .body = kUserSetBody,
         .answer = kUserAnswer},
        &AccountOperations::setUser);
    add({.method = "DELETE",
         .path = "/users/{name}",
         .role = Role::admin,
         .cli = "user remove",
         .summary = "Removes a user; its sessions and tokens end.",
         .path_ = kUserPath,
         .confirm = "Remove this user?"},
        &AccountOperations::removeUser);
    add({.method = "GET",
         .path = "/tokens",
         .role = Role::admin,
         .cli = "token list",
         .summary = "Lists the API tokens.",
         .answer = kTokenAnswer,
         .list = true},
        &AccountOperations::listTokens);
    add({.method = "POST",
         .path = "/tokens",
         .role = Role::admin,
         .cli = "token add",
         .summary = "Makes an API token and shows it, once.",
         .body = kTokenBody,
         .answer = kTokenAnswer},
        &AccountOperations::addToken);
    add({.method = "DELETE",
         .path = "/tokens/{id}",
         .role = Role::admin,
         .cli = "token remove",
         .summary = "Revokes an API token.",
         .path_ = kIdPath,
         .confirm = "Revoke this token?"},
        &AccountOperations::removeToken);
}

}  // namespace muster::webui
