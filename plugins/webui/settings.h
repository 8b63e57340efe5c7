/// What the page's settings say, in one piece.
#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "muster/plugin.h"

namespace muster::webui {

/// Section [webui] of the settings.
extern const std::span<const Field> kSettings;

struct Settings {
    std::vector<Address> addresses;  ///< none: no page
    std::vector<Address> redirects;  ///< HTTP in the clear, which is only told where https is
    std::vector<std::string> names;  ///< of this appliance, beside what the machine says
    int threads = 0;
    std::size_t connections = 0;
    std::size_t connectionsPerSource = 0;
    std::chrono::seconds idle{};   ///< of a session
    std::chrono::seconds total{};  ///< of a session
};

/// @error malformed  an address that is none, or one twice
Result<Settings> readSettings(const Host& host);

}  // namespace muster::webui
