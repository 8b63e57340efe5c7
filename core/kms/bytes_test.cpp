#include "kms/bytes.h"

#include <array>

#include "CppUTest/TestHarness.h"

using namespace muster;
using namespace muster::kms;

TEST_GROUP(Bytes) {
    const std::array<std::byte, 8> eight{std::byte{1}, std::byte{2}, std::byte{3}, std::byte{4},
                                         std::byte{5}, std::byte{6}, std::byte{7}, std::byte{8}};
};

TEST(Bytes, areReadInBothOrders) {
    Reader little(eight, ByteOrder::little);
    Reader big(eight, ByteOrder::big);
    LONGS_EQUAL(0x0201, little.u16());
    LONGS_EQUAL(0x0102, big.u16());
    UNSIGNED_LONGS_EQUAL(0x06050403U, little.u32());
    UNSIGNED_LONGS_EQUAL(0x03040506U, big.u32());
    CHECK_TRUE(little.ok() && big.ok());
}

TEST(Bytes, beyondTheEndReadAsZeroAndStayFailed) {
    Reader reader(eight);
    reader.skip(6);
    UNSIGNED_LONGS_EQUAL(0U, reader.u32());
    CHECK_FALSE(reader.ok());
    LONGS_EQUAL(0, reader.u8());
    CHECK_TRUE(reader.take(1).empty());
    LONGS_EQUAL(0, reader.left());
}

TEST(Bytes, ofAHugeLengthAreRefusedWithoutOverflow) {
    Reader reader(eight);
    reader.u8();
    CHECK_TRUE(reader.take(~std::size_t{0}).empty());
    CHECK_FALSE(reader.ok());
}

TEST(Bytes, ofAGuidComeOutInWindowsOrderWhateverTheSenders) {
    std::array<std::byte, 16> big{};
    for (std::size_t i = 0; i < big.size(); ++i)
        big[i] = static_cast<std::byte>(i);
    STRCMP_EQUAL("00010203-0405-0607-0809-0a0b0c0d0e0f", Reader(big, ByteOrder::big).guid().text().c_str());
    STRCMP_EQUAL("03020100-0504-0706-0809-0a0b0c0d0e0f", Reader(big, ByteOrder::little).guid().text().c_str());
}

TEST(Bytes, thatDoNotFitAreNotWritten) {
    std::array<std::byte, 5> room{};
    Writer writer(room);
    writer.u32(0x04030201);
    writer.u16(9);
    CHECK_FALSE(writer.ok());
    LONGS_EQUAL(4, writer.size());
    writer.rewind(0);
    writer.u8(1);
    writer.align(4);
    CHECK_TRUE(writer.ok());
    LONGS_EQUAL(4, writer.size());
    LONGS_EQUAL(1, std::to_integer<int>(room[0]));
}
