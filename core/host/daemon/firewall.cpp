#include "host/daemon/firewall.h"

#include <set>

namespace muster::daemon {

system::OpenPorts portsOf(const std::vector<Address>& listening) {
    std::set<std::uint16_t> ports;
    for (const Address& one : listening)
        if (!one.isLoopback() && one.port != 0)
            ports.insert(one.port);
    system::OpenPorts open;
    for (const std::uint16_t port : ports)
        if (open.tcp.size() < system::kMaxOpen)
            open.tcp.push_back(port);
    return open;
}

void Firewall::tick(const std::vector<Address>& listening) {
    if (!client_.isThere())
        return;
    const system::OpenPorts open = portsOf(listening);
    if (told_ == open)
        return;
    const auto done = client_.get<system::OpenPorts>(system::Verb::firewallSet, open);
    if (done) {
        told_ = open;
        trouble_.clear();
    } else if (trouble_ != done.error().text()) {
        trouble_ = done.error().text();
        log_.write(Severity::error, "core", "the box's firewall stays as it was: " + trouble_);
    }
}

}  // namespace muster::daemon
