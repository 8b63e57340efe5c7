/// Log-in, first run, and who is logged in.
#include "account_fields.h"
#include "events.h"
#include "operations.h"
#include "server/policy.h"

#ifndef MUSTER_VERSION
#    define MUSTER_VERSION "0"
#endif

namespace muster::webui {

namespace {

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

/// All operations of this file: one object that each handler shares.
class SessionOperations {
public:
    SessionOperations(Host& host, Gatekeeper& gatekeeper) : host_(host), gatekeeper_(gatekeeper) {}

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
            return fail(Code::missing, "session " + std::string(call.text("id")),
                        "there is none of that name; the list has those that hold");
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

    Result<Reply> setupCode(const Call&) {
        const auto code = gatekeeper_.setupCode().show();
        if (!code)
            return fail(Code::missing, "setup code",
                        "there is none: the first run is over; log in, or add a user with \"musterctl user add\"");
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

void registerSessions(Host& host, Gatekeeper& gatekeeper) {
    const auto operations = std::make_shared<SessionOperations>(host, gatekeeper);
    using Method = Result<Reply> (SessionOperations::*)(const Call&);
    const auto add = [&](const Operation& operation, Method method) {
        host.operation(operation, [operations, method](const Call& call) { return ((*operations).*method)(call); });
    };
    add({.method = "GET",
         .path = "/session",
         .role = Role::none,
         .summary = "Who asks, and whether it is the first run.",
         .answer = kSessionAnswer},
        &SessionOperations::session);
    add({.method = "POST",
         .path = "/setup",
         .role = Role::none,
         .summary = "Makes the first administrator, by the code on the console, and logs in.",
         .body = kSetupBody,
         .answer = kSessionAnswer,
         .changes = false},
        &SessionOperations::setUp);
    add({.method = "POST",
         .path = "/login",
         .role = Role::none,
         .summary = "Begins a session.",
         .body = kLoginBody,
         .answer = kSessionAnswer,
         .changes = false},
        &SessionOperations::logIn);
    // Of these the audit log has a note of their own, with who came in.
    add({.method = "POST", .path = "/logout", .role = Role::none, .summary = "Ends this session.", .changes = false},
        &SessionOperations::logOut);
    add({.method = "PUT",
         .path = "/session/password",
         .role = Role::viewer,
         .summary = "Changes one's own password; all other sessions end.",
         .body = kPasswordBody,
         .answer = kSessionAnswer},
        &SessionOperations::changePassword);
    add({.method = "POST",
         .path = "/session/totp",
         .role = Role::viewer,
         .summary = "Begins a second factor for oneself.",
         .answer = kTotpAnswer},
        &SessionOperations::beginTotp);
    add({.method = "PUT",
         .path = "/session/totp",
         .role = Role::viewer,
         .summary = "Confirms it by a first code; it is asked from now on.",
         .body = kTotpBody,
         .answer = kSessionAnswer},
        &SessionOperations::confirmTotp);
    add({.method = "GET",
         .path = "/sessions",
         .role = Role::viewer,
         .cli = "session list",
         .summary = "Lists one's own sessions; an administrator's list has all.",
         .answer = kSessionsAnswer,
         .list = true},
        &SessionOperations::listSessions);
    add({.method = "DELETE", .path = "/sessions", .role = Role::viewer, .summary = "Logs out everywhere."},
        &SessionOperations::endOwnSessions);
    add({.method = "DELETE",
         .path = "/sessions/{id}",
         .role = Role::viewer,
         .cli = "session remove",
         .summary = "Ends a session.",
         .path_ = kIdPath},
        &SessionOperations::endSession);
    add({.method = "GET",
         .path = "/setup-code",
         .role = Role::admin,
         .cli = "setup-code",
         .summary = "Prints the code that opens the first run.",
         .text = true},
        &SessionOperations::setupCode);
}

}  // namespace muster::webui
