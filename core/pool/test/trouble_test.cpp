/// What goes wrong with files and disks, and what a person reads then.
#include <atomic>
#include <csignal>
#include <fstream>
#include <sqlite3.h>
#include <sys/resource.h>

#include "CppUTest/TestHarness.h"

#include "pool/events.h"
#include "pool/test/scratch.h"

using namespace muster;
using namespace muster::pool;
using namespace muster::pool::test;

namespace {

/// While it lives no file of this process grows beyond its first block, as on a full disk.
class FullDisk {
public:
    FullDisk() {
        std::signal(SIGXFSZ, SIG_IGN);
        getrlimit(RLIMIT_FSIZE, &before_);
        const rlimit none{512, before_.rlim_max};
        setrlimit(RLIMIT_FSIZE, &none);
    }
    ~FullDisk() { setrlimit(RLIMIT_FSIZE, &before_); }
    FullDisk(const FullDisk&) = delete;
    FullDisk& operator=(const FullDisk&) = delete;

private:
    rlimit before_{};
};

void overwrite(const std::string& path, std::streamoff offset, const std::string& octets) {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(offset);
    file.write(octets.data(), static_cast<std::streamsize>(octets.size()));
}

void execute(const std::string& path, const char* sql) {
    sqlite3* database = nullptr;
    sqlite3_open(path.c_str(), &database);
    sqlite3_exec(database, sql, nullptr, nullptr, nullptr);
    sqlite3_close(database);
}

bool hasEvent(Archive& store, std::uint32_t id) {
    store.settle(kLong);
    const auto page = store.reader().journal({.id = id, .limit = 10});
    return page && !page->entries.empty();
}

}  // namespace

TEST_GROUP(StoreTrouble) {
    Scratch scratch;
    std::string database = scratch.file("pool.db");

    /// A store with ten clients, closed again.
    void fill() const {
        auto store = openStore(smallStore(scratch.path()));
        std::vector<RequestRecord> records;
        for (std::uint64_t i = 0; i < 10; ++i)
            records.push_back(requestOf(i));
        appendAndWait(*store, records);
    }
    Error refusal() const {
        const auto store = Archive::open(smallStore(scratch.path()));
        CHECK_FALSE(store.has_value());
        return store ? Error{} : store.error();
    }
    std::unique_ptr<Archive> openDegraded() const {
        StoreConfig config = smallStore(scratch.path());
        config.degraded = true;
        return openStore(config);
    }
};

TEST(StoreTrouble, aFileThatIsNoDatabaseIsRefusedWithWhatToDo) {
    fill();
    overwrite(database, 0, std::string(200, 'x'));
    const Error error = refusal();
    CHECK_TRUE(error.code == Code::storage);
    STRCMP_CONTAINS("pool.db", error.subject.c_str());
    STRCMP_CONTAINS("--degraded", error.detail.c_str());
}

TEST(StoreTrouble, degradedSetsABadFileAsideAndBeginsANewOne) {
    for (const bool emptied : {false, true}) {
        fill();
        if (emptied)
            std::ofstream(database, std::ios::trunc).close();
        else
            overwrite(database, 0, std::string(200, 'x'));
        auto store = openDegraded();
        const auto aside = scratch.holding("pool.db.damaged-");
        CHECK_TRUE(!aside.empty());
        CHECK_TRUE(eventually([&] { return hasEvent(*store, kEventSetAside); }));
        CHECK_TRUE(appendAndWait(*store, {requestOf(77)}) == Durability::durable);
    }
}

TEST(StoreTrouble, aDamagedSchemaIsNoReasonToCrash) {
    fill();
    for (std::streamoff offset = 24; offset < 4096; offset += 331) {
        overwrite(database, offset, std::string(16, '\xEE'));
        auto store = openDegraded();
        CHECK_TRUE(appendAndWait(*store, {requestOf(77)}) == Durability::durable);
    }
}

TEST(StoreTrouble, aFileOfANewerMusterIsLeftAloneEvenIfDegraded) {
    fill();
    execute(database, "PRAGMA user_version=99");
    CHECK_TRUE(refusal().code == Code::incompatible);
    StoreConfig config = smallStore(scratch.path());
    config.degraded = true;
    const auto store = Archive::open(config);
    CHECK_FALSE(store.has_value());
    STRCMP_CONTAINS("99", store.error().detail.c_str());
    CHECK_TRUE(scratch.holding("damaged").empty());
}

TEST(StoreTrouble, anotherProgramsDatabaseIsRefused) {
    execute(database, "CREATE TABLE t(x); PRAGMA application_id=7");
    STRCMP_CONTAINS("another program", refusal().detail.c_str());
}

TEST(StoreTrouble, whereTheDirectoryCannotBeMadeTheReasonIsSaid) {
    StoreConfig config = smallStore(scratch.file("missing/deeper"));
    const auto store = Archive::open(config);
    CHECK_FALSE(store.has_value());
    CHECK_TRUE(store.error().code == Code::storage);
    std::ofstream(scratch.file("file")) << "x";
    config.directory = scratch.file("file");
    STRCMP_CONTAINS("no directory", Archive::open(config).error().detail.c_str());
}

