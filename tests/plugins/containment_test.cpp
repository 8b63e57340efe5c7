/// What goes wrong inside one plugin stays there: needs, duplicates, throws, calls that do not end.
#include <thread>

#include "cage.h"

using namespace muster;

TEST_GROUP_BASE(Containment,
                zoo::Cage){void openWith(std::initializer_list<const char*> animals){for (const char* animal
                                                                                          : animals) admit(animal);
open();
}
/// Waits for another thread: generous, and no measure of speed.
template <class Condition>
static bool eventually(Condition&& condition) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (!condition()) {
        if (std::chrono::steady_clock::now() > end)
            return false;
        std::this_thread::yield();
    }
    return true;
}
}
;

// --- needs

TEST(Containment, startsWhatIsNeededFirst) {
    openWith({"needs-fit", "fit"});
    CHECK_STATE("started", "needs-fit");
    const auto lines = services.logged();
    const auto at = [&](const char* line) { return std::find(lines.begin(), lines.end(), line) - lines.begin(); };
    CHECK_TRUE(at("plugins: fit: version 1.0.0") < at("plugins: needs-fit: version 1.0.0"));
}

TEST(Containment, rejectsWhatNeedsAnAbsentPlugin) {
    openWith({"needs-absent", "fit"});
    CHECK_STATE("rejected", "needs-absent");
    CHECK_REASON("needs unicorn, which is not there", "needs-absent");
    CHECK_STATE("started", "fit");
}

TEST(Containment, carriesTheReasonOfANeedIntoWhatNeedsIt) {
    services.badSections["fit"] = "line 3: what it says is wrong";
    openWith({"needs-fit", "fit"});
    CHECK_STATE("rejected", "needs-fit");
    CHECK_REASON("needs fit, which is rejected: muster.toml: line 3", "needs-fit");
}

TEST(Containment, rejectsACircle) {
    openWith({"circle-a", "circle-b", "fit"});
    CHECK_REASON("its needs go round in a circle: circle-a -> circle-b -> circle-a", "circle-a");
    CHECK_REASON("its needs go round in a circle: circle-b -> circle-a -> circle-b", "circle-b");
    CHECK_STATE("rejected", "circle-a");
    CHECK_STATE("started", "fit");
}

// --- duplicates

TEST(Containment, keepsTheFirstOfTwoWithOneName) {
    const zoo::TemporaryDirectory second;
    zoo::fs::copy_file(zoo() / "fit.so", second.path() / "fit.so");
    options.directories.push_back({second.path().string(), false});
    openWith({"fit"});
    const auto all = host->list();
    LONGS_EQUAL(2, all.size());
    CHECK_TRUE(all[0].state == plugins::State::started);
    CHECK_EQUAL((plugins.path() / "fit.so").string(), all[0].file);
    CHECK_TRUE(all[1].state == plugins::State::rejected);
    CHECK_EQUAL("the name fit is held by " + (plugins.path() / "fit.so").string() + "; remove one of the two",
                all[1].reason);
}

TEST(Containment, failsAPluginThatTakesAnOwnedRoute) {
    openWith({"fit", "takes-route"});
    CHECK_STATE("failed", "takes-route");
    CHECK_REASON("start: ", "takes-route");
    CHECK_REASON("fit", "takes-route");
    CHECK_EQUAL(std::string("fit"), says("/fit"));
    CHECK_FALSE(services.call("GET", "/takes-route").has_value());
}

TEST(Containment, failsAPluginThatTakesAnOwnedMetric) {
    openWith({"fit", "takes-metric"});
    CHECK_STATE("failed", "takes-metric");
    CHECK_REASON("start: metric fit_requests_total: is a counter of fit; choose another name", "takes-metric");
    LONGS_EQUAL(0, services.metrics().value("fit_requests_total"));
}

TEST(Containment, failsAPluginThatTakesAnOwnedEvent) {
    openWith({"fit", "takes-event"});
    CHECK_STATE("failed", "takes-event");
    CHECK_REASON("event 31000: is one of plugin fit", "takes-event");
}

TEST(Containment, failsASecondAuthorityOfOneMode) {
    openWith({"judge", "second-judge"});
    CHECK_STATE("started", "judge");
    CHECK_STATE("failed", "second-judge");
    CHECK_REASON("mode lab is decided by plugin judge", "second-judge");
}

TEST(Containment, failsAnAuthorityOfAnotherKind) {
    openWith({"false-judge"});
    CHECK_STATE("failed", "false-judge");
    CHECK_REASON("start: authority: plugin false-judge is of another kind", "false-judge");
}

// --- throws

TEST(Containment, aThrowInCreateIsContained) {
    openWith({"throws-in-create", "fit"});
    CHECK_STATE("failed", "throws-in-create");
    CHECK_EQUAL(std::string("create: no room in the cage"), reason("throws-in-create"));
    CHECK_STATE("started", "fit");
}

