/// The plugin under the fake host: who may come in, and what is asked of whom. The page over TLS is tried by
/// tests/integration/web_test.py.
#include "CppUTest/TestHarness.h"

#include "muster/plugin.h"
#include "muster/test/fake_host.h"

#include "gatekeeper.h"

using namespace muster;
using namespace muster::webui;

MUSTER_PLUGIN_UNDER_TEST(webui);

namespace {

constexpr const char* kPassword = "quiet harbour lantern";

}  // namespace

TEST_GROUP(Webui) {
    test::FakeHost host;
    test::Running plugin{muster_plugin_webui, host};

    void setup() override {
        host.settings["addresses"] = std::vector<std::string>{"127.0.0.1:0"};
        plugin.start();
    }
    std::string code() {
        auto reply = host.call("GET", "/setup-code");
        CHECK_TRUE(reply.has_value());
        return reply->text.substr(0, reply->text.size() - 1);
    }
    int statusOf(const Result<Reply>& reply) {
        return reply ? reply->status : -static_cast<int>(reply.error().code);
    }
};

TEST(Webui, withoutAddressesNothingIsServedAndNothingKept) {
    test::FakeHost bare;
    test::Running other{muster_plugin_webui, bare};
    other.start();
    CHECK_TRUE(bare.operations.empty());
}

TEST(Webui, theSetupCodeMakesOneAdministratorAndIsGone) {
    const std::string first = code();
    LONGS_EQUAL(19, first.size());
    LONGS_EQUAL(401,
                statusOf(host.call("POST", "/setup",
                                   json({{"code", "AAAA-AAAA-AAAA-AAAA"}, {"name", "ada"}, {"password", kPassword}}),
                                   Role::none)));
    auto made =
        host.call("POST", "/setup", json({{"code", first}, {"name", "ada"}, {"password", kPassword}}), Role::none);
    CHECK_TRUE(made.has_value());
    LONGS_EQUAL(200, made->status);
    CHECK_TRUE(std::any_of(made->headers.begin(), made->headers.end(),
                           [](const auto& header) { return header.first == "Set-Cookie"; }));
    const auto again = host.call("GET", "/setup-code");
    CHECK_FALSE(again.has_value());
    CHECK_TRUE(again.error().code == Code::missing);
    CHECK_FALSE(
        host.call("POST", "/setup", json({{"code", first}, {"name", "eve"}, {"password", kPassword}}), Role::none)
            .has_value());
    LONGS_EQUAL(1, host.raised(25005));
}

TEST(Webui, aWeakPasswordDoesNotSpendTheCode) {
    const std::string first = code();
    const auto refused =
        host.call("POST", "/setup", json({{"code", first}, {"name", "ada"}, {"password", "password1234"}}), Role::none);
    CHECK_FALSE(refused.has_value());
    STRCMP_EQUAL(first.c_str(), code().c_str());
}

TEST(Webui, theLastAdministratorStays) {
    CHECK_TRUE(
        host.call("POST", "/setup", json({{"code", code()}, {"name", "ada"}, {"password", kPassword}}), Role::none)
            .has_value());
    const auto removed = host.call("DELETE", "/users/{name}", json({{"name", "ada"}}));
    CHECK_FALSE(removed.has_value());
    CHECK_TRUE(removed.error().code == Code::conflict);
    CHECK_TRUE(
        host.call("POST", "/users", json({{"name", "bob"}, {"role", "admin"}, {"password", kPassword}})).has_value());
    CHECK_TRUE(host.call("DELETE", "/users/{name}", json({{"name", "ada"}})).has_value());
}

TEST(Webui, aUserIsChangedAsAskedOrNotAtAll) {
    CHECK_TRUE(
        host.call("POST", "/users", json({{"name", "ada"}, {"role", "admin"}, {"password", kPassword}})).has_value());
    CHECK_TRUE(
        host.call("POST", "/users", json({{"name", "bob"}, {"role", "admin"}, {"password", kPassword}})).has_value());
    const auto refused =
        host.call("PATCH", "/users/{name}", json({{"name", "bob"}, {"role", "viewer"}, {"password", "short"}}));
    CHECK_FALSE(refused.has_value());
    CHECK_TRUE(refused.error().code == Code::malformed);
    const auto list = host.call("GET", "/users");
    for (const Json& user : *list->body.find("items")->array())
        STRCMP_EQUAL("admin", user.find("role")->string()->c_str());
}

TEST(Webui, aTokenIsShownOnceAndListedWithoutWhatOpensIt) {
    auto made = host.call("POST", "/tokens", json({{"name", "backup"}, {"role", "viewer"}, {"days", 1}}));
    CHECK_TRUE(made.has_value());
    const std::string text = *made->body.find("token")->string();
    CHECK_TRUE(text.starts_with("mst_"));
    auto list = host.call("GET", "/tokens");
    CHECK_TRUE(list.has_value());
    const Json& first = list->body.find("items")->array()->front();
    STRCMP_EQUAL("backup", first.find("name")->string()->c_str());
    CHECK_TRUE(first.find("token") == nullptr);
}

TEST(Webui, whoComesOverTheControlSocketHasNoSessionToLogIn) {
    const auto refused = host.call("POST", "/login", json({{"name", "ada"}, {"password", kPassword}}), Role::none);
    CHECK_FALSE(refused.has_value());
    CHECK_TRUE(refused.error().code == Code::denied);
}
