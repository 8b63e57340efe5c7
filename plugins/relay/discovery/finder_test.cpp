#include "finder.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>
#include <sstream>
#include <thread>

#include "CppUTest/TestHarness.h"

#include "dns/system_names.h"

using namespace muster;
using namespace muster::relay;
using std::chrono::seconds;

namespace {

const Address kResolver = *Address::parse("10.0.0.53:53");

Address at(const char* host, std::uint16_t port = 1688) {
    Address address = *dns::numericAddress(host);
    address.port = port;
    return address;
}

/// DNS as a test says it is.
class FakeNames final : public dns::NameService {
public:
    struct World {
        std::map<std::string, dns::ServiceAnswer> domains;
        std::map<std::string, dns::AddressAnswer> hosts;
        std::vector<std::string> asked;
        std::function<void()> onQuestion;  // called before each answer
    };

    explicit FakeNames(World& world) : world_(world) {}

    dns::ServiceAnswer services(const std::string& domain, const dns::Stopped&) override {
        note(domain);
        const auto known = world_.domains.find(domain);
        return known != world_.domains.end() ? known->second : dns::ServiceAnswer{silence(), {}, {}, {}};
    }
    dns::AddressAnswer addresses(const std::string& host, const dns::Stopped&) override {
        note(host);
        const auto known = world_.hosts.find(host);
        return known != world_.hosts.end() ? known->second : dns::AddressAnswer{silence(), {}, {}, {}};
    }

    static dns::Said silence() { return {dns::LookupCode::timedOut, "10.0.0.53:53 gives no answer", {}}; }

private:
    void note(const std::string& name) {
        world_.asked.push_back(name);
        if (world_.onQuestion)
            world_.onQuestion();
    }

    World& world_;
};

dns::AddressAnswer hostAnswer(std::initializer_list<const char*> addresses, seconds ttl = seconds(3600)) {
    dns::AddressAnswer answer{{dns::LookupCode::found, {}, kResolver}, ttl, {}, false};
    for (const char* address : addresses)
        answer.addresses.push_back(*dns::numericAddress(address));
    return answer;
}

dns::Said denial(const char* text = "it does not exist, says 10.0.0.53:53") {
    return {dns::LookupCode::noName, text, kResolver};
}

dns::ServiceAnswer::Record record(const char* target, const char* address, std::uint16_t port = 1688,
                                  std::uint16_t priority = 0, std::uint16_t weight = 0) {
    return {priority, weight, port, target, hostAnswer({address})};
}

dns::ServiceAnswer domainAnswer(std::vector<dns::ServiceAnswer::Record> records, seconds ttl = seconds(3600)) {
    return {{dns::LookupCode::found, {}, kResolver}, {}, ttl, std::move(records)};
}

Upstream upstream(const char* name, const char* host) {
    Upstream one;
    one.name = name;
    one.host = host;
    return one;
}

}  // namespace

TEST_GROUP(Finder) {
    FakeNames::World world;
    FinderSettings settings;
    std::string state;
    std::vector<std::vector<Found>> lists;
    std::vector<std::string> logged;
    Monotonic now = std::chrono::steady_clock::now();
    Timestamp wall{std::chrono::milliseconds(1795348800000)};
    std::function<bool(const Address&)> isOwn;
    std::unique_ptr<Finder> finder;

    void setup() override {
        std::string pattern = (std::filesystem::temp_directory_path() / "muster-finder.XXXXXX").string();
        CHECK(mkdtemp(pattern.data()) != nullptr);
        state = pattern;
    }
    void teardown() override {
        finder.reset();
        std::error_code ignored;
        std::filesystem::remove_all(state, ignored);
    }

    void start() {
        Finder::Hooks hooks;
        hooks.changed = [this](const std::vector<Found>& list) { lists.push_back(list); };
        hooks.isOwn = isOwn;
        hooks.log = [this](Severity, std::string_view text) { logged.emplace_back(text); };
        hooks.names = [this](const std::vector<Address>&) { return std::make_unique<FakeNames>(world); };
        hooks.now = [this] { return now; };
        hooks.wall = [this] { return wall; };
        finder = std::make_unique<Finder>(settings, state, std::move(hooks));
    }
    Monotonic turn() const {
        return finder->step([] { return false; });
    }
    /// Lets time pass; every turn that falls due in it is taken.
    void pass(seconds time) {
        const Monotonic until = now + time;
        for (Monotonic due = turn(); due < until; due = turn()) {
            CHECK(due > now);
            wall += std::chrono::duration_cast<std::chrono::milliseconds>(due - now);
            now = due;
        }
        wall += std::chrono::duration_cast<std::chrono::milliseconds>(until - now);
        now = until;
    }
    void restart() {
        finder.reset();
        lists.clear();
        world.asked.clear();
        start();
    }
    const std::vector<Found>& list() {
        return lists.back();
    }
    std::string remark(std::size_t index) const {
        return finder->rounds().at(0).records.at(index).remark;
    }
};

