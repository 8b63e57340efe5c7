#include "kms/rpc_mgmt.h"

#include <algorithm>
#include <array>

#include "kms/pdu.h"
#include "kms/stub.h"

namespace muster::kms {

namespace {

void writeInterfaces(Writer& answer) noexcept {
    const std::array<const Syntax*, 2> interfaces{&kKmsInterface, &kMgmtInterface};
    const auto count = static_cast<std::uint32_t>(interfaces.size());
    std::uint32_t referent = kReferent;
    answer.u32(referent);
    answer.u32(count);  // of the array of pointers inside
    answer.u32(count);
    for (std::size_t i = 0; i < interfaces.size(); ++i)
        answer.u32(referent += 4);
    for (const Syntax* interface : interfaces)
        writeSyntax(answer, *interface);
    answer.u32(0);  // status
}

void writeStatistics(std::uint32_t wanted, const RpcStatistics& statistics, Writer& answer) noexcept {
    const std::array<std::uint32_t, 4> all{statistics.callsIn, statistics.callsOut, statistics.pdusIn,
                                           statistics.pdusOut};
    const std::uint32_t count = std::min(wanted, static_cast<std::uint32_t>(all.size()));
    answer.u32(count);
    answer.u32(count);
    for (std::uint32_t i = 0; i < count; ++i)
        answer.u32(all[i]);
    answer.u32(0);  // status
}

}  // namespace

std::optional<RpcStatus> answerMgmt(std::uint16_t opnum, Octets stub, ByteOrder order, const RpcStatistics& statistics,
                                    Writer& answer) noexcept {
    switch (opnum) {
        case kInqIfIds:
            writeInterfaces(answer);
            return std::nullopt;
        case kInqStats: {
            Reader reader(stub, order);
            const std::uint32_t wanted = reader.u32();
            if (!reader.ok())
                return RpcStatus::ndr;
            writeStatistics(wanted, statistics, answer);
            return std::nullopt;
        }
        case kIsServerListening:
            answer.u32(0);  // status
            answer.u32(1);
            return std::nullopt;
        case kStopServerListening:
            return RpcStatus::accessDenied;
        case kInqPrincName:
            return kUnknownAuthnService;  // there is no principal, as there is no authentication
        default:
            return RpcStatus::opRangeError;
    }
}

}  // namespace muster::kms
