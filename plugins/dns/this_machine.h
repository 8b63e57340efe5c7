/// What this machine is called and where it is: what is published where settings leave it open.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "muster/types.h"

namespace muster::publisher {

/// The full host name, as dns::plainName() gives it: gethostname(2), or where that has no dot the first name with one
/// that the hosts file has for it. Without a dot: there is none.
/// DNS is not asked: it may wait, and this is asked again and again.
std::string fullHostName(const std::string& hostsFile = "/etc/hosts");
/// The first name with a dot of the lines that have `host` among their names; empty: none.
std::string fullNameIn(std::string_view hosts, std::string_view host);

/// Addresses of interfaces that are up, of global scope: no loopback, no link-local ones,
/// Port 0, sorted.
std::vector<Address> globalAddresses();
bool isGlobal(const Address& address) noexcept;

}  // namespace muster::publisher