TEST(Finder, givesNumericUpstreamsAtOnceAndAsksNobody) {
    settings.upstreams = {upstream("old", "10.0.0.1"), upstream("new", "2001:db8::7")};
    start();
    turn();
    LONGS_EQUAL(1, lists.size());
    CHECK(list().at(0).addresses == std::vector{at("10.0.0.1")});
    CHECK(list().at(1).addresses == std::vector{at("2001:db8::7")});
    CHECK(world.asked.empty());
}

TEST(Finder, givesANamedUpstreamAllItsAddressesWithItsPort) {
    settings.upstreams = {upstream("main", "KMS.example.org")};
    settings.upstreams[0].port = 1700;
    world.hosts["kms.example.org"] = hostAnswer({"10.0.0.1", "2001:db8::1"});
    start();
    turn();
    LONGS_EQUAL(2, lists.size());
    STRCMP_EQUAL("its name has not been looked up yet", lists[0][0].problem.c_str());
    CHECK(list()[0].addresses == (std::vector{at("10.0.0.1", 1700), at("2001:db8::1", 1700)}));
    CHECK(list()[0].problem.empty());
}

TEST(Finder, namesDiscoveredUpstreamsByTheirHostAndTakesPriorityAndWeight) {
    settings.domains = {"Example.org."};
    world.domains["example.org"] = domainAnswer({record("kms1.example.org", "10.0.0.1", 1688, 0, 10),
                                                 record("kms2.example.org", "10.0.0.2", 1688, 5, 0),
                                                 record("kms2.example.org", "10.0.0.2", 1689, 5, 0)});
    start();
    turn();
    LONGS_EQUAL(3, list().size());
    STRCMP_EQUAL("kms1.example.org", list()[0].upstream.name.c_str());
    LONGS_EQUAL(10, list()[0].upstream.weight);
    STRCMP_EQUAL("example.org", list()[0].upstream.discoveredIn.c_str());
    STRCMP_EQUAL("kms2.example.org:1688", list()[1].upstream.name.c_str());
    LONGS_EQUAL(5, list()[1].upstream.priority);
    STRCMP_EQUAL("kms2.example.org:1689", list()[2].upstream.name.c_str());
    CHECK(list()[2].addresses == std::vector{at("10.0.0.2", 1689)});
}

TEST(Finder, saysNothingWhenNothingChanged) {
    settings.domains = {"example.org"};
    world.domains["example.org"] = domainAnswer({record("kms.example.org", "10.0.0.1")});
    start();
    pass(std::chrono::hours(1));
    CHECK(world.asked.size() >= 10);
    LONGS_EQUAL(2, lists.size());  // nothing known, then the answer
}

TEST(Finder, takesAChangeAtOnce) {
    settings.domains = {"example.org"};
    world.domains["example.org"] = domainAnswer({record("kms1.example.org", "10.0.0.1")});
    start();
    turn();
    world.domains["example.org"] = domainAnswer({record("kms2.example.org", "10.0.0.2")});
    pass(seconds(400));
    LONGS_EQUAL(1, list().size());
    STRCMP_EQUAL("kms2.example.org", list()[0].upstream.name.c_str());
}

TEST(Finder, keepsTheLastAnswerWhenDnsIsSilentAndSaysSinceWhen) {
    settings.domains = {"example.org"};
    world.domains["example.org"] = domainAnswer({record("kms.example.org", "10.0.0.1")});
    start();
    turn();
    world.domains.clear();
    pass(std::chrono::hours(24));
    LONGS_EQUAL(1, list().size());
    CHECK(list()[0].addresses == std::vector{at("10.0.0.1")});
    STRCMP_EQUAL("10.0.0.53:53 gives no answer; the last known answer stays in use", list()[0].problem.c_str());
    const Timestamp broken = list()[0].since;
    CHECK(broken > Timestamp(std::chrono::milliseconds(1795348800000)));
    CHECK(wall - broken > std::chrono::hours(23));
    LONGS_EQUAL(3, lists.size());

    world.domains["example.org"] = domainAnswer({record("kms.example.org", "10.0.0.1")});
    pass(seconds(400));
    CHECK(list()[0].problem.empty());
}

