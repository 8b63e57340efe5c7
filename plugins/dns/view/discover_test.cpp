#include "discover.h"

#include <map>

#include "CppUTest/TestHarness.h"

#include "dns/system_names.h"

using namespace muster;
using namespace muster::publisher;
using Status = DiscoverStep::Status;
using Kind = DiscoverStep::Kind;
using std::chrono::seconds;

namespace {

const Address kResolver = *Address::parse("10.0.0.53:53");
const dns::Stopped kGoOn = [] { return false; };

/// DNS and hosts as a test says they are.
class World final : public dns::NameService {
public:
    std::map<std::string, dns::ServiceAnswer> domains;
    std::map<std::string, Probe> ports;
    std::vector<std::string> asked;

    dns::ServiceAnswer services(const std::string& domain, const dns::Stopped&) override {
        asked.push_back(domain);
        const auto known = domains.find(domain);
        return known != domains.end() ? known->second : answer(dns::LookupCode::noName);
    }
    dns::AddressAnswer addresses(const std::string&, const dns::Stopped&) override { return {}; }

    static dns::ServiceAnswer answer(dns::LookupCode code) {
        return {{code, "10.0.0.53:53 says so", kResolver}, {}, {}, {}};
    }
    /// @param address  nullptr: there is no such host
    World& record(const char* domain, const char* target, const char* address, std::uint16_t priority = 0,
                  std::uint16_t weight = 0, bool kms = true) {
        auto& known = domains[domain];
        known.said = {dns::LookupCode::found, {}, kResolver};
        known.ttl = seconds(3600);
        dns::AddressAnswer host{{dns::LookupCode::noName, "no", kResolver}, {}, {}, false};
        if (address != nullptr) {
            host = {{dns::LookupCode::found, {}, kResolver}, seconds(60), {*dns::numericAddress(address)}, false};
            const Address at = *Address::parse(std::string(address) + ":1688");
            if (kms)
                ports[at.text()] = {at, Probe::Port::open, Probe::Rpc::kms, {}};
        }
        known.records.push_back({priority, weight, 1688, target, host});
        return *this;
    }
    ProbeAll probe() {
        return [this](const std::vector<Address>& addresses, const ProbeTerms&, const dns::Stopped&) {
            std::vector<Probe> probes;
            for (const Address& address : addresses) {
                const auto known = ports.find(address.text());
                probes.push_back(known != ports.end()
                                     ? known->second
                                     : Probe{address, Probe::Port::closed, Probe::Rpc::notTried, "refuses it"});
            }
            return probes;
        };
    }
};

}  // namespace

TEST_GROUP(Discover) {
    World world;
    const Owners owners{
        {"muster-01.corp.example"}, {{"kms-a", "kms-a.corp.example", 1688, {}}}, {"kms-b.corp.example"}, {}};

    Discovery see(std::vector<std::string> suffixes = {"corp.example"}, ClientKind as = ClientKind::win7) {
        auto seen = discover({std::move(suffixes), as, {}}, world, owners, kGoOn, world.probe());
        CHECK(seen.has_value());
        return std::move(*seen);
    }
    static const DiscoverStep* find(const Discovery& discovery, Kind kind, const std::string& subject) {
        for (const DiscoverStep& step : discovery.steps)
            if (step.kind == kind && step.subject.find(subject) != std::string::npos)
                return &step;
        return nullptr;
    }
    void concludes(const char* sentence, ClientKind as = ClientKind::win7) {
        STRCMP_EQUAL(sentence, see({"corp.example"}, as).conclusion.c_str());
    }
};

TEST(Discover, findsTheApplianceStepByStep) {
    world.record("corp.example", "muster-01.corp.example", "10.20.0.16", 0, 100);
    const Discovery seen = see();
    LONGS_EQUAL(6, seen.steps.size());
    for (const DiscoverStep& step : seen.steps)
        CHECK(step.status == Status::ok);
    STRCMP_EQUAL("1 record, TTL 3600 s, says 10.0.0.53:53",
                 find(seen, Kind::services, "_vlmcs._tcp.corp.example")->text.c_str());
    STRCMP_EQUAL("10.20.0.16, says 10.0.0.53:53", find(seen, Kind::address, "muster-01")->text.c_str());
    STRCMP_EQUAL("answers as a KMS host, is this appliance", find(seen, Kind::bind, "muster-01")->text.c_str());
    STRCMP_EQUAL("All new Windows 7 clients ask muster-01.corp.example first, which is this appliance.",
                 seen.conclusion.c_str());
    CHECK(seen.finds);
    CHECK(seen.code == HResult::ok);
}

