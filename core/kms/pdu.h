/// Connection-oriented DCE/RPC PDUs as octets: what server and client sides share.
///
/// Decoders look only inside the octets given, allocate nothing, and give views into them. What a PDU says about its
/// own length is compared with what is there before it is used, in the byte order that its data representation names.
/// @source docs/kms.md, "Transport"; C706 chapter 12 (12.6 encodings), [MS-RPCE] 2.2.2
/// @thread any; pure
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "tl/expected.hpp"

#include "muster/exchange.h"
#include "muster/types.h"

#include "kms/bytes.h"

namespace muster::kms {

enum class PduType : std::uint8_t {
    request = 0,
    response = 2,
    fault = 3,
    bind = 11,
    bindAck = 12,
    bindNak = 13,
    alterContext = 14,
    alterContextAck = 15,
    auth3 = 16,
    shutdown = 17,
    cancel = 18,
    orphaned = 19,
};

/// Flags of the header (C706 12.6.3.1, [MS-RPCE] 2.2.2.3).
namespace pfc {
constexpr std::uint8_t kFirst = 0x01;
constexpr std::uint8_t kLast = 0x02;
constexpr std::uint8_t kWhole = kFirst | kLast;
constexpr std::uint8_t kPendingCancel = 0x04;  ///< in requests and faults
constexpr std::uint8_t kHeaderSigning = 0x04;  ///< in bind, alter_context and their answers
constexpr std::uint8_t kMultiplexing = 0x10;
constexpr std::uint8_t kDidNotExecute = 0x20;
constexpr std::uint8_t kMaybe = 0x40;
constexpr std::uint8_t kObject = 0x80;
}  // namespace pfc

constexpr std::size_t kHeaderSize = 16;
constexpr std::size_t kCallHeaderSize = 24;   ///< of a request without object, and of a response
constexpr std::size_t kFaultSize = 32;        ///< a whole fault
constexpr std::size_t kAuthTrailerSize = 8;   ///< before the auth value itself
constexpr std::uint16_t kMaxFragment = 5840;  ///< octets; what Windows offers and takes over TCP
constexpr std::uint16_t kMinFragment =
    2048;  ///< a server never goes lower ([MS-RPCE] 3.3.1.5.1 says 1432; Windows: 2048)

/// Statuses beyond those that an authority may use ([MS-ERREF] 2.2).
constexpr RpcStatus kNoCallActive{0x000006BD};          // RPC_S_NO_CALL_ACTIVE
constexpr RpcStatus kSecurityPackageError{0x00000721};  // RPC_S_SEC_PKG_ERROR
constexpr RpcStatus kUnknownAuthnService{0x000006D3};   // RPC_S_UNKNOWN_AUTHN_SERVICE

struct PduHeader {
    std::uint8_t major = 0;
    std::uint8_t minor = 0;
    PduType type = PduType::request;  ///< any octet: compare, don't switch without a default
    std::uint8_t flags = 0;
    std::array<std::uint8_t, 4> representation{};
    std::uint16_t fragLength = 0;  ///< of the whole fragment, header included
    std::uint16_t authLength = 0;
    std::uint32_t callId = 0;

    ByteOrder order() const noexcept { return (representation[0] & 0x10U) != 0 ? ByteOrder::little : ByteOrder::big; }
    bool has(std::uint8_t flag) const noexcept { return (flags & flag) != 0; }
    /// Version 5.0 or 5.1.
    bool versionKnown() const noexcept { return major == 5 && minor <= 1; }
    /// ASCII and IEEE; either byte order.
    bool representationKnown() const noexcept {
        return (representation[0] & 0xEFU) == 0 && representation[1] == 0 && representation[2] == 0 &&
               representation[3] == 0;
    }
};

/// Nothing if fewer than kHeaderSize octets are there. The byte order is read before any number.
std::optional<PduHeader> readHeader(Octets octets) noexcept;

/// An interface or a transfer syntax.
struct Syntax {
    Guid uuid;
    std::uint16_t major = 0;
    std::uint16_t minor = 0;

    bool operator==(const Syntax&) const = default;
};

extern const Syntax kKmsInterface;   ///< 51c82175-844e-4750-b0d8-ec255555bc06 v1.0
extern const Syntax kMgmtInterface;  ///< afa8bd80-7d8a-11c9-bef4-08002b102989 v1.0 (C706 appendix Q)
extern const Syntax kNdr32;          ///< 8a885d04-1ceb-11c9-9fe8-08002b104860 v2.0
extern const Syntax kNdr64;          ///< 71710533-beba-4937-8319-b5dbef9ccc36 v1.0
/// The flags that a client offers through bind-time feature negotiation, if this transfer syntax is such an offer.
/// @source [MS-RPCE] 2.2.2.14
std::optional<std::uint64_t> bindTimeFeatures(const Syntax& syntax) noexcept;
Syntax bindTimeFeatureSyntax(std::uint8_t features) noexcept;
constexpr std::uint64_t kSecurityContextMultiplexing = 1;
constexpr std::uint64_t kKeepConnectionOnOrphan = 2;

Syntax readSyntax(Reader& reader) noexcept;
void writeSyntax(Writer& writer, const Syntax& syntax) noexcept;

/// One element of a presentation context list (C706 12.6.3.1, p_cont_elem_t).
struct ContextOffer {
    std::uint16_t id = 0;
    Syntax interface;
    std::uint8_t transferCount = 0;
    Octets transfers;  ///< 20 octets each
    ByteOrder order = ByteOrder::little;

