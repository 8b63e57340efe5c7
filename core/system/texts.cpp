#include "system/texts.h"

namespace muster::system {

namespace {

constexpr const char* kHead = "# Written by musterd-system from the settings of the box; changes here are lost.\n";

const char* dhcp(const Port& port) noexcept {
    const bool v4 = port.ipv4 == Addressing::automatic;
    const bool v6 = port.ipv6 == Addressing::automatic;
    return v4 && v6 ? "yes" : v4 ? "ipv4" : v6 ? "ipv6" : "no";
}

std::string set(const std::vector<std::uint16_t>& ports) {
    std::string out;
    for (const std::uint16_t port : ports)
        out += (out.empty() ? "" : ", ") + std::to_string(port);
    return "{ " + out + " }";
}

}  // namespace

Texts networkFiles(const NetworkSettings& settings) {
    Texts files;
    for (const Port& port : settings.ports) {
        std::string text = kHead;
        text += "[Match]\nName=" + port.name + "\n\n[Network]\n";
        text += std::string("DHCP=") + dhcp(port) + "\n";
        text += std::string("IPv6AcceptRA=") + (port.ipv6 == Addressing::automatic ? "yes" : "no") + "\n";
        text += std::string("LinkLocalAddressing=") + (port.ipv6 == Addressing::off ? "no" : "ipv6") + "\n";
        for (const Prefix& address : port.addresses)
            text += "Address=" + address.text() + "\n";
        for (const auto* gateway : {&port.gateway4, &port.gateway6})
            if (*gateway)
                text += "Gateway=" + (*gateway)->host() + "\n";
        if (!settings.nameServers.empty())
            text += "\n[DHCPv4]\nUseDNS=no\n\n[DHCPv6]\nUseDNS=no\n\n[IPv6AcceptRA]\nUseDNS=no\n";
        files.emplace("10-muster-" + port.name + ".network", std::move(text));
    }
    return files;
}

Texts resolvedFiles(const NetworkSettings& settings) {
    if (settings.nameServers.empty() && settings.domains.empty())
        return {};
    std::string text = std::string(kHead) + "[Resolve]\n";
    if (!settings.nameServers.empty()) {
        text += "DNS=";
        for (const Address& server : settings.nameServers)
            text += (&server == settings.nameServers.data() ? "" : " ") + server.host();
        text += "\nFallbackDNS=\n";
    }
    if (!settings.domains.empty()) {
        text += "Domains=";
        for (const std::string& domain : settings.domains)
            text += (&domain == settings.domains.data() ? "" : " ") + domain;
        text += "\n";
    }
    return {{"muster.conf", std::move(text)}};
}

Texts timesyncFiles(const TimeSettings& settings) {
    if (settings.servers.empty())
        return {};
    std::string text = std::string(kHead) + "[Time]\nNTP=";
    for (const std::string& server : settings.servers)
        text += (&server == settings.servers.data() ? "" : " ") + server;
    return {{"muster.conf", text + "\nFallbackNTP=\n"}};
}

std::string ruleset(const OpenPorts& ports) {
    std::string text = kHead;
    text +=
        "table inet muster\n"  // so that there is one to delete
        "delete table inet muster\n"
        "table inet muster {\n"
        "    chain input {\n"
        "        type filter hook input priority filter; policy drop;\n"
        "        iif \"lo\" accept\n"
        "        ct state established,related accept\n"
        "        ct state invalid drop\n"
        "        meta l4proto { icmp, ipv6-icmp } accept\n"
        "        ip6 saddr fe80::/10 udp dport 546 accept comment \"answers of DHCPv6\"\n";
    if (!ports.tcp.empty())
        text += "        tcp dport " + set(ports.tcp) + " accept\n";
    if (!ports.udp.empty())
        text += "        udp dport " + set(ports.udp) + " accept\n";
    text +=
        "    }\n"
        "    chain forward {\n"
        "        type filter hook forward priority filter; policy drop;\n"
        "    }\n"
        "}\n";
    return text;
}

}  // namespace muster::system
