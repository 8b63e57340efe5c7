/// What can be asked of this plugin, in three parts.
#pragma once

#include "muster/plugin.h"

#include "gatekeeper.h"
#include "served_certificate.h"

namespace muster::webui {

/// Log-in, first run and who is logged in; users and tokens. @param gatekeeper  outlives the plugin's operations
void registerSessions(Host& host, Gatekeeper& gatekeeper);
void registerAccounts(Host& host, Gatekeeper& gatekeeper);

/// @param certificate  outlives the plugin's operations
void registerCertificates(Host& host, ServedCertificate& certificate);

}  // namespace muster::webui
