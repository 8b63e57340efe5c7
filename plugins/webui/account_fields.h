/// What the operations on sessions, users and tokens share.
#pragma once

#include <string>

#include "muster/operation.h"
#include "muster/schema.h"

#include "access/password.h"
#include "gatekeeper.h"

namespace muster::webui {

inline constexpr Field kName{.name = "name",
                             .help = "Name of the user.",
                             .minimum = 1,
                             .maximum = static_cast<std::int64_t>(kMaxUserName),
                             .required = true};
inline constexpr Field kPassword{.name = "password",
                                 .help = "12 to 128 characters, none of the common ones.",
                                 .minimum = 1,
                                 .maximum = kMaxPasswordOctets,
                                 .required = true,
                                 .secret = true};
inline constexpr Field kIdPath[] = {
    {.name = "id", .help = "As the list shows it.", .minimum = 1, .maximum = 64, .required = true}};

/// @error denied  who asks is no session of the page
inline Result<Account> own(Gatekeeper& gatekeeper, const Call& call) {
    if (call.caller.front == "web" && !call.caller.session.empty())
        if (auto account = gatekeeper.users().find(call.caller.name))
            return *account;
    return fail(Code::denied, call.caller.name, "is no user who is logged in; use the page");
}

inline Reply items(Json::Array all) {
    return Reply(json({{"items", Json(std::move(all))}, {"next", Json()}}));
}

}  // namespace muster::webui