TEST(Discover, saysWhoAsksAForeignHostFirst) {
    world.record("corp.example", "ws-2211.corp.example", "10.20.19.211")
        .record("corp.example", "kms-a.corp.example", "10.20.0.21")
        .record("corp.example", "muster-01.corp.example", "10.20.0.16", 10, 100);
    const Discovery seen = see();
    STRCMP_EQUAL(
        "Half of the new Windows 7 clients ask ws-2211.corp.example first, which answers as a KMS host but is "
        "none of yours; this appliance comes after it.",
        seen.conclusion.c_str());
    CHECK(find(seen, Kind::bind, "ws-2211")->status == Status::note);
    STRCMP_EQUAL(
        "lowest priority is 0, of ws-2211.corp.example:1688 weight 0 and kms-a.corp.example:1688 weight 0; "
        "only when none of these answers, muster-01.corp.example:1688 priority 10",
        find(seen, Kind::choice, "3 hosts")->text.c_str());
    STRCMP_EQUAL("muster-01.corp.example", seen.candidates[2].service.target.c_str());
    concludes(
        "A third of the new Windows Vista clients ask ws-2211.corp.example first, which answers as a KMS host but "
        "is none of yours; 333 of 1,000 ask this appliance first.",
        ClientKind::vista);
}

TEST(Discover, reckonsWithTheWeights) {
    world.record("corp.example", "muster-01.corp.example", "10.20.0.16", 0, 100)
        .record("corp.example", "kms-a.corp.example", "10.20.0.21", 0, 0);
    concludes(
        "10 of 1,000 new Windows 7 clients ask kms-a.corp.example first, which is upstream kms-a, so that they do "
        "not pass here; 990 of 1,000 ask this appliance first.");
    concludes(
        "Half of the new Windows Vista clients ask kms-a.corp.example first, which is upstream kms-a, so that they "
        "do not pass here; 500 of 1,000 ask this appliance first.",
        ClientKind::vista);
}

TEST(Discover, saysThatClientsLoseTimeOnAStaleRecord) {
    world.record("corp.example", "muster-01.corp.example", "10.20.0.16")
        .record("corp.example", "kms-old.corp.example", nullptr);
    const Discovery seen = see();
    const DiscoverStep* step = find(seen, Kind::address, "kms-old");
    CHECK(step->status == Status::failed);
    CHECK(step->code == HResult::rpcServerUnavailable);
    CHECK(find(seen, Kind::port, "kms-old")->status == Status::skipped);
    STRCMP_EQUAL(
        "Half of the new Windows 7 clients ask kms-old.corp.example first, which has no address; they lose "
        "seconds and go on to the next; 500 of 1,000 ask this appliance first.",
        seen.conclusion.c_str());
}

TEST(Discover, saysWhenTheApplianceIsNotInThere) {
    world.record("corp.example", "kms-b.corp.example", "10.20.0.22");
    concludes(
        "All new Windows 7 clients ask kms-b.corp.example first, which is allowed beside this appliance; this "
        "appliance has no record there.");
}

TEST(Discover, failsAsWindowsDoesWhereThereIsNoName) {
    const Discovery seen = see();
    LONGS_EQUAL(0x8007232B, static_cast<std::uint32_t>(seen.code));
    STRCMP_EQUAL("DNS name does not exist.", find(seen, Kind::services, "_vlmcs")->windows.c_str());
    STRCMP_EQUAL("No new Windows 7 client finds a KMS host by DNS: it reports 0x8007232B, DNS name does not exist.",
                 seen.conclusion.c_str());
    CHECK_FALSE(seen.finds);
}

TEST(Discover, failsAsWindowsDoesWhereThereAreNoRecords) {
    for (const auto code : {dns::LookupCode::noRecords, dns::LookupCode::noService}) {
        world.domains["corp.example"] = World::answer(code);
        const Discovery seen = see();
        LONGS_EQUAL(0x8007251D, static_cast<std::uint32_t>(seen.code));
        STRCMP_EQUAL("No records found for DNS query.", find(seen, Kind::services, "_vlmcs")->windows.c_str());
    }
}

TEST(Discover, failsAsWindowsDoesWhereTheServerFailsAndAsksNoOtherSuffix) {
    for (const auto code : {dns::LookupCode::serverFailure, dns::LookupCode::timedOut, dns::LookupCode::refused}) {
        world.domains["corp.example"] = World::answer(code);
        world.asked.clear();
        const Discovery seen = see({"corp.example", "branch.example"});
        LONGS_EQUAL(0x8007232A, static_cast<std::uint32_t>(seen.code));
        LONGS_EQUAL(1, world.asked.size());
        STRCMP_EQUAL("10.0.0.53:53 says so", find(seen, Kind::services, "_vlmcs")->text.c_str());
    }
}

