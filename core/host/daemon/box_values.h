/// What the box's helper says and takes, as the JSON of its operations.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "muster/json.h"

#include "system/message.h"

namespace muster::daemon {

// The members are those that box_operations.cpp describes to callers.
Json shown(const system::NetworkState& state);
Json shown(const system::TimeState& state);
Json shown(const system::Hostname& hostname);
Json shown(const system::OpenPorts& ports);
Json shown(const system::SlotsState& state);
Json shown(const system::UpdateState& state);
Json shown(const system::Hello& hello);
Json shown(std::monostate);

/// The words of a list, without empty ones: a command line has no other way to say "none".
std::vector<std::string> texts(const Json& object, const char* member);

/// What the body does not name stays as it is. @param wrong  gets all that is wrong; the settings are not to be used
/// then
void changeBy(const Json& body, system::NetworkSettings& settings, std::vector<system::Wrong>& wrong);

}  // namespace muster::daemon