TEST(Finder, letsGoOnlyWhenDnsSaysTwiceThatThereIsNothing) {
    settings.domains = {"example.org"};
    world.domains["example.org"] = domainAnswer({record("kms.example.org", "10.0.0.1")});
    start();
    turn();
    dns::ServiceAnswer nothing;
    nothing.said = denial();
    world.domains["example.org"] = nothing;
    now += seconds(400);
    const Monotonic second = turn();
    LONGS_EQUAL(1, list().size());
    CHECK_FALSE(list()[0].problem.empty());
    CHECK(second - now >= seconds(30));

    // Not by a round that somebody asks for at once.
    now += seconds(2);
    finder->refresh();
    turn();
    LONGS_EQUAL(1, list().size());

    pass(seconds(60));
    CHECK(list().empty());
    STRCMP_EQUAL(denial().text.c_str(), finder->rounds().at(0).problem.c_str());
}

TEST(Finder, aGoodAnswerInBetweenBreaksTheRowOfDenials) {
    settings.upstreams = {upstream("main", "kms.example.org")};
    world.hosts["kms.example.org"] = hostAnswer({"10.0.0.1"}, seconds(60));
    start();
    turn();
    dns::AddressAnswer nothing;
    nothing.said = denial();
    for (int i = 0; i < 5; ++i) {
        world.hosts["kms.example.org"] = nothing;
        now += seconds(100);
        turn();
        CHECK(list()[0].addresses == std::vector{at("10.0.0.1")});
        world.hosts["kms.example.org"] = hostAnswer({"10.0.0.1"}, seconds(60));
        now += seconds(100);
        turn();
    }
    CHECK(list()[0].problem.empty());
}

TEST(Finder, aFixedNameThatIsGoneStaysInTheListWithoutAddresses) {
    settings.upstreams = {upstream("main", "kms.example.org")};
    world.hosts["kms.example.org"] = hostAnswer({"10.0.0.1"});
    start();
    turn();
    dns::AddressAnswer nothing;
    nothing.said = denial();
    world.hosts["kms.example.org"] = nothing;
    pass(seconds(500));
    LONGS_EQUAL(1, list().size());
    CHECK(list()[0].addresses.empty());
    STRCMP_EQUAL(denial().text.c_str(), list()[0].problem.c_str());
}

TEST(Finder, aTargetWithoutAddressIsShownWithItsReason) {
    settings.domains = {"example.org"};
    auto stale = record("retired.example.org", "10.0.0.1");
    stale.addresses = {};
    stale.addresses.said = denial("retired.example.org does not exist");
    world.domains["example.org"] = domainAnswer({stale, record("kms.example.org", "10.0.0.2")});
    start();
    turn();
    LONGS_EQUAL(2, list().size());
    STRCMP_EQUAL("retired.example.org does not exist", list()[0].problem.c_str());
    CHECK(list()[1].problem.empty());
}

TEST(Finder, aTargetKeepsItsAddressesWhenTheyCannotBeAsked) {
    settings.domains = {"example.org"};
    world.domains["example.org"] = domainAnswer({record("kms.example.org", "10.0.0.1")});
    start();
    turn();
    auto unasked = record("kms.example.org", "10.0.0.1");
    unasked.addresses = {};
    unasked.addresses.said = FakeNames::silence();
    world.domains["example.org"] = domainAnswer({unasked});
    pass(seconds(400));
    CHECK(list()[0].addresses == std::vector{at("10.0.0.1")});
    CHECK_FALSE(list()[0].problem.empty());
}

TEST(Finder, keepsTheOtherFamilyWhenHalfTheAnswerIsMissing) {
    settings.upstreams = {upstream("main", "kms.example.org")};
    world.hosts["kms.example.org"] = hostAnswer({"10.0.0.1", "2001:db8::1"});
    start();
    turn();
    world.hosts["kms.example.org"] = hostAnswer({"10.0.0.2"});
    world.hosts["kms.example.org"].partial = true;
    pass(seconds(400));
    CHECK(list()[0].addresses == (std::vector{at("10.0.0.2"), at("2001:db8::1")}));
}

