/// What the store knows of its database's files when their names lead elsewhere.
#include "pool/files.h"

#include <filesystem>
#include <fstream>

#include "CppUTest/TestHarness.h"

#include "pool/test/scratch.h"

using namespace muster::pool;
using namespace muster::pool::test;
using State = DatabaseFiles::State;

TEST_GROUP(DatabaseFiles) {
    Scratch scratch;
    DatabaseFiles files{scratch.file("pool.db")};

    void setup() override {
        write(files.path(), "ours");
        write(files.logPath(), "our log");
        write(files.indexPath(), "our index");
        files.hold();
    }
    static void write(const std::string& path, const char* text) {
        std::ofstream(path) << text;
    }
    /// Takes all three away, as a disk that is mounted over their directory does.
    void cover() const {
        std::filesystem::create_directory(scratch.file("below"));
        for (const auto& path : {files.path(), files.logPath(), files.indexPath()})
            std::filesystem::rename(path, scratch.file("below/" + std::filesystem::path(path).filename().string()));
    }
    void uncover() const {
        for (const auto& path : {files.path(), files.logPath(), files.indexPath()})
            std::filesystem::rename(scratch.file("below/" + std::filesystem::path(path).filename().string()), path);
    }
    DatabaseFiles::Finding look() {
        return files.look([] { return 0; });
    }
    void checkAllKept() {
        const auto found = look();
        CHECK_TRUE(found.state == State::broken);
        STRCMP_CONTAINS("pool.db", found.sentence.c_str());
        CHECK_FALSE(files.inPlace());
        LONGS_EQUAL(4, files.database().size());
        LONGS_EQUAL(7, files.log().size());
        LONGS_EQUAL(9, files.index().size());
    }
};

// A file system that failed lets the database be opened once more; in that moment another one is mounted over it.
TEST(DatabaseFiles, coveredWhileItIsOpenedAnewAllStaysHeldAndIsMissed) {
    files.changing();
    CHECK_TRUE(look().state == State::good);
    cover();
    files.reopened();
    checkAllKept();
}

TEST(DatabaseFiles, coveredWhileItCannotBeOpenedAnewAllStaysHeldAndIsMissed) {
    files.changing();
    cover();
    files.resume();
    checkAllKept();
}

TEST(DatabaseFiles, anotherOnesFilesAtTheNamesAreNotTakenForOurs) {
    files.changing();
    cover();
    for (const auto& path : {files.path(), files.logPath(), files.indexPath()})
        write(path, "another");
    files.reopened();
    checkAllKept();
    STRCMP_CONTAINS("replaced by another file", look().sentence.c_str());
}

TEST(DatabaseFiles, whatCameBesideADatabaseInItsPlaceIsTaken) {
    files.changing();
    std::filesystem::remove(files.logPath());
    std::filesystem::remove(files.indexPath());
    write(files.logPath(), "a new log");
    files.reopened();
    CHECK_TRUE(look().state == State::good);
    LONGS_EQUAL(9, files.log().size());
    CHECK_FALSE(files.index().held());
    std::filesystem::remove(files.logPath());
    CHECK_TRUE(look().state == State::broken);
}

// SQLite makes the log's index anew when it opens the first database of that file; it would cut the one that those who
// have ours open are reading, which ends the process.
TEST(DatabaseFiles, anotherDatabaseAtTheNameIsNotOpenedUnderThoseWhoReadOurs) {
    const auto make = [](const std::string& path) {
        for (const char* suffix : {"", "-wal", "-shm"})
            std::filesystem::remove(path + suffix);
        auto connection = Connection::open(path, Connection::Use::write);
        CHECK_TRUE(connection.has_value());
        CHECK_TRUE((*connection)->execute("CREATE TABLE t(x); INSERT INTO t VALUES(1)").has_value());
        return std::move(*connection);
    };
    const auto ours = make(files.path());
    files.hold();
    CHECK_TRUE(files.connect(Connection::Use::read).has_value());
    make(scratch.file("theirs"));
    std::filesystem::rename(scratch.file("theirs"), files.path());
    for (const auto use : {Connection::Use::read, Connection::Use::write}) {
        const auto refused = files.connect(use);
        CHECK_FALSE(refused.has_value());
        STRCMP_CONTAINS("another file", refused.error().detail.c_str());
    }
    LONGS_EQUAL(1, ours->value("SELECT x FROM t", 0));
}

TEST(DatabaseFiles, whatWasPutBackWhereItWasIsGood) {
    cover();
    CHECK_TRUE(look().state == State::broken);
    uncover();
    CHECK_TRUE(look().state == State::good);
}

TEST(DatabaseFiles, anotherDatabaseIsHeldWhateverHappensToItsName) {
    write(scratch.file("copy"), "a longer copy");
    HeldFile copy;
    copy.hold(scratch.file("copy"));
    std::filesystem::remove(scratch.file("copy"));
    files.changing();
    files.hold(std::move(copy));
    CHECK_TRUE(look().state == State::broken);
    LONGS_EQUAL(13, files.database().size());
}
