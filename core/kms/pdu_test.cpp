#include "kms/pdu.h"

#include "CppUTest/TestHarness.h"

#include "kms/rpc_test_support.h"

using namespace muster;
using namespace muster::kms;
using namespace muster::kms::test;

TEST_GROUP(Pdu) {
    std::array<std::byte, 16 * 1024> room{};
    Writer out{room};
};

TEST(Pdu, saysItsByteOrderBeforeItsLengthIsRead) {
    const auto little = pdu(PduType::request, filled(268), {.callId = 7});
    const auto big = pdu(PduType::request, filled(268), {.callId = 7, .order = ByteOrder::big});
    for (const Bytes& bytes : {little, big}) {
        const auto header = readHeader(bytes);
        CHECK_TRUE(header.has_value());
        LONGS_EQUAL(284, header->fragLength);
        LONGS_EQUAL(7, header->callId);
    }
    CHECK_TRUE(readHeader(big)->order() == ByteOrder::big);
}

TEST(Pdu, withLessThanAHeaderIsNotRead) {
    const auto bytes = pdu(PduType::request, {});
    CHECK_FALSE(readHeader(Octets(bytes).first(15)).has_value());
}

TEST(Pdu, ofAnotherVersionOrRepresentationIsKnownAsSuch) {
    CHECK_TRUE(readHeader(pdu(PduType::bind, {}, {.minor = 1}))->versionKnown());
    CHECK_FALSE(readHeader(pdu(PduType::bind, {}, {.minor = 2}))->versionKnown());
    CHECK_FALSE(readHeader(pdu(PduType::bind, {}, {.major = 4}))->versionKnown());
    CHECK_TRUE(readHeader(pdu(PduType::bind, {}))->representationKnown());
    CHECK_FALSE(readHeader(pdu(PduType::bind, {}, {.representation1 = 1}))->representationKnown());
}

TEST(Pdu, ofABindGivesItsOffersInBothByteOrders) {
    const BindBody body{.offers = {{.id = 3, .interface = kMgmtInterface, .transfers = {kNdr64, kNdr32}}}, .group = 9};
    for (const ByteOrder order : {ByteOrder::little, ByteOrder::big}) {
        const auto bytes = pdu(PduType::bind, bindBody(body, order), {.order = order});
        const auto bind = decodeBind(*readHeader(bytes), bytes);
        CHECK_TRUE(bind.has_value());
        LONGS_EQUAL(5840, bind->maxXmit);
        LONGS_EQUAL(9, bind->group);
        LONGS_EQUAL(1, bind->contextCount);
        Reader reader(bind->contexts, bind->order);
        const ContextOffer offer = readContextOffer(reader);
        CHECK_TRUE(reader.ok());
        LONGS_EQUAL(3, offer.id);
        CHECK_TRUE(offer.interface == kMgmtInterface);
        CHECK_TRUE(offer.transfer(0) == kNdr64 && offer.transfer(1) == kNdr32);
    }
}

TEST(Pdu, ofABindWithMoreSyntaxesThanOctetsIsRefused) {
    auto body = bindBody({});
    body[14] = std::byte{255};  // transfer syntaxes of the first context
    const auto bytes = pdu(PduType::bind, body);
    const auto bind = decodeBind(*readHeader(bytes), bytes);
    Reader reader(bind->contexts, bind->order);
    readContextOffer(reader);
    CHECK_FALSE(reader.ok());
}

TEST(Pdu, ofARequestLosesItsObjectItsPaddingAndItsVerifier) {
    const Bytes stub = filled(12);
    const Bytes trailer = Forge().u8(10).u8(6).u8(4).u8(0).u32(1).bytes() + filled(16, 0xAA);
    const Bytes body =
        Forge().u32(0).u16(1).u16(0).octets(filled(16, 0xBB)).octets(stub).zeros(4).octets(trailer).bytes();
    const auto bytes = pdu(PduType::request, body, {.flags = pfc::kWhole | pfc::kObject, .authLength = 16});
    const auto request = decodeRequest(*readHeader(bytes), bytes);
    CHECK_TRUE(request.has_value());
    LONGS_EQUAL(stub.size(), request->stub.size());
    MEMCMP_EQUAL(stub.data(), request->stub.data(), stub.size());
}

