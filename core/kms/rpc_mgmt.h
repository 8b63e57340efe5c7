/// The interface `mgmt` that every RPC server has: who are you, how busy are you, are you there.
/// @source C706 appendix Q, [MS-RPCE] 2.2.1.3
/// @thread any; pure
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>

#include "muster/exchange.h"

#include "kms/bytes.h"

namespace muster::kms {

/// What inq_stats tells: counted by associations, any number of them on any thread.
struct RpcStatistics {
    std::atomic<std::uint32_t> callsIn{0};
    std::atomic<std::uint32_t> callsOut{0};  ///< this server calls nobody back: stays 0
    std::atomic<std::uint32_t> pdusIn{0};
    std::atomic<std::uint32_t> pdusOut{0};
};

/// Answers one call: writes the stub of the answer, or says which fault it ends with.
/// The answers to inq_if_ids, inq_stats and is_server_listening take at most 64 octets.
std::optional<RpcStatus> answerMgmt(std::uint16_t opnum, Octets stub, ByteOrder order, const RpcStatistics& statistics,
                                    Writer& answer) noexcept;

// What a client calls.
constexpr std::uint16_t kInqIfIds = 0;
constexpr std::uint16_t kInqStats = 1;
constexpr std::uint16_t kIsServerListening = 2;
constexpr std::uint16_t kStopServerListening = 3;
constexpr std::uint16_t kInqPrincName = 4;

}  // namespace muster::kms
