/// What the relay's settings say, in one piece.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "muster/plugin.h"

#include "relay/engine/health.h"
#include "relay/engine/lane.h"
#include "relay/engine/policy.h"
#include "relay/engine/prober.h"
#include "relay/upstream.h"

namespace muster::relay {

/// Section [relay] of the settings.
extern const std::span<const Field> kSettings;
/// Members of one upstream, in settings and in the operations that change them.
extern const std::span<const Field> kUpstreamFields;

struct Config {
    std::vector<Upstream> upstreams;
    std::vector<std::string> discover;  ///< domains
    std::vector<Address> resolvers;     ///< empty: the system's
    std::chrono::milliseconds discoverInterval{};
    LaneTerms lane;  ///< of the whole relay: divided by the number of reactors where it counts
    ProbeTerms probe;
    HealthRules health;
    bool failBack = true;
};

/// @param object  as setting relay.upstreams has it
/// @param where   for the error: "upstreams[2]"
/// @error malformed
Result<Upstream> readUpstream(const Json& object, const std::string& where);

/// @error malformed  names the setting, what is wrong and what to do
Result<Config> readConfig(const Host& host);

/// "HOST", "HOST:PORT", "[V6]:PORT", "V6": a name or numeric, port 1688 where none is given.
/// @error malformed  one clause
Result<void> parseHostPort(std::string_view text, std::string& host, std::uint16_t& port);

}  // namespace muster::relay
