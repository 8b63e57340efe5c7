#include "key_file.h"

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <sys/stat.h>
#include <unistd.h>

#include "CppUTest/TestHarness.h"

using namespace muster;
using namespace muster::lab;

TEST_GROUP(TheKeyFile) {
    std::string folder;
    std::string path;
    void setup() override {
        char name[] = "/tmp/muster-keys-XXXXXX";
        folder = mkdtemp(name);
        path = folder + "/keys";
    }
    void teardown() override {
        unlink(path.c_str());
        rmdir(folder.c_str());
        CHECK_TRUE(access(folder.c_str(), F_OK) != 0);  // no temporary file is left
    }
    void put(const std::string& text) const {
        std::ofstream(path) << text;
    }
    static InstalledKey key(const char* family, std::uint8_t group) {
        return {HostKey::issue(family, group).value(), Timestamp(std::chrono::milliseconds(1'795'363'200'123)),
                "00000-00000-012-345678-03-1033-7601.0000-3262026"};
    }
};

TEST(TheKeyFile, thatIsNotThereHoldsNoKeys) {
    CHECK_TRUE(KeyFile(path).read()->empty());
}

TEST(TheKeyFile, givesBackWhatWasWritten) {
    const std::vector<InstalledKey> keys{key("vista-2008", 0), key("win7-2008r2", 3)};
    CHECK_TRUE(KeyFile(path).write(keys).has_value());
    const auto read = KeyFile(path).read();
    CHECK_TRUE(read.has_value());
    LONGS_EQUAL(2, read->size());
    for (std::size_t i = 0; i < keys.size(); ++i) {
        CHECK_TRUE((*read)[i].key == keys[i].key);
        CHECK_TRUE((*read)[i].installed == keys[i].installed);
        STRCMP_EQUAL(keys[i].epid.c_str(), (*read)[i].epid.c_str());
    }
    CHECK_TRUE(KeyFile(path).write({}).has_value());
    CHECK_TRUE(KeyFile(path).read()->empty());
}

TEST(TheKeyFile, isForItsOwnerAlone) {
    CHECK_TRUE(KeyFile(path).write({key("vista-2008", 0)}).has_value());
    struct stat status {};
    LONGS_EQUAL(0, stat(path.c_str(), &status));
    LONGS_EQUAL(0600, status.st_mode & 07777);
}

TEST(TheKeyFile, withALineThatIsNoneOfOursIsRefusedByNumberAndLeftAsItIs) {
    const InstalledKey good = key("vista-2008", 0);
    const std::string head = "muster lab host keys, version 1\n";
    const std::string line = good.key.text() + " 17 " + good.epid + "\n";
    put(head + line + "LAB-NONSENSE 1 2\n");
    const auto read = KeyFile(path).read();
    CHECK_TRUE(read.error().code == Code::malformed);
    STRCMP_CONTAINS((path + ":3").c_str(), read.error().text().c_str());
    std::ifstream in(path);
    STRCMP_EQUAL((head + line + "LAB-NONSENSE 1 2\n").c_str(),
                 std::string(std::istreambuf_iterator<char>(in), {}).c_str());
}

TEST(TheKeyFile, ofAnotherKindIsRefused) {
    for (const std::string& other : {std::string(), std::string("hello\n"), std::string(KeyFile::kMaxSize, 'x')}) {
        put(other);
        CHECK_TRUE(KeyFile(path).read().error().code == Code::malformed);
    }
    put(std::string(KeyFile::kMaxSize + 1, 'x'));
    CHECK_TRUE(KeyFile(path).read().error().code == Code::storage);
}

TEST(TheKeyFile, thatCannotBeWrittenSaysWhy) {
    const auto written = KeyFile(folder + "/none/keys").write({});
    CHECK_TRUE(written.error().code == Code::storage);
    STRCMP_CONTAINS("No such file or directory", written.error().text().c_str());
}
