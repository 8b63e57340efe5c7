#include "history.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sys/stat.h>

#include "CppUTest/TestHarness.h"

using namespace muster;
using namespace muster::publisher;
using Kind = History::News::Kind;
using std::chrono::hours;
using std::chrono::minutes;

namespace {

const Timestamp kNow{std::chrono::milliseconds(1795348800000)};
const History::Key kKey{"corp.example", "kms-old.corp.example", 1688};

std::vector<Sighting> sample() {
    Sighting one{"corp.example", "kms-a.corp.example", 1688, 0, 10, kNow, kNow + hours(1), {}, {}, {}};
    one.changes = {{kNow, Verdict::ours}, {kNow + minutes(5), Verdict::stale}};
    one.told = {{kNow + minutes(6), Verdict::stale}};
    one.open = Verdict::stale;
    Sighting servers{"corp.example", ".", 0, 0, 0, {}, {}, {{kNow, Verdict::serversDiffer}}, {}, {}};
    return {servers, one};
}

}  // namespace

TEST_GROUP(History) {
    std::string folder;
    void setup() override {
        std::string pattern = (std::filesystem::temp_directory_path() / "muster-seen.XXXXXX").string();
        CHECK(mkdtemp(pattern.data()) != nullptr);
        folder = pattern;
    }
    void teardown() override {
        std::error_code ignored;
        std::filesystem::remove_all(folder, ignored);
    }
    std::string path() const {
        return folder + "/targets-seen";
    }
};

TEST(History, readsTheFileThatItWrote) {
    const HistoryFile file(path());
    CHECK(file.read()->empty());
    CHECK(file.write(sample()).has_value());
    const auto read = file.read();
    CHECK(read.has_value());
    STRCMP_EQUAL(HistoryFile::text(sample()).c_str(), HistoryFile::text(*read).c_str());
    struct stat status {};
    CHECK(::stat(path().c_str(), &status) == 0);
    LONGS_EQUAL(0600, status.st_mode & 07777);
}

TEST(History, takesAllOfAFileOrNothing) {
    const std::string whole = HistoryFile::text(sample());
    for (std::size_t size = 0; size < whole.size() - 1; ++size)
        CHECK_FALSE(HistoryFile::parse(std::string_view(whole).substr(0, size)).has_value());
    CHECK(HistoryFile::parse(whole).has_value());
    CHECK_FALSE(HistoryFile::parse(whole + "more\n").has_value());
}

TEST(History, refusesLinesThatItWouldNotHaveWritten) {
    const auto refused = [](const std::string& line) {
        const auto parsed =
            HistoryFile::parse("muster dns, targets seen, version 1\ntarget a.org kms 1 0 0 1 2\n" + line + "\nend\n");
        return !parsed && parsed.error().subject == "line 3";
    };
    for (const char* bad :
         {"target a.org kms 1 0 0 1 2", "target a.org b 0 0 0 1 2", "target a.org . 1 0 0 1 2",
          "target a.org b 65536 0 0 1 2", "target a.org B 1 0 0 1 2", "target a.org b 1 0 0 1",
          "target a..org b 1 0 0 1 2", "target a.org \x1b[2J 1 0 0 1 2", "target a.org b 1 0 0 -1 2", "verdict 1",
          "verdict 1 unknown", "verdict 1 worse", "told 1 ours", "open ours", "open", "", "else"})
        CHECK(refused(bad));
    CHECK_FALSE(refused("verdict 1 stale"));
}

TEST(History, isBounded) {
    std::string many = "muster dns, targets seen, version 1\ntarget a.org kms 1 0 0 1 2\n";
    for (std::size_t i = 0; i <= HistoryFile::kMaxChanges; ++i)
        many += "verdict 1 stale\n";
    CHECK_FALSE(HistoryFile::parse(many + "end\n").has_value());
    CHECK_FALSE(HistoryFile::parse(std::string(HistoryFile::kMaxSize + 1, 'a')).has_value());

    History history("");
    for (std::size_t i = 0; i < HistoryFile::kMaxSightings + 100; ++i) {
        const History::Key key{"corp.example", "host-" + std::to_string(i), 1688};
        history.seen(key, 0, 0, kNow + minutes(i));
        if (i != 7)
            (void)history.gone(key, kNow + minutes(i));
    }
    LONGS_EQUAL(HistoryFile::kMaxSightings, history.all().size());
    CHECK(history.find({"corp.example", "host-0", 1688}) == nullptr);
    CHECK(history.find({"corp.example", "host-7", 1688}) != nullptr);  // still there, and so not forgotten
    for (unsigned i = 0; i < 50; ++i)
        (void)history.judged(kKey, i % 2 == 0 ? Verdict::ours : Verdict::stale, kNow + minutes(i));
    LONGS_EQUAL(HistoryFile::kMaxChanges, history.find(kKey)->changes.size());
    // The longest that may be written may also be read.
    CHECK(HistoryFile::text(history.all()).size() < HistoryFile::kMaxSize);
}

