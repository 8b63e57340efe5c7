#include "watch.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "CppUTest/TestHarness.h"

#include "dns/system_names.h"

using namespace muster;
using namespace muster::publisher;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

namespace {

const Address kResolver = *Address::parse("10.0.0.53:53");
// The watch counts from the end of a look, which takes real time.
constexpr seconds kSecond = Watch::kSecondLook + seconds(30);
const dns::Stopped kGoOn = [] { return false; };

dns::AddressAnswer hostAt(const char* address) {
    return {{dns::LookupCode::found, {}, kResolver}, seconds(3600), {*dns::numericAddress(address)}, false};
}
dns::AddressAnswer noHost() {
    return {{dns::LookupCode::noName, "it does not exist", kResolver}, {}, {}, false};
}
dns::Said silence() {
    return {dns::LookupCode::timedOut, "10.0.0.53:53 gives no answer", kResolver};
}

/// DNS, hosts and clocks as a test says they are.
struct World {
    std::map<std::string, dns::ServiceAnswer> domains;
    std::map<std::string, dns::AddressAnswer> hosts;
    std::map<std::string, dns::Reply> servers;  // by address and name: "10.0.0.1:53 _vlmcs._tcp.corp.example"
    std::map<std::string, Probe> ports;         // by address; others are closed
    ZoneServers zone;
    std::vector<std::pair<std::uint32_t, Json>> events;
    std::vector<std::string> asked;
    std::size_t probed = 0;
    Timestamp wall{std::chrono::milliseconds(1795348800000)};
    Monotonic now = std::chrono::steady_clock::now();

    void record(const std::string& domain, const char* target, const char* address, std::uint16_t priority = 0,
                std::uint16_t weight = 0, std::uint16_t port = 1688) {
        auto& answer = domains[domain];
        answer.said = {dns::LookupCode::found, {}, kResolver};
        answer.ttl = seconds(600);
        answer.records.push_back({priority, weight, port, target, address != nullptr ? hostAt(address) : noHost()});
    }
    void kms(const char* address) {
        ports[address] = {*Address::parse(address), Probe::Port::open, Probe::Rpc::kms, {}};
    }
    void advance(seconds by) {
        wall += by;
        now += by;
    }
    std::string toldOf(std::uint32_t id) const {
        std::string text;
        for (const auto& [event, fields] : events)
            if (event == id)
                text += *fields.find("target")->string() + " ";
        return text;
    }
};

class FakeNames final : public dns::NameService {
public:
    explicit FakeNames(World& world) : world_(world) {}
    dns::ServiceAnswer services(const std::string& domain, const dns::Stopped&) override {
        world_.asked.push_back(domain);
        const auto known = world_.domains.find(domain);
        return known != world_.domains.end() ? known->second : dns::ServiceAnswer{silence(), {}, {}, {}};
    }
    dns::AddressAnswer addresses(const std::string& host, const dns::Stopped&) override {
        world_.asked.push_back(host);
        const auto known = world_.hosts.find(host);
        return known != world_.hosts.end() ? known->second : dns::AddressAnswer{silence(), {}, {}, false};
    }

private:
    World& world_;
};

WatchedDomain domain(const char* name, bool expected = true) {
    return {name, "muster-01.corp.example", 1688, 0, 100, expected, std::nullopt};
}

Watch::Hooks hooksOf(World& world) {
    Watch::Hooks hooks;
    hooks.raise = [&world](std::uint32_t id, Json fields) { world.events.emplace_back(id, std::move(fields)); };
    hooks.names = [&world](const auto&) { return std::make_unique<FakeNames>(world); };
    hooks.probe = [&world](const std::vector<Address>& addresses, const ProbeTerms&, const dns::Stopped&) {
        std::vector<Probe> probes;
        for (const Address& address : addresses) {
            ++world.probed;
            const auto known = world.ports.find(address.text());
            probes.push_back(known != world.ports.end()
                                 ? known->second
                                 : Probe{address, Probe::Port::closed, Probe::Rpc::notTried, "refuses"});
        }
        return probes;
    };
    hooks.ask = [&world](const Address& server, const std::string& name, const dns::Stopped&) {
        const auto known = world.servers.find(server.text() + " " + name);
        return known != world.servers.end() ? known->second : dns::Reply{};
    };
    hooks.upstreams = [] { return std::vector<KnownUpstream>{{"kms-a", "kms-a.corp.example", 1688, {}}}; };
    hooks.isOwn = [](const Address& address) { return address == *Address::parse("10.20.0.16:1688"); };
    hooks.wall = [&world] { return world.wall; };
    return hooks;
}

dns::Reply authoritative(std::vector<dns::Service> services) {
    dns::Reply reply;
    reply.ending = dns::Ending::answered;
    reply.answer.authoritative = true;
    reply.answer.services = std::move(services);
    reply.answer.recordTtl = seconds(600);
    return reply;
}

const TargetRow* row(const Watch& watch, const std::string& domain, const std::string& target) {
    static std::vector<DomainRow> rows;
    rows = watch.domains();
    for (const DomainRow& one : rows)
        for (const TargetRow& found : one.targets)
            if (one.domain == domain && found.target == target)
                return &found;
    return nullptr;
}

}  // namespace

