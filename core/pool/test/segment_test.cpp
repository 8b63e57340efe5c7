#include "pool/segment.h"

#include <cstring>
#include <fstream>

#include "CppUTest/TestHarness.h"

#include "pool/test/scratch.h"

using namespace muster;
using namespace muster::pool;
using namespace muster::pool::test;

namespace {

constexpr std::size_t kSize = std::size_t{64} * 1024;

std::vector<std::byte> filled(std::size_t size, char with) {
    return std::vector<std::byte>(size, static_cast<std::byte>(with));
}

}  // namespace

TEST_GROUP(Segment) {
    Scratch scratch;

    std::string path(const char* name = "intake-0.log") const {
        return scratch.file(name);
    }
    std::unique_ptr<Segment> make(Segment::Way way, std::size_t size = kSize, const char* name = "intake-0.log") const {
        auto made = Segment::create(path(name), size, way);
        CHECK_TRUE(made.has_value());
        return std::move(*made);
    }
    std::string content(const char* name = "intake-0.log") const {
        std::ifstream in(path(name), std::ios::binary);
        return {std::istreambuf_iterator<char>(in), {}};
    }
};

TEST(Segment, throughThePageCacheOneAppendFollowsTheOther) {
    const auto segment = make(Segment::Way::cached);
    CHECK_EQUAL(1U, segment->block());
    CHECK_TRUE(segment->append(filled(100, 'a')).has_value());
    CHECK_TRUE(segment->append(filled(100, 'b')).has_value());
    const std::string octets = content();
    CHECK_EQUAL(kSize, octets.size());
    STRCMP_EQUAL((std::string(100, 'a') + std::string(100, 'b')).c_str(), octets.substr(kHeadSize, 200).c_str());
}

TEST(Segment, pastItNoBlockIsWrittenTwice) {
    const auto segment = make(Segment::Way::best);
    const std::size_t block = segment->block();
    if (block == 1) {
        UT_PRINT("this file system has no way past the page cache");
        return;
    }
    for (const char with : {'a', 'b', 'c'})
        CHECK_TRUE(segment->append(filled(block + 1, with)).has_value());
    const std::string octets = content();
    CHECK_EQUAL(kSize, octets.size());
    std::string expected;
    for (const char with : {'a', 'b', 'c'})
        expected += std::string(block + 1, with) + std::string(block - 1, '\0');
    CHECK_TRUE(octets.substr(kHeadSize, expected.size()) == expected);
    CHECK_TRUE(octets.find_first_not_of('\0', kHeadSize + expected.size()) == std::string::npos);
}

TEST(Segment, theZerosThatFillABlockEraseWhatAnEarlierRoundLeftThere) {
    for (const Segment::Way way : {Segment::Way::best, Segment::Way::cached}) {
        const char* const name = way == Segment::Way::best ? "intake-0.log" : "intake-1.log";
        const auto segment = make(way, kSize, name);
        CHECK_TRUE(segment->append(filled(3 * kHeadSize, 'o')).has_value());
        segment->rewind();
        CHECK_TRUE(segment->append(filled(10, 'n')).has_value());
        const std::string octets = content(name);
        CHECK_EQUAL('n', octets[kHeadSize + 9]);
        CHECK_EQUAL(segment->block() > 1 ? '\0' : 'o', octets[kHeadSize + 10]);
        CHECK_EQUAL('o', octets[2 * kHeadSize]);
    }
}

TEST(Segment, anAppendLargerThanTheBufferArrivesWhole) {
    const auto segment = make(Segment::Way::best, std::size_t{2} << 20);
    std::vector<std::byte> large((std::size_t{700} << 10) + 5);
    for (std::size_t i = 0; i < large.size(); ++i)
        large[i] = static_cast<std::byte>(i * 7 + i / 256);
    CHECK_TRUE(segment->append(large).has_value());
    CHECK_TRUE(segment->append(filled(1, 'z')).has_value());
    const std::string octets = content();
    CHECK_EQUAL(0, std::memcmp(octets.data() + kHeadSize, large.data(), large.size()));
    CHECK_TRUE(octets.find('z', kHeadSize + large.size()) != std::string::npos);
}

TEST(Segment, roomIsWhatAnAppendReallyTakes) {
    const auto segment = make(Segment::Way::best);
    const std::size_t room = kSize - kHeadSize;
    CHECK_TRUE(segment->hasRoom(room));
    CHECK_FALSE(segment->hasRoom(room + 1));
    while (segment->hasRoom(1))
        CHECK_TRUE(segment->append(filled(1, 'x')).has_value());
    CHECK_EQUAL(kSize, content().size());  // never beyond the blocks that were made
    segment->rewind();
    CHECK_TRUE(segment->hasRoom(room));
}

TEST(Segment, aFileIsTakenOverHoweverItWasWritten) {
    CHECK_TRUE(make(Segment::Way::cached)->append(filled(100, 'a')).has_value());
    const auto taken = Segment::reuse(path(), 7);
    CHECK_TRUE(taken.has_value());
    CHECK_TRUE((*taken)->append(filled(50, 'b')).has_value());
    const std::string octets = content();
    CHECK_EQUAL(kSize, octets.size());
    STRCMP_EQUAL(std::string(50, 'b').c_str(), octets.substr(kHeadSize, 50).c_str());
    CHECK_EQUAL((*taken)->block() > 1 ? '\0' : 'a', octets[kHeadSize + 50]);
}
