#include "client/rpc_connection.h"

#include "CppUTest/TestHarness.h"

using namespace muster;
using namespace muster::client;

TEST_GROUP(Faults){};

TEST(Faults, becomeTheHresultThatTheRunTimeGives) {
    LONGS_EQUAL(0x80070005, static_cast<std::uint32_t>(hresultOf(RpcStatus::accessDenied)));
    LONGS_EQUAL(0x800706BB, static_cast<std::uint32_t>(hresultOf(RpcStatus::serverTooBusy)));
    LONGS_EQUAL(0x800706B5, static_cast<std::uint32_t>(hresultOf(RpcStatus::unknownInterface)));
    LONGS_EQUAL(0x800706D1, static_cast<std::uint32_t>(hresultOf(RpcStatus::opRangeError)));
    LONGS_EQUAL(0x800706BE, static_cast<std::uint32_t>(hresultOf(RpcStatus::protocolError)));
    LONGS_EQUAL(0x800706BE, static_cast<std::uint32_t>(hresultOf(RpcStatus{0})));
}
