#include "kms/rpc_client.h"

#include "CppUTest/TestHarness.h"

#include "kms/rpc_server.h"
#include "kms/rpc_test_support.h"
#include "kms/stub.h"

using namespace muster;
using namespace muster::kms;
using namespace muster::kms::test;

TEST_GROUP(RpcClient) {
    std::array<std::byte, 80 * 1024> room{};
    Writer out{room};
    ClientAssociation client;

    Bytes sent() {
        const Bytes bytes(out.written().begin(), out.written().end());
        out.rewind(0);
        return bytes;
    }
    Bytes ack(std::uint32_t callId = 2) {
        const Bytes body = Forge()
                               .u16(4280)
                               .u16(4280)
                               .u32(7)
                               .u16(5)
                               .octets(filled(5, 0x31))
                               .zeros(1)
                               .u8(1)
                               .zeros(3)
                               .u16(0)
                               .u16(0)
                               .syntax(kNdr32)
                               .bytes();
        return pdu(PduType::bindAck, body, {.callId = callId});
    }
    void bindAndCall() {
        client.bind(out);
        CHECK_TRUE(client.advance(ack()).step == ClientAssociation::Step::bound);
        client.call(0, filled(10), out);
        out.rewind(0);
    }
    Bytes response(const Bytes& stub, std::uint8_t flags, ByteOrder order = ByteOrder::little) {
        const Bytes body = Forge(order).u32(stub.size()).u16(0).u16(0).octets(stub).bytes();
        return pdu(PduType::response, body, {.flags = flags, .order = order});
    }
};

TEST(RpcClient, bindsAsWindowsDoesWithOneTwoOrThreeContexts) {
    writeBind(out, 2, {});
    LONGS_EQUAL(72, sent().size());
    writeBind(out, 2, {.ndr64 = true});
    LONGS_EQUAL(116, sent().size());
    writeBind(out, 2, {.ndr64 = true, .features = true});
    LONGS_EQUAL(160, sent().size());
}

TEST(RpcClient, numbersItsCallsFromTwo) {
    client.bind(out);
    client.advance(ack());
    LONGS_EQUAL(2, client.call(0, {}, out));
    client.advance(response(filled(4), pfc::kWhole));
    LONGS_EQUAL(3, client.call(0, {}, out));
}

TEST(RpcClient, learnsFromTheAckHowLongAFragmentMayBe) {
    client.bind(out);
    client.advance(ack());
    CHECK_TRUE(client.accepted());
    LONGS_EQUAL(4280, client.maxFragment());
    LONGS_EQUAL(7, client.group());
}

TEST(RpcClient, takesAnAnswerInBothByteOrders) {
    for (const ByteOrder order : {ByteOrder::little, ByteOrder::big}) {
        client = ClientAssociation();
        bindAndCall();
        CHECK_TRUE(client.advance(response(filled(40), pfc::kWhole, order)).step == ClientAssociation::Step::response);
        LONGS_EQUAL(40, client.stub().size());
        CHECK_TRUE(client.order() == order);
    }
}

TEST(RpcClient, joinsAnAnswerOfSeveralFragments) {
    bindAndCall();
    CHECK_TRUE(client.advance(response(filled(8, 1), pfc::kFirst)).step == ClientAssociation::Step::went);
    CHECK_TRUE(client.advance(response(filled(8, 2), 0)).step == ClientAssociation::Step::went);
    CHECK_TRUE(client.advance(response(filled(8, 3), pfc::kLast)).step == ClientAssociation::Step::response);
    LONGS_EQUAL(24, client.stub().size());
    CHECK_TRUE(client.stub()[8] == std::byte{2});
}

TEST(RpcClient, breaksOffAnAnswerThatNeverEnds) {
    bindAndCall();
    auto step = client.advance(response(filled(5000), pfc::kFirst)).step;
    for (int i = 0; i < 13 && step == ClientAssociation::Step::went; ++i)
        step = client.advance(response(filled(5000), 0)).step;
    CHECK_TRUE(step == ClientAssociation::Step::broken);
}

TEST(RpcClient, breaksOffWhatIsNoAnswerToItsCall) {
    using Step = ClientAssociation::Step;
    const Bytes http{std::byte{'H'}, std::byte{'T'}, std::byte{'T'}, std::byte{'P'}};
    CHECK_TRUE(client.advance(http).step == Step::starved);
    CHECK_TRUE(client.advance(http + filled(20, 0x20)).step == Step::broken);
    client.bind(out);
    CHECK_TRUE(client.advance(response(filled(4), pfc::kWhole)).step == Step::broken);
    CHECK_TRUE(client.advance(ack(99)).step == Step::broken);
    CHECK_TRUE(client.advance(pdu(PduType::bindAck, filled(3))).step == Step::broken);
    CHECK_TRUE(client.advance(pdu(PduType::bindAck, {}, {.fragLength = 15})).step == Step::broken);
    client.call(0, {}, out);
    CHECK_TRUE(client.advance(response(filled(8), pfc::kLast)).step == Step::broken);
}

TEST(RpcClient, saysWhyItWasRefusedOrWhyACallFailed) {
    client.bind(out);
    out.rewind(0);
    writeBindNak(out, 2, NakReason::localLimitExceeded);
    CHECK_TRUE(client.advance(sent()).step == ClientAssociation::Step::refused);
    CHECK_TRUE(client.nakReason() == NakReason::localLimitExceeded);
    client = ClientAssociation();
    bindAndCall();
    writeFault(out, 2, 0, RpcStatus::unknownInterface, pfc::kDidNotExecute);
    CHECK_TRUE(client.advance(sent()).step == ClientAssociation::Step::fault);
    CHECK_TRUE(client.status() == RpcStatus::unknownInterface && client.didNotExecute());
}

TEST(RpcClient, isUnderstoodByTheServerOfThisRoomInFragmentsOfAnySize) {
    for (const int size : {24, 40, 100, 2048, 5840}) {
        RpcServer server;
        ServerAssociation association(server, 1688);
        client = ClientAssociation({.ndr64 = true, .features = true});
        client.bind(out);
        Bytes wire = sent();
        LONGS_EQUAL(160, association.advance(wire, out).consumed);
        wire = sent();
        LONGS_EQUAL(108, wire.size());
        CHECK_TRUE(client.advance(wire).step == ClientAssociation::Step::bound);
        CHECK_TRUE(client.accepted());
        LONGS_EQUAL(3, client.features());

        const Bytes stub = kmsStub(filled(260));
        writeRequest(out, 2, 0, 0, stub, static_cast<std::uint16_t>(size));
        wire = sent();
        Octets rest = wire;
        auto step = ServerAssociation::Step::went;
        while (!rest.empty() && step == ServerAssociation::Step::went) {
            const auto progress = association.advance(rest, out);
            step = progress.step;
            rest = rest.subspan(progress.consumed);
        }
        CHECK_TRUE(step == ServerAssociation::Step::call);
        LONGS_EQUAL(260, association.call().size());
    }
}