TEST_GROUP(Watch) {
    World world;
    std::string folder;

    void setup() override {
        std::string pattern = (std::filesystem::temp_directory_path() / "muster-watch.XXXXXX").string();
        CHECK(mkdtemp(pattern.data()) != nullptr);
        folder = pattern;
        world.record("corp.example", "muster-01.corp.example", "10.20.0.16", 0, 100);
        world.kms("10.20.0.16:1688");
    }
    void teardown() override {
        std::error_code ignored;
        std::filesystem::remove_all(folder, ignored);
    }
    std::unique_ptr<Watch> watch(std::vector<WatchedDomain> domains, const std::string& directory = {}) {
        WatchSettings settings;
        settings.domains = std::move(domains);
        return std::make_unique<Watch>(settings, directory, hooksOf(world));
    }
    /// One look at whatever is due, `later` than the one before.
    Monotonic look(Watch & watch, seconds later = seconds(0)) {
        world.advance(later);
        return watch.step(world.now, kGoOn);
    }
    Verdict verdict(const Watch& watch, const char* target) {
        const TargetRow* found = row(watch, "corp.example", target);
        return found != nullptr ? found->judgement.verdict : Verdict::unknown;
    }
};

TEST(Watch, judgesEveryTarget) {
    world.record("corp.example", "kms-a.corp.example", "10.20.0.21");
    world.record("corp.example", "kms-old.corp.example", nullptr);
    world.record("corp.example", "ws-2211.corp.example", "10.20.19.211");
    world.record("corp.example", "off.corp.example", "10.20.0.99");
    world.kms("10.20.0.21:1688");
    world.kms("10.20.19.211:1688");
    auto watching = watch({domain("corp.example")});
    look(*watching);
    CHECK(verdict(*watching, "muster-01.corp.example") == Verdict::ours);
    CHECK(verdict(*watching, "kms-a.corp.example") == Verdict::bypass);
    CHECK(verdict(*watching, "kms-old.corp.example") == Verdict::stale);
    CHECK(verdict(*watching, "ws-2211.corp.example") == Verdict::foreign);
    CHECK(verdict(*watching, "off.corp.example") == Verdict::unreachable);
    CHECK(world.events.empty());  // a first look tells nothing
    look(*watching, kSecond);
    STRCMP_EQUAL("kms-a.corp.example ", world.toldOf(kBypass).c_str());
    STRCMP_EQUAL("kms-old.corp.example ", world.toldOf(kRecordStale).c_str());
    STRCMP_EQUAL("ws-2211.corp.example ", world.toldOf(kForeignHost).c_str());
    STRCMP_EQUAL("off.corp.example ", world.toldOf(kTargetUnreachable).c_str());
    LONGS_EQUAL(4, world.events.size());
    for (int i = 0; i < 8; ++i)
        look(*watching, minutes(17));
    LONGS_EQUAL(4, world.events.size());  // once
    look(*watching, hours(24));
    LONGS_EQUAL(8, world.events.size());  // and again after a day
}

TEST(Watch, looksAtTheIntervalAndSoonerToMakeSure) {
    auto watching = watch({domain("corp.example")});
    const Monotonic quiet = look(*watching);
    CHECK(quiet - world.now >= minutes(13));
    CHECK(quiet - world.now <= minutes(17));
    world.record("corp.example", "kms-old.corp.example", nullptr);
    const Monotonic doubtful = look(*watching, minutes(17));
    CHECK(doubtful - world.now <= Watch::kSecondLook + seconds(5));
    const std::size_t before = world.asked.size();
    look(*watching, seconds(1));
    LONGS_EQUAL(before, world.asked.size());  // nothing is due
}

