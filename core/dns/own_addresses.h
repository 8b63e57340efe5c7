/// Whether an address leads back to this very appliance: an upstream that is the relay itself would be asked for ever.
#pragma once

#include <functional>
#include <utility>
#include <vector>

#include "muster/types.h"

namespace muster::dns {

/// This machine's addresses, and where it listens, as they are at one moment.
class OwnAddresses {
public:
    /// Asks the system for the addresses. @param listening  as Host::listening() says  @thread any
    static OwnAddresses read(std::vector<Address> listening);

    /// True where a connection to that address and port would come in at one of ours.
    bool contain(const Address& address) const noexcept;

    OwnAddresses(std::vector<Address> interfaces, std::vector<Address> listening)
        : interfaces_(std::move(interfaces)), listening_(std::move(listening)) {}

private:
    std::vector<Address> interfaces_;  ///< port 0, scope 0
    std::vector<Address> listening_;   ///< ":: port" and "0.0.0.0 port" stand for every address of the family
};

/// OwnAddresses for one who asks again and again: read anew when a second has passed. @thread one at a time
/// @param listening  Host::listening()
std::function<bool(const Address&)> pointsHere(std::function<std::vector<Address>()> listening);

}  // namespace muster::dns
