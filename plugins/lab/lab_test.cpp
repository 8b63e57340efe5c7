/// The lab as a whole, on a host that stands in for the daemon, with the families that ship.
#include "lab.h"

#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "CppUTest/TestHarness.h"

#include "muster/test/fake_host.h"

#include "kms/epid.h"

MUSTER_PLUGIN_UNDER_TEST(lab);
extern "C" const muster_family muster_family_vista_2008;
extern "C" const muster_family muster_family_win7_2008r2;

using namespace muster;

namespace {

const Guid kWindows = *Guid::parse("55c92734-d682-4d71-983e-d6ec3f16059f");
const Guid kVista = *Guid::parse("212a64dc-43b1-4d3d-a30c-2fc69d2095c6");
const Guid kWindows7 = *Guid::parse("7fde5219-fbfa-484a-82c9-34d1ad53e856");
const Guid kServer2008R2C = *Guid::parse("b2ca2689-a9a8-42d7-938d-cf8e9f201958");
constexpr std::chrono::hours kDay{24};

Guid cmid(std::uint32_t machine) {
    Guid guid;
    std::memcpy(guid.octets.data(), &machine, sizeof machine);
    guid.octets[15] = std::byte{1};
    return guid;
}

Timestamp wall() {
    return std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

std::string member(const Json& json, std::string_view name) {
    const Json* value = json.find(name);
    return value && value->string() ? *value->string() : "";
}

}  // namespace

TEST_GROUP(Lab) {
    test::FakeHost host{2};
    test::Running plugin{muster_plugin_lab, host};
    Timestamp now = wall();

    void setup() override {
        host.fakeFamilies.tables = {&muster_family_vista_2008, &muster_family_win7_2008r2};
        plugin.start();
    }

    Authority& authority() {
        return *host.authorities.at(0);
    }

    std::string sealPath() {
        return (std::filesystem::path(host.stateDirectory()).parent_path() / "seal.key").string();
    }
    kms::LabSeal seal() {
        return kms::LabSeal::make(*kms::readSealFile(sealPath())).value();
    }

    std::string issue(const char* family, const char* group) {
        const auto reply = host.call("POST", "/lab/keys", json({{"family", family}, {"group", group}}));
        CHECK_TRUE(reply.has_value());
        CHECK_TRUE(!reply->text.empty() && reply->text.back() == '\n');
        return reply->text.substr(0, reply->text.size() - 1);
    }
    void install(const char* family, const char* group) {
        CHECK_TRUE(host.call("POST", "/keys", json({{"key", issue(family, group)}})).has_value());
    }

    ActivationRequest machine(std::uint32_t number, const Guid& product = kWindows7) const {
        ActivationRequest request;
        request.major = 4;
        request.application = kWindows;
        request.counted = product;
        request.cmid = cmid(number);
        request.requiredClients = 25;
        request.clientTime = FileTime::from(now);
        request.machine.assign("pc" + std::to_string(number));
        return request;
    }
    /// What a dispatcher does with a request, up to the authority's word.
    Outcome ask(const ActivationRequest& request, bool sealed = true, bool overLimit = false) {
        test::FakeExchange exchange(host.manual());
        exchange.octets.resize(kms::Request4::kSize);
        kms::encodeRequest(request, std::span<std::byte, kms::Request4::kSize>(exchange.octets));
        if (sealed)
            CHECK_TRUE(seal().seal(exchange.octets));
        exchange.known = kms::decodeRequest(exchange.octets, exchange.asked).has_value();
        exchange.at = now;
        exchange.of = host.fakeFamilies.find(exchange.asked.counted, exchange.asked.sku);
        exchange.overLimit = overLimit;
        authority().decide(exchange);
        LONGS_EQUAL(1, exchange.completions);
        return *exchange.outcome;
    }
    void refused(HResult code, const Outcome& outcome) const {
        CHECK_TRUE(outcome.kind == Outcome::Kind::refused);
        STRCMP_EQUAL(text(code).c_str(), text(outcome.code).c_str());
        CHECK_FALSE(outcome.counted);
    }
    void answered(std::uint32_t count, const Outcome& outcome) const {
        CHECK_TRUE(outcome.kind == Outcome::Kind::answered);
        LONGS_EQUAL(count, outcome.count);
    }
};

TEST(Lab, answersUnderItsSealWithTheCountThatIncludesTheAsker) {
    install("win7-2008r2", "client");
    const ActivationRequest request = machine(1);
    const Outcome outcome = ask(request);
    answered(1, outcome);
    CHECK_TRUE(outcome.counted);
    CHECK_TRUE(seal().isSealed(outcome.body()));
    ActivationAnswer answer;
    CHECK_TRUE(kms::decodeAnswer(outcome.body(), answer).has_value());
    CHECK_TRUE(answer.cmid == request.cmid);
    CHECK_TRUE(answer.clientTime == request.clientTime);
    LONGS_EQUAL(1, answer.count);
    LONGS_EQUAL(120, answer.activationInterval);
    LONGS_EQUAL(10080, answer.renewalInterval);
    const auto epid = kms::parseEpid(answer.epid);
    CHECK_TRUE(epid && epid->isLab());
    answered(2, ask(machine(2)));
    answered(2, ask(machine(1)));
}

TEST(Lab, withoutAKeySaysThatTheHostIsNotActivated) {
    refused(HResult::hostNotActivated, ask(machine(1)));
    CHECK_TRUE(authority().keys().empty());
}

TEST(Lab, answersARealClientWithInvalidDataAndCountsItNot) {
    install("win7-2008r2", "client");
    const Outcome outcome = ask(machine(1), false);
    refused(HResult::invalidData, outcome);
    STRCMP_EQUAL("a real client asked the lab", outcome.reason);
    ask(machine(2), false);
    LONGS_EQUAL(1, host.raised(22002));  // once an hour, however many ask
    LONGS_EQUAL(2, host.number("lab_real_clients_total"));
    answered(1, ask(machine(3)));
}

TEST(Lab, refusesWhatItsKeyDoesNotCover) {
    install("vista-2008", "C");
    answered(1, ask(machine(1, kVista)));
    refused(HResult::groupNotCovered, ask(machine(2, kWindows7)));
    refused(HResult::groupNotCovered, ask(machine(3, kServer2008R2C)));
}

TEST(Lab, aNewerKeyCoversTheOlderGeneration) {
    install("win7-2008r2", "client");
    answered(1, ask(machine(1, kVista)));
    refused(HResult::groupNotCovered, ask(machine(2, kServer2008R2C)));
}

TEST(Lab, refusesAClockThatIsWrongAndANumberThatNobodyNeeds) {
    install("win7-2008r2", "C");
    ActivationRequest request = machine(1);
    request.clientTime = FileTime::from(now - std::chrono::hours(5));
    refused(HResult::invalidTimestamp, ask(request));
    request = machine(1);
    request.requiredClients = 1000;
    refused(HResult::invalidArgument, ask(request));
    answered(1, ask(machine(2)));
}

TEST(Lab, refusesAProductUnderAnotherApplication) {
    install("win7-2008r2", "C");
    ActivationRequest request = machine(1);
    request.application = *Guid::parse("59a52881-a989-479d-af46-f275c6370663");
    refused(HResult::groupNotCovered, ask(request));
}

TEST(Lab, virtualMachinesOfTheOldGenerationAreAnsweredButNotCounted) {
    install("win7-2008r2", "C");
    answered(1, ask(machine(1, kVista)));
    ActivationRequest virtualVista = machine(2, kVista);
    virtualVista.vmInfo = 1;
    const Outcome outcome = ask(virtualVista);
    answered(1, outcome);
    CHECK_FALSE(outcome.counted);
    ActivationRequest virtualSeven = machine(3, kWindows7);
    virtualSeven.vmInfo = 1;
    answered(2, ask(virtualSeven));
}

TEST(Lab, aSettingMakesVirtualMachinesOfTheOldGenerationCount) {
    install("win7-2008r2", "C");
    host.fakeFamilies.countVirtual["vista-2008"] = true;
    ActivationRequest virtualVista = machine(2, kVista);
    virtualVista.vmInfo = 1;
    answered(1, ask(virtualVista));
}

TEST(Lab, aMachineWithANewCmidIsNotCountedTwice) {
    install("win7-2008r2", "C");
    answered(1, ask(machine(1)));
    ActivationRequest renewed = machine(2);
    renewed.previousCmid = cmid(1);
    answered(1, ask(renewed));
}

TEST(Lab, whomAPersonRemovesNoLongerCounts) {
    install("win7-2008r2", "C");
    answered(1, ask(machine(1)));
    answered(2, ask(machine(2)));
    authority().forget(kWindows, cmid(1));
    answered(2, ask(machine(3)));
}

TEST(Lab, faultsNewMachinesBeyondTheLimitOfTheirAddress) {
    install("win7-2008r2", "C");
    const Outcome outcome = ask(machine(1), true, true);
    CHECK_TRUE(outcome.kind == Outcome::Kind::faulted);
    CHECK_TRUE(outcome.status == RpcStatus::serverTooBusy);
    answered(1, ask(machine(2)));
}

TEST(Lab, refusesBodiesThatItCannotRead) {
    install("win7-2008r2", "C");
    for (const std::size_t size : {std::size_t{0}, std::size_t{251}, kms::kOpaqueRequestSize}) {
        test::FakeExchange exchange(host.manual());
        exchange.octets.resize(size);
        if (size > 4)
            exchange.octets[2] = size == kms::kOpaqueRequestSize ? std::byte{6} : std::byte{4};
        exchange.known = kms::decodeRequest(exchange.octets, exchange.asked).has_value();
        exchange.at = now;
        authority().decide(exchange);
        refused(HResult::invalidData, *exchange.outcome);
    }
}

TEST(Lab, keepsKeysSealAndCountOverARestart) {
    install("win7-2008r2", "C");
    const auto before = authority().keys();
    const std::string epid = before.at(0).epid;
    answered(1, ask(machine(1)));
    plugin.stop();
    for (std::uint32_t i = 0; i < 60; ++i)
        host.fakePool.clients[kWindows].push_back({cmid(100 + i), now - std::chrono::minutes(i), 25});
    host.fakePool.clients[kWindows].push_back({cmid(999), now - 31 * kDay, 25});
    plugin.start();
    STRCMP_EQUAL(epid.c_str(), authority().keys().at(0).epid.c_str());
    LONGS_EQUAL(50, authority().keys().at(0).currentCount);
    answered(50, ask(machine(100)));
}

TEST(Lab, saysOfAKeyWhatSlmgrSays) {
    install("win7-2008r2", "C");
    install("vista-2008", "client");
    const auto keys = authority().keys();
    LONGS_EQUAL(2, keys.size());
    STRCMP_EQUAL("win7-2008r2", keys[0].family.c_str());
    STRCMP_EQUAL("C", keys[0].group.c_str());
    STRCMP_EQUAL("Windows Server 2008 R2 C (Datacenter & Itanium)", keys[0].name.c_str());
    STRCMP_CONTAINS("VOLUME_KMS_C channel", keys[0].description.c_str());
    STRCMP_CONTAINS("VOLUME_KMS channel", keys[1].description.c_str());
    LONGS_EQUAL(5, keys[0].partialKey.size());
    CHECK_TRUE(keys[0].application == kWindows);
    LONGS_EQUAL(-1, keys[0].currentCount);
    ask(machine(1));
    LONGS_EQUAL(1, authority().keys()[0].currentCount);
    STRCMP_CONTAINS("00000-00000-", keys[0].epid.c_str());
    STRCMP_CONTAINS("-03-1033-7601.0000-", keys[0].epid.c_str());
}

TEST(Lab, refusesAKeyWhoseFamilyIsNotLoadedAndTakesItUnchangedLater) {
    const std::string key = issue("win7-2008r2", "B");
    host.fakeFamilies.tables = {&muster_family_vista_2008};
    const auto refusal = host.call("POST", "/keys", json({{"key", key}}));
    CHECK_TRUE(refusal.error().code == Code::incompatible);
    STRCMP_CONTAINS("0xC004F050 The Software Licensing Service reported that the product key is invalid",
                    refusal.error().detail.c_str());
    STRCMP_CONTAINS("family win7-2008r2, which is not loaded", refusal.error().detail.c_str());
    host.fakeFamilies.tables.push_back(&muster_family_win7_2008r2);
    CHECK_TRUE(host.call("POST", "/keys", json({{"key", key}})).has_value());
    answered(1, ask(machine(1)));
}

TEST(Lab, aKeyWhoseFamilyGoesCoversNothingUntilItIsBack) {
    install("win7-2008r2", "C");
    install("vista-2008", "client");
    answered(1, ask(machine(1)));
    host.fakeFamilies.tables = {&muster_family_vista_2008};
    refused(HResult::groupNotCovered, ask(machine(2)));
    answered(2, ask(machine(3, kVista)));
    LONGS_EQUAL(1, host.raised(22003));
    LONGS_EQUAL(2, authority().keys().size());
    STRCMP_CONTAINS("is not loaded", authority().keys()[0].description.c_str());
    host.fakeFamilies.tables.push_back(&muster_family_win7_2008r2);
    answered(3, ask(machine(4)));
    LONGS_EQUAL(1, host.raised(22004));
}

TEST(Lab, aHostThatWasNotUpdatedBlamesTheClock) {
    install("vista-2008", "client");
    host.fakeFamilies.tables = {&muster_family_vista_2008};
    refused(HResult::groupNotCovered, ask(machine(1)));
    host.settings["un-updated-host"] = true;
    plugin->settingsChanged();
    refused(HResult::invalidTimestamp, ask(machine(1)));
}

TEST(Lab, refusesAKeyWithATypingError) {
    std::string key = issue("win7-2008r2", "C");
    key.back() = key.back() == 'A' ? 'B' : 'A';
    const auto refusal = host.call("POST", "/keys", json({{"key", key}}));
    CHECK_TRUE(refusal.error().code == Code::malformed);
    STRCMP_CONTAINS("0xC004F050", refusal.error().detail.c_str());
    CHECK_TRUE(authority().keys().empty());
}

TEST(Lab, aSecondKeyOfOneGroupReplacesTheFirst) {
    install("win7-2008r2", "C");
    const std::string first = authority().keys().at(0).epid;
    install("win7-2008r2", "C");
    LONGS_EQUAL(1, authority().keys().size());
    CHECK_TRUE(authority().keys()[0].epid != first);
}

TEST(Lab, aKeyAddedTwiceKeepsItsEpid) {
    const std::string key = issue("win7-2008r2", "C");
    CHECK_TRUE(host.call("POST", "/keys", json({{"key", key}})).has_value());
    const std::string first = authority().keys().at(0).epid;
    CHECK_TRUE(host.call("POST", "/keys", json({{"key", key}})).has_value());
    STRCMP_EQUAL(first.c_str(), authority().keys().at(0).epid.c_str());
}

TEST(Lab, listsAndRemovesKeys) {
    install("win7-2008r2", "C");
    install("vista-2008", "A");
    const auto list = host.call("GET", "/keys");
    const Json::Array& items = *list->body.find("items")->array();
    LONGS_EQUAL(2, items.size());
    const std::string key = member(items[0], "key");
    STRCMP_CONTAINS("LAB-WIN7-2008R2-C-", key.c_str());
    CHECK_TRUE(host.call("DELETE", "/keys/" + key.substr(key.size() - 5)).has_value());
    CHECK_TRUE(host.call("DELETE", "/keys/" + key).error().code == Code::missing);
    LONGS_EQUAL(1, authority().keys().size());
    STRCMP_EQUAL("vista-2008", authority().keys()[0].family.c_str());
}

TEST(Lab, issuesKeysForFamiliesThatAreNotThereYetButNotForGroupsThatAFamilyHasNot) {
    STRCMP_CONTAINS("LAB-WIN8-2012-B-", issue("win8-2012", "B").c_str());
    CHECK_FALSE(host.call("POST", "/lab/keys", json({{"family", "No Such"}, {"group", "B"}})).has_value());
    CHECK_FALSE(host.call("POST", "/lab/keys", json({{"group", "B"}})).has_value());
    CHECK_FALSE(host.call("POST", "/lab/keys", json({{"family", "win7-2008r2"}})).has_value());
}

TEST(Lab, sendsTheIntervalsOfTheSettings) {
    install("win7-2008r2", "C");
    host.settings["activation-interval"] = std::int64_t{15};
    host.settings["renewal-interval"] = std::int64_t{43200};
    plugin->settingsChanged();
    ActivationAnswer answer;
    CHECK_TRUE(kms::decodeAnswer(ask(machine(1)).body(), answer).has_value());
    LONGS_EQUAL(15, answer.activationInterval);
    LONGS_EQUAL(43200, answer.renewalInterval);
    LONGS_EQUAL(15, authority().activationInterval());
}

TEST(Lab, takesThresholdsThatTheSettingsAdd) {
    install("win7-2008r2", "C");
    host.settings["extra-thresholds"] = std::vector<std::int64_t>{3};
    plugin->settingsChanged();
    ActivationRequest request = machine(1);
    request.requiredClients = 3;
    answered(1, ask(request));
    host.settings["extra-thresholds"] = std::vector<std::int64_t>{0};
    CHECK_THROWS(Fault, plugin->settingsChanged());
    answered(1, ask(request));  // the rules before stay
}

TEST(Lab, doesNotStartOnASealThatOthersMayRead) {
    plugin.stop();
    std::filesystem::permissions(sealPath(), std::filesystem::perms::owner_read | std::filesystem::perms::others_read);
    CHECK_THROWS(Fault, plugin.start());
}

TEST(Lab, restsInAnotherMode) {
    plugin.stop();
    host.present = Mode::relay;
    plugin.start();
    CHECK_TRUE(host.authorities.empty());
    CHECK_TRUE(host.operations.empty());
}

TEST(Lab, countsEachOfManyMachinesOnceFromSeveralThreads) {
    install("win7-2008r2", "C");
    // Two reactors, as in the daemon: the same fifty machines come to both at once.
    std::vector<std::thread> threads;
    std::vector<std::vector<std::byte>> bodies;
    for (std::uint32_t i = 0; i < 40; ++i) {
        bodies.emplace_back(kms::Request4::kSize);
        kms::encodeRequest(machine(i), std::span<std::byte, kms::Request4::kSize>(bodies.back()));
        CHECK_TRUE(seal().seal(bodies.back()));
    }
    std::atomic<unsigned> granted{0};
    for (unsigned reactor = 0; reactor < 2; ++reactor)
        threads.emplace_back([&, reactor] {
            for (const auto& body : bodies) {
                test::FakeExchange exchange(host.manual(reactor));
                exchange.octets = body;
                exchange.known = kms::decodeRequest(body, exchange.asked).has_value();
                exchange.at = now;
                exchange.of = host.fakeFamilies.find(exchange.asked.counted, exchange.asked.sku);
                authority().decide(exchange);
                granted += exchange.outcome->kind == Outcome::Kind::answered ? 1 : 0;
            }
        });
    for (std::thread& thread : threads)
        thread.join();
    LONGS_EQUAL(80, granted.load());
    LONGS_EQUAL(40, authority().keys().at(0).currentCount);
}

TEST(Lab, anAdministratorGetsTheKeyOfItsSeal) {
    const auto reply = host.call("GET", "/lab/seal-key");
    CHECK_TRUE(reply.has_value());
    const auto key = kms::SealFileKey::parse(reply->text);
    CHECK_TRUE(key.has_value());
    std::array<std::byte, 32> body{};
    CHECK_TRUE(kms::LabSeal::make(*key)->seal(body));
    CHECK_TRUE(seal().isSealed(body));
}
