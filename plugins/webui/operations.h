/// What can be asked of this plugin, in three parts.
#pragma once

#include "muster/plugin.h"

#include "gatekeeper.h"
#include "tls/certificate_store.h"
#include "tls/socket.h"

namespace muster::webui {

/// Log-in, first run and who is logged in; users and tokens. @param gatekeeper  outlives the plugin's operations
void registerSessions(Host& host, Gatekeeper& gatekeeper);
void registerAccounts(Host& host, Gatekeeper& gatekeeper);

/// What the certificate is for, and when the box began. @thread any
struct Certificates {
    tls::CertificateStore& store;
    tls::CurrentContext& context;
    std::function<tls::Names()> names;
    Timestamp notBefore;
};
void registerCertificates(Host& host, const Certificates& certificates);

}  // namespace muster::webui
