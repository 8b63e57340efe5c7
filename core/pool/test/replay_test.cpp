#include "pool/replay.h"

#include "CppUTest/TestHarness.h"

#include "pool/record.h"
#include "pool/test/scratch.h"

using namespace muster;
using namespace muster::pool;
using namespace muster::pool::test;

namespace {

constexpr std::uint32_t kSalt = 0x12345678;

}  // namespace

TEST_GROUP(Replay) {
    std::vector<std::byte> image;
    std::vector<std::size_t> starts;

    /// Groups as the intake writes them: each knows what was synced before it.
    void write(std::uint64_t first, std::uint64_t last, std::uint64_t synced) {
        std::uint64_t previous = synced;
        for (std::uint64_t seq = first; seq <= last; ++seq) {
            std::vector<std::byte> payload;
            encode(requestOf(seq), payload);
            starts.push_back(image.size());
            frame(kSalt, {seq, previous, synced}, payload, image);
            previous = seq;
        }
    }
    void damage(std::size_t record) {
        image[starts[record] + 40] ^= std::byte{1};
    }
    Replay judged(std::uint64_t applied, bool fresh = false) {
        Replay replay;
        replay.files.push_back({"intake-0.log", kSalt, image.size(), false});
        judge(replay, {scan(kSalt, image, applied)}, applied, fresh);
        return replay;
    }
    static std::vector<std::uint64_t> numbers(const Replay& replay) {
        std::vector<std::uint64_t> all;
        for (const Found& found : replay.records)
            all.push_back(found.seq);
        return all;
    }
};

TEST(Replay, takesWhatTheDatabaseDoesNotHave) {
    write(1, 3, 0);
    write(4, 6, 3);
    CHECK_TRUE(numbers(judged(4)) == std::vector<std::uint64_t>({5, 6}));
    CHECK_TRUE(judged(0).alarms.empty());
    CHECK_TRUE(judged(6).records.empty());
}

TEST(Replay, endsAtATornGroupWithoutAnAlarm) {
    write(1, 3, 0);
    write(4, 8, 3);
    damage(5);  // number 6, of the last group: nobody was told that it is on disk
    const Replay replay = judged(0);
    CHECK_TRUE(numbers(replay) == std::vector<std::uint64_t>({1, 2, 3, 4, 5}));
    CHECK_TRUE(replay.alarms.empty());
    CHECK_FALSE(replay.files[0].damaged);
    CHECK_EQUAL(8U, replay.highest);  // numbers of the torn group are not given again
}

TEST(Replay, readsOnBehindDamageAndSetsTheFileAside) {
    write(1, 3, 0);
    write(4, 8, 3);
    write(9, 9, 8);
    damage(5);
    const Replay replay = judged(0);
    CHECK_TRUE(numbers(replay) == std::vector<std::uint64_t>({1, 2, 3, 4, 5, 7, 8, 9}));
    CHECK_EQUAL(1U, replay.alarms.size());
    STRCMP_CONTAINS("record 6", replay.alarms[0].c_str());
    CHECK_TRUE(replay.files[0].damaged);
}

TEST(Replay, ignoresWhatAnEarlierRoundLeftBehind) {
    write(1, 3, 0);
    const std::vector<std::byte> old = image;
    image.clear();
    starts.clear();
    write(101, 101, 100);
    image.insert(image.end(), old.begin() + static_cast<std::ptrdiff_t>(image.size()), old.end());
    const Replay replay = judged(100);
    CHECK_TRUE(numbers(replay) == std::vector<std::uint64_t>({101}));
    CHECK_TRUE(replay.alarms.empty());
}

TEST(Replay, takesNumbersThatWereSkippedAfterAFailureForNoGap) {
    write(1, 3, 0);
    write(10, 12, 3);  // 4 to 9 went to a file whose sync failed
    const Replay replay = judged(0);
    CHECK_EQUAL(6U, replay.records.size());
    CHECK_TRUE(replay.alarms.empty());
}

TEST(Replay, aNewDatabaseTakesAllThatIsThere) {
    write(50, 52, 49);
    write(90, 91, 89);
    write(92, 92, 91);
    const Replay replay = judged(0, true);
    CHECK_EQUAL(6U, replay.records.size());
    CHECK_TRUE(replay.alarms.empty());
}

TEST(Replay, aTextInsideARecordIsNeverTakenForARecord) {
    // The attacker knows the shape of a record and puts one into a name, but does not know the file's salt.
    std::vector<std::byte> payload;
    encode(Note(Removal{at(0), cmidOf(1)}), payload);
    std::vector<std::byte> forged;
    frame(0, {7, 6, 6}, payload, forged);
    RequestRecord record = requestOf(1);
    record.request.machine.assign({reinterpret_cast<const char*>(forged.data()), forged.size()});
    payload.clear();
    encode(record, payload);
    for (std::size_t shift = 0; shift < 8; ++shift) {
        std::vector<std::byte> shifted(shift * 8);
        frame(kSalt, {1, 0, 0}, payload, shifted);
        shifted[0] = std::byte{1};  // damage, so that the search goes through the inside
        for (const Found& found : scan(kSalt, shifted, 0))
            CHECK_EQUAL(1U, found.seq);
    }
}

TEST(Replay, aHeadIsReadBackAndDamageInItIsSeen) {
    std::vector<std::byte> head = makeHead(kSalt);
    CHECK_TRUE(*readHead(head) == kSalt);
    head[13] ^= std::byte{1};
    CHECK_FALSE(readHead(head)->has_value());
    CHECK_FALSE(readHead({})->has_value());
}
