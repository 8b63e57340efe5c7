/// The sample plugin of the plugin guide on the fake host: what plugin authors rely on.
#include "muster/test/fake_host.h"

#include "CppUTest/TestHarness.h"

#include "muster/plugin.h"

namespace {

constexpr muster::Field kPeers[] = {
    {.name = "name", .required = true},
    {.name = "rest", .type = muster::FieldType::duration, .fallback = "5s"},
    {.name = "roles", .type = muster::FieldType::texts, .fallback = "[any]"},
};
constexpr muster::Field kHeartbeatSettings[] = {
    {.name = "peers", .type = muster::FieldType::objects, .help = "who else", .fallback = "[]", .fields = kPeers},
    {.name = "patience", .type = muster::FieldType::duration, .help = "how long", .fallback = "30s"},
    {.name = "room", .type = muster::FieldType::size, .help = "how much", .fallback = "64KiB"},
    {.name = "extras", .type = muster::FieldType::integers, .help = "more", .fallback = "[5, 25]"},
};
constexpr muster::EventSpec kHeartbeatEvents[] = {{30000, muster::Severity::info, "Asked by {who}.", "Nothing to do."}};
constexpr muster::Field kWho[] = {{.name = "who", .help = "Who asks.", .fallback = "nobody"}};

class Heartbeat final : public muster::Plugin {
public:
    explicit Heartbeat(muster::Host& host) : host_(host) {}

    void start() override {
        greeting_ = host_.setting("greeting", "alive");
        if (greeting_.size() > kMaxGreeting)
            throw muster::Fault(
                {muster::Code::malformed, "setting heartbeat.greeting",
                 std::to_string(greeting_.size()) + " octets, at most " + std::to_string(kMaxGreeting)});
        auto& asked = host_.counter("heartbeat_requests_total", "Heartbeats answered since start.");
        host_.operation({.method = "GET",
                         .path = "/heartbeat",
                         .role = muster::Role::viewer,
                         .cli = "heartbeat show",
                         .query = kWho},
                        [this, &asked](const muster::Call& call) -> muster::Result<muster::Reply> {
                            host_.event(30000, muster::json({{"who", call.text("who")}}));
                            return muster::Reply(muster::json({{"greeting", greeting_}, {"asked", ++asked}}));
                        });
        host_.thread("beat", [this](const std::atomic<bool>& stopping) {
            host_.reactor(0).post([this] { beaten_ = true; });
            while (!stopping)
                std::this_thread::yield();
            throw std::runtime_error("late");
        });
    }
    void stop() noexcept override {}
    void settingsChanged() override { host_.log(muster::Severity::info, "changed"); }

private:
    static constexpr std::size_t kMaxGreeting = 64;  // octets; one probe line

    muster::Host& host_;
    std::string greeting_;
    bool beaten_ = false;
};

}  // namespace

MUSTER_PLUGIN(heartbeat, Heartbeat, "1.0.0", .settings = kHeartbeatSettings, .events = kHeartbeatEvents);

using namespace muster;

TEST_GROUP(FakeHost) {
    test::FakeHost host;
    test::Running plugin{muster_plugin_heartbeat, host};
};

TEST(FakeHost, refusesAGreetingLongerThanAProbeLine) {
    host.settings["greeting"] = std::string(65, 'x');
    CHECK_THROWS(Fault, plugin.start());
}

TEST(FakeHost, callsAnOperationWithItsDefaultsAndShowsWhatItDid) {
    plugin.start();
    const auto reply = host.call("GET", "/heartbeat");
    CHECK_TRUE(reply.has_value());
    STRCMP_EQUAL("alive", reply->body.find("greeting")->string()->c_str());
    LONGS_EQUAL(1, host.number("heartbeat_requests_total"));
    LONGS_EQUAL(1, host.raised(30000));
    STRCMP_EQUAL("nobody", host.events()[0].fields.find("who")->string()->c_str());
    CHECK_FALSE(host.call("GET", "/heartbeats").has_value());
    plugin.stop();
    CHECK_FALSE(host.call("GET", "/heartbeat").has_value());
}