    Syntax transfer(std::size_t index) const noexcept;  ///< @param index  below transferCount
};

/// What a bind or alter_context says.
struct BindPdu {
    std::uint16_t maxXmit = 0;
    std::uint16_t maxRecv = 0;
    std::uint32_t group = 0;
    std::uint8_t contextCount = 0;
    Octets contexts;  ///< undecoded: read contextCount offers from it
    ByteOrder order = ByteOrder::little;
};
/// @param pdu  a whole fragment; header() has been read from it
std::optional<BindPdu> decodeBind(const PduHeader& header, Octets pdu) noexcept;
/// The next offer; check reader.ok().
ContextOffer readContextOffer(Reader& reader) noexcept;

/// The verifier at the end of a PDU ([MS-RPCE] 2.2.2.11). Muster speaks no authentication: it is found, so that it can
/// be refused or skipped.
struct AuthTrailer {
    std::uint8_t type = 0;
    std::uint8_t level = 0;
    std::uint8_t padding = 0;
    std::uint32_t contextId = 0;
    std::size_t at = 0;  ///< where in the PDU it begins
};
/// @param bodyAt  where the part of the PDU begins that a trailer may not reach into
/// @return        nothing if authLength is 0, or if the trailer or its padding does not fit: compare authLength
std::optional<AuthTrailer> findAuthTrailer(const PduHeader& header, Octets pdu, std::size_t bodyAt) noexcept;

struct RequestPdu {
    std::uint32_t allocHint = 0;  ///< what the sender says; never believed
    std::uint16_t contextId = 0;
    std::uint16_t opnum = 0;
    Octets stub;  ///< without object, padding and trailer
};
std::optional<RequestPdu> decodeRequest(const PduHeader& header, Octets pdu) noexcept;

struct ResponsePdu {
    std::uint32_t allocHint = 0;
    std::uint16_t contextId = 0;
    std::uint8_t cancelCount = 0;
    Octets stub;
};
std::optional<ResponsePdu> decodeResponse(const PduHeader& header, Octets pdu) noexcept;

struct FaultPdu {
    std::uint16_t contextId = 0;
    std::uint8_t cancelCount = 0;
    RpcStatus status = RpcStatus::callFailed;
};
std::optional<FaultPdu> decodeFault(const PduHeader& header, Octets pdu) noexcept;

/// The verdict on one presentation context (C706 12.6.3.1, p_result_t; [MS-RPCE] 2.2.2.4).
enum class ContextResult : std::uint16_t { acceptance = 0, userRejection = 1, providerRejection = 2, negotiateAck = 3 };
enum class ContextReason : std::uint16_t { none = 0, interfaceUnknown = 1, transferSyntaxUnknown = 2, localLimit = 3 };

struct ContextVerdict {
    ContextResult result = ContextResult::providerRejection;
    std::uint16_t reason = 0;  ///< a ContextReason; the granted features with negotiateAck
    Syntax transfer;           ///< zero unless accepted
};

/// What a bind_ack or the answer to alter_context says.
struct BindAckPdu {
    std::uint16_t maxXmit = 0;
    std::uint16_t maxRecv = 0;
    std::uint32_t group = 0;
    Octets secondaryAddress;  ///< text without its terminator: the server's choice
    std::uint8_t resultCount = 0;
    Octets results;  ///< 24 octets each
    ByteOrder order = ByteOrder::little;

    ContextVerdict result(std::size_t index) const noexcept;  ///< @param index  below resultCount
};
std::optional<BindAckPdu> decodeBindAck(const PduHeader& header, Octets pdu) noexcept;

/// Why a bind is refused as a whole (C706 12.6.3.1, p_reject_reason_t; [MS-RPCE] 2.2.2.5).
enum class NakReason : std::uint16_t {
    notSpecified = 0,
    temporaryCongestion = 1,
    localLimitExceeded = 2,
    protocolVersionNotSupported = 4,
    authenticationTypeNotRecognized = 8,
    invalidChecksum = 9,
};
std::optional<NakReason> decodeBindNak(const PduHeader& header, Octets pdu) noexcept;

// --- writing: version 5.0, little-endian, no trailer

/// Begins a PDU at the writer's end; finishPdu() sets its length. @return where it begins
std::size_t beginPdu(Writer& writer, PduType type, std::uint8_t flags, std::uint32_t callId) noexcept;
void finishPdu(Writer& writer, std::size_t begin) noexcept;

void writeBindNak(Writer& writer, std::uint32_t callId, NakReason reason) noexcept;
/// @param flags  beside first and last: pfc::kDidNotExecute
void writeFault(Writer& writer, std::uint32_t callId, std::uint16_t contextId, RpcStatus status,
                std::uint8_t flags) noexcept;
/// One or more fragments of at most `maxFragment` octets each.
void writeResponse(Writer& writer, std::uint32_t callId, std::uint16_t contextId, Octets stub,
                   std::uint16_t maxFragment) noexcept;
/// What writeResponse() or writeRequest() needs for a stub of that size, at most.
std::size_t fragmentedSize(std::size_t stub, std::uint16_t maxFragment) noexcept;

}  // namespace muster::kms
