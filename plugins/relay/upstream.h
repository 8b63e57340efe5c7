/// What the relay's rooms mean by an upstream: one licensed KMS host, as the settings or DNS name it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "muster/networks.h"
#include "muster/types.h"

namespace muster::relay {

/// Whether a host adds virtual machines to its count: those of the 2006 generation do not.
/// @source docs/kms.md, "Counting"
enum class CountsVirtual : std::uint8_t { unknown, yes, no };
constexpr const char* name(CountsVirtual counts) noexcept {
    return counts == CountsVirtual::yes ? "yes" : counts == CountsVirtual::no ? "no" : "unknown";
}

/// What a person wants of it.
enum class Duty : std::uint8_t {
    active,
    draining,     ///< finishes what it has, gets nothing new while another can have it
    maintenance,  ///< gets nothing at all, and is not probed
};
constexpr const char* name(Duty duty) noexcept {
    return duty == Duty::active ? "active" : duty == Duty::draining ? "draining" : "maintenance";
}

struct Upstream {
    std::string name;           ///< unique, 1 to 64 octets: what people, journal and metrics call it
    std::string host;           ///< numeric address or DNS name, 1 to 255 octets
    std::uint16_t port = 1688;  ///<
    /// Smaller is asked first (RFC 2782).
    std::uint16_t priority = 0;
    /// Share among those of the same priority, where clients are spread at all (RFC 2782).
    std::uint16_t weight = 0;
    std::vector<std::string> families;    ///< names of families it may serve; "other": what none knows. Empty: all
    std::vector<std::uint16_t> versions;  ///< major protocol versions it may serve: 4, 5, 6. Empty: all
    Networks networks;                    ///< whose clients it may serve, unless `everywhere`
    bool everywhere = true;
    CountsVirtual countsVirtual = CountsVirtual::unknown;
    Duty duty = Duty::active;
    std::string discoveredIn;  ///< domain whose SRV record named it; empty: the settings did
};

/// Whether a request from somebody else or its answer came this way: what one exchange at one upstream ended in.
enum class Ending : std::uint8_t {
    answered,     ///< a body with HRESULT 0
    refused,      ///< an HRESULT, no body
    faulted,      ///< an RPC fault
    broken,       ///< no answer to this request: not DCE/RPC, wrong lengths, another client's CMID or time
    unreachable,  ///< no connection, or no accepted bind
    reset,        ///< the connection ended before the answer was whole
    timedOut,     ///< no whole answer in time
};
const char* name(Ending ending) noexcept;

}  // namespace muster::relay
