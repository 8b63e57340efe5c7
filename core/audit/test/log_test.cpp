#include "audit/log.h"

#include <atomic>
#include <fstream>
#include <memory>
#include <thread>
#include <vector>

#include "CppUTest/TestHarness.h"

#include "scratch.h"

using namespace muster;
using namespace muster::audit;
using namespace muster::audit::test;

TEST_GROUP(AuditLog) {
    Scratch scratch;
    std::unique_ptr<Log> log;

    void open(std::size_t kept = 10'000, std::size_t waiting = 1'000) {
        log.reset();
        log = std::make_unique<Log>(LogOptions{scratch.directory(), kept, waiting});
    }
    void append(int from, int to) const {
        for (int i = from; i <= to; ++i)
            log->append(entryOf("POST /things/" + std::to_string(i)));
    }
    std::vector<Chained> all() const {
        auto page = log->list({.limit = 1'000'000});
        CHECK_TRUE(page.has_value());
        return std::move(page->entries);
    }
    void good(std::uint64_t first, std::uint64_t last) const {
        const Verdict verdict = log->check();
        STRCMP_EQUAL("", verdict.problem.c_str());
        CHECK_TRUE(verdict.good);
        CHECK_EQUAL(first, verdict.first);
        CHECK_EQUAL(last, verdict.last);
        CHECK_EQUAL(last - first + 1, verdict.entries);
    }
    void bad(const char* problem) const {
        const Verdict verdict = log->check();
        CHECK_FALSE(verdict.good);
        STRCMP_CONTAINS(problem, verdict.problem.c_str());
    }
};

TEST(AuditLog, isEmptyAndGoodAtFirst) {
    open();
    const Verdict verdict = log->check();
    CHECK_TRUE(verdict.good);
    CHECK_EQUAL(0U, verdict.entries);
    CHECK_TRUE(all().empty());
    STRCMP_EQUAL("", log->trouble().c_str());
}

TEST(AuditLog, chainsWhatItTakesAndGoesOnAfterARestart) {
    open();
    append(1, 3);
    good(1, 3);
    open();
    append(4, 5);
    good(1, 5);
    const auto entries = all();
    CHECK_EQUAL(5U, entries.size());
    STRCMP_EQUAL("POST /things/5", entries.front().action.c_str());
    for (std::size_t i = 0; i + 1 < entries.size(); ++i)
        STRCMP_EQUAL(entries[i + 1].hash.c_str(), entries[i].previous.c_str());
    STRCMP_EQUAL(std::string(origin()).c_str(), entries.back().previous.c_str());
}

TEST(AuditLog, keepsItsFilesToItself) {
    open();
    append(1, 1);
    using std::filesystem::perms;
    CHECK_TRUE(std::filesystem::status(scratch.directory()).permissions() == perms::owner_all);
    CHECK_TRUE(std::filesystem::status(scratch.file(1)).permissions() == (perms::owner_read | perms::owner_write));
}

TEST(AuditLog, isOnTheDiskWhenAppendReturns) {
    open();
    append(1, 1);
    STRCMP_CONTAINS("POST /things/1", slurp(scratch.file(1)).c_str());
}

TEST(AuditLog, takesTurnsWithTwoFilesAndTheChainGoesOn) {
    open(10);
    append(1, 10);
    CHECK_FALSE(std::filesystem::exists(scratch.file(2)));
    append(11, 20);
    good(1, 20);
    append(21, 21);
    good(11, 21);
    open(10);
    append(22, 35);
    good(21, 35);
    CHECK_EQUAL(15U, all().size());
    open(10);
    append(36, 45);
    good(31, 45);
}

TEST(AuditLog, takesTurnsAlsoWithAnUnfinishedFileOfAPowerCut) {
    open(10);
    append(1, 10);
    log.reset();
    put(scratch.file(2) + ".new", "{\"number\":11,\"ti");
    open(10);
    append(11, 12);
    good(1, 12);
}

TEST(AuditLog, listsByPagesNewestFirst) {
    open(10);
    append(1, 25);
    std::uint64_t before = 0;
    std::vector<std::uint64_t> numbers;
    for (;;) {
        const auto page = log->list({.before = before, .limit = 4});
        for (const Chained& entry : page->entries)
            numbers.push_back(entry.number);
        if (!page->more)
            break;
        before = page->entries.back().number;
    }
    CHECK_EQUAL(15U, numbers.size());
    for (std::size_t i = 0; i < numbers.size(); ++i)
        CHECK_EQUAL(25 - i, numbers[i]);
}

