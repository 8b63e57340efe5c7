#include "owners.h"

#include <algorithm>
#include <utility>

#include "dns/message.h"

namespace muster::publisher {

namespace {

std::vector<std::string> plain(const std::vector<std::string>& names) {
    std::vector<std::string> out;
    for (const std::string& name : names)
        if (auto text = dns::plainName(name))
            out.push_back(std::move(*text));
    return out;
}

bool have(const std::vector<std::string>& names, std::string_view name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

Owners::Owners(const std::vector<std::string>& targets, std::vector<KnownUpstream> upstreams,
               const std::vector<std::string>& allowed, std::function<bool(const Address&)> isOwn)
    : targets_(plain(targets)), upstreams_(std::move(upstreams)), allowed_(plain(allowed)), isOwn_(std::move(isOwn)) {}

Owner Owners::of(std::string_view target, std::uint16_t port, const std::vector<Address>& addresses) const {
    if (have(targets_, target))
        return {Owner::Whose::ours, false, {}};
    const auto leadsHere = [&](Address address) {
        address.port = port;
        return isOwn_ && isOwn_(address);
    };
    if (std::any_of(addresses.begin(), addresses.end(), leadsHere))
        return {Owner::Whose::ours, true, {}};
    if (have(allowed_, target))
        return {Owner::Whose::allowed, false, {}};
    for (const KnownUpstream& upstream : upstreams_)
        if (dns::plainName(upstream.host) == target)
            return {Owner::Whose::upstream, false, upstream.name};
    // The port is not compared: a second KMS port of an upstream is the same machine, passed by in the same way.
    const auto same = [&](const Address& address) {
        return std::any_of(addresses.begin(), addresses.end(), [&](const Address& other) {
            return other.octets == address.octets && other.scopeId == address.scopeId;
        });
    };
    for (const KnownUpstream& upstream : upstreams_)
        if (std::any_of(upstream.addresses.begin(), upstream.addresses.end(), same))
            return {Owner::Whose::upstream, true, upstream.name};
    return {};
}

}  // namespace muster::publisher