TEST(History, setsADamagedFileAsideAndSaysSo) {
    std::ofstream(path()) << "muster dns, targets seen, version 1\nrubbish\nend\n";
    History history(path());
    const auto wrong = history.load();
    CHECK(wrong.has_value());
    CHECK(wrong->text().find("line 2") != std::string::npos);
    CHECK(std::filesystem::exists(path() + ".bad"));
    CHECK_FALSE(std::filesystem::exists(path()));
    history.seen(kKey, 0, 0, kNow);
    CHECK(history.save(kNow, true).has_value());
    LONGS_EQUAL(1, HistoryFile(path()).read()->size());

    std::filesystem::remove(path());
    std::filesystem::create_symlink("/dev/zero", path());
    CHECK(History(path()).load().has_value());
}

TEST(History, tellsATroubleWhenASecondLookFindsItToo) {
    History history("");
    const auto first = history.judged(kKey, Verdict::stale, kNow);
    CHECK(first.kind == Kind::none);
    CHECK(first.lookAgain);
    CHECK(history.judged(kKey, Verdict::ours, kNow + minutes(1)).kind == Kind::none);  // a moment's trouble
    CHECK(history.judged(kKey, Verdict::stale, kNow + minutes(2)).kind == Kind::none);
    CHECK(history.judged(kKey, Verdict::stale, kNow + minutes(3)).kind == Kind::trouble);
}

TEST(History, tellsOnceAndAgainAfterADay) {
    History history("");
    unsigned told = 0;
    for (int i = 0; i <= 49; ++i)
        if (history.judged(kKey, Verdict::foreign, kNow + hours(i)).kind == Kind::trouble)
            ++told;
    LONGS_EQUAL(3, told);  // after 1, 25 and 49 hours
    // A clock that was put back by a lot cannot silence it.
    CHECK(history.judged(kKey, Verdict::foreign, kNow - hours(1000)).kind == Kind::trouble);
}

TEST(History, tellsTheEndOfATroubleAndDoesNotChatter) {
    History history("");
    const auto say = [&](Verdict verdict, int minute) { return history.judged(kKey, verdict, kNow + minutes(minute)); };
    (void)say(Verdict::unreachable, 0);
    CHECK(say(Verdict::unreachable, 1).kind == Kind::trouble);
    CHECK(say(Verdict::allowed, 2).lookAgain);
    const auto settled = say(Verdict::allowed, 3);
    CHECK(settled.kind == Kind::settled);
    CHECK(settled.before == Verdict::unreachable);
    for (int i = 4; i < 60; ++i)
        CHECK(say(i / 2 % 2 == 0 ? Verdict::unreachable : Verdict::allowed, i).kind == Kind::none);
    // Unknown is no look at all.
    CHECK(say(Verdict::foreign, 60).lookAgain);
    CHECK(say(Verdict::unknown, 61).kind == Kind::none);
    CHECK(say(Verdict::foreign, 62).kind == Kind::trouble);
}

TEST(History, tellsThatARecordWithTroubleIsGone) {
    History history("");
    history.seen(kKey, 0, 0, kNow);
    (void)history.judged(kKey, Verdict::stale, kNow);
    (void)history.judged(kKey, Verdict::stale, kNow + minutes(1));
    LONGS_EQUAL(1, history.present("corp.example").size());
    CHECK(history.gone(kKey, kNow + minutes(2)).lookAgain);
    LONGS_EQUAL(1, history.present("corp.example").size());
    const auto news = history.gone(kKey, kNow + minutes(3));
    CHECK(news.kind == Kind::settled);
    CHECK(news.before == Verdict::stale);
    CHECK(history.present("corp.example").empty());
    CHECK(history.find(kKey)->last == kNow);
}

TEST(History, keepsWhatWasToldOverARestart) {
    {
        History history(path());
        CHECK_FALSE(history.load().has_value());
        history.seen(kKey, 1, 2, kNow);
        (void)history.judged(kKey, Verdict::foreign, kNow);
        (void)history.judged(kKey, Verdict::foreign, kNow + minutes(1));
        CHECK(history.save(kNow + minutes(1), false).has_value());
    }
    History history(path());
    CHECK_FALSE(history.load().has_value());
    CHECK(history.find(kKey)->first == kNow);
    CHECK(history.judged(kKey, Verdict::foreign, kNow + minutes(2)).kind == Kind::none);
    CHECK(history.judged(kKey, Verdict::foreign, kNow + minutes(3)).kind == Kind::none);
    CHECK(history.judged(kKey, Verdict::allowed, kNow + minutes(4)).lookAgain);
    CHECK(history.judged(kKey, Verdict::allowed, kNow + minutes(5)).kind == Kind::settled);
}

TEST(History, writesSightingsAloneOnceAnHour) {
    History history(path());
    history.seen(kKey, 0, 0, kNow);
    CHECK(history.save(kNow, false).has_value());
    history.seen(kKey, 0, 0, kNow + minutes(15));
    CHECK(history.save(kNow + minutes(15), false).has_value());
    CHECK(HistoryFile(path()).read()->front().last == kNow);
    CHECK(history.save(kNow + minutes(61), false).has_value());
    CHECK(HistoryFile(path()).read()->front().last == kNow + minutes(15));
}
