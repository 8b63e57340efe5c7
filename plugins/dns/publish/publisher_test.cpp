#include "publish/publisher.h"

#include <cstdlib>
#include <filesystem>
#include <memory>

#include "CppUTest/TestHarness.h"

#include "publish/fake_world.h"

using namespace muster;
using namespace muster::publisher;
using namespace std::chrono_literals;
using muster::publisher::test::a;
using muster::publisher::test::FakeWorld;
using muster::publisher::test::srv;

namespace {
constexpr const char* kOwner = "_vlmcs._tcp.corp.example";
constexpr const char* kHere = "muster-01.corp.example";
}  // namespace

TEST_GROUP(Publisher) {
    FakeWorld world;
    std::string directory;
    std::unique_ptr<Ledger> ledger;
    std::unique_ptr<Publisher> publisher;
    Monotonic now = std::chrono::steady_clock::now();
    Timestamp wall{std::chrono::milliseconds(1'790'000'000'000)};
    std::vector<News> news;
    Orders orders;

    void setup() override {
        std::string pattern = (std::filesystem::temp_directory_path() / "muster-dns-XXXXXX").string();
        CHECK_TRUE(mkdtemp(pattern.data()) != nullptr);
        directory = pattern;
        begin();
        orders.wishes = {wish()};
    }
    void teardown() override {
        publisher.reset();
        ledger.reset();
        std::filesystem::remove_all(directory);
    }
    /// As after a restart: all but the files is new.
    void begin() {
        publisher.reset();
        ledger = std::make_unique<Ledger>(directory);
        Publisher::Hooks hooks;
        hooks.now = [this] { return now; };
        hooks.wall = [this] { return wall; };
        hooks.news = [this](const News& one) { news.push_back(one); };
        publisher = std::make_unique<Publisher>(world, *ledger, std::move(hooks), 7);
    }
    static Wish wish(const char* domain = "corp.example") {
        Wish wish;
        wish.domain = domain;
        wish.target = kHere;
        wish.auth = Auth::tsig;
        wish.key = "muster-update";
        return wish;
    }
    /// Does all that is due now.
    std::size_t work() const {
        std::size_t done = 0;
        while (done < 100 && publisher->step([] { return false; }))
            ++done;
        CHECK_TRUE(done < 100);
        return done;
    }
    void pass(std::chrono::milliseconds time) {
        now += time;
        wall += time;
    }
    DomainStatus statusOf(const char* domain = "corp.example") const {
        const auto status = publisher->status(domain);
        CHECK_TRUE(status.has_value());
        return *status;
    }
    void stateIs(State wanted, const char* domain = "corp.example") const {
        const DomainStatus status = statusOf(domain);
        if (status.state != wanted)
            UT_PRINT(status.why.c_str());
        STRCMP_EQUAL(name(wanted), name(status.state));
    }
    bool has(const dns::Record& record, const char* server = "192.0.2.1:53") {
        const auto& records = world.servers.at(server).records;
        return std::any_of(records.begin(), records.end(), [&](const dns::Record& one) { return same(one, record); });
    }
    void published() const {
        publisher->apply(orders);
        work();
        stateIs(State::published);
    }
};

TEST(Publisher, publishesAtItsStartBesideOthersAndReadsBackEverywhere) {
    world.primary().records = {srv(kOwner, "kms-a.corp.example", 1688, 0, 0)};
    published();
    CHECK_TRUE(has(srv(kOwner, kHere)));
    CHECK_TRUE(has(srv(kOwner, "kms-a.corp.example", 1688, 0, 0)));
    LONGS_EQUAL(1, world.updates.size());
    STRCMP_EQUAL("192.0.2.1:53", world.updates[0].server.c_str());
    STRCMP_EQUAL("muster-update", world.updates[0].credentials.key.c_str());
    const DomainStatus status = statusOf();
    LONGS_EQUAL(2, status.report.zones[0].views.size());
    CHECK_TRUE(status.report.zones[0].views[0].primary);
    CHECK_TRUE(status.report.zones[0].views[1].agrees);
    LONGS_EQUAL(1, news.size());
    CHECK_TRUE(news[0].published);
    LONGS_EQUAL(1, ledger->published().size());
}

TEST(Publisher, refreshesDailyAndTellsEachTime) {
    published();
    for (int day = 0; day < 3; ++day) {
        pass(24h);
        work();
        stateIs(State::published);
        LONGS_EQUAL(2 + day, world.updates.size());
        LONGS_EQUAL(2 + day, news.size());
        CHECK_TRUE(world.updates.back().update.remove.empty());
    }
}

TEST(Publisher, onlyReadsBetweenRefreshes) {
    published();
    pass(orders.verifyInterval);
    work();
    LONGS_EQUAL(1, world.updates.size());
    stateIs(State::published);
    LONGS_EQUAL(1, news.size());
}

