#include "pool/compact.h"

#include <array>

#include "CppUTest/TestHarness.h"

#include "pool/test/scratch.h"

using namespace muster;
using namespace muster::pool;
using namespace muster::pool::test;

namespace {

/// With everything that a record can have.
RequestRecord fullRecord() {
    RequestRecord record = requestOf(42);
    record.source = *Address::parse("[2001:db8::1]:65535");
    record.source.scopeId = 3;
    record.request.previousCmid = cmidOf(41);
    record.request.vmInfo = ~std::uint32_t{0};
    record.request.licenseStatus = ~std::uint32_t{0};
    record.request.minutesToExpiry = ~std::uint32_t{0};
    record.request.requiredClients = ~std::uint32_t{0};
    record.request.clientTime.ticks = ~std::uint64_t{0};
    record.request.machine.assign(std::string(MachineName::kCapacity, 'm'));
    record.result = HResult::notEnoughCount;
    record.fault = ~std::uint32_t{0};
    record.count = ~std::uint32_t{0};
    record.attempts = 255;
    record.waited = ~std::uint32_t{0};
    return record;
}

void checkSame(const RequestRecord& a, const RequestRecord& b) {
    CHECK_TRUE(a.received == b.received);
    CHECK_TRUE(a.source == b.source);
    CHECK_EQUAL(a.source.scopeId, b.source.scopeId);
    CHECK_EQUAL(a.request.major, b.request.major);
    CHECK_EQUAL(a.request.minor, b.request.minor);
    CHECK_EQUAL(a.request.vmInfo, b.request.vmInfo);
    CHECK_EQUAL(a.request.licenseStatus, b.request.licenseStatus);
    CHECK_EQUAL(a.request.minutesToExpiry, b.request.minutesToExpiry);
    CHECK_TRUE(a.request.cmid == b.request.cmid);
    CHECK_EQUAL(a.request.requiredClients, b.request.requiredClients);
    CHECK_TRUE(a.request.clientTime == b.request.clientTime);
    CHECK_TRUE(a.request.previousCmid == b.request.previousCmid);
    CHECK_TRUE(a.request.machine.view() == b.request.machine.view());
    CHECK_EQUAL(a.wellFormed, b.wellFormed);
    CHECK_EQUAL(a.counted, b.counted);
    CHECK_EQUAL(a.fresh, b.fresh);
    CHECK_TRUE(a.result == b.result);
    CHECK_EQUAL(a.fault, b.fault);
    CHECK_EQUAL(a.count, b.count);
    CHECK_TRUE(a.reason == b.reason);
    CHECK_EQUAL(a.attempts, b.attempts);
    CHECK_EQUAL(a.waited, b.waited);
}

}  // namespace

TEST_GROUP(Compact){};

TEST(Compact, theLongestRecordFitsIntoItsRoomAndComesBack) {
    RequestRecord record = fullRecord();
    const std::string reason(kMaxReason, 'r');
    const std::string upstream(kMaxUpstream, 'u');
    record.reason = reason;
    record.upstream = upstream;
    std::array<std::byte, kMostCompact> room{};
    const std::size_t size = encodeCompact(record, 0, {}, room.data());
    CHECK_TRUE(size <= kMostCompact);
    Octets octets(room.data(), size);
    RequestRecord back;
    RowNumbers numbers;
    CHECK_TRUE(decodeCompact(octets, 0, back, numbers));
    CHECK_TRUE(octets.empty());
    checkSame(record, back);
    CHECK_TRUE(back.upstream == upstream);
    CHECK_TRUE(back.request.application == kWindows);
    CHECK_TRUE(back.request.counted == kSeven);
    CHECK_TRUE(back.request.sku == kSevenEnterprise);
}

TEST(Compact, anOrdinaryRecordInABlockTakesFewOctets) {
    BlockWriter block;
    for (std::uint64_t i = 0; i < 100; ++i)
        block.add(1000 + i, requestOf(i), {1, 2});
    CHECK_TRUE(block.octets().size() < 100 * 80);
}

TEST(Compact, timesOfAnyYearComeBack) {
    for (const std::int64_t time : {std::numeric_limits<std::int64_t>::min(), std::int64_t{-1}, std::int64_t{0},
                                    std::numeric_limits<std::int64_t>::max()})
        for (const std::int64_t base :
             {std::numeric_limits<std::int64_t>::min(), std::int64_t{0}, std::numeric_limits<std::int64_t>::max()}) {
            RequestRecord record = requestOf(1);
            record.received = Timestamp(std::chrono::milliseconds(time));
            std::array<std::byte, kMostCompact> room{};
            Octets octets(room.data(), encodeCompact(record, base, {}, room.data()));
            RequestRecord back;
            RowNumbers numbers;
            CHECK_TRUE(decodeCompact(octets, base, back, numbers));
            CHECK_TRUE(back.received == record.received);
        }
}

TEST(Compact, everyShorterOneIsRefused) {
    std::array<std::byte, kMostCompact> room{};
    const std::size_t size = encodeCompact(fullRecord(), 0, {}, room.data());
    for (std::size_t cut = 0; cut < size; ++cut) {
        Octets octets(room.data(), cut);
        RequestRecord back;
        RowNumbers numbers;
        CHECK_FALSE(decodeCompact(octets, 0, back, numbers));
    }
}

TEST(Compact, aBlockGivesItsRecordsWithTheirNumbersInOrder) {
    BlockWriter block;
    RequestRecord opaque;
    opaque.received = at(5);
    opaque.source = requestOf(1).source;
    opaque.request.major = 6;
    block.add(7, requestOf(1), {3, 4});
    block.add(9, fullRecord(), {0, 0});
    block.add(1'000'000, opaque, {});
    CHECK_EQUAL(7U, block.first());
    CHECK_EQUAL(1'000'000U, block.last());
    CHECK_EQUAL(3U, block.records());
    CHECK_EQUAL(at(42).time_since_epoch().count(), block.latest());
    std::vector<std::uint64_t> seen;
    std::vector<RequestRecord> records;
    CHECK_TRUE(
        readBlock(block.octets(), 7, [&](std::uint64_t seq, const RequestRecord& record, const RowNumbers& numbers) {
            seen.push_back(seq);
            records.push_back(record);
            CHECK_EQUAL(seq == 7 ? 3U : 0U, numbers.product);
            CHECK_EQUAL(seq == 7 ? 4U : 0U, numbers.upstream);
        }));
    CHECK_TRUE(seen == (std::vector<std::uint64_t>{7, 9, 1'000'000}));
    checkSame(requestOf(1), records.at(0));
    CHECK_TRUE(records.at(0).request.application.isZero());  // its number stands for it
    checkSame(fullRecord(), records.at(1));
    checkSame(opaque, records.at(2));
}

TEST(Compact, aDamagedBlockGivesWhatComesBeforeTheDamage) {
    BlockWriter block;
    for (std::uint64_t i = 0; i < 10; ++i)
        block.add(i, requestOf(i), {1, 0});
    std::size_t given = 0;
    const auto count = [&](std::uint64_t, const RequestRecord&, const RowNumbers&) { ++given; };
    CHECK_FALSE(readBlock(block.octets().first(block.octets().size() - 1), 0, count));
    CHECK_EQUAL(9U, given);
    CHECK_FALSE(readBlock({}, 0, count));
    CHECK_FALSE(readBlock(std::as_bytes(std::span("no block at all")), 0, count));
    CHECK_EQUAL(9U, given);
}
