/// For the tests of this room: PDUs as a peer would send them, in either byte order and with any lie in them.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "kms/pdu.h"

namespace muster::kms::test {

using Bytes = std::vector<std::byte>;

/// Appends numbers in the byte order of its PDU.
class Forge {
public:
    explicit Forge(ByteOrder order = ByteOrder::little) : order_(order) {}

    Forge& u8(std::uint64_t v) { return number(v, 1); }
    Forge& u16(std::uint64_t v) { return number(v, 2); }
    Forge& u32(std::uint64_t v) { return number(v, 4); }
    Forge& octets(Octets octets) {
        bytes_.insert(bytes_.end(), octets.begin(), octets.end());
        return *this;
    }
    Forge& zeros(std::size_t count) {
        bytes_.resize(bytes_.size() + count);
        return *this;
    }
    Forge& syntax(const Syntax& syntax) {
        const auto& o = syntax.uuid.octets;
        if (order_ == ByteOrder::little) {
            octets(o);
        } else {
            for (const unsigned i : {3U, 2U, 1U, 0U, 5U, 4U, 7U, 6U, 8U, 9U, 10U, 11U, 12U, 13U, 14U, 15U})
                bytes_.push_back(o[i]);
        }
        return u32(static_cast<std::uint32_t>(syntax.minor) << 16U | syntax.major);
    }
    const Bytes& bytes() const { return bytes_; }

private:
    Forge& number(std::uint64_t v, std::size_t size) {
        for (std::size_t i = 0; i < size; ++i)
            bytes_.push_back(static_cast<std::byte>(v >> (8 * (order_ == ByteOrder::little ? i : size - 1 - i))));
        return *this;
    }

    ByteOrder order_;
    Bytes bytes_;
};

struct PduOptions {
    std::uint8_t flags = pfc::kWhole;
    std::uint32_t callId = 2;
    ByteOrder order = ByteOrder::little;
    std::uint16_t authLength = 0;
    int fragLength = -1;  ///< -1: the true one
    std::uint8_t major = 5;
    std::uint8_t minor = 0;
    std::uint8_t representation1 = 0;
};

inline Bytes pdu(PduType type, const Bytes& body, const PduOptions& options = {}) {
    Forge forge(options.order);
    forge.u8(options.major).u8(options.minor).u8(static_cast<std::uint8_t>(type)).u8(options.flags);
    forge.u8(options.order == ByteOrder::little ? 0x10 : 0).u8(options.representation1).zeros(2);
    forge.u16(options.fragLength < 0 ? kHeaderSize + body.size() : static_cast<std::size_t>(options.fragLength));
    forge.u16(options.authLength).u32(options.callId).octets(body);
    return forge.bytes();
}

struct Offer {
    std::uint16_t id = 0;
    Syntax interface = kKmsInterface;
    std::vector<Syntax> transfers{kNdr32};
};

struct BindBody {
    std::vector<Offer> offers{Offer{}};
    std::uint16_t maxXmit = kMaxFragment;
    std::uint16_t maxRecv = kMaxFragment;
    std::uint32_t group = 0;
    int count = -1;  ///< -1: the true one
};

inline Bytes bindBody(const BindBody& bind, ByteOrder order = ByteOrder::little) {
    Forge forge(order);
    forge.u16(bind.maxXmit).u16(bind.maxRecv).u32(bind.group);
    forge.u8(bind.count < 0 ? bind.offers.size() : static_cast<std::size_t>(bind.count)).zeros(3);
    for (const Offer& offer : bind.offers) {
        forge.u16(offer.id).u8(offer.transfers.size()).u8(0).syntax(offer.interface);
        for (const Syntax& transfer : offer.transfers)
            forge.syntax(transfer);
    }
    return forge.bytes();
}

inline Bytes requestBody(std::uint16_t context, std::uint16_t opnum, const Bytes& stub,
                         ByteOrder order = ByteOrder::little, std::uint32_t allocHint = 0) {
    Forge forge(order);
    forge.u32(allocHint).u16(context).u16(opnum).octets(stub);
    return forge.bytes();
}

/// The stub of a KMS request with that body.
inline Bytes kmsStub(const Bytes& body, ByteOrder order = ByteOrder::little) {
    Forge forge(order);
    forge.u32(body.size()).u32(body.size()).octets(body);
    return forge.bytes();
}

inline Bytes filled(std::size_t size, std::uint8_t with = 0x5A) {
    return Bytes(size, std::byte{with});
}

inline Bytes operator+(Bytes a, const Bytes& b) {
    a.insert(a.end(), b.begin(), b.end());
    return a;
}

}  // namespace muster::kms::test
