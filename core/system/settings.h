/// What can be set on a box and what is known of it, as values; and what is wrong with them. Pure.
///
/// Whatever passes findings() may stand in a file of systemd-networkd, -resolved or -timesyncd, in a ruleset of
/// nftables, or be an argument of a program: no blank, no newline, nothing that begins with a dash, no glob, no path.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "muster/types.h"

namespace muster::system {

constexpr std::size_t kMaxPorts = 8;        ///< network ports of a box
constexpr std::size_t kMaxAddresses = 8;    ///< of one network port
constexpr std::size_t kMaxNameServers = 4;  ///< more than a resolver asks
constexpr std::size_t kMaxDomains = 6;
constexpr std::size_t kMaxTimeServers = 8;
constexpr std::size_t kMaxOpen = 64;  ///< TCP or UDP ports that are open

/// One thing that is wrong. All of them are reported at once.
struct Wrong {
    std::string field;    ///< "ports[0].addresses[1]"
    std::string found;    ///< what stands there, shortened
    std::string allowed;  ///< what may

    bool operator==(const Wrong&) const = default;
};

/// An address and how many of its leading bits are the network's.
struct Prefix {
    Address address;  ///< port and scope 0
    std::uint8_t bits = 0;

    bool operator==(const Prefix&) const = default;
    std::string text() const;  ///< "10.0.0.7/24", "2001:db8::7/64"
    static std::optional<Prefix> parse(std::string_view text);
};

/// "10.0.0.7", "2001:db8::7": numeric, without port and scope. Nothing for anything else.
std::optional<Address> parseAddress(std::string_view text);

/// Where a port's addresses of one family come from.
enum class Addressing : std::uint8_t {
    off = 0,
    automatic = 1,  ///< IPv4: DHCP. IPv6: router advertisements, and DHCP where they say so
    fixed = 2,
};
const char* name(Addressing addressing) noexcept;  ///< "off", "auto", "fixed"
std::optional<Addressing> addressingOf(std::string_view text) noexcept;

struct Port {
    std::string name;  ///< as the kernel calls it: 1 to 15 letters, digits, '-', '_', '.'
    Addressing ipv4 = Addressing::automatic;
    Addressing ipv6 = Addressing::automatic;
    std::vector<Prefix> addresses;  ///< of the families that are fixed
    std::optional<Address> gateway4;
    std::optional<Address> gateway6;

    bool operator==(const Port&) const = default;
};

/// Without any port: as the image has it, each of them automatic.
struct NetworkSettings {
    std::vector<Port> ports;
    std::vector<Address> nameServers;  ///< in the place of those that DHCP names; empty: those
    std::vector<std::string> domains;  ///< where a name without a dot is looked for

    bool operator==(const NetworkSettings&) const = default;
};

struct TimeSettings {
    bool ntp = true;
    std::vector<std::string> servers;  ///< names or addresses; empty: those that DHCP names, else Debian's
    std::string zone = "UTC";          ///< as in the tz database: "Europe/Berlin"

    bool operator==(const TimeSettings&) const = default;
};

/// What may come in. Everything else is dropped, answers and ICMP apart.
struct OpenPorts {
    std::vector<std::uint16_t> tcp;  ///< ascending, each once
    std::vector<std::uint16_t> udp;

    bool operator==(const OpenPorts&) const = default;
};

std::vector<Wrong> findings(const NetworkSettings& settings);
std::vector<Wrong> findings(const TimeSettings& settings);
std::vector<Wrong> findings(const OpenPorts& ports);
/// @param name  a host's: labels of a to z, 0 to 9 and '-' with dots between them, 63 characters in all
std::vector<Wrong> hostnameFindings(std::string_view name);

/// Labels of letters, digits, '-' with dots between them; 253 characters, 63 each.
bool isHostName(std::string_view text) noexcept;
/// 1 to 15 letters, digits, '-', '_', '.', the first a letter or digit; not "lo".
bool isPortName(std::string_view text) noexcept;
/// "UTC", "Europe/Berlin": at most 3 parts of letters, digits, '-', '+', '_' that begin with a letter.
bool isZone(std::string_view text) noexcept;
/// Up to `most` printable ASCII characters.
bool isPlain(std::string_view text, std::size_t most) noexcept;
/// `text` made to be that: what is not printable becomes a blank, what is too much is cut.
std::string plain(std::string_view text, std::size_t most);

}  // namespace muster::system
