#include "client/simulation.h"

#include <algorithm>
#include <atomic>
#include <set>

#include "CppUTest/TestHarness.h"

#include "client/fleet.h"
#include "client/report.h"

using namespace muster;
using namespace muster::client;

namespace {

/// A KMS host that counts CMIDs, and can be away.
class FakeHost final : public Network {
public:
    tl::expected<std::vector<dns::Service>, LookupFailure> discover() override {
        const std::lock_guard guard(mutex_);
        ++lookups;
        return records;
    }
    Reply ask(const Endpoint& host, const ActivationRequest& request) override {
        const std::lock_guard guard(mutex_);
        asked.push_back(host.host);
        if (dead.count(host.host) != 0)
            return {Reply::Kind::unreachable, HResult::rpcServerUnavailable, {}, host.text() + ": Connection refused"};
        if (refusal != HResult::ok)
            return {Reply::Kind::refused, refusal, {}, {}};
        cmids_.insert(request.cmid);
        Reply reply{Reply::Kind::answer, HResult::ok, {}, {}};
        reply.answer.major = request.major;
        reply.answer.minor = request.minor;
        reply.answer.cmid = request.cmid;
        reply.answer.clientTime = request.clientTime;
        reply.answer.count = static_cast<std::uint32_t>(cmids_.size());
        reply.answer.activationInterval = 120;
        reply.answer.renewalInterval = 1440;
        return reply;
    }

    std::vector<dns::Service> records = {{0, 0, 1688, "one"}};
    std::set<std::string> dead;
    HResult refusal = HResult::ok;
    std::vector<std::string> asked;
    int lookups = 0;

private:
    std::mutex mutex_;
    std::set<Guid> cmids_;
};

class Lines final : public Listener {
public:
    void onEvent(const Event& event) override { lines.push_back(line(event)); }
    void onProgress(const Progress&) override {}

    bool has(std::size_t index, const char* part) const { return lines.at(index).find(part) != std::string::npos; }
    std::vector<std::string> lines;
};

std::vector<WindowsClient> fleet(std::size_t clients, const char* family = "win7") {
    FleetPlan plan;
    plan.clients = clients;
    plan.products = *products(family, {});
    plan.namePattern = "PC-{n}";
    plan.cmidSeed = 1;
    std::vector<WindowsClient> machines;
    auto profiles = makeFleet(plan);
    for (Profile& machine : *profiles)
        machines.emplace_back(std::move(machine), Minutes{0});
    return machines;
}

}  // namespace

TEST_GROUP(Simulation) {
    FakeHost host;
    Lines lines;
    Pace pace;

    void setup() override {
        pace.minute = std::chrono::microseconds(10);
        pace.deadline = std::chrono::steady_clock::now() + std::chrono::minutes(2);
    }
    bool play(std::vector<WindowsClient> machines) {
        Simulation simulation(std::move(machines), host, lines, pace);
        return simulation.run();
    }
};

TEST(Simulation, refusesTwentyFourOfThirtyActivatesSixAndThenTheOthers) {
    CHECK(play(fleet(30)));
    LONGS_EQUAL(54, lines.lines.size());
    for (std::size_t i = 0; i < 24; ++i)
        CHECK(lines.has(i,
                        "refused: 0xC004F038 The computer could not be activated. The returned count from your Key "
                        "Management Service is insufficient."));
    CHECK(lines.has(0, "PC-001  Windows 7 Enterprise"));
    CHECK(lines.has(0, "(count 1, needs 25)"));
    CHECK(lines.has(24, "PC-025  Windows 7 Enterprise  activated (count 25): Product activated successfully."));
    CHECK(lines.has(29, "PC-030  Windows 7 Enterprise  activated (count 30)"));
    CHECK(lines.has(30, "PC-001  Windows 7 Enterprise  activated (count 30)"));
}

TEST(Simulation, activatesAllWithManyAtATime) {
    pace.jobs = 8;
    CHECK(play(fleet(200)));
}

TEST(Simulation, triesOnceAndSaysNoWhenNotAllAreActivated) {
    pace.once = true;
    CHECK(!play(fleet(30)));
    LONGS_EQUAL(30, lines.lines.size());
}