TEST(Finder, leavesOutWhatPointsAtThisAppliance) {
    settings.domains = {"example.org"};
    settings.upstreams = {upstream("loop", "192.0.2.1")};
    isOwn = [](const Address& address) { return address == at("192.0.2.1"); };
    world.domains["example.org"] =
        domainAnswer({record("kms.example.org", "10.0.0.1"), record("muster.example.org", "192.0.2.1"),
                      record("other", "192.0.2.1", 1689)});
    start();
    turn();
    LONGS_EQUAL(3, list().size());
    CHECK(list()[0].addresses.empty());
    STRCMP_EQUAL("points at this appliance itself; correct its address", list()[0].problem.c_str());
    STRCMP_EQUAL("points at this appliance: it publishes itself", remark(1).c_str());
    STRCMP_EQUAL("other", finder->rounds().at(0).records.at(2).upstream.c_str());
}

TEST(Finder, noticesThatAnUpstreamIsThisApplianceWhenItsListenerHasStarted) {
    settings.upstreams = {upstream("loop", "192.0.2.1")};
    bool listening = false;
    isOwn = [&](const Address& address) { return listening && address == at("192.0.2.1"); };
    start();
    turn();
    CHECK(list()[0].problem.empty());
    listening = true;
    pass(seconds(10));
    CHECK(list()[0].addresses.empty());
    CHECK_FALSE(list()[0].problem.empty());
}

TEST(Finder, leavesOutWhatTheSettingsOrAnotherRecordNameAlready) {
    settings.domains = {"example.org", "example.net"};
    settings.upstreams = {upstream("main", "10.0.0.1")};
    world.domains["example.org"] =
        domainAnswer({record("kms1.example.org", "10.0.0.1"), record("kms2.example.org", "10.0.0.2")});
    world.domains["example.net"] = domainAnswer({record("kms2.example.org", "10.0.0.2")});
    start();
    turn();
    LONGS_EQUAL(2, list().size());
    STRCMP_EQUAL("kms2.example.org", list()[1].upstream.name.c_str());
    STRCMP_EQUAL("is upstream main already", remark(0).c_str());
    STRCMP_EQUAL("is upstream kms2.example.org already", finder->rounds().at(1).records.at(0).remark.c_str());
}

TEST(Finder, givesLongHostsNamesThatFitAndDiffer) {
    settings.domains = {"example.org"};
    const std::string common(60, 'k');
    world.domains["example.org"] = domainAnswer({record((common + ".one.example.org").c_str(), "10.0.0.1"),
                                                 record((common + ".two.example.org").c_str(), "10.0.0.2")});
    start();
    turn();
    LONGS_EQUAL(2, list().size());
    LONGS_EQUAL(64, list()[0].upstream.name.size());
    LONGS_EQUAL(64, list()[1].upstream.name.size());
    CHECK(list()[0].upstream.name != list()[1].upstream.name);
}

TEST(Finder, findsItsUpstreamsAfterARestartWhileDnsIsSilent) {
    settings.domains = {"example.org"};
    settings.upstreams = {upstream("main", "kms.example.org.")};
    world.domains["example.org"] = domainAnswer({record("kms1.example.org", "10.0.0.1", 1700, 3, 4)});
    world.hosts["kms.example.org."] = hostAnswer({"10.0.0.9", "2001:db8::9"});
    start();
    turn();
    world.domains.clear();
    world.hosts.clear();
    restart();
    turn();
    // Known before anybody was asked, and not lost by the silence.
    for (const auto& shown : {lists.front(), lists.back()}) {
        LONGS_EQUAL(2, shown.size());
        CHECK(shown[0].addresses == (std::vector{at("10.0.0.9"), at("2001:db8::9")}));
        STRCMP_EQUAL("kms1.example.org", shown[1].upstream.name.c_str());
        LONGS_EQUAL(3, shown[1].upstream.priority);
        LONGS_EQUAL(4, shown[1].upstream.weight);
        CHECK(shown[1].addresses == std::vector{at("10.0.0.1", 1700)});
    }
    CHECK(lists.front()[1].problem.empty());
    CHECK_FALSE(lists.back()[1].problem.empty());
    CHECK(finder->rounds().at(0).answered != Timestamp{});
}

TEST(Finder, doesNotUseAFileThatIsNotItsOwn) {
    settings.domains = {"example.org"};
    std::ofstream(state + "/upstreams-found") << "muster relay, upstreams found, version 1\ndomain example.org 1\n"
                                                 "service 0 0 1688 kms.example.org\nhost kms.example.org 1\n";
    start();
    turn();
    CHECK(list().empty());
    LONGS_EQUAL(1, logged.size());
    STRCMP_CONTAINS("cut off", logged[0].c_str());

    world.domains["example.org"] = domainAnswer({record("kms.example.org", "10.0.0.1")});
    pass(seconds(400));
    restart();
    turn();
    LONGS_EQUAL(1, lists.front().size());
}

