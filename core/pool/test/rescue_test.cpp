/// What somebody does to the files of a store that runs, and what is left of it.
#include "pool/rescue.h"

#include <fstream>
#include <sqlite3.h>

#include "CppUTest/TestHarness.h"

#include "pool/events.h"
#include "pool/test/scratch.h"

using namespace muster;
using namespace muster::pool;
using namespace muster::pool::test;
namespace fs = std::filesystem;

namespace {

constexpr std::uint64_t kSome = 60;
const std::string kForeign = "the user's own\n";

std::string contentOf(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

void write(const std::string& path, const std::string& octets) {
    std::ofstream(path, std::ios::binary) << octets;
}

std::size_t eventsOf(Archive& store, std::uint32_t id) {
    store.settle(kLong);
    const auto page = store.reader().journal({.id = id, .limit = 100});
    return page ? page->entries.size() : 0;
}

}  // namespace

TEST_GROUP(Rescue) {
    Scratch scratch;
    std::string directory = scratch.file("store");
    std::string database = directory + "/pool.db";
    std::unique_ptr<Archive> store = openStore(smallStore(directory));
    std::uint64_t clients = 0;

    /// Acknowledged clients, which must never be missing afterwards.
    void add(std::uint64_t count) {
        for (const std::uint64_t end = clients + count; clients < end; clients += 10) {
            std::vector<RequestRecord> records;
            for (std::uint64_t i = 0; i < 10; ++i)
                records.push_back(requestOf(clients + i));
            CHECK_TRUE(appendAndWait(*store, std::move(records)) == Durability::durable);
        }
    }
    void waitUntilPutBack(std::size_t times = 1) const {
        CHECK_TRUE(eventually([&] { return eventsOf(*store, kEventPutBack) >= times && store->trouble().empty(); }));
    }
    std::uint64_t listed() const {
        CHECK_TRUE(store->settle(kLong));
        const auto page = store->reader().clients({.limit = 10'000});
        CHECK_TRUE(page.has_value());
        return page->clients.size();
    }
    void restart() {
        store.reset();
        store = openStore(smallStore(directory));
    }
    std::vector<std::string> holding(const std::string& part) const {
        std::vector<std::string> names;
        for (const auto& entry : fs::directory_iterator(directory))
            if (entry.path().filename().string().find(part) != std::string::npos)
                names.push_back(entry.path().string());
        return names;
    }
    /// Clients before, clients while it is so, clients after: all there, now and after a restart.
    void survives(const std::function<void()>& harm) {
        add(kSome);
        CHECK_TRUE(store->settle(kLong));
        add(kSome);
        harm();
        add(kSome);
        waitUntilPutBack();
        add(kSome);
        CHECK_EQUAL(clients, listed());
        CHECK_EQUAL(clients, store->totals().machines);
        CHECK_EQUAL(clients, store->totals().requests);
        restart();
        CHECK_EQUAL(clients, listed());
        CHECK_EQUAL(clients, store->totals().requests);
        CHECK_EQUAL(0U, eventsOf(*store, kEventIntakeDamaged));
        CHECK_TRUE(holding("rescue").empty());
        CHECK_TRUE(holding("put-back").empty());
    }
};

TEST(Rescue, aRemovedDatabaseIsPutBack) {
    survives([&] { fs::remove(database); });
    CHECK_TRUE(eventsOf(*store, kEventTrouble) > 0);
    CHECK_TRUE(eventsOf(*store, kEventRecovered) > 0);
    CHECK_EQUAL(0U, eventsOf(*store, kEventRecordsLost));
}

TEST(Rescue, aDatabaseRenamedAwayIsPutBackAndTheOtherOneLeftAlone) {
    survives([&] { fs::rename(database, scratch.file("away")); });
    CHECK_TRUE(fs::exists(scratch.file("away")));
}

TEST(Rescue, aRemovedLogIsPutBack) {
    survives([&] { fs::remove(database + "-wal"); });
}

TEST(Rescue, aRemovedIndexOfTheLogIsPutBack) {
    survives([&] { fs::remove(database + "-shm"); });
}

TEST(Rescue, allThreeRemovedArePutBack) {
    survives([&] {
        for (const char* suffix : {"-shm", "", "-wal"})
            fs::remove(database + suffix);
    });
}

TEST(Rescue, aRemovedDirectoryIsMadeAnewWithAllThatWasInIt) {
    survives([&] { fs::remove_all(directory); });
    CHECK_TRUE((fs::status(directory).permissions() & fs::perms::others_all) == fs::perms::none);
    // And nobody else gets in, though the lock went as well.
    CHECK_FALSE(Archive::open(smallStore(directory)).has_value());
}

TEST(Rescue, whatWasPutInItsPlaceIsKeptAsideAsItIs) {
    survives([&] {
        write(scratch.file("foreign"), kForeign);
        fs::rename(scratch.file("foreign"), database);
    });
    CHECK_EQUAL(1U, holding("pool.db.replaced-").size());
    STRCMP_EQUAL(kForeign.c_str(), contentOf(holding("pool.db.replaced-").at(0)).c_str());
}

TEST(Rescue, anotherAppliancesDatabaseInItsPlaceIsKeptAside) {
    const std::string other = scratch.file("other");
    {
        auto second = openStore(smallStore(other));
        appendAndWait(*second, {requestOf(1'000'000)});
    }
    survives([&] { fs::rename(other + "/pool.db", database); });
    CHECK_EQUAL(1U, holding("pool.db.replaced-").size());
}

TEST(Rescue, aLogPutInItsPlaceIsKeptAside) {
    survives([&] {
        write(scratch.file("foreign"), kForeign);
        fs::rename(scratch.file("foreign"), database + "-wal");
    });
    CHECK_EQUAL(1U, holding("pool.db-wal.replaced-").size());
}

TEST(Rescue, aDirectoryInItsPlaceIsKeptAside) {
    survives([&] {
        fs::remove(database);
        fs::create_directory(database);
    });
    CHECK_EQUAL(1U, holding("pool.db.replaced-").size());
}

TEST(Rescue, aYoungDatabaseThatWasEmptiedIsTakenFromItsLog) {
    survives([&] { fs::resize_file(database, 0); });
}

TEST(Rescue, aLogThatWasEmptiedIsTakenFromTheIntake) {
    survives([&] { fs::resize_file(database + "-wal", 0); });
    CHECK_EQUAL(0U, eventsOf(*store, kEventRecordsLost));
}

TEST(Rescue, aDatabaseOverwrittenInPlaceIsKeptAsEvidence) {
    survives([&] {
        fs::resize_file(database + "-wal", 0);
        write(database, kForeign);
    });
    CHECK_EQUAL(1U, holding("pool.db.broken-").size());
    STRCMP_EQUAL(kForeign.c_str(), contentOf(holding("pool.db.broken-").at(0)).c_str());
}

TEST(Rescue, allOfItOneAfterTheOtherIsSurvived) {
    std::size_t times = 0;
    for (const char* suffix : {"", "-wal", "-shm", "-wal", ""}) {
        add(kSome);
        fs::remove(database + suffix);
        add(kSome);
        waitUntilPutBack(++times);
    }
    CHECK_EQUAL(clients, listed());
    restart();
    CHECK_EQUAL(clients, listed());
}

TEST(Rescue, intakeFilesRemovedWithTheDatabaseCostNothing) {
    survives([&] {
        for (const std::string& file : holding("intake-"))
            fs::remove(file);
        fs::remove(database);
    });
}

TEST(Rescue, anEmptiedIntakeFileIsNotWrittenToAnyMore) {
    add(kSome);
    for (const std::string& file : holding("intake-"))
        fs::resize_file(file, 0);
    const auto whole = [&] {
        add(10);
        for (const std::string& file : holding("intake-"))
            if (fs::file_size(file) >= smallStore(directory).segmentOctets)
                return true;
        return false;
    };
    CHECK_TRUE(eventually(whole));
    CHECK_TRUE(store->settle(kLong));
    restart();
    CHECK_EQUAL(clients, listed());
}

TEST(Rescue, whatIsRemovedRightBeforeTheEndIsThereAtTheNextStart) {
    add(kSome);
    CHECK_TRUE(store->settle(kLong));
    fs::remove(database);
    fs::remove(database + "-wal");
    restart();
    CHECK_EQUAL(clients, listed());
}

TEST(Rescue, whereNothingIsLeftItBeginsAnewAndSaysWhatIsLost) {
    StoreConfig config = smallStore(directory);
    config.segmentOctets = std::size_t{64} * 1024;  // the intake forgets soon
    store.reset();
    store = openStore(config);
    for (int i = 0; i < 40; ++i)
        add(50);
    CHECK_TRUE(store->settle(kLong));
    fs::resize_file(database + "-wal", 0);
    fs::resize_file(database, 0);
    waitUntilPutBack();
    CHECK_TRUE(eventually([&] { return eventsOf(*store, kEventRecordsLost) == 1; }));  // told after the other
    const std::uint64_t left = listed();
    CHECK_TRUE(left < clients);
    CHECK_EQUAL(left, store->totals().machines);
    appendAndWait(*store, {requestOf(5'000'000)});
    CHECK_EQUAL(left + 1, listed());
    CHECK_EQUAL(left + 1, store->totals().machines);
}

TEST(Rescue, whatAnotherProgramWroteProperlyIsNoReasonForARepair) {
    add(kSome);
    CHECK_TRUE(store->settle(kLong));
    sqlite3* other = nullptr;
    CHECK_EQUAL(SQLITE_OK, sqlite3_open(database.c_str(), &other));
    CHECK_EQUAL(SQLITE_OK, sqlite3_exec(other, "UPDATE client SET minutes=7; PRAGMA wal_checkpoint(PASSIVE)", nullptr,
                                        nullptr, nullptr));
    sqlite3_close(other);
    add(kSome);
    CHECK_TRUE(eventually([&] {
        add(10);
        const auto page = store->reader().clients({.order = ClientOrder::cmid, .limit = 1});
        return page && !page->clients.empty() && page->clients[0].minutesToExpiry == 7;
    }));
    CHECK_EQUAL(clients, listed());
    CHECK_EQUAL(0U, eventsOf(*store, kEventPutBack));
}

TEST(Rescue, aStartAfterAPowerCutGoesOnWithIt) {
    add(kSome);
    store.reset();
    fs::rename(database, database + ".put-back");
    write(database + "-wal", kForeign);
    store = openStore(smallStore(directory));
    CHECK_EQUAL(clients, listed());
    CHECK_TRUE(eventually([&] { return eventsOf(*store, kEventPutBack) == 1; }));
    CHECK_EQUAL(1U, holding("pool.db-wal.replaced-").size());
}