TEST(Simulation, goesOnUntilEveryMachineRenewedAsOftenAsWanted) {
    pace.renewals = 2;
    CHECK(play(fleet(5, "server2008r2")));
    LONGS_EQUAL(10, std::count_if(lines.lines.begin(), lines.lines.end(),
                                  [](const std::string& l) { return l.find("renewed") != std::string::npos; }));
}

TEST(Simulation, endsAtItsDeadlineWhenNobodyAnswers) {
    host.dead = {"one"};
    pace.minute = std::chrono::hours(1);
    pace.deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(20);
    CHECK(!play(fleet(1)));
    CHECK(lines.has(0, "no answer: 0xC004F074"));
    CHECK(lines.has(0, "0x800706BA"));
    CHECK(lines.has(0, "one:1688: Connection refused"));
}

TEST(Simulation, showsTheHostsRefusalWithWindowsWords) {
    host.refusal = HResult::groupNotCovered;
    pace.once = true;
    CHECK(!play(fleet(1)));
    CHECK(lines.has(0, "refused: 0xC004F042 "));
}

TEST(Simulation, namesTheClockAsTheEventDoesBesideWhatSlmgrShows) {
    host.refusal = HResult::invalidTimestamp;
    pace.once = true;
    CHECK(!play(fleet(1)));
    CHECK(lines.has(0, "refused: 0xC004F074 "));
    CHECK(lines.has(0, "In event 12288: 0xC004F06C "));
}

TEST(Simulation, triesEveryHostOfTheDomain) {
    host.records = {{0, 0, 1688, "one"}, {1, 0, 1688, "two"}, {2, 0, 1688, "three"}};
    host.dead = {"one", "two"};
    pace.once = true;
    play(fleet(1));
    CHECK((host.asked == std::vector<std::string>{"one", "two", "three"}));
}

TEST(Simulation, goesStraightToTheHostThatActivatedItAndAsksDnsAgainWhenThatFails) {
    auto machines = fleet(5, "server2008");  // five of them reach their threshold; renewals follow
    pace.renewals = 1;
    CHECK(play(std::move(machines)));
    LONGS_EQUAL(9, host.lookups);  // five first attempts, four second ones, no renewal
}

TEST_GROUP(EventLog){};

TEST(EventLog, writesItsInfoFieldsAsWindowsDoes) {
    auto machines = fleet(1);
    const Timestamp wall{std::chrono::milliseconds{1'285'782'720'000}};  // 2010-09-29 17:52 UTC
    const ActivationRequest request = machines[0].request(Minutes{0}, wall);
    ActivationAnswer answer;
    answer.major = 4;
    answer.cmid = request.cmid;
    answer.clientTime = request.clientTime;
    answer.count = 4;
    answer.activationInterval = 120;
    answer.renewalInterval = 10080;
    const Attempt attempt = machines[0].onAnswer(request, answer, Minutes{0});
    const Event event{machines[0], request, attempt, "kms:1688", {}, Minutes{0}};
    STRCMP_EQUAL(("0x00000000, 0x04000000, kms:1688, " + request.cmid.text() +
                  ", 2010/09/29 17:52, 0, 2, 43200, ae2ee509-1b34-41c0-acb7-6d4650168915, 25")
                     .c_str(),
                 info12288(event).c_str());
    STRCMP_EQUAL("0x00000000, 0x04000000, 0, 0, 4, 120, 10080, 2010/09/29 17:52", info12289(event).c_str());
}

TEST(EventLog, writesTimesBeforeAndAfterEveryClock) {
    auto machines = fleet(1);
    ActivationRequest request = machines[0].request(Minutes{0}, Timestamp{});
    const Attempt attempt = machines[0].onNoHost(HResult::rpcServerUnavailable, Minutes{0});
    const Event event{machines[0], request, attempt, {}, {}, Minutes{0}};
    request.clientTime = FileTime{0};
    CHECK(info12288(event).find("1601/01/01 00:00") != std::string::npos);
    request.clientTime = FileTime{~std::uint64_t{0}};
    CHECK(!info12288(event).empty());
}
