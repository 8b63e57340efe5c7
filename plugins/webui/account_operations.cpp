#include <algorithm>

#include "events.h"
#include "operations.h"
#include "server/policy.h"

#ifndef MUSTER_VERSION
#    define MUSTER_VERSION "0"
#endif

namespace muster::webui {

namespace {

constexpr const char* kRoles = "viewer|operator|admin";
constexpr std::int64_t kMaxName = 32;
constexpr std::int64_t kMaxDays = 730;

// --- fields

constexpr Field kName{.name = "name", .help = "Name of the user.", .minimum = 1, .maximum = kMaxName, .required = true};
constexpr Field kPassword{.name = "password",
                          .help = "12 to 128 characters, none of the common ones.",
                          .minimum = 1,
                          .maximum = kMaxPasswordOctets,
                          .required = true,
                          .secret = true};
constexpr Field kCode{
    .name = "totp", .help = "Six digits of the authenticator app.", .minimum = 6, .maximum = 12, .secret = true};

constexpr Field kSetupBody[] = {
    {.name = "code", .help = "The code on the console.", .minimum = 1, .maximum = 64, .required = true, .secret = true},
    kName,
    kPassword};
constexpr Field kLoginBody[] = {kName, kPassword, kCode};
constexpr Field kSessionAnswer[] = {
    {.name = "authenticated", .type = FieldType::boolean, .help = "Whether somebody is logged in."},
    {.name = "setup", .type = FieldType::boolean, .help = "Whether there is no user yet: the first run."},
    {.name = "name", .help = "Who is logged in."},
    {.name = "role", .type = FieldType::choice, .help = "The role.", .choices = "none|viewer|operator|admin"},
    {.name = "totp", .type = FieldType::boolean, .help = "Whether this user logs in with a second factor."},
    {.name = "csrf", .help = "To be sent as X-Muster-CSRF with all that is no GET."},
    {.name = "mode", .help = "none, lab or relay."},
    {.name = "version", .help = "Of Muster; empty before a log-in."},
};
constexpr Field kPasswordBody[] = {{.name = "old",
                                    .help = "The password now.",
                                    .minimum = 1,
                                    .maximum = kMaxPasswordOctets,
                                    .required = true,
                                    .secret = true},
                                   kPassword};
constexpr Field kTotpAnswer[] = {
    {.name = "secret", .help = "To be typed into the authenticator app."},
    {.name = "uri", .help = "The same for a QR code."},
};
constexpr Field kTotpBody[] = {
    {.name = "code", .help = "What the app shows.", .minimum = 6, .maximum = 12, .required = true, .secret = true}};

constexpr Field kSessionsAnswer[] = {
    {.name = "id", .help = "Names the session.", .column = true},
    {.name = "name", .help = "The user.", .column = true},
    {.name = "address", .help = "Where it began.", .column = true},
    {.name = "agent", .help = "What the browser says of itself."},
    {.name = "started", .type = FieldType::timestamp, .help = "When it began.", .column = true},
    {.name = "lastSeen", .type = FieldType::timestamp, .help = "When it was used last.", .column = true},
    {.name = "current", .type = FieldType::boolean, .help = "Whether it is the one that asks."},
};
constexpr Field kIdPath[] = {
    {.name = "id", .help = "As the list shows it.", .minimum = 1, .maximum = 64, .required = true}};

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

// --- helpers

Address sourceOf(const Caller& caller) {
    const bool v6 = caller.source.find(':') != std::string::npos;
    return Address::parse(v6 ? "[" + caller.source + "]:0" : caller.source + ":0").value_or(Address{});
}

Reply refusal(int status, Code code, const std::string& detail, const std::string& hint) {
    Reply reply(json({{"type", std::string("urn:muster:problem:") + name(code)},
                      {"title", "Not logged in"},
                      {"status", status},
                      {"code", name(code)},
                      {"detail", detail},
                      {"hint", hint}}));
    reply.status = status;
    return reply;
}

Reply waiting(std::chrono::seconds wait) {
    Reply reply = refusal(429, Code::busy, "too many tries; this one was not looked at",
                          "try again in " + std::to_string(wait.count()) + " s");
    reply.headers.emplace_back("Retry-After", std::to_string(wait.count()));
    return reply;
}

/// @error denied  who asks is no session of the page
Result<Account> own(Gatekeeper& gatekeeper, const Call& call) {
    if (call.caller.front == "web" && !call.caller.session.empty())
        if (auto account = gatekeeper.users().find(call.caller.name))
            return *account;
    return fail(Code::denied, call.caller.name, "is no user who is logged in; use the page");
}

template <class T>
Result<Reply> done(const Result<T>& result) {
    if (!result)
        return fail(result.error());
    return Reply(json({{"done", true}}));
}

Json sessionJson(const Host& host, const Account& account, const std::string& csrf) {
    return json({{"authenticated", true},
                 {"setup", false},
                 {"name", account.name},
                 {"role", roleName(account.role)},
                 {"totp", account.hasTotp},
                 {"csrf", csrf},
                 {"mode", name(host.mode())},
                 {"version", MUSTER_VERSION}});
}

Reply loggedIn(const Host& host, const Account& account, const Sessions::Started& session) {
    Reply reply(sessionJson(host, account, session.csrf));
    reply.headers.emplace_back("Set-Cookie", cookieOf(session.cookie));
    return reply;
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

Reply items(Json::Array all) {
    return Reply(json({{"items", Json(std::move(all))}, {"next", Json()}}));
}

/// All operations of this file: one object that each handler shares.
class Accounts {
public:
    Accounts(Host& host, Gatekeeper& gatekeeper) : host_(host), gatekeeper_(gatekeeper) {}

    Result<Reply> session(const Call& call) {
        if (const auto account = own(gatekeeper_, call))
            return Reply(sessionJson(host_, *account, SessionName::of(call.caller).csrf));
        return Reply(json({{"authenticated", false},
                           {"setup", gatekeeper_.users().empty()},
                           {"name", ""},
                           {"role", "none"},
                           {"totp", false},
                           {"csrf", ""},
                           {"mode", name(host_.mode())},
                           {"version", ""}}));
    }

    Result<Reply> setUp(const Call& call) {
        SetupCode& code = gatekeeper_.setupCode();
        const auto check = code.check(call.text("code"), sourceOf(call.caller));
        switch (check.verdict) {
            case SetupCode::Verdict::throttled:
                return waiting(check.wait);
            case SetupCode::Verdict::wrong:
                return refusal(401, Code::unauthenticated, "that is not the code of this appliance",
                               "it stands on the console, and \"musterctl setup-code\" prints it");
            case SetupCode::Verdict::none:
                return fail(Code::conflict, "first run", "it is over: there is an administrator; log in");
            case SetupCode::Verdict::right:
                break;
        }
        auto account = gatekeeper_.users().addFirst(call.text("name"), call.text("password"));
        if (!account)
            return fail(account.error());
        if (auto spent = code.spend(); !spent)
            host_.log(Severity::warning, "the setup code's file: " + spent.error().text());
        host_.event(kSetUp, json({{"who", account->name}, {"from", call.caller.source}}));
        note(account->name, call, "setup", "done", "the first administrator");
        return loggedIn(host_, *account, gatekeeper_.sessions().start(*account, call.caller.source, call.caller.agent));
    }

    Result<Reply> logIn(const Call& call) {
        if (call.caller.front != "web")
            return fail(Code::denied, "log-in", "is for the page; who uses the control socket is logged in");
        if (gatekeeper_.users().empty())
            return fail(Code::conflict, "log-in", "there is no user yet; use the setup code");
        const auto answer = gatekeeper_.login().attempt({.name = call.text("name"),
                                                         .password = call.text("password"),
                                                         .code = call.text("totp"),
                                                         .from = sourceOf(call.caller),
                                                         .userAgent = call.caller.agent,
                                                         .oldCookie = {}});
        const auto refused = [&](const char* why) {
            host_.event(kLoginRefused,
                        json({{"who", call.text("name")}, {"from", call.caller.source}, {"reason", why}}));
            note(std::string(call.text("name")), call, "login", "denied", why);
        };
        switch (answer.outcome) {
            case Login::Outcome::wait:
                refused("too many tries");
                return waiting(answer.wait);
            case Login::Outcome::busy:
                return waiting(answer.wait);
            case Login::Outcome::codeWanted: {
                Reply reply = refusal(401, Code::unauthenticated, "the code of the authenticator app is asked as well",
                                      "send it as totp");
                reply.body.set("code", "totp-needed");
                return reply;
            }
            case Login::Outcome::wrong:
                refused("wrong name, password or code");
                return refusal(401, Code::unauthenticated, "name, password or code is wrong",
                               "an administrator can set a new password; root can with \"musterctl user set\"");
            case Login::Outcome::in:
                break;
        }
        if (answer.notRecorded)
            host_.log(Severity::warning, "a log-in could not be written down: " + answer.notRecorded->text());
        if (const SessionName before = SessionName::of(call.caller); !before.id.empty())
            gatekeeper_.sessions().endById(before.id, {});
        host_.event(kLoggedIn, json({{"who", answer.account->name}, {"from", call.caller.source}}));
        note(answer.account->name, call, "login", "done", "");
        return loggedIn(host_, *answer.account, answer.session);
    }

    Result<Reply> logOut(const Call& call) {
        if (const SessionName session = SessionName::of(call.caller); !session.id.empty())
            gatekeeper_.sessions().endById(session.id, {});
        Reply reply(json({{"done", true}}));
        reply.headers.emplace_back("Set-Cookie", cookieGone());
        return reply;
    }

    Result<Reply> changePassword(const Call& call) {
        const auto account = own(gatekeeper_, call);
        if (!account)
            return fail(account.error());
        auto admission = gatekeeper_.throttle().reserve(
            sourceOf(call.caller), account->name,
            gatekeeper_.users().knows(account->name, webui::sourceOf(sourceOf(call.caller))));
        if (!admission.attempt)
            return waiting(admission.wait);
        auto changed = gatekeeper_.users().changePassword(account->name, call.text("old"), call.text("password"));
        if (changed || changed.error().code != Code::denied)
            admission.attempt->release();
        if (!changed)
            return fail(changed.error());
        // All sessions have ended with the password; this one goes on under a new name.
        const auto now = gatekeeper_.users().find(account->name);
        return loggedIn(host_, *now, gatekeeper_.sessions().start(*now, call.caller.source, call.caller.agent));
    }

    Result<Reply> beginTotp(const Call& call) {
        const auto account = own(gatekeeper_, call);
        if (!account)
            return fail(account.error());
        auto begun = gatekeeper_.users().beginTotp(account->name, "Muster");
        if (!begun)
            return fail(begun.error());
        return Reply(json({{"secret", begun->secret}, {"uri", begun->uri}}));
    }
    Result<Reply> confirmTotp(const Call& call) {
        const auto account = own(gatekeeper_, call);
        if (!account)
            return fail(account.error());
        auto admission = gatekeeper_.throttle().reserveCode(sourceOf(call.caller), account->name, true);
        if (!admission.attempt)
            return waiting(admission.wait);
        auto confirmed = gatekeeper_.users().confirmTotp(account->name, call.text("code"));
        if (!confirmed)
            return fail(confirmed.error());
        admission.attempt->release();
        const auto now = gatekeeper_.users().find(account->name);
        return loggedIn(host_, *now, gatekeeper_.sessions().start(*now, call.caller.source, call.caller.agent));
    }

    Result<Reply> listSessions(const Call& call) {
        Json::Array all;
        const std::string present = SessionName::of(call.caller).id;
        for (const Sessions::View& view : gatekeeper_.sessions().list())
            if (call.caller.role == Role::admin || view.user == call.caller.name)
                all.push_back(json({{"id", view.id},
                                    {"name", view.user},
                                    {"address", view.source},
                                    {"agent", view.userAgent},
                                    {"started", isoTime(view.created)},
                                    {"lastSeen", isoTime(view.lastUsed)},
                                    {"current", view.id == present}}));
        return items(std::move(all));
    }
    Result<Reply> endSession(const Call& call) {
        std::string userId;
        if (call.caller.role != Role::admin) {
            const auto account = own(gatekeeper_, call);
            if (!account)
                return fail(account.error());
            userId = account->id;
        }
        if (!gatekeeper_.sessions().endById(call.text("id"), userId))
            return fail(Code::missing, "session " + std::string(call.text("id")), "there is none of that name");
        return Reply(json({{"done", true}}));
    }
    Result<Reply> endOwnSessions(const Call& call) {
        const auto account = own(gatekeeper_, call);
        if (!account)
            return fail(account.error());
        const std::size_t ended = gatekeeper_.sessions().endAllOf(account->id);
        Reply reply(json({{"ended", static_cast<std::int64_t>(ended)}}));
        reply.headers.emplace_back("Set-Cookie", cookieGone());
        return reply;
    }

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
    Result<Reply> removeUser(const Call& call) { return done(gatekeeper_.users().remove(call.text("name"))); }
    Result<Reply> setUser(const Call& call) {
        Users& users = gatekeeper_.users();
        const std::string_view name = call.text("name");
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
            return fail(Code::missing, "user " + std::string(name), "there is none of that name");
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
        Json shown = tokenJson(made->token);
        shown.set("token", made->text);
        return Reply(std::move(shown));
    }
    Result<Reply> removeToken(const Call& call) {
        return done(gatekeeper_.tokens().revoke(call.text("id"), "by " + call.caller.name));
    }

    Result<Reply> setupCode(const Call&) {
        const auto code = gatekeeper_.setupCode().show();
        if (!code)
            return fail(Code::missing, "setup code", "there is none: the first run is over");
        Reply reply;
        reply.text = *code + "\n";
        return reply;
    }

private:
    /// What is no change of a row: who came in, and who was not let in.
    void note(const std::string& who, const Call& call, const char* action, const char* result, const char* detail) {
        host_.audit(
            {.who = who, .from = call.caller.source, .action = action, .what = "", .result = result, .detail = detail});
    }

    Host& host_;
    Gatekeeper& gatekeeper_;
};

}  // namespace

void registerAccounts(Host& host, Gatekeeper& gatekeeper) {
    const auto accounts = std::make_shared<Accounts>(host, gatekeeper);
    using Method = Result<Reply> (Accounts::*)(const Call&);
    const auto add = [&](const Operation& operation, Method method) {
        host.operation(operation, [accounts, method](const Call& call) { return ((*accounts).*method)(call); });
    };
    add({.method = "GET",
         .path = "/session",
         .role = Role::none,
         .summary = "Who asks, and whether it is the first run.",
         .answer = kSessionAnswer},
        &Accounts::session);
    add({.method = "POST",
         .path = "/setup",
         .role = Role::none,
         .summary = "Makes the first administrator, by the code on the console, and logs in.",
         .body = kSetupBody,
         .answer = kSessionAnswer,
         .changes = false},
        &Accounts::setUp);
    add({.method = "POST",
         .path = "/login",
         .role = Role::none,
         .summary = "Begins a session.",
         .body = kLoginBody,
         .answer = kSessionAnswer,
         .changes = false},
        &Accounts::logIn);
    // Of these the audit log has a note of their own, with who came in.
    add({.method = "POST", .path = "/logout", .role = Role::none, .summary = "Ends this session.", .changes = false},
        &Accounts::logOut);
    add({.method = "PUT",
         .path = "/session/password",
         .role = Role::viewer,
         .summary = "Changes one's own password; all other sessions end.",
         .body = kPasswordBody,
         .answer = kSessionAnswer},
        &Accounts::changePassword);
    add({.method = "POST",
         .path = "/session/totp",
         .role = Role::viewer,
         .summary = "Begins a second factor for oneself.",
         .answer = kTotpAnswer},
        &Accounts::beginTotp);
    add({.method = "PUT",
         .path = "/session/totp",
         .role = Role::viewer,
         .summary = "Confirms it by a first code; it is asked from now on.",
         .body = kTotpBody,
         .answer = kSessionAnswer},
        &Accounts::confirmTotp);
    add({.method = "GET",
         .path = "/sessions",
         .role = Role::viewer,
         .cli = "session list",
         .summary = "Lists one's own sessions; an administrator's list has all.",
         .answer = kSessionsAnswer,
         .list = true},
        &Accounts::listSessions);
    add({.method = "DELETE", .path = "/sessions", .role = Role::viewer, .summary = "Logs out everywhere."},
        &Accounts::endOwnSessions);
    add({.method = "DELETE",
         .path = "/sessions/{id}",
         .role = Role::viewer,
         .cli = "session remove",
         .summary = "Ends a session.",
         .path_ = kIdPath},
        &Accounts::endSession);
    add({.method = "GET",
         .path = "/users",
         .role = Role::admin,
         .cli = "user list",
         .summary = "Lists the users.",
         .answer = kUserAnswer,
         .list = true},
        &Accounts::listUsers);
    add({.method = "POST",
         .path = "/users",
         .role = Role::admin,
         .cli = "user add",
         .summary = "Adds a user.",
         .body = kUserBody,
         .answer = kUserAnswer},
        &Accounts::addUser);
    add({.method = "PATCH",
         .path = "/users/{name}",
         .role = Role::admin,
         .cli = "user set",
         .summary = "Changes role, password or second factor of a user, or disables it.",
         .path_ = kUserPath,
         .body = kUserSetBody,
         .answer = kUserAnswer},
        &Accounts::setUser);
    add({.method = "DELETE",
         .path = "/users/{name}",
         .role = Role::admin,
         .cli = "user remove",
         .summary = "Removes a user; its sessions and tokens end.",
         .path_ = kUserPath,
         .confirm = "Remove this user?"},
        &Accounts::removeUser);
    add({.method = "GET",
         .path = "/tokens",
         .role = Role::admin,
         .cli = "token list",
         .summary = "Lists the API tokens.",
         .answer = kTokenAnswer,
         .list = true},
        &Accounts::listTokens);
    add({.method = "POST",
         .path = "/tokens",
         .role = Role::admin,
         .cli = "token add",
         .summary = "Makes an API token and shows it, once.",
         .body = kTokenBody,
         .answer = kTokenAnswer},
        &Accounts::addToken);
    add({.method = "DELETE",
         .path = "/tokens/{id}",
         .role = Role::admin,
         .cli = "token remove",
         .summary = "Revokes an API token.",
         .path_ = kIdPath,
         .confirm = "Revoke this token?"},
        &Accounts::removeToken);
    add({.method = "GET",
         .path = "/setup-code",
         .role = Role::admin,
         .cli = "setup-code",
         .summary = "Prints the code that opens the first run.",
         .text = true},
        &Accounts::setupCode);
}

}  // namespace muster::webui
