#include "kms/lab_seal.h"

#include <cstdlib>
#include <fcntl.h>
#include <fstream>
#include <iterator>
#include <string>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include "CppUTest/TestHarness.h"

using namespace muster;
using namespace muster::kms;

namespace {

constexpr const char* kZeroToFifteen = "000102030405060708090a0b0c0d0e0f";

std::vector<std::byte> counting(std::size_t size) {
    std::vector<std::byte> out(size);
    for (std::size_t i = 0; i < size; ++i)
        out[i] = static_cast<std::byte>(i & 0xFF);
    return out;
}

std::string hex(Octets octets) {
    std::string out;
    for (const std::byte octet : octets) {
        out.push_back("0123456789abcdef"[std::to_integer<unsigned>(octet) >> 4U]);
        out.push_back("0123456789abcdef"[std::to_integer<unsigned>(octet) & 15U]);
    }
    return out;
}

LabSeal sealOf(const char* digits) {
    auto seal = LabSeal::make(*SealFileKey::parse(digits));
    CHECK_TRUE(seal.has_value());
    return std::move(*seal);
}

}  // namespace

TEST_GROUP(TheLabSeal){};

TEST(TheLabSeal, isTheCmacUnderTheDerivedKey) {
    // Computed with another implementation (OpenSSL): CMAC(CMAC(00..0f, "muster-lab"), 00..eb).
    LabSeal seal = sealOf(kZeroToFifteen);
    auto body = counting(252);
    CHECK_TRUE(seal.seal(body));
    STRCMP_EQUAL("8b180e2408bccb98d66824ba1a824e19", hex(sealPart(body)).c_str());
    CHECK_TRUE(seal.isSealed(body));
}

TEST(TheLabSeal, isTheSameEveryTimeItIsAsked) {
    LabSeal seal = sealOf(kZeroToFifteen);
    auto body = counting(158);
    CHECK_TRUE(seal.seal(body));
    const std::string first = hex(sealPart(body));
    CHECK_TRUE(seal.seal(body));
    STRCMP_EQUAL(first.c_str(), hex(sealPart(body)).c_str());
}

TEST(TheLabSeal, breaksWithAnyBitOfTheBody) {
    LabSeal seal = sealOf(kZeroToFifteen);
    auto body = counting(252);
    CHECK_TRUE(seal.seal(body));
    for (std::size_t bit = 0; bit < body.size() * 8; ++bit) {
        body[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
        CHECK_FALSE(seal.isSealed(body));
        body[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
    }
    CHECK_TRUE(seal.isSealed(body));
}

TEST(TheLabSeal, ofAnotherApplianceIsNotTaken) {
    auto body = counting(252);
    CHECK_TRUE(sealOf(kZeroToFifteen).seal(body));
    CHECK_FALSE(sealOf("100102030405060708090a0b0c0d0e0f").isSealed(body));
}

TEST(TheLabSeal, hasNoPlaceInABodyThatIsAllSeal) {
    LabSeal seal = sealOf(kZeroToFifteen);
    auto body = counting(16);
    CHECK_FALSE(seal.seal(body));
    CHECK_FALSE(seal.isSealed(body));
    CHECK_FALSE(seal.isSealed({}));
}

TEST_GROUP(TheSealFile) {
    std::string folder;
    std::string path;
    void setup() override {
        char name[] = "/tmp/muster-seal-XXXXXX";
        folder = mkdtemp(name);
        path = folder + "/seal.key";
    }
    void teardown() override {
        unlink(path.c_str());
        rmdir(folder.c_str());  // fails where a temporary file was left behind
        CHECK_TRUE(access(folder.c_str(), F_OK) != 0);
    }
    void write(const std::string& text, mode_t mode) const {
        std::ofstream(path) << text;
        LONGS_EQUAL(0, chmod(path.c_str(), mode));
    }
    std::string read() const {
        std::ifstream in(path);
        return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    }
};

TEST(TheSealFile, isMadeOnceWith32DigitsForItsOwnerAlone) {
    const auto first = openSealFile(path);
    CHECK_TRUE(first.has_value());
    struct stat status {};
    LONGS_EQUAL(0, stat(path.c_str(), &status));
    LONGS_EQUAL(0600, status.st_mode & 07777);
    const std::string text = read();
    LONGS_EQUAL(33, text.size());
    LONGS_EQUAL(std::string::npos, text.find_first_not_of("0123456789abcdef\n"));
    const auto again = openSealFile(path);
    CHECK_TRUE(again.has_value());
    STRCMP_EQUAL(hex(first->octets()).c_str(), hex(again->octets()).c_str());
    STRCMP_EQUAL(text.c_str(), read().c_str());
}

TEST(TheSealFile, isNotMadeByWhoOnlyReadsIt) {
    const auto key = readSealFile(path);
    CHECK_TRUE(key.error().code == Code::missing);
    CHECK_TRUE(access(path.c_str(), F_OK) != 0);
}

TEST(TheSealFile, thatOthersMayReadIsRefusedAndSaysWhatToDo) {
    write(std::string(kZeroToFifteen) + "\n", 0644);
    const auto key = openSealFile(path);
    CHECK_TRUE(key.error().code == Code::denied);
    STRCMP_CONTAINS("mode 0644, must be 0600", key.error().text().c_str());
}

TEST(TheSealFile, withAnythingElseInItIsRefusedAndLeftAsItIs) {
    for (const std::string text : {"", "00", "000102030405060708090a0b0c0d0e0", "000102030405060708090a0b0c0d0e0g",
                                   "000102030405060708090a0b0c0d0e0f\n\n", "000102030405060708090a0b0c0d0e0f00"}) {
        write(text, 0600);
        const auto key = openSealFile(path);
        CHECK_TRUE(key.error().code == Code::malformed);
        STRCMP_EQUAL(text.c_str(), read().c_str());
    }
}

TEST(TheSealFile, isTakenWithCapitalsAndWithoutANewline) {
    write("000102030405060708090A0B0C0D0E0F", 0600);
    const auto key = openSealFile(path);
    CHECK_TRUE(key.has_value());
    STRCMP_EQUAL(kZeroToFifteen, hex(key->octets()).c_str());
}

TEST(TheSealFile, behindASymbolicLinkIsNotFollowed) {
    LONGS_EQUAL(0, symlink("/etc/hostname", path.c_str()));
    CHECK_TRUE(openSealFile(path).error().code == Code::denied);
}

TEST(TheSealFile, isOneKeyForAllWhoMakeItAtOnce) {
    std::vector<std::string> keys(8);
    std::vector<std::thread> threads;
    threads.reserve(keys.size());
    for (std::string& key : keys)
        threads.emplace_back([this, &key] {
            if (auto made = openSealFile(path))
                key = hex(made->octets());
        });
    for (std::thread& thread : threads)
        thread.join();
    for (const std::string& key : keys) {
        LONGS_EQUAL(32, key.size());
        STRCMP_EQUAL(keys.front().c_str(), key.c_str());
    }
}

TEST(TheSealFile, inAFolderThatIsNotThereSaysSo) {
    const auto key = openSealFile(folder + "/none/seal.key");
    CHECK_TRUE(key.error().code == Code::storage);
    STRCMP_CONTAINS("No such file or directory", key.error().text().c_str());
}
