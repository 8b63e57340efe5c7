/// The directories change under a running daemon: files go, come back, and change.
#include "cage.h"

using namespace muster;

TEST_GROUP_BASE(Rescan, zoo::Cage){std::int64_t twin(const char* key){const auto reply = services.call("GET", "/twin");
if (!reply)
    return -1;
return *reply->body.find(key)->integer();
}
static Guid zooGuid(std::uint8_t n) {
    const std::string digit(1, "0123456789abcdef"[n % 16]);
    return *Guid::parse("000000" + std::string(1, "0123456789abcdef"[n / 16]) + digit + "-1111-2222-3344-5566778899aa");
}
}
;

TEST(Rescan, findsNothingNewWhereNothingIsNew) {
    admit("fit");
    admit("family-fit");
    admit("needs-absent");
    open();
    const auto events = services.journalled().size();
    CHECK_TRUE(host->rescan().empty());
    LONGS_EQUAL(events, services.journalled().size());
}

TEST(Rescan, startsWhatIsNew) {
    open();
    admit("fit");
    const auto changes = host->rescan();
    LONGS_EQUAL(1, changes.size());
    CHECK_EQUAL(std::string("fit: started"), changes[0]);
    CHECK_EQUAL(std::string("fit"), says("/fit"));
}

TEST(Rescan, stopsWhatHasGoneAndTakesItBack) {
    admit("fit");
    open();
    release("fit");
    CHECK_EQUAL(std::string("fit: stopped: its file is gone"), host->rescan()[0]);
    CHECK_STATE("stopped", "fit");
    CHECK_FALSE(services.call("GET", "/fit").has_value());
    CHECK_TRUE(host->rescan().empty());
    admit("fit");
    CHECK_EQUAL(std::string("fit: started"), host->rescan()[0]);
    CHECK_EQUAL(std::string("fit"), says("/fit"));
}

TEST(Rescan, takesDependentsAlongAndBack) {
    admit("fit");
    admit("needs-fit");
    open();
    release("fit");
    host->rescan();
    CHECK_TRUE(services.hasLogged("plugins: needs-fit: needs fit, which is stopped: its file is gone"));
    CHECK_STATE("rejected", "needs-fit");
    CHECK_EQUAL(std::string("needs fit, which is not there"), reason("needs-fit"));
    CHECK_FALSE(services.call("GET", "/needs-fit").has_value());
    admit("fit");
    host->rescan();
    CHECK_EQUAL(std::string("here"), says("/needs-fit"));
}

TEST(Rescan, aFamilyGoesAndComesAndItsTableStaysReadable) {
    admit("family-fit");
    open();
    const auto before = host->families().find(zooGuid(0x10), zooGuid(0x11));
    CHECK_TRUE(before.family != nullptr && before.sku != nullptr);
    release("family-fit");
    host->rescan();
    CHECK_TRUE(host->families().find(zooGuid(0x10), zooGuid(0x11)).family == nullptr);
    STRCMP_EQUAL("Zoo Enterprise", before.sku->name);
    admit("family-fit");
    host->rescan();
    CHECK_TRUE(host->families().find(zooGuid(0x10), zooGuid(0x11)).sku == before.sku);
}

TEST(Rescan, aChangedFamilyIsReplacedInOneStep) {
    admit("family-fit");
    open();
    CHECK_FALSE(host->families().find(zooGuid(0x10), {}).countsVirtual);
    admit("v2/family-fit");
    CHECK_EQUAL(std::string("family-fit: started: version 2.0.0 follows 1.0.0"), host->rescan()[0]);
    const auto product = host->families().find(zooGuid(0x10), {});
    CHECK_TRUE(product.countsVirtual);
    STRCMP_EQUAL("Zoo, second edition", product.counted->name);
    LONGS_EQUAL(1, host->families().all().size());
}

TEST(Rescan, aSettingOverridesWhetherAFamilyCountsVirtualMachines) {
    admit("family-fit");
    open();
    services.set("family-fit.count-virtual-machines", std::string("yes"));
    CHECK_FALSE(host->families().find(zooGuid(0x10), {}).countsVirtual);
    host->settingsChanged("family-fit", false);
    CHECK_TRUE(host->families().find(zooGuid(0x10), {}).countsVirtual);
    services.set("family-fit.count-virtual-machines", std::string("by-family"));
    host->settingsChanged("family-fit", false);
    CHECK_FALSE(host->families().find(zooGuid(0x10), {}).countsVirtual);
}

TEST(Rescan, aBadFileInPlaceOfAFamilyLeavesTheOldOne) {
    admit("family-fit");
    open();
    write("family-fit.so", "half a file");
    host->rescan();
    CHECK_STATE("started", "family-fit");
    CHECK_EQUAL(std::string("the changed file is rejected: is no ELF library; version 1.0.0 goes on"),
                reason("family-fit"));
    CHECK_TRUE(host->families().byName("fit") != nullptr);
}

