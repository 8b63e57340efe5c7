#include "dns/own_addresses.h"

#include <algorithm>
#include <arpa/inet.h>
#include <cstring>
#include <ifaddrs.h>
#include <memory>
#include <netinet/in.h>
#include <optional>
#include <string>
#include <sys/socket.h>
#include <utility>

namespace muster::dns {

namespace {

constexpr std::chrono::seconds kLasts{1};

std::optional<Address> addressOf(const sockaddr* from) {
    if (from == nullptr)
        return std::nullopt;
    Address address;
    if (from->sa_family == AF_INET) {
        sockaddr_in v4{};
        std::memcpy(&v4, from, sizeof v4);
        address.octets[10] = address.octets[11] = 0xFF;
        std::memcpy(address.octets.data() + 12, &v4.sin_addr, 4);
        address.port = ntohs(v4.sin_port);
        return address;
    }
    if (from->sa_family == AF_INET6) {
        sockaddr_in6 v6{};
        std::memcpy(&v6, from, sizeof v6);
        std::memcpy(address.octets.data(), &v6.sin6_addr, 16);
        address.port = ntohs(v6.sin6_port);
        return address;
    }
    return std::nullopt;
}

std::vector<Address> interfaceAddresses() {
    std::vector<Address> found;
    ifaddrs* first = nullptr;
    if (::getifaddrs(&first) != 0)
        return found;
    const std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> owned(first, &::freeifaddrs);
    for (const ifaddrs* one = first; one != nullptr; one = one->ifa_next)
        if (auto address = addressOf(one->ifa_addr)) {
            address->port = 0;
            found.push_back(*address);
        }
    return found;
}

bool isAny(const Address& address) noexcept {
    const auto begin = address.octets.begin() + (address.isV4() ? 12 : 0);
    return std::all_of(begin, address.octets.end(), [](std::uint8_t octet) { return octet == 0; });
}

}  // namespace

OwnAddresses OwnAddresses::read(std::vector<Address> listening) {
    return {interfaceAddresses(), std::move(listening)};
}

bool OwnAddresses::contain(const Address& address) const noexcept {
    const auto same = [&](const Address& other) { return other.octets == address.octets; };
    // Linux takes a connection to "any address" for one to itself.
    const bool here =
        address.isLoopback() || isAny(address) || std::any_of(interfaces_.begin(), interfaces_.end(), same);
    return here && std::any_of(listening_.begin(), listening_.end(), [&](const Address& socket) {
               if (socket.port != address.port)
                   return false;
               return isAny(socket) ? socket.isV4() == address.isV4() : same(socket) || isAny(address);
           });
}

std::function<bool(const Address&)> pointsHere(std::function<std::vector<Address>()> listening) {
    return [own = OwnAddresses({}, {}), read = Monotonic{},
            listening = std::move(listening)](const Address& address) mutable {
        if (const Monotonic now = std::chrono::steady_clock::now(); read == Monotonic{} || now - read > kLasts) {
            own = OwnAddresses::read(listening());
            read = now;
        }
        return own.contain(address);
    };
}

}  // namespace muster::dns
