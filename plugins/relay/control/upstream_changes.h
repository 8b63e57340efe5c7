/// Changes to the list of upstreams in the settings, as values: what `upstream add`, `set` and `remove` do to it.
/// @thread any; pure
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "muster/json.h"
#include "muster/operation.h"
#include "muster/result.h"

namespace muster::relay {

/// Each item of the list is an object as setting relay.upstreams has it, defaults filled in or not.
using UpstreamList = std::vector<Json>;

/// @param call  with the members of kUpstreamChange in its body
/// @error duplicate, malformed
Result<UpstreamList> withAdded(UpstreamList list, const Call& call);
/// @error missing
Result<UpstreamList> withChanged(UpstreamList list, std::string_view name, const Call& call);
/// @error missing
Result<UpstreamList> withRemoved(UpstreamList list, std::string_view name);

/// The name that an item goes by: its own, or its address.
std::string nameOf(const Json& item);

}  // namespace muster::relay
