#include "muster/networks.h"

#include <arpa/inet.h>
#include <charconv>
#include <cstring>

namespace muster {

namespace {

constexpr unsigned kMappedBits = 96;  // what an IPv4 address has before it

bool same(const std::array<std::uint8_t, 16>& a, const std::array<std::uint8_t, 16>& b, unsigned bits) noexcept {
    const unsigned octets = bits / 8;
    if (std::memcmp(a.data(), b.data(), octets) != 0)
        return false;
    const unsigned rest = bits % 8;
    return rest == 0 || ((static_cast<unsigned>(a[octets]) ^ b[octets]) >> (8 - rest)) == 0;
}

}  // namespace

Result<Networks> Networks::parse(const std::vector<std::string>& texts) {
    Networks parsed;
    for (const std::string& text : texts) {
        const auto network = parseOne(text);
        if (!network)
            return fail(network.error());
        parsed.networks_.push_back(*network);
    }
    return parsed;
}

Result<Networks::Network> Networks::parseOne(const std::string& text) {
    const auto bad = [&](const char* why) {
        return fail(Code::malformed, "network \"" + text + "\"",
                    std::string(why) + "; write it as 10.0.0.0/8 or fe80::/10");
    };
    const std::size_t slash = text.find('/');
    const std::string address = text.substr(0, slash);
    Network network;
    unsigned limit = 128;
    unsigned offset = 0;
    in_addr v4{};
    if (inet_pton(AF_INET, address.c_str(), &v4) == 1) {
        network.prefix[10] = network.prefix[11] = 0xFF;
        std::memcpy(network.prefix.data() + 12, &v4, 4);
        limit = 32;
        offset = kMappedBits;
    } else if (inet_pton(AF_INET6, address.c_str(), network.prefix.data()) != 1) {
        return bad("that is no address");
    }
    unsigned bits = limit;
    if (slash != std::string::npos) {
        const char* begin = text.data() + slash + 1;
        const char* end = text.data() + text.size();
        const auto read = std::from_chars(begin, end, bits);
        if (read.ec != std::errc() || read.ptr != end || bits > limit)
            return bad(limit == 32 ? "the length is 0 to 32" : "the length is 0 to 128");
    }
    network.bits = bits + offset;
    return network;
}

bool Networks::contain(const Address& address) const noexcept {
    for (const Network& network : networks_)
        if (same(address.octets, network.prefix, network.bits))
            return true;
    return false;
}

}  // namespace muster
