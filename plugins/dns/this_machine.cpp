#include "this_machine.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <fstream>
#include <ifaddrs.h>
#include <memory>
#include <net/if.h>
#include <netinet/in.h>
#include <unistd.h>

#include "dns/message.h"

namespace muster::publisher {

namespace {

constexpr std::size_t kMaxHosts = std::size_t{1} << 20;  // octets read of a hosts file

std::string_view nextWord(std::string_view& line) {
    const std::size_t begin = std::min(line.find_first_not_of(" \t\r"), line.size());
    line.remove_prefix(begin);
    const std::size_t end = std::min(line.find_first_of(" \t\r"), line.size());
    const std::string_view word = line.substr(0, end);
    line.remove_prefix(end);
    return word;
}

}  // namespace

std::string fullNameIn(std::string_view hosts, std::string_view host) {
    while (!hosts.empty()) {
        const std::size_t end = std::min(hosts.find('\n'), hosts.size());
        std::string_view line = hosts.substr(0, end);
        hosts.remove_prefix(std::min(end + 1, hosts.size()));
        line = line.substr(0, line.find('#'));
        nextWord(line);  // the address
        std::string full;
        bool named = false;
        for (std::string_view word = nextWord(line); !word.empty(); word = nextWord(line)) {
            const auto plain = dns::plainName(word);
            if (!plain)
                continue;
            named = named || *plain == host;
            if (full.empty() && plain->find('.') != std::string::npos)
                full = *plain;
        }
        if (named && !full.empty())
            return full;
    }
    return "";
}

std::string fullHostName(const std::string& hostsFile) {
    std::array<char, 256> text{};
    if (gethostname(text.data(), text.size() - 1) != 0)
        return "";
    const auto plain = dns::plainName(text.data());
    if (!plain)
        return "";
    if (plain->find('.') != std::string::npos)
        return *plain;
    std::ifstream file(hostsFile, std::ios::binary);
    std::string hosts;
    std::array<char, 4096> piece{};
    while (hosts.size() < kMaxHosts &&
           (file.read(piece.data(), static_cast<std::streamsize>(piece.size())), file.gcount() > 0))
        hosts.append(piece.data(), static_cast<std::size_t>(file.gcount()));
    const std::string full = fullNameIn(hosts, *plain);
    return full.empty() ? *plain : full;
}

bool isGlobal(const Address& address) noexcept {
    const auto& o = address.octets;
    if (address.isV4())
        return o[12] != 0 && o[12] != 127 && o[12] < 224 && !(o[12] == 169 && o[13] == 254);
    const bool linkLocal = o[0] == 0xFE && (o[1] & 0xC0) == 0x80;
    const bool unspecifiedOrLoopback = std::all_of(o.begin(), o.end() - 1, [](std::uint8_t one) { return one == 0; });
    return !linkLocal && !unspecifiedOrLoopback && o[0] != 0xFF;
}

std::vector<Address> globalAddresses() {
    std::vector<Address> out;
    ifaddrs* list = nullptr;
    if (getifaddrs(&list) != 0)
        return out;
    const std::unique_ptr<ifaddrs, void (*)(ifaddrs*)> owner(list, &freeifaddrs);
    for (const ifaddrs* one = list; one != nullptr; one = one->ifa_next) {
        if (one->ifa_addr == nullptr || (one->ifa_flags & IFF_UP) == 0)
            continue;
        Address address;
        if (one->ifa_addr->sa_family == AF_INET) {
            sockaddr_in v4{};
            std::memcpy(&v4, one->ifa_addr, sizeof v4);
            address.octets[10] = address.octets[11] = 0xFF;
            std::memcpy(&address.octets[12], &v4.sin_addr, 4);
        } else if (one->ifa_addr->sa_family == AF_INET6) {
            sockaddr_in6 v6{};
            std::memcpy(&v6, one->ifa_addr, sizeof v6);
            std::memcpy(address.octets.data(), &v6.sin6_addr, 16);
        } else {
            continue;
        }
        if (isGlobal(address))
            out.push_back(address);
    }
    const auto byText = [](const Address& a, const Address& b) { return a.octets < b.octets; };
    std::sort(out.begin(), out.end(), byText);
    out.erase(std::unique(out.begin(), out.end()), out.end());
    return out;
}

}  // namespace muster::publisher