TEST(Finder, saysOnceThatItCannotKeepWhatItFound) {
    settings.domains = {"example.org"};
    std::filesystem::remove_all(state);
    world.domains["example.org"] = domainAnswer({record("kms.example.org", "10.0.0.1")});
    start();
    pass(std::chrono::hours(2));
    LONGS_EQUAL(1, logged.size());
    STRCMP_CONTAINS("upstreams-found", logged[0].c_str());
}

TEST(Finder, asksAgainWhenTheTtlIsOverButNotMoreOftenThanTwiceAMinute) {
    settings.upstreams = {upstream("main", "kms.example.org")};
    for (const auto& [ttl, least, most] :
         {std::tuple(0, 27, 33), std::tuple(100, 90, 110), std::tuple(86400, 270, 330)}) {
        world.hosts["kms.example.org"] = hostAnswer({"10.0.0.1"}, seconds(ttl));
        start();
        turn();
        now += seconds(10);
        const auto wait = turn() - now + seconds(10);
        CHECK(wait >= seconds(least));
        CHECK(wait <= seconds(most));
    }
}

TEST(Finder, asksAtTheIntervalThatTheSettingsSay) {
    settings.upstreams = {upstream("main", "kms.example.org")};
    settings.interval = seconds(10);
    world.hosts["kms.example.org"] = hostAnswer({"10.0.0.1"}, seconds(3600));
    start();
    pass(seconds(100));
    CHECK(world.asked.size() >= 9);
    CHECK(world.asked.size() <= 12);
}

TEST(Finder, triesAgainSoonAfterAFailureAndThenLessOften) {
    settings.upstreams = {upstream("main", "kms.example.org")};
    start();
    CHECK(turn() - now <= seconds(6));
    pass(std::chrono::hours(1));
    CHECK(world.asked.size() > 10);
    CHECK(world.asked.size() < 30);
}

TEST(Finder, keepsWhatItKnowsWhenOtherSettingsCome) {
    settings.domains = {"example.org"};
    world.domains["example.org"] = domainAnswer({record("kms.example.org", "10.0.0.1")});
    start();
    turn();
    world.domains.clear();
    settings.upstreams = {upstream("more", "10.0.0.5")};
    finder->apply(settings);
    turn();
    LONGS_EQUAL(2, list().size());
    STRCMP_EQUAL("more", list()[0].upstream.name.c_str());
    CHECK(list()[1].addresses == std::vector{at("10.0.0.1")});

    settings.domains.clear();
    finder->apply(settings);
    turn();
    LONGS_EQUAL(1, list().size());
    CHECK(finder->rounds().empty());
}

TEST(Finder, asksOtherResolversAtOnce) {
    settings.domains = {"example.org"};
    start();
    turn();
    world.asked.clear();
    settings.resolvers = {kResolver};
    finder->apply(settings);
    turn();
    LONGS_EQUAL(1, world.asked.size());
}

TEST(Finder, takesOneRoundASecondHoweverOftenItIsAsked) {
    settings.domains = {"example.org"};
    world.domains["example.org"] = domainAnswer({record("kms.example.org", "10.0.0.1")});
    start();
    turn();
    world.asked.clear();
    for (int i = 0; i < 100; ++i) {
        finder->refresh();
        const Monotonic next = turn();
        CHECK(next > now);
    }
    LONGS_EQUAL(1, world.asked.size());
    now += seconds(1);
    turn();
    LONGS_EQUAL(2, world.asked.size());
}

TEST(Finder, runsUntilItIsStoppedAndAnswersWhoWaitsForARound) {
    settings.domains = {"example.org"};
    world.domains["example.org"] = domainAnswer({record("kms.example.org", "10.0.0.1")});
    start();
    const std::atomic<bool> stopping{false};
    std::thread thread([&] { finder->run(stopping); });
    CHECK(finder->refreshAndWait(std::chrono::minutes(2)));
    const auto rounds = finder->rounds();
    finder->stop();
    thread.join();
    LONGS_EQUAL(1, rounds.size());
    STRCMP_EQUAL("kms.example.org", rounds[0].records.at(0).upstream.c_str());
    CHECK_FALSE(finder->refreshAndWait(std::chrono::minutes(2)));
}
