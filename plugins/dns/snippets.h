/// Text to paste into a name server where this appliance may not write, or so that it may.
/// @thread any; pure
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "publish/wish.h"

namespace muster::publisher {

struct SnippetInput {
    Wish wish;
    std::string zone;       ///< its apex; empty: not known, the domain is taken for it
    std::string algorithm;  ///< of the key: "hmac-sha256"
    std::string principal;  ///< setting gss-principal; may be empty
};

/// @param server  "bind", "knot", "powerdns", "unbound", "dnsmasq", "windows"
/// @return        lines with comments in that server's own syntax; both the record by hand, and, where the server takes
///                updates, the rule that lets this appliance write it and nothing else
std::string snippetFor(std::string_view server, const SnippetInput& input);

}  // namespace muster::publisher
