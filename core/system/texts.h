/// Settings as the files that systemd and nftables read. Pure; what has passed findings() gives one line a fact.
#pragma once

#include <map>
#include <string>

#include "system/settings.h"

namespace muster::system {

/// The files of one thing: name within their directory, and content.
using Texts = std::map<std::string, std::string>;

/// "10-muster-eth0.network" for each port. They go before what the image brings (80-…).
/// @source systemd.network(5)
Texts networkFiles(const NetworkSettings& settings);
/// "muster.conf" for resolved.conf.d; nothing where neither name servers nor domains are set. @source resolved.conf(5)
Texts resolvedFiles(const NetworkSettings& settings);
/// "muster.conf" for timesyncd.conf.d; nothing where no server is set. @source timesyncd.conf(5)
Texts timesyncFiles(const TimeSettings& settings);
/// A ruleset that replaces the table of Muster in one transaction: what is not open is dropped. @source nft(8)
std::string ruleset(const OpenPorts& ports);

}  // namespace muster::system