TEST(Publisher, putsBackWhatSomebodyTookAway) {
    published();
    world.primary().records.clear();
    pass(orders.verifyInterval);
    work();
    CHECK_TRUE(has(srv(kOwner, kHere)));
    stateIs(State::published);
}

TEST(Publisher, followsEveryChangeWithOneUpdate) {
    world.primary().records = {srv(kOwner, "kms-a.corp.example", 1688, 0, 0)};
    published();
    orders.wishes[0].port = 1700;
    orders.wishes[0].target = "muster-09.corp.example";
    publisher->apply(orders);
    work();
    LONGS_EQUAL(2, world.updates.size());
    LONGS_EQUAL(1, world.updates[1].update.remove.size());
    LONGS_EQUAL(1, world.updates[1].update.add.size());
    CHECK_FALSE(has(srv(kOwner, kHere)));
    CHECK_TRUE(has(srv(kOwner, "muster-09.corp.example", 1700)));
    CHECK_TRUE(has(srv(kOwner, "kms-a.corp.example", 1688, 0, 0)));
}

TEST(Publisher, isNotMovedByOrdersThatSayTheSame) {
    published();
    const std::size_t before = world.questions;
    for (int i = 0; i < 10; ++i)
        publisher->apply(orders);
    LONGS_EQUAL(0, work());
    LONGS_EQUAL(before, world.questions);
}

TEST(Publisher, cleansUpAfterARenameAcrossARestart) {
    published();
    begin();
    orders.wishes[0].target = "muster-09.corp.example";
    publisher->apply(orders);
    work();
    CHECK_FALSE(has(srv(kOwner, kHere)));
    CHECK_TRUE(has(srv(kOwner, "muster-09.corp.example")));
}

TEST(Publisher, cleansUpADomainThatIsInNoSettingAnyMore) {
    world.soas["branch.example"] = {"branch.example", "ns1.corp.example", 1, {}, {}};
    published();
    orders.wishes.clear();
    publisher->apply(orders);
    work();
    CHECK_FALSE(has(srv(kOwner, kHere)));
    CHECK_FALSE(publisher->status("corp.example").has_value());
    CHECK_TRUE(ledger->published().empty());
}

TEST(Publisher, withdrawsOnAPersonsWordAndStaysSoOverARestart) {
    world.primary().records = {srv(kOwner, "kms-a.corp.example", 1688, 0, 0)};
    published();
    CHECK_TRUE(publisher->withdraw("", "alice").has_value());
    work();
    stateIs(State::withdrawn);
    CHECK_FALSE(has(srv(kOwner, kHere)));
    CHECK_TRUE(has(srv(kOwner, "kms-a.corp.example", 1688, 0, 0)));
    begin();
    publisher->apply(orders);
    work();
    stateIs(State::withdrawn);
    CHECK_FALSE(has(srv(kOwner, kHere)));
    STRCMP_CONTAINS("alice", statusOf().why.c_str());
    CHECK_TRUE(publisher->publish("corp.example").has_value());
    work();
    stateIs(State::published);
    CHECK_TRUE(has(srv(kOwner, kHere)));
}

TEST(Publisher, writesNothingUntilItIsAllowedToAndStillWithdrawsWhenTold) {
    orders.rest = "publishing is off (setting dns.publish)";
    world.primary().records = {srv(kOwner, kHere)};
    publisher->apply(orders);
    LONGS_EQUAL(0, work());
    stateIs(State::resting);
    STRCMP_EQUAL("publishing is off (setting dns.publish)", statusOf().why.c_str());
    CHECK_TRUE(publisher->withdraw("corp.example", "alice").has_value());
    work();
    CHECK_FALSE(has(srv(kOwner, kHere)));
}

TEST(Publisher, withdrawsWhileNobodyCanBeServed) {
    orders.early = true;
    publisher->apply(orders);
    LONGS_EQUAL(0, work());
    orders.early = false;
    published();
    orders.unserved = "no client can be served: nothing listens";
    publisher->apply(orders);
    work();
    stateIs(State::withdrawn);
    CHECK_FALSE(has(srv(kOwner, kHere)));
    orders.unserved.clear();
    published();
    CHECK_TRUE(has(srv(kOwner, kHere)));
}

