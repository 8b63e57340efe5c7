#include "tls/certificate_store.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sys/stat.h>

#include "CppUTest/TestHarness.h"

#include "tls/test_authority.h"

using namespace muster;
using namespace muster::tls;
using namespace muster::tls::test;

namespace {

const Timestamp kNow = day(2026, 6, 1);
const Names kNames = {"muster.example.org"};

std::string print(const Result<Pair>& pair) {
    return pair ? pair->chain.front().fingerprint : pair.error().text();
}

}  // namespace

TEST_GROUP(CertificateStore) {
    std::filesystem::path directory;
    std::unique_ptr<CertificateStore> store;

    void setup() override {
        std::string name = (std::filesystem::temp_directory_path() / "muster-tls.XXXXXX").string();
        CHECK(::mkdtemp(name.data()) != nullptr);
        directory = name;
        store = std::make_unique<CertificateStore>(name);
    }
    void teardown() override {
        std::filesystem::remove_all(directory);
    }
    std::filesystem::path current() const {
        return directory / "certificate.pem";
    }
    Result<Pair> open() const {
        return store->open(kNames, kNow);
    }
};

TEST(CertificateStore, makesOneAtTheFirstStartAndKeepsIt) {
    const auto made = open();
    CHECK_TEXT(made.has_value(), print(made).c_str());
    struct stat info {};
    CHECK_EQUAL(0, ::stat(current().c_str(), &info));
    CHECK_EQUAL(0600, info.st_mode & 07777);
    STRCMP_EQUAL(print(made).c_str(), print(open()).c_str());
    STRCMP_EQUAL(print(made).c_str(), print(CertificateStore(directory).open({"other.example"}, kNow)).c_str());
    CHECK(!store->before().has_value());
}

TEST(CertificateStore, replacesKeyAndCertificateAndGoesBackAndForth) {
    const std::string first = print(open());
    const Made own = make({});
    const auto replaced = store->replace(own.key + own.certificate, kNames, kNow);
    CHECK_TEXT(replaced.has_value(), print(replaced).c_str());
    STRCMP_EQUAL(print(replaced).c_str(), print(open()).c_str());
    STRCMP_EQUAL(first.c_str(), store->before()->fingerprint.c_str());
    STRCMP_EQUAL(first.c_str(), print(store->goBack(kNow)).c_str());
    STRCMP_EQUAL(first.c_str(), print(open()).c_str());
    STRCMP_EQUAL(print(replaced).c_str(), store->before()->fingerprint.c_str());
    STRCMP_EQUAL(print(replaced).c_str(), print(store->goBack(kNow)).c_str());
}

TEST(CertificateStore, prolongsWhatTheBoxMadeAndNothingElse) {
    const auto first = open();
    const Made uploaded = make({});
    CHECK(store->replace(uploaded.key + uploaded.certificate, kNames, kNow).has_value());
    CHECK(store->prolong(kNames, kNow).error().code == Code::denied);
    CHECK(!store->read()->own);
    // Its own file, brought back by a person, is an upload like any other.
    CHECK(store->replace("Muster made this certificate for itself and renews it.\n" + first->pem, kNames, kNow)
              .has_value());
    CHECK(!store->read()->own);
    CHECK(store->renew(kNames, kNow).has_value());
    const std::string renewed = print(open());
    const std::string before = store->before()->fingerprint;
    const auto prolonged = store->prolong({"other.example"}, day(2027, 1, 1));
    CHECK_TEXT(prolonged.has_value(), print(prolonged).c_str());
    CHECK(prolonged->own && store->read()->own);
    CHECK(prolonged->chain.front().names == Names{"other.example"});
    STRCMP_EQUAL(print(prolonged).c_str(), print(CertificateStore(directory).open(kNames, kNow)).c_str());
    CHECK(print(prolonged) != renewed);
    STRCMP_EQUAL(before.c_str(), store->before()->fingerprint.c_str());
}

TEST(CertificateStore, changesNothingForAnUploadThatIsRefused) {
    const std::string first = print(open());
    CHECK(!store->replace("hello", kNames, kNow).has_value());
    STRCMP_EQUAL(first.c_str(), print(open()).c_str());
    CHECK(!store->before().has_value());
}

TEST(CertificateStore, doesNotGoBackWhereThereIsNothingOrNothingValid) {
    CHECK(open().has_value());
    CHECK(store->goBack(kNow).error().code == Code::missing);
    const Made uploaded = make({});
    CHECK(store->replace(uploaded.key + uploaded.certificate, kNames, kNow).has_value());
    CHECK(store->renew(kNames, kNow).has_value());
    const auto late = store->goBack(day(2040, 1, 1));
    CHECK(late.error().code == Code::denied);
    STRCMP_CONTAINS("expired", late.error().text().c_str());
}

TEST(CertificateStore, keepsARequestUntilItsCertificateComes) {
    CHECK(open().has_value());
    CHECK(!store->waiting().has_value());
    const auto request = store->request(kNames);
    CHECK(request.has_value());
    STRCMP_EQUAL(request->c_str(), CertificateStore(directory).waiting()->c_str());
    // Another pair does not answer it.
    const Made other = make({});
    CHECK(store->replace(other.key + other.certificate, kNames, kNow).has_value());
    CHECK(store->waiting().has_value());
    std::ifstream file(directory / "request.pem");
    const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    const Made answer = make({.requestKey = text});
    const auto replaced = store->replace(answer.certificate, kNames, kNow);
    CHECK_TEXT(replaced.has_value(), print(replaced).c_str());
    CHECK(!store->waiting().has_value());
}

TEST(CertificateStore, saysWhatIsWrongWithAFileAndReplacesItWhenTold) {
    CHECK(open().has_value());
    std::ofstream(current(), std::ios::trunc) << "garbage";
    const auto bad = open();
    CHECK(bad.error().code == Code::malformed);
    STRCMP_CONTAINS("have a new one made", bad.error().text().c_str());
    const auto anew = store->renew(kNames, kNow);
    STRCMP_EQUAL(print(anew).c_str(), print(open()).c_str());
    CHECK(!store->before().has_value());
}

TEST(CertificateStore, servesOneThatHasExpired) {
    const auto made = store->open(kNames, day(2000, 1, 1));
    STRCMP_EQUAL(print(made).c_str(), print(open()).c_str());
}

TEST(CertificateStore, saysThatTheDiskDoesNotTakeIt) {
    CertificateStore nowhere(directory / "missing");
    CHECK(nowhere.open(kNames, kNow).error().code == Code::storage);
    CHECK(nowhere.request(kNames).error().code == Code::storage);
}