TEST(Containment, aThrowOfANonExceptionInCreateIsContained) {
    openWith({"throws-other-in-create", "fit"});
    CHECK_STATE("failed", "throws-other-in-create");
    CHECK_EQUAL(std::string("create: threw something that is no std::exception"), reason("throws-other-in-create"));
    CHECK_STATE("started", "fit");
}

TEST(Containment, aThrowInStartUndoesRegistrationsAndSparesTheRest) {
    openWith({"throws-in-start", "fit"});
    CHECK_STATE("failed", "throws-in-start");
    CHECK_EQUAL(std::string("start: no listener on port 135"), reason("throws-in-start"));
    CHECK_FALSE(services.call("GET", "/throws-in-start").has_value());
    for (const auto& sample : services.metrics().samples())
        CHECK_TRUE(sample.owner != "throws-in-start");
    LONGS_EQUAL(0, services.listening().size());
    CHECK_TRUE(services.hasLogged("throws-in-start: stopped after a failed start"));
    CHECK_EQUAL(std::string("fit"), says("/fit"));
}

TEST(Containment, aThrowInAHandlerAnswersThatRequestAndIsCounted) {
    openWith({"throws-in-handler"});
    const auto standard = services.call("GET", "/throws/std");
    CHECK_TRUE(standard.error().code == Code::internal);
    CHECK_EQUAL(std::string("plugin throws-in-handler failed on this request: bitten"), standard.error().detail);
    CHECK_TRUE(services.call("GET", "/throws/int").error().code == Code::internal);
    LONGS_EQUAL(2, services.metrics().value("plugin_faults_total"));
    CHECK_STATE("started", "throws-in-handler");
}

TEST(Containment, aFaultOfAHandlerIsItsAnswerAndNoFaultOfThePlugin) {
    openWith({"throws-in-handler"});
    const auto fault = services.call("GET", "/throws/fault");
    CHECK_TRUE(fault.error().code == Code::missing);
    CHECK_EQUAL(std::string("client 7: not known"), fault.error().text());
    LONGS_EQUAL(0, services.metrics().value("plugin_faults_total"));
}

TEST(Containment, aThrowInAStreamEndsTheStreamAlone) {
    struct Nowhere final : Sink {
        bool write(const Json&) override { return true; }
        bool idle() override { return true; }
    } sink;
    openWith({"throws-in-handler"});
    const auto reply = services.call("GET", "/throws/stream");
    CHECK_TRUE(reply.has_value());
    reply->stream(sink);
    LONGS_EQUAL(1, services.metrics().value("plugin_faults_total"));
    CHECK_TRUE(services.hasLogged("GET /throws/stream threw: bitten late"));
}

TEST(Containment, aThrowInAThreadStopsThatPlugin) {
    openWith({"throws-in-thread", "fit"});
    CHECK_TRUE(eventually([&] {
        host->tick(std::chrono::steady_clock::now());
        return stateOf("throws-in-thread") == "failed";
    }));
    CHECK_EQUAL(std::string("thread keeper: the keeper has run away"), reason("throws-in-thread"));
    CHECK_FALSE(services.call("GET", "/throws-in-thread").has_value());
    LONGS_EQUAL(1, services.metrics().value("plugin_faults_total"));
    CHECK_STATE("started", "fit");
}

TEST(Containment, aFailedPluginTriesAgainWhenItIsCleared) {
    openWith({"throws-in-create", "fit"});
    CHECK_TRUE(host->clear("throws-in-create").has_value());
    CHECK_STATE("failed", "throws-in-create");
    CHECK_TRUE(host->clear("unicorn").error().code == Code::missing);
    const auto started = host->clear("fit");
    CHECK_EQUAL(std::string("plugin fit: is started; only what is quarantined or failed is cleared"),
                started.error().text());
}

// --- stopping

TEST(Containment, whatIsWrongWithAPluginGoesWithIt) {
    openWith({"fit"});
    LONGS_EQUAL(2, services.troubled("fit").size());
    STRCMP_EQUAL("it is only fit", services.troubled("fit").front().c_str());
    host->stop();
    CHECK_TRUE(services.troubled("fit").empty());
}

TEST(Containment, stopTakesAllRegistrationsBack) {
    openWith({"fit", "judge"});
    CHECK_TRUE(services.authorities[Mode::lab] != nullptr);
    host->stop();
    CHECK_STATE("stopped", "fit");
    CHECK_FALSE(services.call("GET", "/fit").has_value());
    CHECK_TRUE(services.authorities[Mode::lab] == nullptr);
    LONGS_EQUAL(0, services.metrics().value("fit_requests_total"));
}

TEST(Containment, stopsDependentsFirst) {
    openWith({"fit", "needs-fit"});
    host->stop();
    const auto lines = services.logged();
    const auto at = [&](const char* part) {
        return std::find_if(lines.begin(), lines.end(),
                            [&](const std::string& line) { return line.rfind(part, 0) == 0; }) -
               lines.begin();
    };
    CHECK_TRUE(at("plugins: needs-fit: the daemon stops") < at("plugins: fit: the daemon stops"));
}

