#include "served_certificate.h"

#include <filesystem>
#include <fstream>

#include "CppUTest/TestHarness.h"

#include "muster/test/fake_host.h"

#include "events.h"

using namespace muster;
using namespace muster::webui;

namespace {

constexpr std::chrono::days kDay{1};
const Timestamp kBuilt{std::chrono::sys_days(std::chrono::year(2026) / 11 / 20)};

/// The public key of a certificate, as it stands in it, by way of what signs: two certificates of one key have one PEM
/// of the key in front.
std::string keyOf(const tls::Pair& pair) {
    return pair.pem.substr(0, pair.pem.find("-----BEGIN CERTIFICATE"));
}

}  // namespace

TEST_GROUP(ServedCertificate) {
    test::FakeHost host;
    Timestamp now = kBuilt + 10 * kDay;
    std::unique_ptr<ServedCertificate> served;

    void open() {
        served.reset();
        served = std::make_unique<ServedCertificate>(
            host, host.sharedDirectory(), [] { return tls::Names{"muster.example.org"}; }, kBuilt,
            [this] { return now; });
    }
    void setup() override {
        open();
    }
    void teardown() override {
        served.reset();
    }
    tls::Pair pair() const {
        auto view = served->view();
        CHECK_TEXT(view.has_value(), view ? "" : view.error().text().c_str());
        return view->pair;
    }
    tls::Description own() const {
        return pair().chain.front();
    }
    void at(Timestamp time) {
        now = time;
        served->look();
    }
    bool isGoodNow() const {
        const auto shown = own();
        return shown.notBefore <= now && now <= shown.notAfter;
    }
    /// A certificate of somebody's own: as another box of ours made it, so that nothing but its way here tells it
    /// apart.
    std::string upload(Timestamp from) const {
        const auto made = tls::makeOwn({"muster.example.org"}, from);
        CHECK(made.has_value());
        const auto view = served->change(
            "ada", [&](tls::CertificateStore& store) { return store.replace(made->pem, {"muster.example.org"}, now); });
        CHECK_TEXT(view.has_value(), view ? "" : view.error().text().c_str());
        CHECK_FALSE(view->renewal.has_value());
        return made->chain.front().fingerprint;
    }
    std::string trouble() const {
        const auto lines = host.troubled();
        CHECK(lines.size() <= 1);
        return lines.empty() ? "" : lines.front();
    }
};

TEST(ServedCertificate, isGoodFromTheBuildOnAndForNoLongerThanAnyBrowserTakes) {
    CHECK(own().notBefore == kBuilt);
    CHECK(own().notAfter - own().notBefore < 825 * kDay);
    CHECK(*served->view()->renewal == own().notAfter - tls::kRenewBefore);
    LONGS_EQUAL(1, host.raised(kCertificateMade));
    open();
    LONGS_EQUAL(1, host.raised(kCertificateMade));
}

TEST(ServedCertificate, isRenewedNearItsEndWithTheSameKeyAndServedAtOnce) {
    const tls::Pair first = pair();
    const auto context = served->context()->get();
    const Timestamp due = first.chain.front().notAfter - tls::kRenewBefore;
    at(due);
    STRCMP_EQUAL(first.chain.front().fingerprint.c_str(), own().fingerprint.c_str());
    POINTERS_EQUAL(context.get(), served->context()->get().get());
    at(due + std::chrono::milliseconds(1));
    const tls::Pair second = pair();
    CHECK(second.chain.front().fingerprint != first.chain.front().fingerprint);
    STRCMP_EQUAL(keyOf(first).c_str(), keyOf(second).c_str());
    CHECK(isGoodNow());
    CHECK(second.own);
    CHECK(served->context()->get() != context);
    LONGS_EQUAL(1, host.raised(kCertificateRenewed));
    const auto notes = host.audited();
    LONGS_EQUAL(1, notes.size());
    STRCMP_EQUAL("certificate renewed", notes.front().action.c_str());
    STRCMP_EQUAL(first.chain.front().fingerprint.c_str(),
                 notes.front().what.find("before")->find("fingerprint")->string()->c_str());
    // And that is the end of it, also after a restart.
    at(now + kDay);
    open();
    STRCMP_EQUAL(second.chain.front().fingerprint.c_str(), own().fingerprint.c_str());
    LONGS_EQUAL(1, host.raised(kCertificateRenewed));
}

TEST(ServedCertificate, madeLongAfterTheBuildIsGoodForAWholeLifeFromThen) {
    std::filesystem::remove(host.sharedDirectory() + "/certificate.pem");
    now = kBuilt + 2000 * kDay;
    open();
    CHECK(isGoodNow());
    CHECK(own().notAfter - now > 820 * kDay);
    LONGS_EQUAL(0, host.raised(kCertificateRenewed));
}

