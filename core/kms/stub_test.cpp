#include "kms/stub.h"

#include <array>
#include <vector>

#include "CppUTest/TestHarness.h"

using namespace muster;
using namespace muster::kms;

namespace {

using Bytes = std::vector<std::byte>;

Bytes bytes(std::initializer_list<int> values) {
    Bytes out;
    for (const int value : values)
        out.push_back(static_cast<std::byte>(value));
    return out;
}

Bytes body(std::size_t size) {
    Bytes out(size);
    for (std::size_t i = 0; i < size; ++i)
        out[i] = static_cast<std::byte>(i * 7 + 1);
    return out;
}

bool same(Octets a, Octets b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end());
}

}  // namespace

TEST_GROUP(Stub) {
    std::array<std::byte, 1024> buffer{};
    Octets written(std::size_t size) const {
        return Octets(buffer).first(size);
    }
};

TEST(Stub, aVersion4RequestMakes260OctetsAndComesBack) {
    const Bytes sent = body(252);
    const std::size_t size = encodeRequestStub(sent, buffer);
    LONGS_EQUAL(260, size);
    const auto read = decodeRequestStub(written(size), ByteOrder::little);
    CHECK_TRUE(read.has_value());
    CHECK_TRUE(same(sent, *read));
}

TEST(Stub, aRequestIsReadInTheOtherByteOrder) {
    const Bytes stub = bytes({0, 0, 0, 2, 0, 0, 0, 2, 0xAA, 0xBB});
    const auto read = decodeRequestStub(stub, ByteOrder::big);
    CHECK_TRUE(read.has_value());
    CHECK_TRUE(same(bytes({0xAA, 0xBB}), *read));
}

TEST(Stub, paddingAfterTheBodyOfARequestIsNoPartOfIt) {
    const auto read = decodeRequestStub(bytes({1, 0, 0, 0, 1, 0, 0, 0, 0xAA, 0, 0, 0}), ByteOrder::little);
    CHECK_TRUE(read.has_value());
    LONGS_EQUAL(1, read->size());
}

TEST(Stub, aRequestWhoseTwoLengthsDifferIsRefused) {
    const auto read = decodeRequestStub(bytes({1, 0, 0, 0, 2, 0, 0, 0, 0xAA, 0xBB}), ByteOrder::little);
    CHECK_TRUE(read.error() == StubError::countMismatch);
}

TEST(Stub, aRequestThatPromisesMoreThanItHasIsRefused) {
    const auto big = decodeRequestStub(bytes({0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1}), ByteOrder::little);
    CHECK_TRUE(big.error() == StubError::truncated);
    const auto byOne = decodeRequestStub(bytes({2, 0, 0, 0, 2, 0, 0, 0, 0xAA}), ByteOrder::little);
    CHECK_TRUE(byOne.error() == StubError::truncated);
}

TEST(Stub, everyCutOfARequestIsRefused) {
    const std::size_t size = encodeRequestStub(body(9), buffer);
    for (std::size_t cut = 0; cut < size; ++cut)
        CHECK_FALSE(decodeRequestStub(written(cut), ByteOrder::little).has_value());
}

TEST(Stub, anAnswerOf158OctetsMakes176WithPadAndResult) {
    const Bytes sent = body(158);
    buffer.fill(std::byte{0xEE});
    const std::size_t size = encodeAnswerStub(sent, buffer);
    LONGS_EQUAL(176, size);
    CHECK_TRUE(same(bytes({158, 0, 0, 0, 0, 0, 2, 0, 158, 0, 0, 0}), written(12)));
    CHECK_TRUE(same(bytes({0, 0, 0, 0, 0, 0}), written(size).last(6)));
    const auto read = decodeAnswerStub(written(size), ByteOrder::little);
    CHECK_TRUE(read.has_value());
    CHECK_TRUE(read->hasBody);
    CHECK_TRUE(read->result == HResult::ok);
    CHECK_TRUE(same(sent, read->body));
}

TEST(Stub, everyCutOfAnAnswerIsRefused) {
    for (const std::size_t length : {0U, 1U, 2U, 3U, 4U, 158U}) {
        const std::size_t size = encodeAnswerStub(body(length), buffer);
        for (std::size_t cut = 0; cut < size; ++cut)
            CHECK_FALSE(decodeAnswerStub(written(cut), ByteOrder::little).has_value());
    }
}

TEST(Stub, aRefusalIsTwelveOctetsWithTheCodeAtTheEnd) {
    const std::size_t size = encodeRefusalStub(HResult::groupNotCovered, buffer);
    CHECK_TRUE(same(bytes({0, 0, 0, 0, 0, 0, 0, 0, 0x42, 0xF0, 0x04, 0xC0}), written(size)));
    const auto read = decodeAnswerStub(written(size), ByteOrder::little);
    CHECK_TRUE(read.has_value());
    CHECK_TRUE(read->result == HResult::groupNotCovered);
    CHECK_FALSE(read->hasBody);
}

TEST(Stub, anAnswerIsTakenWithAnyReferentInEitherByteOrder) {
    const auto read = decodeAnswerStub(
        bytes({0, 0, 0, 1, 0, 0, 0, 9, 0, 0, 0, 1, 0xAA, 0, 0, 0, 0xC0, 0x04, 0xF0, 0x6C}), ByteOrder::big);
    CHECK_TRUE(read.has_value());
    CHECK_TRUE(read->result == HResult::invalidTimestamp);
    LONGS_EQUAL(1, read->body.size());
}

TEST(Stub, anAnswerWithALengthButNoPointerIsRefused) {
    const auto read = decodeAnswerStub(bytes({1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0xAA, 0, 0, 0}), ByteOrder::little);
    CHECK_TRUE(read.error() == StubError::missingPointer);
}

TEST(Stub, nothingIsWrittenWhereTheRoomIsShort) {
    const std::span<std::byte> room(buffer);
    LONGS_EQUAL(0, encodeRequestStub(body(10), room.first(17)));
    LONGS_EQUAL(0, encodeAnswerStub(body(10), room.first(27)));
    LONGS_EQUAL(0, encodeRefusalStub(HResult::invalidData, room.first(11)));
}