TEST(Pdu, withAVerifierLongerThanItselfIsRefused) {
    const auto shorter = [](std::uint16_t authLength, std::uint8_t padding) {
        Bytes trailer = Forge().u8(10).u8(6).u8(padding).u8(0).u32(1).bytes() + filled(16, 0xAA);
        const auto bytes = pdu(PduType::request, requestBody(0, 0, filled(8) + trailer), {.authLength = authLength});
        return decodeRequest(*readHeader(bytes), bytes).has_value();
    };
    CHECK_TRUE(shorter(16, 8));
    CHECK_FALSE(shorter(16, 9));        // padding reaches into the header
    CHECK_FALSE(shorter(25, 0));        // so does the trailer
    CHECK_FALSE(shorter(0xFFFF, 255));  // and this one begins before the PDU
}

TEST(Pdu, ofARequestShorterThanItsFixedPartIsRefused) {
    for (std::size_t size = 0; size < 8; ++size) {
        const auto bytes = pdu(PduType::request, filled(size));
        CHECK_FALSE(decodeRequest(*readHeader(bytes), bytes).has_value());
    }
    const auto noObject = pdu(PduType::request, filled(23), {.flags = pfc::kWhole | pfc::kObject});
    CHECK_FALSE(decodeRequest(*readHeader(noObject), noObject).has_value());
}

TEST(Pdu, ofAResponseIsSplitAtWhatWasNegotiated) {
    const Bytes stub = filled(5000);
    writeResponse(out, 9, 1, stub, 2048);
    CHECK_TRUE(out.ok());
    CHECK_TRUE(out.size() <= fragmentedSize(stub.size(), 2048));
    Octets rest = out.written();
    Bytes joined;
    unsigned fragments = 0;
    while (!rest.empty()) {
        const auto header = readHeader(rest);
        CHECK_TRUE(header->fragLength <= 2048);
        CHECK_EQUAL(fragments == 0, header->has(pfc::kFirst));
        const auto response = decodeResponse(*header, rest.first(header->fragLength));
        LONGS_EQUAL(stub.size() - joined.size(), response->allocHint);
        joined.insert(joined.end(), response->stub.begin(), response->stub.end());
        rest = rest.subspan(header->fragLength);
        CHECK_EQUAL(rest.empty(), header->has(pfc::kLast));
        ++fragments;
    }
    LONGS_EQUAL(3, fragments);
    CHECK_TRUE(joined == stub);
}

TEST(Pdu, ofANakNamesTheVersionThatIsSpoken) {
    writeBindNak(out, 5, NakReason::protocolVersionNotSupported);
    const Octets bytes = out.written();
    LONGS_EQUAL(24, bytes.size());
    CHECK_TRUE(decodeBindNak(*readHeader(bytes), bytes) == NakReason::protocolVersionNotSupported);
    LONGS_EQUAL(1, std::to_integer<int>(bytes[18]));
    LONGS_EQUAL(5, std::to_integer<int>(bytes[19]));
    LONGS_EQUAL(0, std::to_integer<int>(bytes[20]));
}

TEST(Pdu, ofAFaultHasThirtyTwoOctets) {
    writeFault(out, 5, 7, RpcStatus::unknownInterface, pfc::kDidNotExecute);
    const Octets bytes = out.written();
    LONGS_EQUAL(kFaultSize, bytes.size());
    const auto header = readHeader(bytes);
    const auto fault = decodeFault(*header, bytes);
    LONGS_EQUAL(pfc::kWhole | pfc::kDidNotExecute, header->flags);
    LONGS_EQUAL(7, fault->contextId);
    CHECK_TRUE(fault->status == RpcStatus::unknownInterface);
}

TEST(Pdu, ofABindAckIsRefusedWhenItsAddressOrItsResultsAreNotThere) {
    const auto ack = [](std::uint16_t addressSize, std::uint8_t results, std::size_t after) {
        const Bytes body = Forge().u16(5840).u16(5840).u32(1).u16(addressSize).bytes() + filled(5, 0x31) +
                           filled(1, 0) + Forge().u8(results).zeros(3).zeros(after).bytes();
        const auto bytes = pdu(PduType::bindAck, body);
        return decodeBindAck(*readHeader(bytes), bytes).has_value();
    };
    CHECK_TRUE(ack(5, 2, 48));
    CHECK_FALSE(ack(5, 3, 48));
    CHECK_FALSE(ack(0xFFFF, 2, 48));
}

TEST(Pdu, knowsAnOfferOfFeaturesByTheFirstHalfOfItsGuid) {
    CHECK_TRUE(bindTimeFeatures(bindTimeFeatureSyntax(3)) == 3U);
    CHECK_FALSE(bindTimeFeatures(kNdr32).has_value());
    Syntax other = bindTimeFeatureSyntax(3);
    other.major = 2;
    CHECK_FALSE(bindTimeFeatures(other).has_value());
}