TEST(Containment, anAuthorityThatStoppedFaultsWhatStillComes) {
    openWith({"judge"});
    Authority* authority = services.authorities[Mode::lab];
    test::ManualReactor reactor;
    test::FakeExchange before(reactor);
    authority->decide(before);
    CHECK_TRUE(before.outcome->kind == Outcome::Kind::refused);
    host->stop();
    test::FakeExchange after(reactor);  // a reactor had looked the authority up before it was withdrawn
    authority->decide(after);
    CHECK_TRUE(after.outcome->kind == Outcome::Kind::faulted);
    CHECK_TRUE(after.outcome->status == RpcStatus::serverUnavailable);
}

TEST(Containment, stopWaitsForCallsInside) {
    options.stopLimit = std::chrono::minutes(1);
    openWith({"hangs-in-call"});
    std::string answer;
    std::thread caller([&] { answer = says("/hangs-in-call"); });
    CHECK_TRUE(eventually([&] { return services.hasLogged("hangs-in-call: inside"); }));
    std::thread opener([&] {
        // Registrations leave first: then stop() has begun, and waits for the call inside.
        eventually([&] { return !services.operations().find("GET", "/hangs-in-call").registered; });
        services.set("hangs-in-call.free", true);
    });
    host->stop();
    caller.join();
    opener.join();
    CHECK_EQUAL(std::string("free at last"), answer);
    CHECK_STATE("stopped", "hangs-in-call");
}

TEST(Containment, stopPastItsLimitLeavesThePluginWedgedAndMapped) {
    options.stopLimit = std::chrono::milliseconds(20);
    openWith({"hangs-in-call", "fit"});
    std::string answer;
    std::thread caller([&] { answer = says("/hangs-in-call"); });
    CHECK_TRUE(eventually([&] { return services.hasLogged("hangs-in-call: inside"); }));
    release("hangs-in-call");
    host->rescan();
    CHECK_STATE("wedged", "hangs-in-call");
    CHECK_EQUAL(std::string("1 calls inside did not end within 20 ms; its code stays, rescan asks once more"),
                reason("hangs-in-call"));
    CHECK_TRUE(host->anyWedged());
    CHECK_EQUAL(std::string("fit"), says("/fit"));

    services.set("hangs-in-call.free", true);  // its code is still there to come to an end
    caller.join();
    CHECK_EQUAL(std::string("free at last"), answer);
    CHECK_TRUE(eventually([&] {
        host->rescan();
        return stateOf("hangs-in-call") == "stopped";
    }));
    CHECK_FALSE(host->anyWedged());
}

TEST(Containment, aStopThatDoesNotReturnWedgesThatPluginAlone) {
    options.stopLimit = std::chrono::milliseconds(20);
    openWith({"hangs-in-stop", "fit"});
    release("hangs-in-stop");
    host->rescan();
    CHECK_STATE("wedged", "hangs-in-stop");
    CHECK_EQUAL(std::string("its stop did not end within 20 ms; its code stays, rescan asks once more"),
                reason("hangs-in-stop"));
    CHECK_EQUAL(std::string("fit"), says("/fit"));
    services.set("hangs-in-stop.free", true);
    CHECK_TRUE(eventually([&] {
        host->rescan();
        return stateOf("hangs-in-stop") == "stopped";
    }));
}

// --- settings

TEST(Containment, tellsAPluginOfItsNewSettingsOrRestartsIt) {
    openWith({"fit"});
    services.set("fit.word", std::string("fitter"));
    host->settingsChanged("fit", false);
    CHECK_TRUE(services.hasLogged("fit: fitter"));
    host->settingsChanged("fit", true);
    CHECK_TRUE(services.hasLogged("plugins: fit: its settings have changed"));
    CHECK_STATE("started", "fit");
    CHECK_EQUAL(std::string("fit"), says("/fit"));
}

TEST(Containment, operationsListAndClear) {
    admit("throws-in-create");
    open();
    CHECK_TRUE(plugins::addPluginOperations(services.operations(), *host).has_value());
    const auto list = services.call("GET", "/plugins");
    const auto& items = *list->body.find("items")->array();
    LONGS_EQUAL(1, items.size());
    CHECK_EQUAL(std::string("failed"), *items[0].find("state")->string());
    CHECK_EQUAL(std::string("create: no room in the cage"), *items[0].find("reason")->string());
    admit("fit");
    const auto changes = services.call("POST", "/plugins/rescan");
    CHECK_EQUAL(std::string("fit: started"), *(*changes->body.find("changes")->array())[0].string());
    CHECK_TRUE(services.call("POST", "/plugins/throws-in-create/clear").has_value());
    CHECK_TRUE(services.call("POST", "/plugins/fit/clear").error().code == Code::conflict);
}
