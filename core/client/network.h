/// The network of the simulated machines: TCP, DCE/RPC and the lab's seal. One connection for each request, as Windows
/// makes them.
/// @source docs/kms.md, "Transport"
#pragma once

#include <chrono>
#include <mutex>
#include <optional>
#include <random>
#include <variant>

#include "muster/exchange.h"

#include "client/simulation.h"
#include "kms/lab_seal.h"
#include "kms/octets.h"

namespace muster::client {

struct NetworkPlan {
    std::variant<Endpoint, SrvLookup> hosts{};
    std::optional<kms::LabSeal> seal{};  ///< without: a seal that nobody can tell from a real client's
    std::chrono::milliseconds connectTime{5000};
    std::chrono::milliseconds answerTime{15000};  ///< from connected to answered
    Monotonic deadline = Monotonic::max();        ///< of everything
};

class RpcNetwork final : public Network {
public:
    explicit RpcNetwork(NetworkPlan plan);

    tl::expected<std::vector<dns::Service>, LookupFailure> discover() override;
    Reply ask(const Endpoint& host, const ActivationRequest& request) override;

private:
    bool seal(std::span<std::byte> body);

    NetworkPlan plan_;
    std::mutex sealMutex_;
    std::mt19937_64 random_;
};

/// What an answer's stub says.
/// @param stub  hostile
/// @param seal  that the answer must carry; nullptr: not checked
Reply readReply(Octets stub, kms::ByteOrder order, kms::LabSeal* seal);

}  // namespace muster::client
