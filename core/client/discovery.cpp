#include "client/discovery.h"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <charconv>
#include <unistd.h>
#include <utility>

#include "dns/system_names.h"

namespace muster::client {

namespace {

constexpr const char* kResolverFile = "/etc/resolv.conf";

// What a Windows resolver says ([MS-ERREF] 2.2, as HRESULTs).
constexpr HResult kNameError{0x8007232B};      // DNS_ERROR_RCODE_NAME_ERROR
constexpr HResult kServerFailure{0x8007232A};  // DNS_ERROR_RCODE_SERVER_FAILURE
constexpr HResult kNoRecords{0x8007251D};      // DNS_INFO_NO_RECORDS

std::optional<std::uint16_t> portFrom(std::string_view text) {
    std::uint16_t port = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (error != std::errc{} || end != text.data() + text.size() || port == 0)
        return std::nullopt;
    return port;
}

bool plainHost(std::string_view text) {
    return !text.empty() && text.size() <= 253 && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' ||
               c == '_';
    });
}

bool isV6(std::string_view text) {
    in6_addr address{};
    const std::string bare(text.substr(0, text.find('%')));
    return inet_pton(AF_INET6, bare.c_str(), &address) == 1;
}

LookupFailure failureOf(const dns::Said& said) {
    switch (said.code) {
        case dns::LookupCode::noName:
            return {kNameError, said.text};
        case dns::LookupCode::noRecords:
        case dns::LookupCode::noService:
            return {kNoRecords, said.text};
        default:
            return {kServerFailure, said.text};
    }
}

bool goOn() {
    return false;
}

}  // namespace

std::string Endpoint::text() const {
    return (host.find(':') == std::string::npos ? host : "[" + host + "]") + ":" + std::to_string(port);
}

std::optional<Endpoint> Endpoint::parse(std::string_view text) {
    if (isV6(text))
        return Endpoint{std::string(text), kDefaultPort};
    if (text.starts_with('[')) {
        const std::size_t close = text.find(']');
        if (close == std::string_view::npos || !isV6(text.substr(1, close - 1)))
            return std::nullopt;
        Endpoint endpoint{std::string(text.substr(1, close - 1)), kDefaultPort};
        const std::string_view rest = text.substr(close + 1);
        if (rest.empty())
            return endpoint;
        const auto port = rest.front() == ':' ? portFrom(rest.substr(1)) : std::nullopt;
        if (!port)
            return std::nullopt;
        endpoint.port = *port;
        return endpoint;
    }
    const std::size_t colon = text.find(':');
    if (!plainHost(text.substr(0, colon)))
        return std::nullopt;
    Endpoint endpoint{std::string(text.substr(0, colon)), kDefaultPort};
    if (colon != std::string_view::npos) {
        const auto port = portFrom(text.substr(colon + 1));
        if (!port)
            return std::nullopt;
        endpoint.port = *port;
    }
    return endpoint;
}

SrvLookup::SrvLookup(std::string domain, std::optional<Address> server) : domain_(std::move(domain)), server_(server) {}

dns::Lookup SrvLookup::lookup() const {
    std::vector<Address> servers;
    if (server_)
        servers.push_back(*server_);
    return dns::Lookup(std::move(servers), {}, "/etc/hosts", kResolverFile, {"--dns-server", "--domain"});
}

tl::expected<std::vector<dns::Service>, LookupFailure> SrvLookup::operator()() const {
    dns::Finding found = lookup().findServices(domain_, goOn);
    if (!found.said.found())
        return tl::unexpected(failureOf(found.said));
    return std::move(found.answer.services);
}

tl::expected<std::vector<Address>, LookupFailure> SrvLookup::addresses(const std::string& host) const {
    // The target of a record is a whole name: no search list.
    dns::AddressAnswer found = lookup().addresses(dns::numericAddress(host) ? host : host + ".", goOn);
    if (!found.said.found())
        return tl::unexpected(failureOf(found.said));
    return std::move(found.addresses);
}

std::string systemDomain() {
    std::array<char, 256> host{};
    if (gethostname(host.data(), host.size() - 1) == 0) {
        const std::string_view name(host.data());
        if (const std::size_t dot = name.find('.'); dot != std::string_view::npos && dot + 1 < name.size())
            return std::string(name.substr(dot + 1));
    }
    const auto search = dns::readResolverConfiguration(kResolverFile).search;
    return search.empty() ? std::string() : search.front();
}

}  // namespace muster::client
