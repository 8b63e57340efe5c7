/// Replays power cuts: a store works under load, what it asked of the disk is noted, and for many points in between the
/// directory is made as a cut there may leave it. Each time the store must open, and everything that it had called
/// durable must be there. MUSTER_LONG=1: 200 cuts, else 20.
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <set>
#include <sqlite3.h>

#include "CppUTest/TestHarness.h"

#include "pool/test/scratch.h"
#include "recorder.h"

using namespace muster;
using namespace muster::pool;
using namespace muster::pool::test;

namespace {

struct Acknowledged {
    std::uint64_t operation;  ///< how many the disk had been asked for by then
    std::uint64_t number;     ///< of the request: it is its CMID and its time
};

std::string integrity(const std::string& path) {
    sqlite3* database = nullptr;
    sqlite3_stmt* check = nullptr;
    std::string verdict = "cannot be checked";
    if (sqlite3_open_v2(path.c_str(), &database, SQLITE_OPEN_READWRITE, nullptr) == SQLITE_OK &&
        sqlite3_prepare_v2(database, "PRAGMA integrity_check", -1, &check, nullptr) == SQLITE_OK &&
        sqlite3_step(check) == SQLITE_ROW)
        verdict = reinterpret_cast<const char*>(sqlite3_column_text(check, 0));
    sqlite3_finalize(check);
    sqlite3_close(database);
    return verdict;
}

StoreConfig storeUnderTest(const std::string& directory, bool direct) {
    StoreConfig config = smallStore(directory);
    config.direct = direct;
    config.segmentOctets = std::size_t{64} * 1024;  // turns often
    config.applyDelay = std::chrono::milliseconds(5);
    return config;
}

unsigned cuts() {
    const char* wanted = std::getenv("MUSTER_LONG");  // NOLINT(concurrency-mt-unsafe): nothing sets the environment
    return wanted && *wanted == '1' ? 200 : 20;
}

/// Works until `records` are acknowledged. Pieces of several sizes, events between them, restarts.
std::vector<Acknowledged> work(const StoreConfig& config, std::uint64_t records, std::mt19937_64& dice) {
    std::vector<Acknowledged> acknowledged;
    std::mutex mutex;
    std::uint64_t next = 0;
    while (next < records) {
        auto store = openStore(config);
        std::atomic<unsigned> under{0};
        for (unsigned i = 0; i < 150 && next < records; ++i) {
            std::vector<RequestRecord> piece;
            std::vector<std::uint64_t> numbers;
            for (std::uint64_t j = dice() % 12 + 1; j > 0; --j) {
                numbers.push_back(next);
                piece.push_back(requestOf(next++));
            }
            ++under;
            store->append(std::move(piece), [&, numbers](Durability how) {
                const std::lock_guard lock(mutex);
                if (how == Durability::durable)
                    for (const std::uint64_t number : numbers)
                        acknowledged.push_back({powercut::operations(), number});
                --under;
            });
            if (i % 20 == 0) {
                EventRecord event;
                event.when = at(0);
                event.id = 22001;
                event.fields = json({{"n", std::uint64_t{i}}});
                store->journal(event);
            }
            // A few under way at once: some groups are of one piece, some of many.
            CHECK_TRUE(eventually([&] { return under < 4; }));
        }
        CHECK_TRUE(eventually([&] { return under == 0; }));
    }
    return acknowledged;
}

/// @param direct  how the intake writes before the cut. After it, it writes the other way in every second case: a file
///                is taken over however it was written
void cutAndLook(bool direct) {
    std::mt19937_64 dice(20261122);
    const Scratch scratch;
    const std::string live = std::filesystem::canonical(scratch.path()).string() + "/live";
    std::filesystem::create_directory(live);
    powercut::beginRecording(live);
    const std::vector<Acknowledged> acknowledged = work(storeUnderTest(live, direct), 3000, dice);
    powercut::endRecording();
    CHECK_TRUE(acknowledged.size() >= 3000);
    const std::uint64_t all = powercut::operations();

    std::uint64_t checked = 0;
    for (unsigned cut = 0; cut < cuts(); ++cut) {
        const std::uint64_t point = dice() % (all + 1);
        const Scratch image;
        powercut::makeImage(point, image.path(), dice);
        const StoreConfig after = storeUnderTest(image.path(), direct == (cut % 2 == 0));
        auto opened = Archive::open(after);
        if (!opened)
            FAIL(("cut " + std::to_string(cut) + " before operation " + std::to_string(point) + ": " +
                  opened.error().text())
                     .c_str());
        auto store = std::move(*opened);
        std::set<std::uint64_t> there;
        CHECK_TRUE(store->reader()
                       .keys([&](const Guid&, const Guid& cmid) {
                           std::uint64_t number = 0;
                           for (std::size_t i = 8; i < 16; ++i)
                               number = number << 8 | std::to_integer<std::uint64_t>(cmid.octets[i]);
                           there.insert(number);
                           return true;
                       })
                       .has_value());
        for (const Acknowledged& one : acknowledged) {
            if (one.operation > point)
                continue;
            ++checked;
            if (!there.contains(one.number))
                FAIL(("cut " + std::to_string(cut) + " before operation " + std::to_string(point) + " of " +
                      std::to_string(all) + ": request " + std::to_string(one.number) + " was lost")
                         .c_str());
        }
        CHECK_TRUE(image.holding("damaged").empty());
        // It goes on, also after a second cut right away.
        CHECK_TRUE(appendAndWait(*store, {requestOf(1'000'000 + cut)}) == Durability::durable);
        store.reset();
        STRCMP_EQUAL("ok", integrity(image.file("pool.db")).c_str());
        store = openStore(after);
        CHECK_EQUAL(1U, store->reader().client(cmidOf(1'000'000 + cut))->size());
    }
    std::printf("%s: %u cuts among %llu operations, %llu acknowledged requests found again\n",
                direct ? "past the page cache" : "through the page cache", cuts(), static_cast<unsigned long long>(all),
                static_cast<unsigned long long>(checked));
    CHECK_TRUE(checked > 0);
}

}  // namespace

TEST_GROUP(PowerCut){};

TEST(PowerCut, losesNothingThatWasCalledDurable) {
    cutAndLook(true);
}

TEST(PowerCut, losesNothingWhereTheFileSystemHasNoWayPastThePageCache) {
    cutAndLook(false);
}
