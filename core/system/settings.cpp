#include "system/settings.h"

#include <algorithm>
#include <charconv>

namespace muster::system {

namespace {

constexpr std::size_t kShown = 64;  // octets of a wrong value that are said back
constexpr std::size_t kMaxLabel = 63;
constexpr std::size_t kMaxName = 253;
constexpr std::size_t kMaxHostname = 63;  // HOST_NAME_MAX is 64
constexpr std::size_t kMaxPortName = 15;  // IFNAMSIZ less its zero
constexpr std::size_t kMaxZone = 64;
constexpr std::size_t kFirstOfV4 = 12;  // in Address::octets
constexpr unsigned kV4Bits = 32;
constexpr unsigned kV6Bits = 128;

bool isDigit(char c) noexcept {
    return c >= '0' && c <= '9';
}
bool isLetter(char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

std::string shortened(std::string_view text) {
    return "\"" + plain(text, kShown) + "\"";
}

unsigned widthOf(const Address& address) noexcept {
    return address.isV4() ? kV4Bits : kV6Bits;
}

/// The bit `at` of an address, counted within its family.
bool bit(const Address& address, unsigned at) noexcept {
    const std::size_t octet = (address.isV4() ? kFirstOfV4 : 0) + at / 8;
    return (address.octets.at(octet) >> (7 - at % 8) & 1) != 0;
}

bool allBits(const Address& address, unsigned from, unsigned to, bool wanted) noexcept {
    for (unsigned at = from; at < to; ++at)
        if (bit(address, at) != wanted)
            return false;
    return true;
}

bool isLinkLocal6(const Address& address) noexcept {
    return !address.isV4() && address.octets[0] == 0xfe && (address.octets[1] & 0xc0) == 0x80;
}

/// One that a host can have or be asked at: neither nothing, loopback, multicast nor the class that nobody has.
bool isHostAddress(const Address& address) noexcept {
    if (address.port != 0 || address.scopeId != 0 || address.isLoopback())
        return false;
    if (address.isV4()) {
        const std::uint8_t first = address.octets[kFirstOfV4];
        return first != 0 && first < 224 && first != 127;
    }
    return !allBits(address, 0, kV6Bits, false) && address.octets[0] != 0xff;
}

bool isHostAddress(const Prefix& prefix) noexcept {
    const unsigned width = widthOf(prefix.address);
    if (!isHostAddress(prefix.address) || prefix.bits == 0 || prefix.bits > width)
        return false;
    // The first and the last address of an IPv4 network are nobody's (RFC 3021: but of two).
    return !prefix.address.isV4() || prefix.bits >= kV4Bits - 1 ||
           (!allBits(prefix.address, prefix.bits, width, false) && !allBits(prefix.address, prefix.bits, width, true));
}

bool contains(const Prefix& prefix, const Address& address) noexcept {
    if (prefix.address.isV4() != address.isV4())
        return false;
    for (unsigned at = 0; at < prefix.bits; ++at)
        if (bit(prefix.address, at) != bit(address, at))
            return false;
    return true;
}

void checkPort(const Port& port, const std::string& at, std::vector<Wrong>& wrong) {
    if (!isPortName(port.name))
        wrong.push_back({at + ".name", shortened(port.name),
                         "1 to 15 letters, digits, '-', '_' and '.', and not lo; GET /network has those of the box"});
    const auto known = [](Addressing one) { return one <= Addressing::fixed; };
    if (!known(port.ipv4) || !known(port.ipv6))
        wrong.push_back({at + ".ipv4", "another number", "off, auto or fixed"});
    else if (port.ipv4 == Addressing::off && port.ipv6 == Addressing::off)
        wrong.push_back({at + ".ipv4", "off, and ipv6 off", "one of both: nobody would reach the box there"});
    if (port.addresses.size() > kMaxAddresses)
        wrong.push_back(
            {at + ".addresses", std::to_string(port.addresses.size()), "up to " + std::to_string(kMaxAddresses)});
    for (std::size_t i = 0; i < port.addresses.size() && i <= kMaxAddresses; ++i) {
        const Prefix& prefix = port.addresses[i];
        const bool v4 = prefix.address.isV4();
        const std::string field = at + ".addresses[" + std::to_string(i) + "]";
        if (!isHostAddress(prefix))
            wrong.push_back({field, prefix.text(), "a host's address with its network's bits, as 10.0.0.7/24"});
        else if ((v4 ? port.ipv4 : port.ipv6) != Addressing::fixed)
            wrong.push_back({field, prefix.text(), std::string("none unless ") + (v4 ? "ipv4" : "ipv6") + " is fixed"});
        else if (std::find(port.addresses.begin(), port.addresses.begin() + static_cast<std::ptrdiff_t>(i), prefix) !=
                 port.addresses.begin() + static_cast<std::ptrdiff_t>(i))
            wrong.push_back({field, prefix.text(), "each address once"});
    }
    for (const bool v4 : {true, false}) {
        const std::string family = v4 ? "4" : "6";
        const bool fixed = (v4 ? port.ipv4 : port.ipv6) == Addressing::fixed;
        if (fixed && std::none_of(port.addresses.begin(), port.addresses.end(),
                                  [v4](const Prefix& one) { return one.address.isV4() == v4; }))
            wrong.push_back({at + ".addresses", std::string("none of IPv").append(family),
                             std::string("at least one, as ipv").append(family).append(" is fixed")});
        const std::optional<Address>& gateway = v4 ? port.gateway4 : port.gateway6;
        if (!gateway)
            continue;
        const std::string field = std::string(at).append(".gateway").append(family);
        const bool reached =
            isLinkLocal6(*gateway) || std::any_of(port.addresses.begin(), port.addresses.end(),
                                                  [&](const Prefix& one) { return contains(one, *gateway); });
        if (gateway->isV4() != v4 || !isHostAddress(*gateway))
            wrong.push_back({field, gateway->host(), "a router's IPv" + family + " address"});
        else if (!fixed)
            wrong.push_back({field, gateway->host(), "none unless ipv" + family + " is fixed"});
        else if (!reached)
            wrong.push_back({field, gateway->host(), "one in the network of an address of this port"});
    }
}

void checkOpen(const std::vector<std::uint16_t>& ports, const char* field, std::vector<Wrong>& wrong) {
    if (ports.size() > kMaxOpen)
        wrong.push_back({field, std::to_string(ports.size()), "up to " + std::to_string(kMaxOpen)});
    for (std::size_t i = 0; i < ports.size(); ++i)
        if (ports[i] == 0 || (i != 0 && ports[i - 1] >= ports[i]))
            wrong.push_back({std::string(field) + "[" + std::to_string(i) + "]", std::to_string(ports[i]),
                             "1 to 65535, ascending, each once"});
}

}  // namespace

std::string Prefix::text() const {
    return address.host() + "/" + std::to_string(bits);
}

std::optional<Prefix> Prefix::parse(std::string_view text) {
    const std::size_t slash = text.find('/');
    if (slash == std::string_view::npos)
        return std::nullopt;
    const auto address = parseAddress(text.substr(0, slash));
    const std::string_view bits = text.substr(slash + 1);
    unsigned number = 0;
    const auto [end, error] = std::from_chars(bits.data(), bits.data() + bits.size(), number);
    if (!address || bits.empty() || !isDigit(bits.front()) || error != std::errc() ||
        end != bits.data() + bits.size() || number > widthOf(*address))
        return std::nullopt;
    return Prefix{*address, static_cast<std::uint8_t>(number)};
}

std::optional<Address> parseAddress(std::string_view text) {
    const bool v6 = text.find(':') != std::string_view::npos;
    auto address = Address::parse(v6 ? "[" + std::string(text) + "]:0" : std::string(text) + ":0");
    if (!address || address->port != 0 || address->scopeId != 0 || address->isV4() == v6)
        return std::nullopt;
    return address;
}

const char* name(Addressing addressing) noexcept {
    return addressing == Addressing::off ? "off" : addressing == Addressing::fixed ? "fixed" : "auto";
}

std::optional<Addressing> addressingOf(std::string_view text) noexcept {
    for (const Addressing one : {Addressing::off, Addressing::automatic, Addressing::fixed})
        if (text == name(one))
            return one;
    return std::nullopt;
}

bool isHostName(std::string_view text) noexcept {
    if (text.empty() || text.size() > kMaxName || text.back() == '.')
        return false;
    std::size_t label = 0;
    char before = '.';
    for (const char c : text) {
        const bool inside = isLetter(c) || isDigit(c) || (c == '-' && before != '.');
        if (c == '.' ? label == 0 || before == '-' : !inside || label == kMaxLabel)
            return false;
        label = c == '.' ? 0 : label + 1;
        before = c;
    }
    return before != '-';
}

bool isPortName(std::string_view text) noexcept {
    return !text.empty() && text.size() <= kMaxPortName && text != "lo" && (isLetter(text[0]) || isDigit(text[0])) &&
           std::all_of(text.begin(), text.end(),
                       [](char c) { return isLetter(c) || isDigit(c) || c == '-' || c == '_' || c == '.'; });
}

bool isZone(std::string_view text) noexcept {
    if (text.empty() || text.size() > kMaxZone || std::count(text.begin(), text.end(), '/') > 2)
        return false;
    char before = '/';
    for (const char c : text) {
        const bool good =
            before == '/' ? isLetter(c) : isLetter(c) || isDigit(c) || c == '-' || c == '+' || c == '_' || c == '/';
        if (!good)
            return false;
        before = c;
    }
    return before != '/';
}

bool isPlain(std::string_view text, std::size_t most) noexcept {
    return text.size() <= most && std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

std::string plain(std::string_view text, std::size_t most) {
    std::string out(text.substr(0, most));
    std::replace_if(
        out.begin(), out.end(), [](char c) { return c < ' ' || c > '~'; }, ' ');
    return out;
}

std::vector<Wrong> findings(const NetworkSettings& settings) {
    std::vector<Wrong> wrong;
    const auto bounded = [&](const char* field, std::size_t size, std::size_t most) {
        if (size > most)
            wrong.push_back({field, std::to_string(size), "up to " + std::to_string(most)});
        return std::min(size, most);
    };
    const std::size_t ports = bounded("ports", settings.ports.size(), kMaxPorts);
    for (std::size_t i = 0; i < ports; ++i) {
        const std::string at = "ports[" + std::to_string(i) + "]";
        checkPort(settings.ports[i], at, wrong);
        for (std::size_t j = 0; j < i; ++j)
            if (settings.ports[j].name == settings.ports[i].name)
                wrong.push_back({at + ".name", shortened(settings.ports[i].name), "each port once"});
    }
    const std::size_t servers = bounded("nameServers", settings.nameServers.size(), kMaxNameServers);
    for (std::size_t i = 0; i < servers; ++i)
        if (!isHostAddress(settings.nameServers[i]) || isLinkLocal6(settings.nameServers[i]))
            wrong.push_back({"nameServers[" + std::to_string(i) + "]", settings.nameServers[i].host(),
                             "a name server's address that holds on every port"});
    const std::size_t domains = bounded("domains", settings.domains.size(), kMaxDomains);
    for (std::size_t i = 0; i < domains; ++i)
        if (!isHostName(settings.domains[i]))
            wrong.push_back({"domains[" + std::to_string(i) + "]", shortened(settings.domains[i]),
                             "a domain such as corp.example"});
    return wrong;
}

std::vector<Wrong> findings(const TimeSettings& settings) {
    std::vector<Wrong> wrong;
    if (settings.servers.size() > kMaxTimeServers)
        wrong.push_back(
            {"servers", std::to_string(settings.servers.size()), "up to " + std::to_string(kMaxTimeServers)});
    for (std::size_t i = 0; i < settings.servers.size() && i < kMaxTimeServers; ++i) {
        const std::string& server = settings.servers[i];
        const auto address = parseAddress(server);
        if (address ? !isHostAddress(*address) : !isHostName(server))
            wrong.push_back({"servers[" + std::to_string(i) + "]", shortened(server),
                             "a name or an address, without a port, such as ntp.corp.example or 10.0.0.1"});
    }
    if (!isZone(settings.zone))
        wrong.push_back({"zone", shortened(settings.zone), "one of the tz database, such as UTC or Europe/Berlin"});
    return wrong;
}

std::vector<Wrong> findings(const OpenPorts& ports) {
    std::vector<Wrong> wrong;
    checkOpen(ports.tcp, "tcp", wrong);
    checkOpen(ports.udp, "udp", wrong);
    return wrong;
}

std::vector<Wrong> hostnameFindings(std::string_view name) {
    const bool good = name.size() <= kMaxHostname && isHostName(name) && name != "localhost" &&
                      std::none_of(name.begin(), name.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
    if (good)
        return {};
    return {{"hostname", shortened(name),
             "labels of a to z, 0 to 9 and '-' with dots between them, at most 63 characters, and not localhost"}};
}

}  // namespace muster::system