TEST(Publisher, backsOffFromADeadServerUpToAnHourAndComesBackByItself) {
    world.primary().dead = true;
    publisher->apply(orders);
    work();
    stateIs(State::failed);
    std::chrono::milliseconds last{0};
    for (int i = 0; i < 20; ++i) {
        const DomainStatus status = statusOf();
        const auto pause = status.nextAttempt - wall;
        CHECK_TRUE(pause > 0ms && pause <= 1h);
        CHECK_TRUE(i < 3 || pause > last / 2);
        last = pause;
        pass(pause - 1ms);
        LONGS_EQUAL(0, work());
        pass(1ms);
        LONGS_EQUAL(1, work());
    }
    CHECK_TRUE(last > 40min);
    LONGS_EQUAL(1, news.size());  // not twenty times the same
    CHECK_FALSE(news[0].published);
    STRCMP_EQUAL("0x800705B4", hresultText(news[0].hresult).c_str());
    world.primary().dead = false;
    pass(1h);
    work();
    stateIs(State::published);
    CHECK_TRUE(news.back().published);
    LONGS_EQUAL(0, statusOf().failures);
}

TEST(Publisher, aDomainThatFailsHoldsUpNoOther) {
    world.servers["192.0.2.66:53"].dead = true;
    orders.wishes.push_back(wish("branch.example"));
    orders.wishes[1].server = "192.0.2.66";
    orders.wishes[1].zone = "branch.example";
    publisher->apply(orders);
    work();
    stateIs(State::published);
    stateIs(State::failed, "branch.example");
}

TEST(Publisher, waitsForASecondaryThenSaysThatItDoesNotFollow) {
    world.secondary().follows = false;
    publisher->apply(orders);
    work();
    stateIs(State::lagging);
    STRCMP_CONTAINS("waiting for ns2.corp.example (192.0.2.2): it lacks", statusOf().why.c_str());
    CHECK_TRUE(news.at(0).published);  // clients find it: by the primary
    for (int i = 0; i < 40; ++i) {
        pass(1min);
        work();
    }
    STRCMP_CONTAINS("do not follow", statusOf().why.c_str());
    LONGS_EQUAL(1, world.updates.size());
    world.secondary().follows = true;
    pass(15min);
    work();
    stateIs(State::published);
}

TEST(Publisher, tellsEachRefusalOnceAndInWindowsNumbers) {
    world.primary().refuses = dns::Rcode::notAuth;
    world.primary().error = dns::TsigError::badSig;
    publisher->apply(orders);
    work();
    stateIs(State::failed);
    STRCMP_EQUAL("notauth-badsig", statusOf().code.c_str());
    STRCMP_EQUAL("NOTAUTH, TSIG error BADSIG, answer not signed", statusOf().triple.c_str());
    pass(2s);
    work();
    LONGS_EQUAL(1, news.size());
    STRCMP_EQUAL("0x80072338", hresultText(news[0].hresult).c_str());
    world.primary().error = dns::TsigError::badKey;
    pass(8s);
    work();
    LONGS_EQUAL(2, news.size());
    STRCMP_EQUAL("notauth-badkey", news[1].code.c_str());
}

TEST(Publisher, saysWhichKeyIsMissing) {
    world.noKey = true;
    publisher->apply(orders);
    work();
    stateIs(State::failed);
    STRCMP_EQUAL("no-key", statusOf().code.c_str());
    STRCMP_CONTAINS("muster-update", statusOf().why.c_str());
}

TEST(Publisher, readsBackWhereTheAnswersSignatureCannotBeVerified) {
    world.primary().signs = FakeWorld::Server::Signs::wrongly;
    published();
    STRCMP_CONTAINS("applied, reply signature not verifiable", statusOf().why.c_str());
    LONGS_EQUAL(1, world.updates.size());
}

TEST(Publisher, believesNoUnverifiableYes) {
    world.primary().signs = FakeWorld::Server::Signs::wrongly;
    world.primary().forgets = true;
    publisher->apply(orders);
    work();
    stateIs(State::failed);
    LONGS_EQUAL(1, world.updates.size());
    CHECK_FALSE(news.at(0).published);
}

TEST(Publisher, believesNoYesThatDoesNotShow) {
    world.primary().forgets = true;
    publisher->apply(orders);
    work();
    stateIs(State::failed);
    STRCMP_EQUAL("not-there", statusOf().code.c_str());
}

TEST(Publisher, findsOutThatItWasAppliedThoughNoAnswerCame) {
    world.primary().losesAnswers = true;
    published();
    LONGS_EQUAL(1, world.updates.size());
    STRCMP_CONTAINS("no answer came", statusOf().why.c_str());
}

TEST(Publisher, doesNotCallARefreshDoneThatNobodyAnswered) {
    published();
    world.primary().losesAnswers = true;
    pass(24h);
    work();
    stateIs(State::failed);
    world.primary().losesAnswers = false;
    pass(2s);
    work();
    stateIs(State::published);
}

