/// Refusals as RFC 9457 problem+json: a stable `code`, what is wrong in `detail`, what to do in `hint`.
#pragma once

#include <string>
#include <vector>

#include "muster/operation.h"
#include "muster/result.h"

namespace muster::api {

/// One thing that is wrong with what was given. All of them are reported at once.
struct Finding {
    std::string name;     ///< "limit", "upstreams[2].address", "listener.idle-timeout"
    std::string found;    ///< `"fast"`, `70000`, "nothing"
    std::string allowed;  ///< "1 to 65535"
    std::string where;    ///< "/etc/muster/muster.toml:12"; empty where there is no file

    /// "limit: 0 found, 1 to 1000 allowed"
    std::string text() const;
};

/// The HTTP status that goes with a code.
int status(Code code) noexcept;

/// {"type", "title", "status", "code", "detail", "hint"?, "errors"?}. The hint is what follows the last "; " of the
/// error's detail; at most 50 errors.
Json problem(const Error& error, const std::vector<Finding>& findings = {});

/// An answer that is a problem, for a handler that has more to say than an Error can hold.
Reply problemReply(const Error& error, const std::vector<Finding>& findings);

}  // namespace muster::api