TEST(Watch, missesOurRecordOnlyWhereItIsToBe) {
    world.domains["branch.example"] = {{dns::LookupCode::noRecords, "nothing", kResolver}, {}, {}, {}};
    world.domains["drained.example"] = world.domains["branch.example"];
    auto watching = watch({domain("branch.example"), domain("drained.example", false)});
    look(*watching);
    CHECK(row(*watching, "branch.example", "muster-01.corp.example")->judgement.verdict == Verdict::missing);
    CHECK(row(*watching, "drained.example", "muster-01.corp.example") == nullptr);
    look(*watching, kSecond);
    LONGS_EQUAL(1, world.events.size());
    LONGS_EQUAL(kRecordMissing, world.events[0].first);
    // It comes: told as well.
    world.domains["branch.example"] = world.domains["corp.example"];
    look(*watching, minutes(17));
    look(*watching, kSecond);
    LONGS_EQUAL(2, world.events.size());
    LONGS_EQUAL(kSettled, world.events[1].first);
    STRCMP_EQUAL("missing", world.events[1].second.find("before")->string()->c_str());
}

TEST(Watch, concludesNothingFromADnsThatIsSilent) {
    auto watching = watch({domain("corp.example")});
    look(*watching);
    world.domains.clear();
    look(*watching, minutes(17));
    look(*watching, minutes(17));
    CHECK(verdict(*watching, "muster-01.corp.example") == Verdict::ours);
    const DomainRow domain = watching->domains().at(0);
    STRCMP_EQUAL("10.0.0.53:53 gives no answer", domain.problem.c_str());
    CHECK(domain.answered < domain.checked);
    CHECK(world.events.empty());
}

TEST(Watch, comparesTheNameServersOfTheZone) {
    const dns::Service muster{0, 100, 1688, "muster-01.corp.example"};
    const dns::Service old{0, 0, 1688, "kms-old.corp.example"};
    world.zone = {"corp.example",
                  {{"ns1.corp.example", {*Address::parse("10.0.0.1:53")}},
                   {"ns2.corp.example", {*Address::parse("10.0.0.9:53"), *Address::parse("10.0.0.2:53")}},
                   {"ns3.corp.example", {}}},
                  {}};
    world.servers["10.0.0.1:53 _vlmcs._tcp.corp.example"] = authoritative({muster});
    world.servers["10.0.0.2:53 _vlmcs._tcp.corp.example"] = authoritative({muster, old});
    world.hosts["kms-old.corp.example."] = noHost();
    Watch::Hooks hooks = hooksOf(world);
    hooks.servers = [&](const std::string&, const dns::Stopped&) { return world.zone; };
    WatchSettings settings;
    settings.domains = {domain("corp.example")};
    Watch watching(settings, {}, hooks);
    look(watching);
    const DomainRow domain = watching.domains().at(0);
    CHECK(domain.servers.verdict == Verdict::serversDiffer);
    STRCMP_EQUAL("compared with ns1.corp.example, ns2.corp.example has also kms-old.corp.example:1688 (0 0)",
                 domain.servers.evidence.c_str());
    LONGS_EQUAL(3, domain.views.size());
    STRCMP_EQUAL("10.0.0.2:53", domain.views[1].address.text().c_str());
    STRCMP_EQUAL("has no address", domain.views[2].problem.c_str());
    // What only one of them has is looked at all the same.
    const TargetRow* stale = row(watching, "corp.example", "kms-old.corp.example");
    CHECK(stale != nullptr && stale->judgement.verdict == Verdict::stale);
    LONGS_EQUAL(1, stale->servers.size());
    look(watching, kSecond);
    STRCMP_EQUAL("the name servers ", world.toldOf(kServersDiffer).c_str());
    world.servers["10.0.0.2:53 _vlmcs._tcp.corp.example"] = authoritative({muster});
    look(watching, minutes(17));
    look(watching, kSecond);
    STRCMP_EQUAL("the name servers kms-old.corp.example ", world.toldOf(kSettled).c_str());
}

