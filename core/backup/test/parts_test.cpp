#include "backup/parts.h"

#include <set>
#include <string>

#include "CppUTest/TestHarness.h"

#include "support.h"

using namespace muster;
using namespace muster::backup;
using namespace muster::backup::test;

TEST_GROUP(BackupParts) {
    Scratch scratch;
    Directories directories{scratch / "state", scratch / "etc/muster.toml"};

    std::string namesOf(std::string_view part) const {
        std::string names;
        for (const Present& file : present(directories, *partOf(part)))
            names += (names.empty() ? "" : " ") + file.path;
        return names;
    }
};

TEST(BackupParts, aPathBelongsToOnePartOrToNone) {
    STRCMP_EQUAL("pool", std::string(placeOf("pool.db")->part->name).c_str());
    CHECK_TRUE(placeOf("pool.db")->kind == FileKind::database);
    STRCMP_EQUAL("keys", std::string(placeOf("dns/keys/update._x.example.org")->part->name).c_str());
    CHECK_TRUE(placeOf("dns/keys/a")->part->secret);
    STRCMP_EQUAL("settings", std::string(placeOf("revisions/000001.toml")->part->name).c_str());
    for (const char* path : {"",
                             "pool",
                             "/pool.db",
                             "../pool.db",
                             "./pool.db",
                             "pool.db/",
                             "dns/keys/",
                             "dns/keys/..",
                             "dns/keys/.x",
                             "dns/keys/a/b",
                             "dns/keys/a b",
                             "dns/keys/a\n",
                             "revisions/.toml",
                             "revisions/../x.toml",
                             "lock",
                             "control.sock",
                             "backups/x",
                             "restore/ready",
                             "plugin-guard",
                             "lab//pool.db"})
        CHECK_FALSE_TEXT(placeOf(path).has_value(), path);
    CHECK_FALSE(placeOf("dns/keys/" + std::string(254, 'a')).has_value());
    CHECK_TRUE(placeOf("dns/keys/" + std::string(253, 'a')).has_value());
}

TEST(BackupParts, namesAndPathsOfTheTableAreUnique) {
    std::set<std::string_view> names;
    std::set<std::string_view> paths;
    for (const Part& part : parts()) {
        CHECK_TRUE(names.insert(part.name).second);
        CHECK_FALSE(part.files.empty());
        for (const Pattern& pattern : part.files)
            CHECK_TRUE(paths.insert(pattern.path).second);
    }
}

TEST(BackupParts, whatLogsInOrOpensIsSecret) {
    for (const char* path :
         {"webui/users.json", "webui/tokens.json", "webui/sessions.json", "webui/certificate.pem", "webui/request.pem",
          "dns/keys/k", "secrets/backup.password", "lab/seal.key", "lab/lab/host-keys"})
        CHECK_TRUE_TEXT(placeOf(path)->part->secret, path);
}

TEST(BackupParts, findsWhatIsThereAndNoLinks) {
    put(scratch / "etc/muster.toml", "a");
    put(scratch / "state/revisions/000002.toml", "b");
    put(scratch / "state/revisions/000001.toml", "b");
    put(scratch / "state/revisions/notes", "b");
    put(scratch / "state/muster.toml", "not the one in use");
    std::filesystem::create_symlink(scratch / "etc/muster.toml", scratch / "state/revisions/000003.toml");
    STRCMP_EQUAL("muster.toml revisions/000001.toml revisions/000002.toml", namesOf("settings").c_str());
    STRCMP_EQUAL("", namesOf("pool").c_str());
    CHECK_TRUE(fileOf(directories, "muster.toml") == directories.settings);
    CHECK_TRUE(fileOf(directories, "mode") == scratch / "state/mode");
}
