/// What is never forwarded, whoever could answer it: requests that can do harm to a host, and what the administrator
/// does not want.
/// @source docs/kms.md, "What a host returns"; docs/decisions/0003-relay.md
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "muster/exchange.h"
#include "muster/plugin.h"
#include "muster/sources.h"

namespace muster::relay {

class Policy {
public:
    struct Rules {
        std::vector<std::uint32_t> thresholds{5, 25};  ///< N-policies that are forwarded
        std::uint32_t rate = 0;                        ///< requests a minute in all; 0: off
        std::uint32_t ratePerSource = 0;               ///< requests a minute; 0: off. Loopback is exempt
        std::vector<std::string> refusedFamilies;      ///<
        std::vector<Guid> refusedCounted;              ///<
        bool refuseUnknown = false;                    ///< what no loaded family knows
    };
    struct Verdict {
        bool forward = true;
        RpcStatus status = RpcStatus::accessDenied;
        const char* reason = "";
    };
    struct Numbers {
        Counter* malformed = nullptr;
        Counter* threshold = nullptr;
        Counter* refused = nullptr;
        Counter* rate = nullptr;
    };

    explicit Policy(const Numbers& numbers);

    /// @thread any reactor's
    Verdict judge(const Rules& rules, const Exchange& exchange, Monotonic now) noexcept;

private:
    Numbers numbers_;
    Sources sources_;
};

}  // namespace muster::relay