TEST(Publisher, plansAnewWhenSomebodyWasQuicker) {
    orders.wishes[0].addresses = {*dns::numericAddress("192.0.2.7")};
    world.beforeUpdate = [this] { world.primary().records.push_back(a(kHere, "192.0.2.99")); };
    published();
    LONGS_EQUAL(2, world.updates.size());
    CHECK_TRUE(has(a(kHere, "192.0.2.7")));
    CHECK_TRUE(has(a(kHere, "192.0.2.99")));
}

TEST(Publisher, publishesAddressesInTheZoneOfTheHost) {
    world.soas["branch.example"] = {"branch.example", "ns1.branch.example", 1, {}, {}};
    world.hosts["ns1.branch.example"] = {"192.0.2.66"};
    world.servers["192.0.2.66:53"].zone = "branch.example";
    world.servers["192.0.2.66:53"].nameServers = {"ns1.branch.example"};
    orders.wishes = {wish("branch.example")};
    orders.wishes[0].addresses = {*dns::numericAddress("192.0.2.7")};
    publisher->apply(orders);
    work();
    stateIs(State::published, "branch.example");
    CHECK_TRUE(has(srv("_vlmcs._tcp.branch.example", kHere), "192.0.2.66:53"));
    CHECK_TRUE(has(a(kHere, "192.0.2.7")));
    CHECK_TRUE(publisher->withdraw("branch.example", "alice").has_value());
    work();
    CHECK_FALSE(has(a(kHere, "192.0.2.7")));
    CHECK_FALSE(has(srv("_vlmcs._tcp.branch.example", kHere), "192.0.2.66:53"));
}

TEST(Publisher, writesNothingForADomainThatAPersonKeeps) {
    orders.wishes[0].auth = Auth::manual;
    publisher->apply(orders);
    work();
    stateIs(State::manualDiffers);
    world.primary().records = {srv(kOwner, kHere)};
    pass(orders.verifyInterval);
    work();
    stateIs(State::manual);
    CHECK_TRUE(publisher->withdraw("", "alice").has_value());
    work();
    CHECK_TRUE(has(srv(kOwner, kHere)));
    LONGS_EQUAL(0, world.updates.size());
}

TEST(Publisher, shedsItsRecordsOnTheWayOut) {
    published();
    publisher->withdrawAll(now + 1h);
    CHECK_FALSE(has(srv(kOwner, kHere)));
    CHECK_TRUE(ledger->published().empty());
}

TEST(Publisher, remembersBeforeItSends) {
    bool known = false;
    world.beforeUpdate = [&] { known = ledger->published().size() == 1; };
    published();
    CHECK_TRUE(known);
}

TEST(Publisher, previewsWithoutWriting) {
    world.primary().records = {srv(kOwner, kHere, 1700)};
    orders.rest = "publishing is off (setting dns.publish)";
    publisher->apply(orders);
    const auto previews = publisher->preview("", [] { return false; });
    LONGS_EQUAL(1, previews.size());
    LONGS_EQUAL(2, previews[0].second.zones.at(0).plan.lines.size());
    CHECK_TRUE(previews[0].second.changes());
    LONGS_EQUAL(0, world.updates.size());
    CHECK_TRUE(ledger->published().empty());
}

TEST(Publisher, knowsNoDomainThatIsNotThere) {
    publisher->apply(orders);
    CHECK_FALSE(publisher->publish("other.example").has_value());
    CHECK_FALSE(publisher->withdraw("other.example", "alice").has_value());
}

TEST(Publisher, isContentWithAServerThatKeepsATtlOfItsOwn) {
    published();
    for (dns::Record& record : world.primary().records)
        record.ttl = 300s;
    pass(orders.verifyInterval);
    work();
    stateIs(State::published);
    LONGS_EQUAL(1, world.updates.size());
    pass(24h);
    work();
    LONGS_EQUAL(2, world.updates.size());
    LONGS_EQUAL(3600, world.primary().records.front().ttl.count());
}

TEST(Publisher, putsNothingBackOnceItHasShedItsRecords) {
    published();
    publisher->withdrawAll(now + 1h);
    orders.wishes[0].port = 1700;
    publisher->apply(orders);
    LONGS_EQUAL(0, work());
    CHECK_TRUE(world.primary().records.empty());
}

TEST(Publisher, saysOfAFailedWithdrawalThatItWasOne) {
    published();
    world.primary().refuses = dns::Rcode::refused;
    CHECK_TRUE(publisher->withdraw("", "alice").has_value());
    work();
    stateIs(State::withdrawing);
    CHECK_FALSE(news.back().published);
    STRCMP_CONTAINS("were to be withdrawn", news.back().reason.c_str());
    CHECK_TRUE(has(srv(kOwner, kHere)));
    world.primary().refuses = dns::Rcode::noError;
    pass(2s);
    work();
    stateIs(State::withdrawn);
}
