#include "kms/pdu.h"

#include <algorithm>

namespace muster::kms {

namespace {

constexpr std::size_t kSyntaxSize = 20;
constexpr std::size_t kResultSize = 24;

/// As it is written: 51c82175-844e-4750-b0d8ec255555bc06.
constexpr Guid guid(std::uint32_t a, std::uint16_t b, std::uint16_t c, std::uint64_t rest) noexcept {
    Guid made;
    const auto put = [&made](std::size_t at, std::uint64_t value, std::size_t size, bool little) {
        for (std::size_t i = 0; i < size; ++i)
            made.octets[at + i] = static_cast<std::byte>((value >> (8 * (little ? i : size - 1 - i))) & 0xFFU);
    };
    put(0, a, 4, true);
    put(4, b, 2, true);
    put(6, c, 2, true);
    put(8, rest, 8, false);
    return made;
}

/// The first half of the GUID by which a client offers features; the other half is the flags.
constexpr Guid kFeaturePrefix = guid(0x6cb71c2c, 0x9812, 0x4540, 0);

/// The octets after the fixed part of `fixed` octets, without padding and trailer.
std::optional<Octets> stubOf(const PduHeader& header, Octets pdu, std::size_t fixed) noexcept {
    if (pdu.size() < fixed)
        return std::nullopt;
    std::size_t end = pdu.size();
    if (header.authLength != 0) {
        const auto trailer = findAuthTrailer(header, pdu, fixed);
        if (!trailer)
            return std::nullopt;
        end = trailer->at - trailer->padding;
    }
    return pdu.subspan(fixed, end - fixed);
}

/// Chunks of a stub are multiples of 16, so that nothing inside it loses its alignment.
std::size_t chunkSize(std::uint16_t maxFragment) noexcept {
    return (std::max(maxFragment, kMinFragment) - kCallHeaderSize) / 16 * 16;
}

}  // namespace

const Syntax kKmsInterface{guid(0x51c82175, 0x844e, 0x4750, 0xb0d8ec255555bc06), 1, 0};
const Syntax kMgmtInterface{guid(0xafa8bd80, 0x7d8a, 0x11c9, 0xbef408002b102989), 1, 0};
const Syntax kNdr32{guid(0x8a885d04, 0x1ceb, 0x11c9, 0x9fe808002b104860), 2, 0};
const Syntax kNdr64{guid(0x71710533, 0xbeba, 0x4937, 0x8319b5dbef9ccc36), 1, 0};

std::optional<PduHeader> readHeader(Octets octets) noexcept {
    if (octets.size() < kHeaderSize)
        return std::nullopt;
    PduHeader header;
    for (std::size_t i = 0; i < header.representation.size(); ++i)
        header.representation[i] = std::to_integer<std::uint8_t>(octets[4 + i]);
    Reader reader(octets, header.order());
    header.major = reader.u8();
    header.minor = reader.u8();
    header.type = static_cast<PduType>(reader.u8());
    header.flags = reader.u8();
    reader.skip(header.representation.size());
    header.fragLength = reader.u16();
    header.authLength = reader.u16();
    header.callId = reader.u32();
    return header;
}

std::optional<std::uint64_t> bindTimeFeatures(const Syntax& syntax) noexcept {
    if (syntax.major != 1 || syntax.minor != 0 ||
        !std::equal(kFeaturePrefix.octets.begin(), kFeaturePrefix.octets.begin() + 8, syntax.uuid.octets.begin()))
        return std::nullopt;
    return load<std::uint64_t>(syntax.uuid.octets.data() + 8);
}

Syntax bindTimeFeatureSyntax(std::uint8_t features) noexcept {
    Syntax syntax{kFeaturePrefix, 1, 0};
    syntax.uuid.octets[8] = std::byte{features};
    return syntax;
}

Syntax readSyntax(Reader& reader) noexcept {
    Syntax syntax;
    syntax.uuid = reader.guid();
    const std::uint32_t version = reader.u32();
    syntax.major = static_cast<std::uint16_t>(version & 0xFFFFU);
    syntax.minor = static_cast<std::uint16_t>(version >> 16U);
    return syntax;
}

void writeSyntax(Writer& writer, const Syntax& syntax) noexcept {
    writer.guid(syntax.uuid);
    writer.u16(syntax.major);
    writer.u16(syntax.minor);
}

Syntax ContextOffer::transfer(std::size_t index) const noexcept {
    Reader reader(transfers.subspan(index * kSyntaxSize, kSyntaxSize), order);
    return readSyntax(reader);
}

ContextOffer readContextOffer(Reader& reader) noexcept {
    ContextOffer offer;
    offer.order = reader.order();
    offer.id = reader.u16();
    offer.transferCount = reader.u8();
    reader.skip(1);
    offer.interface = readSyntax(reader);
    offer.transfers = reader.take(kSyntaxSize * offer.transferCount);
    return offer;
}

std::optional<BindPdu> decodeBind(const PduHeader& header, Octets pdu) noexcept {
    Reader reader(pdu, header.order());
    reader.skip(kHeaderSize);
    BindPdu bind;
    bind.order = header.order();
    bind.maxXmit = reader.u16();
    bind.maxRecv = reader.u16();
    bind.group = reader.u32();
    bind.contextCount = reader.u8();
    reader.skip(3);
    bind.contexts = reader.take(reader.left());
    if (!reader.ok())
        return std::nullopt;
    return bind;
}

std::optional<AuthTrailer> findAuthTrailer(const PduHeader& header, Octets pdu, std::size_t bodyAt) noexcept {
    const std::size_t whole = kAuthTrailerSize + header.authLength;
    if (header.authLength == 0 || bodyAt > pdu.size() || pdu.size() - bodyAt < whole)
        return std::nullopt;
    AuthTrailer trailer;
    trailer.at = pdu.size() - whole;
    Reader reader(pdu.subspan(trailer.at, kAuthTrailerSize), header.order());
    trailer.type = reader.u8();
    trailer.level = reader.u8();
    trailer.padding = reader.u8();
    reader.skip(1);
    trailer.contextId = reader.u32();
    if (trailer.padding > trailer.at - bodyAt)
        return std::nullopt;
    return trailer;
}

std::optional<RequestPdu> decodeRequest(const PduHeader& header, Octets pdu) noexcept {
    Reader reader(pdu, header.order());
    reader.skip(kHeaderSize);
    RequestPdu request;
    request.allocHint = reader.u32();
    request.contextId = reader.u16();
    request.opnum = reader.u16();
    if (header.has(pfc::kObject))
        reader.skip(sizeof(Guid::octets));
    if (!reader.ok())
        return std::nullopt;
    const auto stub = stubOf(header, pdu, reader.at());
    if (!stub)
        return std::nullopt;
    request.stub = *stub;
    return request;
}

std::optional<ResponsePdu> decodeResponse(const PduHeader& header, Octets pdu) noexcept {
    Reader reader(pdu, header.order());
    reader.skip(kHeaderSize);
    ResponsePdu response;
    response.allocHint = reader.u32();
    response.contextId = reader.u16();
    response.cancelCount = reader.u8();
    reader.skip(1);
    if (!reader.ok())
        return std::nullopt;
    const auto stub = stubOf(header, pdu, reader.at());
    if (!stub)
        return std::nullopt;
    response.stub = *stub;
    return response;
}

std::optional<FaultPdu> decodeFault(const PduHeader& header, Octets pdu) noexcept {
    Reader reader(pdu, header.order());
    reader.skip(kHeaderSize + 4);
    FaultPdu fault;
    fault.contextId = reader.u16();
    fault.cancelCount = reader.u8();
    reader.skip(1);
    fault.status = static_cast<RpcStatus>(reader.u32());
    if (!reader.ok())
        return std::nullopt;
    return fault;
}

ContextVerdict BindAckPdu::result(std::size_t index) const noexcept {
    Reader reader(results.subspan(index * kResultSize, kResultSize), order);
    ContextVerdict verdict;
    verdict.result = static_cast<ContextResult>(reader.u16());
    verdict.reason = reader.u16();
    verdict.transfer = readSyntax(reader);
    return verdict;
}

std::optional<BindAckPdu> decodeBindAck(const PduHeader& header, Octets pdu) noexcept {
    Reader reader(pdu, header.order());
    reader.skip(kHeaderSize);
    BindAckPdu ack;
    ack.order = header.order();
    ack.maxXmit = reader.u16();
    ack.maxRecv = reader.u16();
    ack.group = reader.u32();
    const std::uint16_t addressSize = reader.u16();
    ack.secondaryAddress = reader.take(addressSize);
    if (!ack.secondaryAddress.empty())
        ack.secondaryAddress = ack.secondaryAddress.first(addressSize - 1U);
    reader.align(4);
    ack.resultCount = reader.u8();
    reader.skip(3);
    ack.results = reader.take(kResultSize * ack.resultCount);
    if (!reader.ok())
        return std::nullopt;
    return ack;
}

std::optional<NakReason> decodeBindNak(const PduHeader& header, Octets pdu) noexcept {
    Reader reader(pdu, header.order());
    reader.skip(kHeaderSize);
    const auto reason = static_cast<NakReason>(reader.u16());
    if (!reader.ok())
        return std::nullopt;
    return reason;
}

std::size_t beginPdu(Writer& writer, PduType type, std::uint8_t flags, std::uint32_t callId) noexcept {
    const std::size_t begin = writer.size();
    writer.u8(5);
    writer.u8(0);
    writer.u8(static_cast<std::uint8_t>(type));
    writer.u8(flags);
    writer.u32(0x10);  // little-endian, ASCII, IEEE
    writer.u32(0);     // fragment length: finishPdu; auth length: none
    writer.u32(callId);
    return begin;
}

void finishPdu(Writer& writer, std::size_t begin) noexcept {
    writer.patchU16(begin + 8, static_cast<std::uint16_t>(writer.size() - begin));
}

void writeBindNak(Writer& writer, std::uint32_t callId, NakReason reason) noexcept {
    const std::size_t begin = beginPdu(writer, PduType::bindNak, pfc::kWhole, callId);
    writer.u16(static_cast<std::uint16_t>(reason));
    writer.u8(1);  // versions that this server speaks: 5.0
    writer.u8(5);
    writer.u8(0);
    writer.zeros(3);
    finishPdu(writer, begin);
}

void writeFault(Writer& writer, std::uint32_t callId, std::uint16_t contextId, RpcStatus status,
                std::uint8_t flags) noexcept {
    const std::size_t begin = beginPdu(writer, PduType::fault, static_cast<std::uint8_t>(pfc::kWhole | flags), callId);
    writer.u32(24);  // as Windows says
    writer.u16(contextId);
    writer.u16(0);  // cancel count, reserved
    writer.u32(static_cast<std::uint32_t>(status));
    writer.u32(0);
    finishPdu(writer, begin);
}

void writeResponse(Writer& writer, std::uint32_t callId, std::uint16_t contextId, Octets stub,
                   std::uint16_t maxFragment) noexcept {
    const std::size_t chunk = chunkSize(maxFragment);
    std::uint8_t flags = pfc::kFirst;
    do {
        const std::size_t size = std::min(stub.size(), chunk);
        if (size == stub.size())
            flags |= pfc::kLast;
        const std::size_t begin = beginPdu(writer, PduType::response, flags, callId);
        writer.u32(static_cast<std::uint32_t>(stub.size()));
        writer.u16(contextId);
        writer.u16(0);  // cancel count, reserved
        writer.octets(stub.first(size));
        finishPdu(writer, begin);
        stub = stub.subspan(size);
        flags = 0;
    } while (!stub.empty());
}

std::size_t fragmentedSize(std::size_t stub, std::uint16_t maxFragment) noexcept {
    return stub + (stub / chunkSize(maxFragment) + 1) * kCallHeaderSize;
}

}  // namespace muster::kms