TEST(Discover, failsAsWindowsDoesWhereNoHostAnswers) {
    world.record("corp.example", "muster-01.corp.example", "10.20.0.16", 0, 0, false)
        .record("corp.example", "kms-old.corp.example", nullptr);
    const Discovery seen = see();
    CHECK(seen.code == HResult::rpcServerUnavailable);
    CHECK(find(seen, Kind::port, "muster-01")->code == HResult::rpcServerUnavailable);
    STRCMP_EQUAL(
        "None of the hosts that new Windows 7 clients find answers as a KMS host: they report 0x800706BA, The "
        "RPC server is unavailable.",
        seen.conclusion.c_str());
}

TEST(Discover, goesThroughTheSuffixesUntilOneHasRecords) {
    world.domains["one.example"] = World::answer(dns::LookupCode::noRecords);
    world.record("three.example", "muster-01.corp.example", "10.20.0.16");
    world.record("four.example", "ws-2211.corp.example", "10.20.19.211");
    const Discovery seen = see({"One.Example.", "two.example", "three.example", "four.example"});
    LONGS_EQUAL(3, world.asked.size());
    STRCMP_EQUAL("three.example", seen.domain.c_str());
    CHECK(seen.code == HResult::ok);
    CHECK(find(seen, Kind::services, "one.example")->status == Status::failed);
    // All denied: the code of the one that came nearest.
    LONGS_EQUAL(0x8007251D, static_cast<std::uint32_t>(see({"one.example", "two.example"}).code));
}

TEST(Discover, tellsWhatIsNoKmsHost) {
    world.record("corp.example", "web.corp.example", "10.20.0.80");
    world.ports["10.20.0.80:1688"].rpc = Probe::Rpc::other;
    world.ports["10.20.0.80:1688"].words = "answers with what is no RPC";
    const Discovery seen = see();
    CHECK(find(seen, Kind::port, "web")->status == Status::ok);
    CHECK(find(seen, Kind::bind, "web")->status == Status::failed);
    STRCMP_EQUAL("it answers with what is no RPC", find(seen, Kind::bind, "web")->text.c_str());
    CHECK_FALSE(seen.finds);
}

TEST(Discover, refusesWhatIsNoSuffix) {
    const auto refused = [&](std::vector<std::string> suffixes) {
        const auto seen = discover({std::move(suffixes), ClientKind::win7, {}}, world, owners, kGoOn, world.probe());
        return !seen && seen.error().code == Code::malformed;
    };
    CHECK(refused({}));
    CHECK(refused({"a b"}));
    CHECK(refused({"\x1b[2J.example"}));
    CHECK(refused(
        {std::string(60, 'a') + "." + std::string(60, 'b') + "." + std::string(60, 'c') + "." + std::string(62, 'd')}));
    CHECK(refused(std::vector<std::string>(9, "corp.example")));
    CHECK(world.asked.empty());
    const auto stopped = discover(
        {{"corp.example"}, ClientKind::win7, {}}, world, owners, [] { return true; }, world.probe());
    CHECK(!stopped && stopped.error().code == Code::timeout);
}

TEST(Discover, isTextForATerminal) {
    world.record("corp.example", "muster-01.corp.example", "10.20.0.16", 0, 100)
        .record("corp.example", "kms-old.corp.example", nullptr, 0, 0);
    STRCMP_EQUAL(
        "As Windows 7 clients that have no host yet:\n"
        "  ok      suffixes corp.example: the only suffix that is asked\n"
        "  ok      srv _vlmcs._tcp.corp.example: 2 records, TTL 3600 s, says 10.0.0.53:53\n"
        "  ok      choice 2 hosts: lowest priority is 0, of muster-01.corp.example:1688 weight 100 and "
        "kms-old.corp.example:1688 weight 0\n"
        "  ok      address muster-01.corp.example: 10.20.0.16, says 10.0.0.53:53\n"
        "  ok      port TCP 1688 of muster-01.corp.example: open at 10.20.0.16:1688\n"
        "  ok      bind muster-01.corp.example: answers as a KMS host, is this appliance\n"
        "  failed  address kms-old.corp.example: it has no address, says 10.0.0.53:53 (0x800706BA The RPC "
        "server is unavailable.)\n"
        "  skipped port TCP 1688 of kms-old.corp.example: there is no address\n"
        "First asked, of all new clients:\n"
        "  muster-01.corp.example:1688 (0 100): 990 of 1,000\n"
        "  kms-old.corp.example:1688 (0 0): 10 of 1,000\n"
        "10 of 1,000 new Windows 7 clients ask kms-old.corp.example first, which has no address; they lose "
        "seconds and go on to the next; 990 of 1,000 ask this appliance first.\n"
        "Clients that have a host keep it until it fails, whatever DNS says; slmgr.vbs /ckms makes one ask "
        "again.\n",
        text(see()).c_str());
}