TEST(Rescan, whatWasRejectedForAnotherIsTakenWhenTheOtherHasGone) {
    admit("family-duplicate");
    admit("family-fit");
    open();
    CHECK_STATE("rejected", "family-fit");
    release("family-duplicate");
    host->rescan();
    CHECK_STATE("started", "family-fit");
}

TEST(Rescan, aDuplicateTakesOverWhenTheHolderHasGone) {
    const zoo::TemporaryDirectory second;
    zoo::fs::copy_file(zoo() / "fit.so", second.path() / "fit.so");
    options.directories.push_back({second.path().string(), true});
    admit("fit");
    open();
    release("fit");
    host->rescan();
    const auto all = host->list();
    CHECK_EQUAL((second.path() / "fit.so").string(), all[0].file);
    CHECK_TRUE(all[0].state == plugins::State::started);
    CHECK_EQUAL(std::string("fit"), says("/fit"));
}

// --- successors

TEST(Rescan, aSuccessorTakesOverWithoutSharingAStatic) {
    admit("v1/twin");
    open();
    LONGS_EQUAL(1, twin("version"));
    admit("v2/twin");
    CHECK_EQUAL(std::string("twin: started: version 2.0.0 follows 1.0.0"), host->rescan()[0]);
    LONGS_EQUAL(2, twin("version"));
    CHECK_EQUAL(std::string("2.0.0"), status("twin").version);
    // Both libraries are in the process; each was created once. Whoever shares a static reads 2.
    LONGS_EQUAL(1, twin("inline"));
    LONGS_EQUAL(1, twin("template"));
    LONGS_EQUAL(1, twin("function"));
    CHECK_TRUE(services.hasLogged("twin: twin 1 stops"));
}

TEST(Rescan, aSuccessorGoesOnCountingAndListening) {
    admit("v1/twin");
    open();
    LONGS_EQUAL(1, twin("version"));
    LONGS_EQUAL(1, services.metrics().value("twin_first_only"));
    admit("v2/twin");
    host->rescan();
    LONGS_EQUAL(2, twin("version"));
    LONGS_EQUAL(2, services.metrics().value("twin_requests_total"));
    LONGS_EQUAL(0, services.metrics().value("twin_first_only"));  // its owner has gone
    LONGS_EQUAL(1, services.listening().size());                  // one socket all the time
    release("twin");
    host->rescan();
    LONGS_EQUAL(0, services.listening().size());
}

TEST(Rescan, aSuccessorThatFailsLeavesThePresentOneUntouched) {
    admit("v1/twin");
    open();
    admit("v3/twin");
    host->rescan();
    LONGS_EQUAL(1, twin("version"));
    CHECK_STATE("started", "twin");
    CHECK_EQUAL(std::string("version 3.0.0 cannot take over: start: the third has no place; version 1.0.0 goes on"),
                reason("twin"));
    CHECK_FALSE(services.call("GET", "/twin/third").has_value());
    LONGS_EQUAL(0, services.metrics().value("twin_third"));
    LONGS_EQUAL(1, services.metrics().value("twin_first_only"));
    CHECK_FALSE(services.hasLogged("twin: twin 1 stops"));
    CHECK_TRUE(host->rescan().empty());
    admit("v2/twin");
    host->rescan();
    LONGS_EQUAL(2, twin("version"));
    CHECK_EQUAL(std::string(""), reason("twin"));
}

TEST(Rescan, aBadFileInPlaceOfARunningPluginLeavesTheOldOne) {
    admit("fit");
    open();
    admit("other-major", "fit.so");
    host->rescan();
    CHECK_STATE("started", "fit");
    CHECK_REASON("the changed file is rejected: exports no muster_plugin_fit", "fit");
    CHECK_REASON("version 1.0.0 goes on", "fit");
    CHECK_EQUAL(std::string("fit"), says("/fit"));
}

TEST(Rescan, copyingOverTheFileOfARunningPluginTouchesNothing) {
    admit("fit");
    open();
    // Not renamed into place: the very octets of the file are overwritten, then cut off.
    write("fit.so", std::string(200'000, '\xff'));
    zoo::fs::resize_file(plugins.path() / "fit.so", 10);
    CHECK_EQUAL(std::string("fit"), says("/fit"));
    LONGS_EQUAL(1, services.metrics().value("fit_requests_total"));
}

TEST(Rescan, anAuthorityIsSucceededWithoutAGap) {
    admit("judge");
    open();
    Authority* first = services.authorities[Mode::lab];
    // The same plugin with one octet more behind its sections: other content, so a successor.
    const std::string content = [&] {
        std::ifstream in(zoo() / "judge.so", std::ios::binary);
        return std::string(std::istreambuf_iterator<char>(in), {});
    }();
    release("judge");
    write("judge.so", content + '\0');
    host->rescan();
    CHECK_TRUE(services.authorities[Mode::lab] != nullptr);
    CHECK_TRUE(services.authorities[Mode::lab] != first);
    test::ManualReactor reactor;
    test::FakeExchange exchange(reactor);
    services.authorities[Mode::lab]->decide(exchange);
    CHECK_TRUE(exchange.outcome->kind == Outcome::Kind::refused);
}
