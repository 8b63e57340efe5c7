/// An update in nsupdate's own words.
#pragma once

#include <string>

#include "muster/secure_update.h"

namespace muster::nsupdate {

/// The lines for the standard input of `nsupdate -g`: server, zone, realm, prerequisites, deletions, additions, send,
/// answer. Names stand with their last dot: none is relative to anything.
/// @param update  that check() has let pass: what is in it cannot end a line
/// @source nsupdate(1)
/// @thread any; pure
std::string script(const SecureUpdate& update);

}  // namespace muster::nsupdate
