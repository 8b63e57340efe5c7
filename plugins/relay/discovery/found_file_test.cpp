#include "found_file.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sys/stat.h>

#include "CppUTest/TestHarness.h"

#include "dns/system_names.h"

using namespace muster;
using namespace muster::relay;

namespace {

Remembered sample() {
    const Timestamp when{std::chrono::milliseconds(1795348800000)};
    return {{{"example.org", when, {{0, 10, 1688, "kms1.example.org"}, {5, 0, 1689, "kms2.example.org"}}}},
            {{"kms1.example.org", when, {*dns::numericAddress("10.0.0.1"), *dns::numericAddress("2001:db8::1")}},
             {"kms2.example.org.", when, {*dns::numericAddress("fe80::1%7")}}}};
}

}  // namespace

TEST_GROUP(FoundFile) {
    std::string folder;
    void setup() override {
        std::string pattern = (std::filesystem::temp_directory_path() / "muster-found.XXXXXX").string();
        CHECK(mkdtemp(pattern.data()) != nullptr);
        folder = pattern;
    }
    void teardown() override {
        std::error_code ignored;
        std::filesystem::remove_all(folder, ignored);
    }
};

TEST(FoundFile, readsWhatItWrote) {
    const FoundFile file(folder + "/found");
    CHECK(file.read()->domains.empty());
    CHECK(file.write(sample()).has_value());
    const auto read = file.read();
    CHECK(read.has_value());
    STRCMP_EQUAL(FoundFile::text(sample()).c_str(), FoundFile::text(*read).c_str());
    LONGS_EQUAL(7, read->hosts[1].addresses[0].scopeId);
    struct stat status {};
    CHECK(::stat((folder + "/found").c_str(), &status) == 0);
    LONGS_EQUAL(0600, status.st_mode & 07777);
}

TEST(FoundFile, keepsTheOldFileWhenTheNewOneCannotBeWritten) {
    const FoundFile file(folder + "/found");
    CHECK(file.write(sample()).has_value());
    std::filesystem::create_directory(folder + "/found.new");
    CHECK(file.write({}).error().code == Code::storage);
    LONGS_EQUAL(1, file.read()->domains.size());
}

TEST(FoundFile, takesAllOfItOrNothing) {
    const std::string whole = FoundFile::text(sample());
    for (std::size_t size = 0; size < whole.size() - 1; ++size)
        CHECK_FALSE(FoundFile::parse(std::string_view(whole).substr(0, size)).has_value());
    CHECK(FoundFile::parse(whole).has_value());
    CHECK_FALSE(FoundFile::parse(whole + "more\n").has_value());
}

TEST(FoundFile, refusesWhatDnsCouldNotHaveSaid) {
    const auto refused = [](const std::string& lines) {
        const auto parsed = FoundFile::parse("muster relay, upstreams found, version 1\ndomain a.org 1\nhost b 1\n" +
                                             lines + "\nend\n");
        return !parsed && parsed.error().code == Code::malformed && parsed.error().subject == "line 4";
    };
    for (const char* bad :
         {"service 0 0 0 kms", "service 65536 0 1 kms", "service -1 0 1 kms", "service 0 0 1 k ms", "service 0 0 1 KMS",
          "service 0 0 1 kms.", "service 0 0 1 \x1b[2J", "service 0 0 1", "address kms", "address 10.0.0.1 x",
          "domain a.org -1", "domain a.org 999999999999999999", "domain a..org 1", "host \x7f 1", "unknown", ""})
        CHECK(refused(bad));
}

TEST(FoundFile, isBounded) {
    std::string many = "muster relay, upstreams found, version 1\ndomain a.org 1\n";
    for (int i = 0; i < 65; ++i)
        many += "service 0 0 1 kms\n";
    CHECK_FALSE(FoundFile::parse(many + "end\n").has_value());
    CHECK_FALSE(FoundFile::parse(std::string(FoundFile::kMaxSize + 1, 'a')).has_value());
    std::ofstream(folder + "/found") << std::string(FoundFile::kMaxSize * 2, 'a');
    CHECK(FoundFile(folder + "/found").read().error().code == Code::storage);
}

TEST(FoundFile, doesNotFollowALinkOrWaitAtAPipe) {
    std::filesystem::create_symlink("/dev/zero", folder + "/link");
    CHECK(FoundFile(folder + "/link").read().error().code == Code::storage);
    CHECK(::mkfifo((folder + "/pipe").c_str(), 0600) == 0);
    CHECK_FALSE(FoundFile(folder + "/pipe").read().has_value());
}
