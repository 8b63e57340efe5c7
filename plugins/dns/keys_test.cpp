#include "keys.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sys/stat.h>

#include "CppUTest/TestHarness.h"

using namespace muster;
using namespace muster::publisher;

namespace {
const std::string kSecret = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";  // the octets 0 to 31
constexpr auto k256 = dns::Algorithm::hmacSha256;
constexpr auto k512 = dns::Algorithm::hmacSha512;
}  // namespace

TEST_GROUP(Keys) {
    std::string directory;

    void setup() override {
        std::string pattern = (std::filesystem::temp_directory_path() / "muster-keys-XXXXXX").string();
        CHECK_TRUE(mkdtemp(pattern.data()) != nullptr);
        directory = pattern;
    }
    void teardown() override {
        std::filesystem::remove_all(directory);
    }

    static void reads(const std::string& text, dns::Algorithm algorithm) {
        const auto key = readKey(text, "muster-update", k256);
        if (!key)
            UT_PRINT(key.error().text().c_str());
        CHECK_TRUE(key.has_value());
        STRCMP_EQUAL("muster-update", key->name.c_str());
        CHECK(algorithm == key->algorithm);
        LONGS_EQUAL(32, key->secret.octets().size());
        for (std::size_t i = 0; i < 32; ++i)
            LONGS_EQUAL(i, static_cast<int>(key->secret.octets()[i]));
    }
    static void refuses(const std::string& text, const char* words) {
        const auto key = readKey(text, "muster-update", k256);
        CHECK_FALSE(key.has_value());
        CHECK(Code::malformed == key.error().code);
        STRCMP_CONTAINS(words, key.error().detail.c_str());
        CHECK_TRUE(key.error().text().find("AAEC") == std::string::npos);
    }
};

TEST(Keys, takesASecretHoweverServersWriteIt) {
    reads(kSecret, k256);
    reads("  " + kSecret + "\r\n", k256);
    reads("key \"muster-update\" {\n\talgorithm hmac-sha512;\n\tsecret \"" + kSecret + "\";\n};\n", k512);
    reads("# by hand\nkey muster-update. { secret \"" + kSecret + "\"; algorithm HMAC-SHA256; };", k256);
    reads("key Muster-Update { algorithm hmac-sha256; secret " + kSecret + "; }", k256);
    reads("hmac-sha512:muster-update:" + kSecret + "\n", k512);
}

TEST(Keys, refusesWhatIsNoKeyWithoutRepeatingIt) {
    refuses("", "");
    refuses("AAECAwQ", "");
    refuses("AAECAwQFBgc=", "");  // 8 octets: no secret
    refuses("key \"other\" { algorithm hmac-sha256; secret \"" + kSecret + "\"; };", "another name");
    refuses("key \"muster-update\" { algorithm hmac-md5; secret \"" + kSecret + "\"; };", "neither hmac-sha256");
    refuses("key \"muster-update\" { algorithm hmac-sha256; secret \"" + kSecret, "key statement");
    refuses("key \"muster-update\" { include \"/etc/shadow\"; };", "key statement");
    refuses("key \"muster-update\" { algorithm hmac-sha256; secret \"" + kSecret + "\"; }; options {", "key statement");
    refuses("hmac-sha1:muster-update:" + kSecret, "neither hmac-sha256");
    refuses("hmac-sha256:other:" + kSecret, "another name");
}

TEST(Keys, keepsThemInFilesOfItsOwnThatNobodyElseReads) {
    const Keys keys(directory + "/keys");
    CHECK_TRUE(keys.list().empty());
    CHECK_TRUE(keys.put(*readKey(kSecret, "muster-update", k512)).has_value());
    struct stat status {};
    LONGS_EQUAL(0, stat((directory + "/keys/muster-update").c_str(), &status));
    LONGS_EQUAL(0600, status.st_mode & 07777);
    LONGS_EQUAL(0, stat((directory + "/keys").c_str(), &status));
    LONGS_EQUAL(0700, status.st_mode & 07777);
    const auto found = keys.find("muster-update");
    CHECK_TRUE(found.has_value());
    CHECK(k512 == found->algorithm);
    LONGS_EQUAL(31, static_cast<int>(found->secret.octets()[31]));
    LONGS_EQUAL(1, keys.list().size());
    LONGS_EQUAL(256, keys.list()[0].bits);
    CHECK_TRUE(keys.remove("muster-update").has_value());
    CHECK(Code::missing == keys.find("muster-update").error().code);
    CHECK(Code::missing == keys.remove("muster-update").error().code);
}

TEST(Keys, goesNowhereElseWhateverTheNameSays) {
    const Keys keys(directory + "/keys");
    std::ofstream(directory + "/outside") << kSecret;
    for (const char* name : {"../outside", "..", ".", "", "/etc/passwd", "a/b"}) {
        CHECK(Code::malformed == keys.find(name).error().code);
        CHECK(Code::malformed == keys.remove(name).error().code);
    }
    CHECK_TRUE(std::filesystem::exists(directory + "/outside"));
}

TEST(Keys, showsAFileThatCannotBeUsed) {
    const Keys keys(directory + "/keys");
    CHECK_TRUE(keys.put(*readKey(kSecret, "muster-update", k256)).has_value());
    std::ofstream(directory + "/keys/broken") << "nothing of use";
    const auto rows = keys.list();
    LONGS_EQUAL(2, rows.size());
    STRCMP_EQUAL("broken", rows[0].name.c_str());
    CHECK_FALSE(rows[0].problem.empty());
}
