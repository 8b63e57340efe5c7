#include "gatekeeper.h"

#include <cstdio>

#include "muster/private_file.h"

#include "events.h"
#include "http/message.h"

namespace muster::webui {

Gatekeeper::Gatekeeper(Host& host, const std::string& directory)
    : host_(host),
      handed_(directory + "/sessions.json"),
      users_(orThrow(Users::open(directory + "/users.json", hasher_))),
      sessions_([this](std::string_view id) { return users_->byId(id); }),
      tokens_(
          orThrow(Tokens::open(directory + "/tokens.json", [this](std::string_view id) { return users_->byId(id); }))),
      setupCode_(directory + "/setup-code", throttle_),
      login_(*users_, sessions_, throttle_) {
    if (auto prepared = setupCode_.prepare(!users_->empty()); !prepared)
        throw Fault(prepared.error());
    takeOver();
}

void Gatekeeper::takeOver() {
    const auto text = readPrivateFile(handed_, Sessions::kMaxFrozenText);
    std::remove(handed_.c_str());  // once: a copy that is found later is worth nothing
    if (!text)
        return;
    if (const auto taken = sessions_.thaw(*text); !taken)
        host_.log(Severity::info, "those who were logged in have to do it again: " + taken.error().text());
}

void Gatekeeper::handOver() noexcept {
    try {
        if (auto flushed = tokens_->flush(); !flushed)
            host_.log(Severity::warning, flushed.error().text());
        if (auto written = writePrivateFile(handed_, sessions_.freeze()); !written)
            host_.log(Severity::info, "those who are logged in will have to do it again: " + written.error().text());
    } catch (const std::exception& error) {
        host_.log(Severity::warning, error.what());
    }
}

Asker Gatekeeper::identify(const Credentials& credentials) {
    if (!credentials.token.empty())
        return byToken(credentials);
    Asker asker;
    asker.caller.front = "web";
    asker.caller.source = credentials.from.host();
    asker.caller.name = "somebody at " + asker.caller.source;
    if (credentials.session.empty())
        return asker;
    if (auto access = sessions_.use(credentials.session)) {
        asker.how = Asker::How::session;
        asker.caller.name = access->account.name;
        asker.caller.role = access->account.role;
        asker.caller.session = SessionName{access->id, access->csrf}.text();
        asker.csrf = access->csrf;
    }
    return asker;
}

Asker Gatekeeper::byToken(const Credentials& credentials) {
    Asker asker;
    asker.caller.front = "web";
    asker.caller.source = credentials.from.host();
    // Judged before it is counted, other than passwords: 256 random bits cannot be guessed, so that nobody who is right
    // needs to wait, not for the many that ask at the same moment and not for others' failures.
    auto access = tokens_->use(credentials.token, asker.caller.source);
    if (!access) {
        const auto admission = throttle_.reserve(credentials.from, {}, false);
        if (!admission.attempt) {
            asker.refusal =
                http::refuse(429, {Code::busy, "token", "too many wrong ones came from this address; wait"});
            asker.refusal->headers.emplace_back("Retry-After", std::to_string(admission.wait.count()));
            return asker;
        }
        host_.log(Severity::warning, "a token from " + asker.caller.source + " was refused: " + access.error().text());
        asker.refusal =
            http::refuse(401, {Code::unauthenticated, "token", "unknown, expired or revoked; make a new one"});
        asker.refusal->headers.emplace_back("WWW-Authenticate", "Bearer");
        return asker;
    }
    asker.how = Asker::How::token;
    asker.caller.name = "token " + access->name;
    asker.caller.role = access->role;
    asker.allowed = [scope = std::move(access->scope)](const Operation& operation) {
        return scope.allows(operation.method, operation.path);
    };
    return asker;
}

void Gatekeeper::seenInTheClear(std::string_view token, const Address& from) {
    if (const auto id = tokens_->revokeSeen(token, "seen unencrypted"))
        host_.event(kTokenInTheClear, json({{"name", tokens_->byId(*id)->name}, {"from", from.host()}}));
}

}  // namespace muster::webui
