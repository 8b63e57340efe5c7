/// Section [dns] of the settings.
#pragma once

#include <chrono>
#include <span>
#include <string>
#include <vector>

#include "muster/plugin.h"
#include "muster/result.h"
#include "muster/schema.h"

#include "publish/wish.h"

namespace muster::publisher {

extern const std::span<const Field> kSettings;

struct DomainSetting {
    Wish wish;               ///< without what the machine itself says
    bool ownTarget = false;  ///< target is this machine's name
    bool ownPort = false;    ///< port is the listener's
    bool publishAddresses = false;
};

struct Config {
    bool publish = false;
    std::vector<DomainSetting> domains;
    std::vector<Address> ownAddresses;  ///< empty: this machine's
    std::string gssKeytab;
    std::string gssPrincipal;
    std::vector<Address> resolvers;
    std::chrono::seconds refreshInterval{86'400};
    bool withdrawOnStop = false;
    bool publishLab = false;
    std::vector<std::string> allowed;
    std::chrono::seconds watchInterval{900};
    std::vector<Address> responderAddresses;
    unsigned responderRate = 20;
};

/// @error malformed  what the schema alone cannot know: names, servers, a key that auth does not go with
Result<Config> readConfig(const Host& host);

/// What this machine says about itself, just now.
struct Machine {
    std::string name;                ///< fullHostName()
    std::vector<Address> listening;  ///< Host::listening()
    std::vector<Address> addresses;  ///< globalAddresses()
};

/// The wishes that follow. @param problem  why a domain is left out: no full host name
std::vector<Wish> wishesOf(const Config& config, const Machine& machine, std::string& problem);

}  // namespace muster::publisher
