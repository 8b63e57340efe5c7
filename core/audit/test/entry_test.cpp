#include "audit/entry.h"

#include "CppUTest/TestHarness.h"

#include "api/values.h"

using namespace muster;
using namespace muster::audit;

TEST_GROUP(AuditEntry) {
    std::string hash;
    Entry entry;
    void setup() override {
        entry.time = *api::parseTimestamp("2026-11-22T15:04:05.123Z");
        entry.who = "alice";
        entry.role = "admin";
        entry.front = "webui";
        entry.from = "192.0.2.7:50123";
        entry.action = "PUT /settings/{key}";
        entry.what = json({{"key", "listener.idle-timeout"}});
        entry.before = json({{"listener.idle-timeout", "30s"}});
        entry.after = json({{"listener.idle-timeout", "1m"}});
    }
};

TEST(AuditEntry, isReadAsItWasWritten) {
    const std::string line = writeLine(entry, 17, origin(), hash);
    const auto read = readLine(line);
    CHECK_TRUE(read.has_value());
    CHECK_EQUAL(17U, read->number);
    CHECK_TRUE(read->time == entry.time && read->what == entry.what && read->before == entry.before);
    CHECK_TRUE(read->after == entry.after && read->from == entry.from && read->action == entry.action);
    STRCMP_EQUAL(hash.c_str(), read->hash.c_str());
    STRCMP_EQUAL(std::string(origin()).c_str(), read->previous.c_str());
    CHECK_TRUE(numberOf(line) == std::optional<std::uint64_t>(17));
    STRCMP_CONTAINS("\"time\":\"2026-11-22T15:04:05.123Z\"", line.c_str());
}

/// What sha256sum says of the line without its hash: whoever wants to check the log needs no Muster for it.
TEST(AuditEntry, hasTheHashThatOtherProgramsFind) {
    const std::string line = writeLine(entry, 1, origin(), hash);
    STRCMP_EQUAL("7f435f92d4bdf3803d3e2e686e227063713828c0c4b1d198294e197e695cb86f", hash.c_str());
    CHECK_TRUE(line.ends_with(",\"hash\":\"" + hash + "\"}"));
}

TEST(AuditEntry, differsInItsHashWithEachOctet) {
    const std::string line = writeLine(entry, 17, origin(), hash);
    for (std::size_t i = 0; i < line.size(); ++i) {
        std::string changed = line;
        changed[i] = static_cast<char>(changed[i] ^ 1);
        CHECK_FALSE(readLine(changed).has_value());
        CHECK_FALSE(readLine(line.substr(0, i)).has_value());
    }
}

TEST(AuditEntry, isCutToWhatALineHolds) {
    const std::string hostile(100'000, '\x01');
    entry.who = entry.role = entry.front = entry.from = entry.action = entry.result = entry.detail = hostile;
    entry.what = entry.before = entry.after = json({{"name", hostile}});
    const std::string line = writeLine(bounded(entry), 1, origin(), hash);
    CHECK_TRUE(line.size() <= kMaxLine);
    const auto read = readLine(line);
    CHECK_TRUE(read.has_value());
    CHECK_TRUE(*read->after.find("octets")->integer() > 100'000);
}

TEST(AuditEntry, cutsNoCharacterInHalf) {
    for (std::size_t shift = 0; shift < 4; ++shift) {
        entry.who = std::string(shift, 'x');
        for (int i = 0; i < 200; ++i)
            entry.who += "ü";
        const auto read = readLine(writeLine(bounded(entry), 1, origin(), hash));
        CHECK_TRUE(read.has_value());
        CHECK_TRUE(read->who.find("\xEF\xBF\xBD") == std::string::npos);
        CHECK_TRUE(read->who.ends_with("ü…"));
    }
}

TEST(AuditEntry, holdsNothingThatIsDeeperThanItsReaderGoes) {
    Json deep = "x";
    for (int i = 0; i < 30; ++i)
        deep = json({{"in", deep}});
    entry.after = deep;
    const auto read = readLine(writeLine(bounded(entry), 1, origin(), hash));
    CHECK_TRUE(read.has_value());
    CHECK_TRUE(read->after.find("begins") != nullptr);
}