TEST(StoreTrouble, aFullDiskIsSaidAndWhatWasKeptIsWrittenWhenThereIsRoom) {
    auto store = openStore(smallStore(scratch.path()));
    appendAndWait(*store, {requestOf(1)});
    {
        const FullDisk full;
        CHECK_TRUE(appendAndWait(*store, {requestOf(2), requestOf(3)}) == Durability::notDurable);
        CHECK_TRUE(eventually([&] { return !store->trouble().empty(); }));
        CHECK_TRUE(appendAndWait(*store, {requestOf(4)}) == Durability::notDurable);
    }
    CHECK_TRUE(eventually([&] { return store->trouble().empty(); }));
    CHECK_TRUE(eventually([&] { return store->totals().requests == 4; }));
    CHECK_TRUE(appendAndWait(*store, {requestOf(5)}) == Durability::durable);
    CHECK_TRUE(eventually([&] { return hasEvent(*store, kEventTrouble) && hasEvent(*store, kEventRecovered); }));
    store.reset();
    store = openStore(smallStore(scratch.path()));
    CHECK_EQUAL(5U, store->reader().clients({})->clients.size());
    CHECK_TRUE(scratch.holding("damaged").empty());
}

TEST(StoreTrouble, memoryStaysBoundedWhileTheDiskIsFull) {
    StoreConfig config = smallStore(scratch.path());
    config.intakeLimit = std::size_t{64} * 1024;
    auto store = openStore(config);
    std::atomic<unsigned> told{0};
    {
        const FullDisk full;
        for (unsigned i = 0; i < 1000; ++i)
            store->append({requestOf(i)}, [&](Durability how) { told += how == Durability::notDurable ? 1 : 0; });
        CHECK_TRUE(eventually([&] { return told == 1000; }));
    }
    CHECK_TRUE(eventually([&] { return hasEvent(*store, kEventRecordsLost); }));
    CHECK_TRUE(store->totals().requests < 1000);
}

TEST(StoreTrouble, aRemovedIntakeFileCostsNothingThatIsWrittenAfterwards) {
    auto store = openStore(smallStore(scratch.path()));
    appendAndWait(*store, {requestOf(1)});
    for (const std::string& file : scratch.holding("intake-"))
        std::filesystem::remove(file);
    CHECK_TRUE(eventually([&] {
        appendAndWait(*store, {requestOf(2)});
        return !scratch.holding("intake-").empty();
    }));
    store.reset();
    store = openStore(smallStore(scratch.path()));
    CHECK_EQUAL(2U, store->reader().clients({})->clients.size());
}

TEST(StoreTrouble, aDamagedIntakeFileIsKeptUnderAnotherNameAndAllElseIsApplied) {
    StoreConfig config = smallStore(scratch.path());
    const Scratch copy;
    {
        config.applyDelay = std::chrono::hours(1);  // nothing is applied: all is in the intake
        auto store = openStore(config);
        for (std::uint64_t i = 0; i < 5; ++i)
            appendAndWait(*store, {requestOf(i)});
        std::filesystem::copy(
            scratch.path(), copy.path(),
            std::filesystem::copy_options::recursive | std::filesystem::copy_options::overwrite_existing);
    }
    const std::string intake = copy.holding("intake-").at(0);
    overwrite(intake, 4096 + 24 + 8, "\xEE\xEE\xEE\xEE");  // in the first record, which later ones know to be synced
    auto store = openStore(smallStore(copy.path()));
    CHECK_EQUAL(4U, store->reader().clients({})->clients.size());
    CHECK_TRUE(eventually([&] { return hasEvent(*store, kEventIntakeDamaged); }));
    CHECK_EQUAL(1U, copy.holding(".log.damaged-").size());
}

TEST(StoreTrouble, theCheckAfterTheStartSaysHowItWent) {
    fill();
    auto store = openStore(smallStore(scratch.path()));
    CHECK_TRUE(eventually([&] { return hasEvent(*store, kEventChecked); }));
}

TEST(StoreTrouble, theSizeStaysBelowItsLimitAndWhoWasSeenOnceGoesFirst) {
    StoreConfig config = smallStore(scratch.path());
    config.retentionOctets = std::uint64_t{600} * 1024;
    auto store = openStore(config);
    // Long ago, so that the hour's grace is over; the activated ones stay.
    std::uint64_t number = 0;
    for (int round = 0; round < 8; ++round) {
        std::vector<RequestRecord> piece;
        for (int i = 0; i < 500; ++i) {
            RequestRecord record = requestOf(number);
            record.received = at(-1'000'000'000);
            record.count = number % 100 == 0 ? 50 : 1;
            piece.push_back(record);
            ++number;
        }
        appendAndWait(*store, piece);
    }
    CHECK_TRUE(store->settle(kLong));
    CHECK_TRUE(eventually([&] { return hasEvent(*store, kEventRetention); }));
    const auto all = store->reader().clients({.limit = 10'000})->clients;
    CHECK_EQUAL(40U, all.size());
    for (const Client& client : all)
        CHECK_TRUE(client.activated);
    CHECK_EQUAL(40U, store->totals().machines);
    CHECK_EQUAL(40U, store->totals().clients);
    CHECK_EQUAL(4000U, store->totals().requests);
}
