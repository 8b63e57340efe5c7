/// Octets from the network, read as each kind of PDU in turn, whatever they say they are. Nothing that a decoder gives
/// may lie outside of them.
#include <cstdint>

#include "kms/pdu.h"

using namespace muster;
using namespace muster::kms;

namespace {

void insist(bool condition) {
    if (!condition)
        __builtin_trap();
}

void inside(Octets part, Octets whole) {
    insist(part.empty() || (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size()));
}

void readOffers(const BindPdu& bind) {
    Reader reader(bind.contexts, bind.order);
    for (unsigned i = 0; i < bind.contextCount; ++i) {
        const ContextOffer offer = readContextOffer(reader);
        if (!reader.ok())
            return;
        inside(offer.transfers, bind.contexts);
        for (std::size_t k = 0; k < offer.transferCount; ++k)
            bindTimeFeatures(offer.transfer(k));
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const Octets input = std::as_bytes(std::span(data, size));
    const auto header = readHeader(input);
    if (!header)
        return 0;
    const Octets pdu = input.first(std::min<std::size_t>(size, std::max<std::size_t>(header->fragLength, kHeaderSize)));
    if (const auto bind = decodeBind(*header, pdu)) {
        inside(bind->contexts, pdu);
        readOffers(*bind);
    }
    if (const auto request = decodeRequest(*header, pdu))
        inside(request->stub, pdu);
    if (const auto response = decodeResponse(*header, pdu))
        inside(response->stub, pdu);
    if (const auto ack = decodeBindAck(*header, pdu)) {
        inside(ack->secondaryAddress, pdu);
        for (std::size_t i = 0; i < ack->resultCount; ++i)
            ack->result(i);
    }
    for (const std::size_t at : {kHeaderSize, kCallHeaderSize, pdu.size()})
        if (const auto trailer = findAuthTrailer(*header, pdu, at))
            insist(trailer->at - trailer->padding >= at && trailer->at < pdu.size());
    decodeFault(*header, pdu);
    decodeBindNak(*header, pdu);
    return 0;
}
