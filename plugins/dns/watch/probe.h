/// What a KMS client meets at an address: whether the port is open, and whether an RPC bind finds the KMS interface.
/// Never a KMS request, so that no host counts or answers anything.
/// @source docs/kms.md, "Transport"; C706 12.6.4.3
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "muster/types.h"

#include "dns/exchange.h"

namespace muster::publisher {

struct Probe {
    enum class Port : std::uint8_t {
        notTried,  ///< the probe was broken off
        open,
        closed,       ///< the connection was refused
        silent,       ///< nothing came back in time
        unreachable,  ///< the system's words
    };
    enum class Rpc : std::uint8_t {
        notTried,  ///< the port is not open
        kms,       ///< the bind to the KMS interface was accepted
        other,     ///< something else answers there
        silent,    ///< it takes the connection and does not answer the bind, or says that it is too busy to
    };
    Address address;
    Port port = Port::notTried;
    Rpc rpc = Rpc::notTried;
    /// One clause for people, the same for the same trouble; empty for an open port with a KMS host behind it.
    std::string words;
};

struct ProbeTerms {
    std::chrono::milliseconds connect{2000};
    std::chrono::milliseconds bind{2000};
    std::size_t parallel = 32;  ///< connections at a time
};

/// Tries all of them, `parallel` at a time. Takes at most (connect + bind) * ceil(count / parallel).
/// @param addresses  with their ports
/// @param stopped    asked about ten times a second; what is not done then stays notTried
/// @return           one per address, in their order
/// @thread any but a reactor's; blocks
std::vector<Probe> probeAll(const std::vector<Address>& addresses, const ProbeTerms& terms,
                            const dns::Stopped& stopped);

}  // namespace muster::publisher
