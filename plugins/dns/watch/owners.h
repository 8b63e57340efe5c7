/// Whose the hosts are that DNS names: this appliance, one of its upstreams, one that is allowed, or nobody we know.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "muster/types.h"

namespace muster::publisher {

/// An upstream of the relay, as far as it can be met in DNS.
struct KnownUpstream {
    std::string name;  ///< as the settings call it
    std::string host;  ///< a name or a numeric address
    std::uint16_t port = 1688;
    std::vector<Address> addresses;  ///< as far as they are known; their ports are not looked at
};

struct Owner {
    enum class Whose : std::uint8_t { nobody, ours, allowed, upstream };
    Whose whose = Whose::nobody;
    bool byAddress = false;  ///< its name is another: it leads to the same place
    std::string upstream;    ///< its name
};

class Owners {
public:
    /// @param targets  the names under which this appliance stands in DNS
    /// @param allowed  host names that may stand beside it
    /// @param isOwn    an address and port that lead back here (dns::pointsHere); may be empty
    Owners(const std::vector<std::string>& targets, std::vector<KnownUpstream> upstreams,
           const std::vector<std::string>& allowed, std::function<bool(const Address&)> isOwn);

    /// @param target     as plainName() gives it  @param addresses  of that target; their ports are not looked at
    Owner of(std::string_view target, std::uint16_t port, const std::vector<Address>& addresses) const;

private:
    std::vector<std::string> targets_;
    std::vector<KnownUpstream> upstreams_;
    std::vector<std::string> allowed_;
    std::function<bool(const Address&)> isOwn_;
};

}  // namespace muster::publisher
