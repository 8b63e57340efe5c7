/// Who may come in: users, sessions and tokens as the HTTP server asks for them, and as the operations change them.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "muster/plugin.h"

#include "access/login.h"
#include "access/password.h"
#include "access/sessions.h"
#include "access/setup_code.h"
#include "access/throttle.h"
#include "access/tokens.h"
#include "access/users.h"
#include "server/asker.h"

namespace muster::webui {

/// What Caller::session holds: the session's name and what its requests must carry.
struct SessionName {
    std::string id;
    std::string csrf;

    std::string text() const { return id + ":" + csrf; }
    static SessionName of(const Caller& caller) {
        const std::size_t colon = std::min(caller.session.find(':'), caller.session.size());
        return {caller.session.substr(0, colon), caller.session.substr(std::min(colon + 1, caller.session.size()))};
    }
};

class Gatekeeper final : public Door {
public:
    /// @param directory  of the plugin, the same in every mode
    /// @error (Fault) storage, malformed  a file of users or tokens that cannot be used: nothing is served then
    Gatekeeper(Host& host, const std::string& directory);

    Asker identify(const Credentials& credentials) override;
    void seenInTheClear(std::string_view token, const Address& from) override;

    Users& users() noexcept { return *users_; }
    Sessions& sessions() noexcept { return sessions_; }
    Tokens& tokens() noexcept { return *tokens_; }
    Throttle& throttle() noexcept { return throttle_; }
    /// What a daemon that stops leaves to the next one: who is logged in stays so, as when another mode is chosen.
    void handOver() noexcept;

    SetupCode& setupCode() noexcept { return setupCode_; }
    Login& login() noexcept { return login_; }

private:
    Asker byToken(const Credentials& credentials);
    void takeOver();

    Host& host_;
    const std::string handed_;  ///< path of the sessions that are handed over
    PasswordHasher hasher_;
    Throttle throttle_;
    std::unique_ptr<Users> users_;
    Sessions sessions_;
    std::unique_ptr<Tokens> tokens_;
    SetupCode setupCode_;
    Login login_;
};

}  // namespace muster::webui
