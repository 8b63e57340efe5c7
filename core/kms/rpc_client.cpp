#include "kms/rpc_client.h"

#include <algorithm>

namespace muster::kms {

namespace {

/// Windows begins here; what came before went to an endpoint mapper that KMS does without.
constexpr std::uint32_t kFirstCallId = 2;

void writeOffer(Writer& writer, std::uint16_t id, const Syntax& interface, const Syntax& transfer) noexcept {
    writer.u16(id);
    writer.u8(1);
    writer.u8(0);
    writeSyntax(writer, interface);
    writeSyntax(writer, transfer);
}

void writeNegotiation(Writer& writer, PduType type, std::uint32_t callId, const BindOffer& offer,
                      bool features) noexcept {
    const std::size_t begin = beginPdu(writer, type, pfc::kWhole, callId);
    writer.u16(offer.maxFragment);
    writer.u16(offer.maxFragment);
    writer.u32(offer.group);
    writer.u8(static_cast<std::uint8_t>(1 + (offer.ndr64 ? 1 : 0) + (features ? 1 : 0)));
    writer.zeros(3);
    std::uint16_t id = offer.firstContext;
    writeOffer(writer, id++, offer.interface, kNdr32);
    if (offer.ndr64)
        writeOffer(writer, id++, offer.interface, kNdr64);
    if (features)
        writeOffer(writer, id, offer.interface,
                   bindTimeFeatureSyntax(kSecurityContextMultiplexing | kKeepConnectionOnOrphan));
    finishPdu(writer, begin);
}

}  // namespace

void writeBind(Writer& writer, std::uint32_t callId, const BindOffer& offer) noexcept {
    writeNegotiation(writer, PduType::bind, callId, offer, offer.features);
}

void writeAlterContext(Writer& writer, std::uint32_t callId, const BindOffer& offer) noexcept {
    writeNegotiation(writer, PduType::alterContext, callId, offer, false);
}

void writeRequest(Writer& writer, std::uint32_t callId, std::uint16_t contextId, std::uint16_t opnum, Octets stub,
                  std::uint16_t maxFragment, const Guid* object) noexcept {
    const std::size_t overhead = kCallHeaderSize + (object != nullptr ? sizeof(Guid::octets) : 0);
    // Smaller than any server negotiates is fine for a test of fragments; nothing at all is not.
    const std::size_t room = std::max<std::size_t>(maxFragment, overhead + 8) - overhead;
    const std::size_t chunk = std::max<std::size_t>(room / 8 * 8, 8);
    std::uint8_t flags = pfc::kFirst;
    do {
        const std::size_t size = std::min(stub.size(), chunk);
        if (size == stub.size())
            flags |= pfc::kLast;
        if (object != nullptr)
            flags |= pfc::kObject;
        const std::size_t begin = beginPdu(writer, PduType::request, flags, callId);
        writer.u32(static_cast<std::uint32_t>(stub.size()));
        writer.u16(contextId);
        writer.u16(opnum);
        if (object != nullptr)
            writer.guid(*object);
        writer.octets(stub.first(size));
        finishPdu(writer, begin);
        stub = stub.subspan(size);
        flags = 0;
    } while (!stub.empty());
}

void writeCancel(Writer& writer, std::uint32_t callId) noexcept {
    finishPdu(writer, beginPdu(writer, PduType::cancel, pfc::kWhole, callId));
}

void writeOrphaned(Writer& writer, std::uint32_t callId) noexcept {
    finishPdu(writer, beginPdu(writer, PduType::orphaned, pfc::kWhole, callId));
}

Framing frame(Octets received, std::size_t limit) noexcept {
    Framing framing;
    const auto header = readHeader(received);
    if (!header)
        return framing;
    framing.header = *header;
    framing.size = header->fragLength;
    if (!header->versionKnown() || !header->representationKnown() || framing.size < kHeaderSize || framing.size > limit)
        framing.state = Framing::State::broken;
    else if (received.size() >= framing.size)
        framing.state = Framing::State::whole;
    return framing;
}

void ClientAssociation::bind(Writer& out) noexcept {
    callId_ = callId_ == 0 ? kFirstCallId : callId_ + 1;
    binding_ = true;
    calling_ = false;
    writeBind(out, callId_, offer_);
}

std::uint32_t ClientAssociation::call(std::uint16_t opnum, Octets stub, Writer& out) noexcept {
    // The first call has the id of the bind, as Windows numbers them; later ones count on.
    if (!binding_)
        ++callId_;
    binding_ = false;
    calling_ = true;
    assembling_ = false;
    fragments_.clear();
    stub_ = {};
    writeRequest(out, callId_, offer_.firstContext, opnum, stub, maxFragment_);
    return callId_;
}

ClientAssociation::Progress ClientAssociation::advance(Octets input) noexcept {
    const Framing framing = frame(input);
    switch (framing.state) {
        case Framing::State::more:
            return {Step::starved, 0};
        case Framing::State::broken:
            return {breakOff("the answer is no DCE/RPC of version 5"), input.size()};
        case Framing::State::whole:
            break;
    }
    return {take(framing.header, input.first(framing.size)), framing.size};
}

ClientAssociation::Step ClientAssociation::take(const PduHeader& header, Octets pdu) noexcept {
    order_ = header.order();
    if (header.callId != callId_)
        return breakOff("it answers a call that was not made");
    switch (header.type) {
        case PduType::bindAck:
        case PduType::alterContextAck:
            return takeAck(header, pdu);
        case PduType::bindNak: {
            const auto reason = decodeBindNak(header, pdu);
            if (!reason)
                return breakOff("a bind_nak without a reason");
            nakReason_ = *reason;
            return Step::refused;
        }
        case PduType::response:
            return calling_ ? takeResponse(header, pdu) : breakOff("a response before any call");
        case PduType::fault: {
            const auto fault = decodeFault(header, pdu);
            if (!fault)
                return breakOff("a fault without a status");
            status_ = fault->status;
            didNotExecute_ = header.has(pfc::kDidNotExecute);
            calling_ = false;
            assembling_ = false;
            return Step::fault;
        }
        case PduType::shutdown:
            return Step::went;
        default:
            return breakOff("a PDU that no server sends");
    }
}

ClientAssociation::Step ClientAssociation::takeAck(const PduHeader& header, Octets pdu) noexcept {
    const auto ack = decodeBindAck(header, pdu);
    if (!ack)
        return breakOff("a bind_ack shorter than what it announces");
    if (ack->resultCount == 0)
        return breakOff("a bind_ack without a result");
    maxFragment_ = std::min(ack->maxRecv, kMaxFragment);
    group_ = ack->group;
    verdict_ = ack->result(0);
    accepted_ = verdict_.result == ContextResult::acceptance && verdict_.transfer == kNdr32;
    for (std::size_t i = 1; i < ack->resultCount; ++i)
        if (const ContextVerdict verdict = ack->result(i); verdict.result == ContextResult::negotiateAck)
            features_ = verdict.reason;
    return Step::bound;
}

ClientAssociation::Step ClientAssociation::takeResponse(const PduHeader& header, Octets pdu) noexcept {
    const auto response = decodeResponse(header, pdu);
    if (!response)
        return breakOff("a response shorter than its own header says");
    const bool first = header.has(pfc::kFirst);
    if (first == assembling_)
        return breakOff(first ? "a second first fragment" : "a later fragment without a first");
    if (first && header.has(pfc::kLast)) {
        stub_ = response->stub;
        calling_ = false;
        return Step::response;
    }
    if (fragments_.exceeds(response->stub.size(), kMaxAnswer))
        return breakOff("an answer of more than 64 KiB");
    if (!fragments_.append(response->stub))
        return breakOff("no memory for the answer's fragments");
    assembling_ = !header.has(pfc::kLast);
    if (assembling_)
        return Step::went;
    stub_ = fragments_.joined();
    calling_ = false;
    return Step::response;
}

ClientAssociation::Step ClientAssociation::breakOff(const char* problem) noexcept {
    problem_ = problem;
    calling_ = false;
    assembling_ = false;
    return Step::broken;
}

}  // namespace muster::kms
