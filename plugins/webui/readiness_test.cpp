#include "readiness.h"

#include "CppUTest/TestHarness.h"

#include "muster/test/fake_host.h"

#include "api/json_text.h"

using namespace muster;
using namespace muster::webui;

TEST_GROUP(Readiness) {
    test::FakeHost host;
    Json status = json({{"ready", true}, {"store", "ok"}, {"listening", Json(Json::Array{Json("192.0.2.7:1688")})}});
    Json upstream = json({{"name", "kms-secret"},
                          {"state", "active"},
                          {"condition", "up"},
                          {"addresses", Json(Json::Array{Json("192.0.2.9:1688")})}});
    bool relays = true;
    int asked = 0;

    void setup() override {
        host.present = Mode::relay;
        host.serves = [this](const FrontRequest& request) {
            ++asked;
            CHECK(request.caller.role == Role::viewer);
            FrontAnswer answer;
            if (request.target == "/status")
                answer.body = api::dumpJson(status);
            else if (request.target == "/upstreams" && relays)
                answer.body = api::dumpJson(json({{"items", Json(Json::Array{upstream})}, {"next", nullptr}}));
            else
                answer.status = 404;
            return answer;
        };
    }
    std::string problem() {
        std::string text = Readiness(host).problem();
        // Whoever asks need not be logged in.
        CHECK(text.find("kms-secret") == std::string::npos && text.find("192.0.2.") == std::string::npos);
        return text;
    }
};

TEST(Readiness, isThereWhenAClientWouldGetAnAnswer) {
    STRCMP_EQUAL("", problem().c_str());
    upstream.set("condition", "untried");
    STRCMP_EQUAL("", problem().c_str());
    host.present = Mode::lab;
    STRCMP_EQUAL("", problem().c_str());
}

TEST(Readiness, lacksAMode) {
    host.present = Mode::none;
    STRCMP_CONTAINS("no mode is chosen", problem().c_str());
}

TEST(Readiness, lacksADaemonThatHasBegun) {
    status.set("ready", false);
    STRCMP_CONTAINS("about to begin or to end", problem().c_str());
    status = Json("nonsense");
    STRCMP_CONTAINS("about to begin or to end", problem().c_str());
}

TEST(Readiness, lacksAnAddressForClients) {
    status.set("listening", Json(Json::Array{}));
    STRCMP_CONTAINS("no address is listened on", problem().c_str());
}

TEST(Readiness, ofTheLabNeedsItsDisk) {
    host.present = Mode::lab;
    for (const char* store : {"slow", "failing", "missing"}) {
        status.set("store", store);
        STRCMP_CONTAINS("cannot be kept", problem().c_str());
    }
    status.set("store", "off");
    STRCMP_EQUAL("", problem().c_str());
}

TEST(Readiness, ofTheRelayDoesWithoutTheDiskAndNotWithoutALicensedHost) {
    status.set("store", "failing");
    STRCMP_EQUAL("", problem().c_str());
    for (const auto& [member, value] : {std::pair{"condition", Json("down")}, std::pair{"state", Json("maintenance")},
                                        std::pair{"addresses", Json(Json::Array{})}}) {
        const Json before = *upstream.find(member);
        upstream.set(member, value);
        STRCMP_CONTAINS("no licensed host can be asked", problem().c_str());
        upstream.set(member, before);
    }
    STRCMP_EQUAL("", problem().c_str());
    relays = false;
    STRCMP_CONTAINS("the relay is not in service", problem().c_str());
}

TEST(Readiness, isAskedForOnceASecondHoweverManyWantToKnow) {
    Readiness readiness(host);
    for (int i = 0; i < 100; ++i)
        STRCMP_EQUAL("", readiness.problem().c_str());
    CHECK(asked <= 2 * 5);
}