TEST(ServedCertificate, isNotTouchedByAClockThatNobodyHasSet) {
    const std::string first = own().fingerprint;
    at(Timestamp{});
    open();
    STRCMP_EQUAL(first.c_str(), own().fingerprint.c_str());
    STRCMP_EQUAL("", trouble().c_str());
    // One that is made under such a clock is good when the clock is.
    std::filesystem::remove(host.sharedDirectory() + "/certificate.pem");
    open();
    at(kBuilt + 3 * kDay);
    CHECK(isGoodNow());
    LONGS_EQUAL(0, host.raised(kCertificateRenewed));
}

TEST(ServedCertificate, followsAClockThatJumpsFarAheadAndBack) {
    const std::string key = keyOf(pair());
    at(kBuilt + 20'000 * kDay);
    CHECK(isGoodNow());
    const std::string ahead = own().fingerprint;
    at(Timestamp{});  // the battery is empty: that says nothing
    STRCMP_EQUAL(ahead.c_str(), own().fingerprint.c_str());
    at(kBuilt + 11 * kDay);  // the first answer of a time server
    CHECK(isGoodNow());
    CHECK(own().notBefore == kBuilt);
    STRCMP_EQUAL(key.c_str(), keyOf(pair()).c_str());
    LONGS_EQUAL(2, host.raised(kCertificateRenewed));
}

TEST(ServedCertificate, isGoodWheneverTheClockIsOnce) {
    for (int day = 0; day < 4000; day += 61) {
        at(kBuilt + day * kDay);
        CHECK(isGoodNow());
        const auto raised = host.raised(kCertificateRenewed);
        served->look();
        LONGS_EQUAL(raised, host.raised(kCertificateRenewed));
    }
}

TEST(ServedCertificate, thatWasUploadedIsNeverRenewedAndItsEndIsTold) {
    const std::string uploaded = upload(kBuilt);
    const Timestamp end = own().notAfter;
    at(end - 30 * kDay);
    STRCMP_EQUAL("", trouble().c_str());
    at(end - 30 * kDay + std::chrono::hours(1));
    STRCMP_CONTAINS(("expires on " + isoTime(end).substr(0, 10)).c_str(), trouble().c_str());
    STRCMP_CONTAINS("musterctl certificate renew", trouble().c_str());
    served->look();
    LONGS_EQUAL(1, host.raised(kCertificateEnds));
    at(end);
    STRCMP_CONTAINS("has expired", trouble().c_str());
    at(end + 5000 * kDay);
    open();
    STRCMP_EQUAL(uploaded.c_str(), own().fingerprint.c_str());
    LONGS_EQUAL(0, host.raised(kCertificateRenewed));
    STRCMP_CONTAINS("has expired", trouble().c_str());
    // A successor ends the alarm.
    upload(now - kDay);
    STRCMP_EQUAL("", trouble().c_str());
}

TEST(ServedCertificate, thatWasUploadedSaysNothingUnderAClockThatNobodyHasSet) {
    upload(kBuilt + 5 * kDay);
    at(Timestamp{});
    STRCMP_EQUAL("", trouble().c_str());
    at(kBuilt + kDay);
    STRCMP_CONTAINS("good only from", trouble().c_str());
}

TEST(ServedCertificate, ofItsOwnThatPeopleGoBackToIsRenewedAtOnce) {
    upload(kBuilt);
    now = kBuilt + 800 * kDay;
    const auto back = served->change("ada", [&](tls::CertificateStore& store) { return store.goBack(now); });
    CHECK_TEXT(back.has_value(), back ? "" : back.error().text().c_str());
    CHECK(back->pair.own);
    CHECK(isGoodNow());
    // The uploaded one is still what was before.
    now = kBuilt + 100 * kDay;
    CHECK(served->change("ada", [&](tls::CertificateStore& store) { return store.goBack(now); }).has_value());
    CHECK_FALSE(pair().own);
}

TEST(ServedCertificate, thatCannotBeRenewedIsServedOnAndPeopleAreTold) {
    const std::string first = own().fingerprint;
    const std::string file = host.sharedDirectory() + "/certificate.pem";
    std::filesystem::rename(file, file + ".gone");
    at(kBuilt + 825 * kDay);
    STRCMP_CONTAINS("could not be renewed", trouble().c_str());
    const auto lines = host.logged().size();
    served->look();  // not at once again
    LONGS_EQUAL(lines, host.logged().size());
    STRCMP_EQUAL(first.c_str(), served->fingerprint().c_str());
}