TEST(FakeHost, givesTheSchemasDefaultUntilTheTestSetsAValue) {
    LONGS_EQUAL(30000, host.setting("patience", std::chrono::milliseconds(1)).count());
    LONGS_EQUAL(65536, host.setting("room", std::int64_t{0}));
    CHECK_TRUE(host.setting("extras", std::vector<std::int64_t>{}) == (std::vector<std::int64_t>{5, 25}));
    host.settings["patience"] = std::int64_t{5};
    LONGS_EQUAL(5, host.setting("patience", std::chrono::milliseconds(1)).count());
    LONGS_EQUAL(7, host.setting("unknown", std::int64_t{7}));
}

TEST(FakeHost, givesObjectsWithTheirDefaultsAsTheDaemonDoes) {
    CHECK_TRUE(host.setting("peers", std::vector<Json>{json({})}).empty());
    host.settings["peers"] =
        std::vector<Json>{json({{"roles", Json::Array{"x"}}, {"name", "a"}}), json({{"name", "b"}})};
    const auto peers = host.setting("peers", std::vector<Json>{});
    CHECK_TRUE(peers.at(0) == json({{"name", "a"}, {"rest", std::int64_t{5000}}, {"roles", Json::Array{"x"}}}));
    CHECK_TRUE(peers.at(1) == json({{"name", "b"}, {"rest", std::int64_t{5000}}, {"roles", Json::Array{"any"}}}));
}

TEST(FakeHost, keepsWhatThePluginChangesInItsSettings) {
    plugin.start();
    CHECK_FALSE(host.tellChanges());
    CHECK_TRUE(
        host.changeSettings({{"patience", "7s"}, {"peers", std::vector<Json>{json({{"name", "a"}})}}}, "uid 0", "why")
            .has_value());
    LONGS_EQUAL(7000, host.setting("patience", std::chrono::milliseconds(1)).count());
    LONGS_EQUAL(1, host.setting("peers", std::vector<Json>{}).size());
    STRCMP_EQUAL("why", host.changes.at(0).comment.c_str());
    CHECK_TRUE(host.logged().empty());
    CHECK_TRUE(host.tellChanges());
    STRCMP_EQUAL("changed", host.logged().at(0).text.c_str());
    CHECK_TRUE(host.changeSettings({{"patience", std::nullopt}}, "uid 0", "").has_value());
    LONGS_EQUAL(30000, host.setting("patience", std::chrono::milliseconds(1)).count());
    CHECK_FALSE(host.changeSettings({{"unknown", "1"}}, "uid 0", "").has_value());
    host.fixed["room"] = "command line --set";
    STRCMP_CONTAINS("command line --set", host.changeSettings({{"room", "1KiB"}}, "", "").error().text().c_str());
}

TEST(FakeHost, joinsThreadsAndTellsWhatTheyThrew) {
    plugin.start();
    plugin.stop();
    LONGS_EQUAL(1, host.threadFaults().size());
    STRCMP_EQUAL("beat: late", host.threadFaults()[0].c_str());
}

TEST(FakeHost, runsTimersOnlyWhenTheirTimeHasCome) {
    bool rung = false;
    host.reactor(0).after(std::chrono::hours(2), [&] { rung = true; });
    host.manual().turn();
    CHECK_FALSE(rung);
    host.manual().advance(std::chrono::hours(2));
    host.manual().turn();
    CHECK_TRUE(rung);
}

TEST(FakeHost, listensOnAFreePortOfLoopback) {
    CHECK_TRUE(host.listenSocket(Address::parse("127.0.0.1:0").value()).has_value());
    CHECK_TRUE(host.bound().port != 0);
    host.closeListenSocket(host.bound());
    LONGS_EQUAL(0, host.listening().size());
}

TEST(FakeHost, keepsASubmissionUntilTheTestResponds) {
    struct Ear final : Responder {
        void respond(std::uint64_t token, const Outcome&) noexcept override { heard = token; }
        std::uint64_t heard = 0;
    } ear;
    host.dispatcher().submit(host.reactor(0), ear, 42, Address::parse("10.0.0.7:1").value(), {});
    LONGS_EQUAL(0, ear.heard);
    CHECK_TRUE(host.fakeDispatcher.respond(0, Outcome::fault(RpcStatus::serverTooBusy)));
    LONGS_EQUAL(42, ear.heard);
    CHECK_FALSE(host.fakeDispatcher.respond(0, Outcome::fault(RpcStatus::serverTooBusy)));
}
