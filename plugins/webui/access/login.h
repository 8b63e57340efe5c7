/// The log-in: rate, password, second factor and session, in the one order in which nothing slips through.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "muster/result.h"
#include "muster/types.h"

#include "sessions.h"
#include "throttle.h"
#include "users.h"

namespace muster::webui {

/// @thread any; holds its thread for a password check
class Login {
public:
    struct Request {
        std::string_view name;
        std::string_view password;
        std::string_view code;  ///< of the second factor; empty where it is not asked yet
        Address from;
        std::string_view userAgent;
        std::string_view oldCookie;  ///< that session ends
    };
    enum class Outcome {
        in,
        wrong,       ///< name, password or code, or the user is disabled: the caller is not told which
        codeWanted,  ///< name and password are right; ask again with a code
        wait,        ///< not looked at: too many wrong tries; see Answer::wait
        busy,        ///< not looked at: too many checks at once, or no memory; see Answer::wait
    };
    struct Answer {
        Outcome outcome = Outcome::wrong;
        std::chrono::seconds wait{0};      ///< for Retry-After
        Sessions::Started session;         ///< with `in`
        std::optional<Account> account;    ///< with `in`
        std::optional<Error> notRecorded;  ///< with `in`: time and source could not be written; for the log
    };

    /// All outlive this.
    Login(Users& users, Sessions& sessions, Throttle& throttle)
        : users_(users), sessions_(sessions), throttle_(throttle) {}

    Answer attempt(const Request& request);
    /// The password once more before something grave, under the same rates. No code is asked and no session begun:
    /// `in` means that it is right.
    Answer confirm(std::string_view name, std::string_view password, const Address& from);

private:
    /// `in` where the password is right.
    Answer checkPassword(std::string_view name, std::string_view password, const Address& from, bool known);

    Users& users_;
    Sessions& sessions_;
    Throttle& throttle_;
};

}  // namespace muster::webui