TEST(AuditLog, listsWhatIsAskedFor) {
    open();
    for (int i = 0; i < 6; ++i) {
        Entry entry = entryOf(i % 2 == 0 ? "PUT /settings/{key}" : "DELETE /clients/{cmid}");
        entry.who = i < 3 ? "alice \"al\"" : "uid 0";
        entry.time = Timestamp(std::chrono::seconds(1'800'000'000 + i));
        log->append(entry);
    }
    CHECK_EQUAL(3U, log->list({.who = "alice \"al\""})->entries.size());
    CHECK_EQUAL(0U, log->list({.who = "alice"})->entries.size());
    CHECK_EQUAL(3U, log->list({.action = "/settings"})->entries.size());
    CHECK_EQUAL(2U, log->list({.since = Timestamp(std::chrono::seconds(1'800'000'004))})->entries.size());
    const auto page = log->list({.limit = 1, .who = "uid 0", .action = "DELETE"});
    CHECK_EQUAL(6U, page->entries.at(0).number);
    CHECK_TRUE(page->more);
    CHECK_EQUAL(4U, log->list({.before = 6, .who = "uid 0", .action = "DELETE"})->entries.at(0).number);
}

TEST(AuditLog, saysWhichEntryWasChanged) {
    open();
    append(1, 9);
    CHECK_TRUE(replaceIn(scratch.file(1), "/things/5\"", "/things/6\""));
    bad("entry 5 was changed");
    CHECK_EQUAL(4U, log->check().last);
    CHECK_EQUAL(8U, all().size());
}

TEST(AuditLog, saysWhatWasRemoved) {
    open();
    append(1, 9);
    std::string content = slurp(scratch.file(1));
    const std::size_t from = content.find("{\"number\":4");
    const std::size_t to = content.find("{\"number\":6");
    put(scratch.file(1), content.erase(from, to - from));
    bad("after entry 3 comes entry 6: what was between them was removed");
}

TEST(AuditLog, saysWhatWasAdded) {
    open();
    append(1, 9);
    std::string content = slurp(scratch.file(1));
    const std::size_t from = content.find("{\"number\":4");
    const std::size_t to = content.find("{\"number\":5");
    put(scratch.file(1), content.insert(to, content.substr(from, to - from)));
    bad("entry 4 stands after entry 4: it was added or moved");
}

TEST(AuditLog, findsAnEntryThatWasMadeAnewWithItsHash) {
    open();
    append(1, 9);
    std::string content = slurp(scratch.file(1));
    const std::size_t from = content.find("{\"number\":4");
    const std::size_t to = content.find('\n', from);
    auto entry = readLine(content.substr(from, to - from));
    entry->who = "nobody";
    std::string hash;
    put(scratch.file(1), content.replace(from, to - from, writeLine(*entry, 4, entry->previous, hash)));
    bad("entry 5 does not follow entry 4 as it is now");
}

TEST(AuditLog, findsThatItsEndWasCutOff) {
    open();
    append(1, 9);
    std::string content = slurp(scratch.file(1));
    put(scratch.file(1), content.substr(0, content.find("{\"number\":8")));
    bad("the log ends with entry 7; entry 9 was written, and was removed");
    append(10, 10);  // it goes on, and says so
    good(1, 9);
    const auto entries = all();
    STRCMP_CONTAINS("ends with entry 7; entry 9 with hash", entries.at(1).detail.c_str());
    STRCMP_EQUAL("muster", entries.at(1).who.c_str());
}

TEST(AuditLog, goesOnWhenItsFilesAreGoneAndSaysSo) {
    open();
    append(1, 3);
    std::filesystem::remove_all(scratch.directory());
    bad("entry 3 was written, and was removed");
    append(4, 4);
    good(4, 5);
    STRCMP_CONTAINS("is gone; entry 3", all().at(1).detail.c_str());
    STRCMP_EQUAL("", log->trouble().c_str());
}

TEST(AuditLog, cutsATornLineAndSaysSo) {
    open();
    append(1, 3);
    log.reset();
    const std::string whole = slurp(scratch.file(1));
    const std::string line = whole.substr(whole.find("{\"number\":3"));
    for (const std::string& torn : {line.substr(0, 1), line.substr(0, line.size() / 2), line.substr(0, line.size() - 1),
                                    line.substr(0, 40) + std::string(60, '\0') + line.substr(100)}) {
        put(scratch.file(1), whole.substr(0, whole.size() - line.size()) + torn);
        open();
        append(4, 4);
        good(1, 4);
        STRCMP_CONTAINS("after entry 2 the log ended in half an entry", all().at(1).detail.c_str());
        log.reset();
    }
}

TEST(AuditLog, goesOnAfterADamagedLastEntryWhichStaysFound) {
    open();
    append(1, 3);
    log.reset();
    CHECK_TRUE(replaceIn(scratch.file(1), "/things/3\"", "/things/4\""));
    open();
    append(4, 4);
    bad("entry 3 was changed");
    STRCMP_CONTAINS("entry 3, the last one of the log, does not fit", all().at(1).detail.c_str());
}

TEST(AuditLog, aFullDiskRefusesNothingAndGetsItAllWhenThereIsRoom) {
    open();
    std::vector<std::string> told;
    log->onTrouble([&](const std::string& trouble) { told.push_back(trouble); });
    append(1, 2);
    {
        const FullDisk full(slurp(scratch.file(1)).size() + 100);  // half an entry has room
        append(3, 5);
        STRCMP_CONTAINS("changes are made all the same", log->trouble().c_str());
        STRCMP_CONTAINS("3 entries wait in memory", log->trouble().c_str());
        log->retry();
        CHECK_EQUAL(3U, log->waiting());
        good(1, 2);
    }
    log->retry();
    STRCMP_EQUAL("", log->trouble().c_str());
    good(1, 5);
    CHECK_EQUAL(2U, told.size());
    CHECK_FALSE(told.at(0).empty());
    CHECK_TRUE(told.at(1).empty());
    open();
    good(1, 5);
}

TEST(AuditLog, aDiskThatIsFullAtTheTurnKeepsTheOlderFile) {
    open(3);
    append(1, 6);
    {
        const FullDisk full(0);
        append(7, 8);
        CHECK_EQUAL(2U, log->waiting());
        good(1, 6);
    }
    append(9, 9);
    good(4, 9);
}

TEST(AuditLog, memoryIsBoundedAndWhatIsLostIsCounted) {
    open(10'000, 5);
    {
        const FullDisk full(0);
        append(1, 12);
        STRCMP_CONTAINS("5 entries wait in memory, 7 more were lost", log->trouble().c_str());
    }
    log->retry();
    good(1, 6);
    STRCMP_CONTAINS("7 entries were lost", all().front().detail.c_str());
}

TEST(AuditLog, aDirectoryThatIsNotThereComesLater) {
    const std::string state = scratch.directory() + "/state";
    Log late({state + "/audit"});
    late.append(entryOf("POST /things/1"));
    STRCMP_CONTAINS("No such file or directory", late.trouble().c_str());
    std::filesystem::create_directories(state);
    late.retry();
    STRCMP_EQUAL("", late.trouble().c_str());
    CHECK_EQUAL(1U, late.check().entries);
}

TEST(AuditLog, followsNoLinkAndTakesNoDirectoryForItsFile) {
    std::filesystem::create_directories(scratch.directory());
    const std::string other = scratch.directory() + "/other";
    put(other, "mine\n");
    std::filesystem::create_symlink(other, scratch.file(1));
    open();
    append(1, 1);
    CHECK_FALSE(log->trouble().empty());
    STRCMP_EQUAL("mine\n", slurp(other).c_str());
}

TEST(AuditLog, takesFromManyThreadsWhileItIsRead) {
    open(50);
    std::atomic<bool> stop{false};
    std::thread reader([&] {
        while (!stop) {
            CHECK_TRUE(log->check().good);
            CHECK_TRUE(log->list({.limit = 10}).has_value());
        }
    });
    std::vector<std::thread> writers;
    writers.reserve(4);
    for (int i = 0; i < 4; ++i)
        writers.emplace_back([this] { append(1, 40); });
    for (std::thread& writer : writers)
        writer.join();
    stop = true;
    reader.join();
    good(101, 160);
}
