/// What this machine itself says about names: /etc/hosts and /etc/resolv.conf.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "muster/types.h"

namespace muster::dns {

/// A numeric address as Muster means it (port 0), or nothing: "10.0.0.7", "2001:db8::7", "fe80::1%eth0", "[::1]".
std::optional<Address> numericAddress(std::string_view text);

/// The addresses of a host in a hosts file, in its order, at most 16; none if it is not in there or cannot be read.
/// @param name  as plainName() gives it
/// @source hosts(5); of the file at most 1 MiB is read
std::vector<Address> addressesInHosts(const std::string& file, std::string_view name);

struct ResolverConfiguration {
    std::vector<Address> servers;     ///< at most 3, port 53; 127.0.0.1 if the file names none
    std::vector<std::string> search;  ///< at most 6 domains
    unsigned dots = 1;                ///< a name with so many dots is first asked for as it is
};
/// @source resolv.conf(5); of the file at most 64 KiB is read. What it does not know is passed over
ResolverConfiguration readResolverConfiguration(const std::string& file);

/// The absolute names to ask for, in order, for a name that a person wrote.
/// @param dotted  it was written with a last dot: absolute already
std::vector<std::string> candidates(const std::string& name, bool dotted, const ResolverConfiguration& configuration);

}  // namespace muster::dns