TEST(Watch, believesAuthoritativeServersAlone) {
    world.zone = {"corp.example", {{"ns1.corp.example", {*Address::parse("10.0.0.1:53")}}}, {}};
    dns::Reply lame = authoritative({{0, 0, 1688, "evil.example.net"}});
    lame.answer.authoritative = false;
    world.servers["10.0.0.1:53 _vlmcs._tcp.corp.example"] = lame;
    Watch::Hooks hooks = hooksOf(world);
    hooks.servers = [&](const std::string&, const dns::Stopped&) { return world.zone; };
    WatchSettings settings;
    settings.domains = {domain("corp.example")};
    Watch watching(settings, {}, hooks);
    look(watching);
    CHECK(row(watching, "corp.example", "evil.example.net") == nullptr);
    CHECK(verdict(watching, "muster-01.corp.example") == Verdict::ours);  // what the resolver says counts then
}

TEST(Watch, boundsWhatOneDomainCanAskOfIt) {
    for (int i = 0; i < 300; ++i) {
        world.record("corp.example", ("host-" + std::to_string(i) + ".corp.example").c_str(), "10.1.0.1", 0, 0,
                     static_cast<std::uint16_t>(1000 + i));
        auto& addresses = world.domains["corp.example"].records.back().addresses.addresses;
        for (int j = 2; j < 17; ++j)
            addresses.push_back(*dns::numericAddress("10.1.0." + std::to_string(j)));
    }
    auto watching = watch({domain("corp.example")});
    look(*watching);
    LONGS_EQUAL(Watch::kMaxTargets, watching->domains().at(0).targets.size());
    CHECK(world.probed <= Watch::kMaxTargets * Watch::kMaxProbed);
    CHECK_FALSE(watching->domains().at(0).note.empty());
}

TEST(Watch, keepsFirstAndLastSeenOverARestart) {
    const Timestamp first = world.wall;
    {
        auto watching = watch({domain("corp.example")}, folder);
        look(*watching);
    }
    auto watching = watch({domain("corp.example")}, folder);
    look(*watching, hours(48));
    const TargetRow* found = row(*watching, "corp.example", "muster-01.corp.example");
    CHECK(found->first == first);
    CHECK(found->last == world.wall);
    CHECK(found->since == first);
    LONGS_EQUAL(1, watching->history().size());
}

TEST(Watch, saysThatTheHistoryWasDamaged) {
    std::ofstream(folder + "/targets-seen") << "\xff\xfe";
    auto watching = watch({domain("corp.example")}, folder);
    look(*watching);
    LONGS_EQUAL(1, world.events.size());
    LONGS_EQUAL(kHistorySetAside, world.events[0].first);
    CHECK(std::filesystem::exists(folder + "/targets-seen.bad"));
    LONGS_EQUAL(1, HistoryFile(folder + "/targets-seen").read()->size());
}

TEST(Watch, takesOtherSettingsAtTheNextTurn) {
    auto watching = watch({domain("corp.example")});
    look(*watching);
    WatchSettings settings;
    settings.domains = {domain("corp.example")};
    settings.domains[0].weight = 7;
    watching->apply(settings);
    look(*watching, seconds(1));
    CHECK(verdict(*watching, "muster-01.corp.example") == Verdict::differs);
}

TEST(Watch, asksWhetherTheRecordIsExpectedAtEachLook) {
    Watch::Hooks hooks = hooksOf(world);
    Timestamp refreshed = world.wall;
    hooks.refreshed = [&](WatchedDomain& domain) { domain.refreshed = refreshed; };
    WatchSettings settings;
    settings.domains = {domain("corp.example")};
    Watch watching(settings, {}, hooks);
    look(watching);
    CHECK(verdict(watching, "muster-01.corp.example") == Verdict::ours);
    look(watching, hours(24 * 6));
    CHECK(verdict(watching, "muster-01.corp.example") == Verdict::scavenging);
    refreshed = world.wall;
    look(watching, hours(1));
    CHECK(verdict(watching, "muster-01.corp.example") == Verdict::ours);
}

TEST(Watch, checksAtOnceWhenAskedFromAnotherThread) {
    auto watching = watch({domain("corp.example")});
    std::atomic<bool> stopping{false};
    std::thread thread([&] { watching->run(stopping); });
    CHECK(watching->checkAndWait(std::chrono::seconds(60)));
    LONGS_EQUAL(1, watching->domains().at(0).targets.size());
    CHECK(watching->checkAndWait(std::chrono::seconds(60)));
    watching->stop();
    thread.join();
    CHECK(world.asked.size() >= 2);
}
