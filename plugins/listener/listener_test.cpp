/// The listener as its clients and its operator see it.
#include "CppUTest/TestHarness.h"

#include "muster/test/fake_host.h"

#include "test_client.h"

using namespace muster;
using namespace muster::listener::test;

MUSTER_PLUGIN_UNDER_TEST(listener);

TEST_GROUP(Listener) {
    muster::test::FakeHost host;
    muster::test::Running plugin{muster_plugin_listener, host};

    void setup() override {
        addresses({"127.0.0.1:0"});
    }
    void teardown() override {
        plugin.stop();
    }
    void addresses(std::vector<std::string> list) {
        host.settings["addresses"] = std::move(list);
    }
    void answerAtOnce() {
        host.fakeDispatcher.answer = [](const auto&) { return std::optional(granted()); };
    }
    std::string startFailure() {
        try {
            plugin.start();
        } catch (const Fault& fault) {
            return fault.what();
        }
        return {};
    }
};

TEST(Listener, answersARequestWithWhatTheDispatcherDecides) {
    plugin.start();
    Client client(host, host.bound());
    CHECK_TRUE(client.bind());
    client.send(Client::requestPdu());
    CHECK_TRUE(host.runUntil([&] { return host.fakeDispatcher.submissions.size() == 1; }));
    const auto& submission = host.fakeDispatcher.submissions[0];
    LONGS_EQUAL(252, submission.body.size());
    STRCMP_EQUAL("127.0.0.1", submission.source.host().c_str());
    CHECK_TRUE(host.fakeDispatcher.respond(0, granted()));
    const Bytes response = client.pdu();
    LONGS_EQUAL(200, response.size());
    CHECK_TRUE(Client::typeOf(response) == kms::PduType::response);
    LONGS_EQUAL(1, host.number("listener_requests_total"));
}

TEST(Listener, namesItsPortInTheBindAck) {
    plugin.start();
    Client client(host, host.bound());
    client.send(Client::bindPdu());
    const Bytes ack = client.pdu();
    const auto address = kms::decodeBindAck(*kms::readHeader(ack), ack)->secondaryAddress;
    STRCMP_EQUAL(std::to_string(host.bound().port).c_str(),
                 std::string(reinterpret_cast<const char*>(address.data()), address.size()).c_str());
}

TEST(Listener, takesRequestsThatAreDrippedOctetByOctet) {
    answerAtOnce();
    plugin.start();
    Client client(host, host.bound());
    Bytes all = Client::bindPdu();
    const Bytes request = Client::requestPdu();
    all.insert(all.end(), request.begin(), request.end());
    for (const std::byte octet : all) {
        client.send(Octets(&octet, 1));
        host.manual().turn(std::chrono::milliseconds(0));
    }
    CHECK_TRUE(Client::typeOf(client.pdu()) == kms::PduType::bindAck);
    CHECK_TRUE(Client::typeOf(client.pdu()) == kms::PduType::response);
}

TEST(Listener, answersPipelinedRequestsInTheirOrder) {
    answerAtOnce();
    plugin.start();
    Client client(host, host.bound());
    Bytes all = Client::bindPdu();
    for (std::uint32_t call = 2; call < 100; ++call) {
        const Bytes request = Client::requestPdu(call);
        all.insert(all.end(), request.begin(), request.end());
    }
    client.send(all);
    CHECK_TRUE(Client::typeOf(client.pdu()) == kms::PduType::bindAck);
    for (std::uint32_t call = 2; call < 100; ++call)
        LONGS_EQUAL(call, kms::readHeader(client.pdu())->callId);
}

TEST(Listener, keepsPipelinedRequestsUntilTheOneBeforeIsAnswered) {
    plugin.start();
    Client client(host, host.bound());
    Bytes all = Client::bindPdu();
    for (const std::uint32_t call : {2U, 3U, 4U}) {
        const Bytes request = Client::requestPdu(call, 252, 64);  // each in several fragments
        all.insert(all.end(), request.begin(), request.end());
    }
    client.send(all);
    client.pdu();
    for (std::size_t n = 0; n < 3; ++n) {
        CHECK_TRUE(host.runUntil([&] { return host.fakeDispatcher.submissions.size() > n; }));
        LONGS_EQUAL(n + 1, host.fakeDispatcher.submissions.size());
        host.fakeDispatcher.respond(n, granted());
        LONGS_EQUAL(n + 2, kms::readHeader(client.pdu())->callId);
    }
}

TEST(Listener, answersAClientThatHasSaidAllAndClosesAfterwards) {
    plugin.start();
    Client client(host, host.bound());
    client.bind();
    client.send(Client::requestPdu());
    client.halfClose();
    CHECK_TRUE(host.runUntil([&] { return host.fakeDispatcher.submissions.size() == 1; }));
    for (int i = 0; i < 5; ++i)
        host.manual().turn(std::chrono::milliseconds(0));
    host.fakeDispatcher.respond(0, granted());
    CHECK_TRUE(Client::typeOf(client.pdu()) == kms::PduType::response);
    CHECK_TRUE(client.closedByServer());
}

TEST(Listener, letsAnAnswerGoWhoseClientHasGone) {
    plugin.start();
    auto client = std::make_unique<Client>(host, host.bound());
    client->bind();
    client->send(Client::requestPdu());
    CHECK_TRUE(host.runUntil([&] { return host.fakeDispatcher.submissions.size() == 1; }));
    client.reset();
    Client next(host, host.bound());
    CHECK_TRUE(next.bind());
    host.fakeDispatcher.respond(0, granted());
    CHECK_TRUE(host.runUntil([&] { return host.number("listener_connections") == 1; }));
    next.send(Client::requestPdu(7));
    CHECK_TRUE(host.runUntil([&] { return host.fakeDispatcher.submissions.size() == 2; }));
    host.fakeDispatcher.respond(1, granted());
    LONGS_EQUAL(7, kms::readHeader(next.pdu())->callId);
}

TEST(Listener, sendsItsLastWordAndLetsThePeerReadItEvenIfThatStillSends) {
    plugin.start();
    Client client(host, host.bound());
    client.bind();
    client.send(Client::requestPdu(2, 6000, 0xFFFF));  // longer than any fragment that was offered
    CHECK_TRUE(Client::typeOf(client.pdu()) == kms::PduType::fault);
    CHECK_TRUE(client.closedByServer());
    LONGS_EQUAL(1, host.number("listener_rejected_long_fragment_total"));
    client.close();
    CHECK_TRUE(host.runUntil([&] { return host.number("listener_connections") == 0; }));
}

TEST(Listener, closesAConnectionWhoseOutcomeIsDropped) {
    host.fakeDispatcher.answer = [](const auto&) { return std::optional(Outcome{}); };
    plugin.start();
    Client client(host, host.bound());
    client.bind();
    client.send(Client::requestPdu());
    CHECK_TRUE(client.closedByServer());
    LONGS_EQUAL(0, client.received.size());
}

TEST(Listener, servesBothAddressFamilies) {
    addresses({"127.0.0.1:0", "[::1]:0"});
    plugin.start();
    if (host.listening().size() < 2)
        return;  // a machine without IPv6: the test after the next says what happens then
    Client client(host, host.bound(1));
    CHECK_TRUE(client.bind());
}

TEST(Listener, startsWithAWarningWhereAnAddressIsMissing) {
    addresses({"192.0.2.1:0", "127.0.0.1:0"});  // TEST-NET-1: no machine has it
    plugin.start();
    LONGS_EQUAL(1, host.listening().size());
    LONGS_EQUAL(1, host.raised(21001));
    CHECK_TRUE(host.logged().at(0).severity == Severity::warning);
    Client client(host, host.bound());
    CHECK_TRUE(client.bind());
}

TEST(Listener, doesNotStartWhereNoAddressCanBeOpened) {
    addresses({"192.0.2.1:0"});
    const std::string failure = startFailure();
    CHECK_TRUE(failure.find("no address could be opened") != std::string::npos);
    CHECK_TRUE(failure.find("192.0.2.1") != std::string::npos);
}

TEST(Listener, doesNotStartWhereSomebodyElseListens) {
    muster::test::FakeHost other;
    addresses({other.listenSocket(*Address::parse("127.0.0.1:0")) ? other.bound().text() : "", "127.0.0.1:0"});
    CHECK_TRUE(startFailure().find(other.bound().text()) != std::string::npos);
}

TEST(Listener, showsWhereItListensAndWhatItRefused) {
    plugin.start();
    Client client(host, host.bound());
    client.send(Client::requestPdu());  // before any bind
    CHECK_TRUE(client.closedByServer());
    const auto reply = host.call("GET", "/listener");
    CHECK_TRUE(reply.has_value());
    const Json& body = reply->body;
    STRCMP_EQUAL(host.bound().text().c_str(), body.find("addresses")->array()->at(0).string()->c_str());
    LONGS_EQUAL(1, *body.find("accepted")->natural());
    const Json& reject = body.find("rejects")->array()->at(0);
    STRCMP_EQUAL("not_bound", reject.find("reason")->string()->c_str());
    LONGS_EQUAL(1, *reject.find("count")->natural());
}

TEST(Listener, opensAndClosesAddressesWhenTheSettingChanges) {
    plugin.start();
    const Address first = host.bound();
    Client before(host, first);
    CHECK_TRUE(before.bind());
    addresses({"127.0.0.2:0"});
    plugin->settingsChanged();
    LONGS_EQUAL(1, host.listening().size());
    Client after(host, host.bound());
    CHECK_TRUE(after.bind());
    CHECK_FALSE(Client(host, first).connected);
    before.send(Client::requestPdu());  // an association lives on
    CHECK_TRUE(host.runUntil([&] { return host.fakeDispatcher.submissions.size() == 1; }));
}

TEST(Listener, keepsItsSettingsWhenAChangeCannotBeApplied) {
    plugin.start();
    addresses({"127.0.0.1:0", "kms:1688"});
    plugin->settingsChanged();
    LONGS_EQUAL(1, host.raised(21002));
    Client client(host, host.bound());
    CHECK_TRUE(client.bind());
}

TEST(Listener, closesItsConnectionsAndForgetsItsCallsWhenItStops) {
    plugin.start();
    Client client(host, host.bound());
    client.bind();
    client.send(Client::requestPdu());
    CHECK_TRUE(host.runUntil([&] { return host.fakeDispatcher.submissions.size() == 1; }));
    plugin.stop();
    CHECK_TRUE(client.closedByServer());
    CHECK_FALSE(host.fakeDispatcher.respond(0, granted()));
}

TEST(Listener, servesOnSeveralReactorsThatShareItsSocket) {
    muster::test::FakeHost several(3);
    several.settings["addresses"] = std::vector<std::string>{"127.0.0.1:0"};
    several.fakeDispatcher.answer = [](const auto&) { return std::optional(granted()); };
    muster::test::Running running{muster_plugin_listener, several};
    running.start();
    std::vector<std::unique_ptr<Client>> clients;
    for (int i = 0; i < 20; ++i) {
        clients.push_back(std::make_unique<Client>(several, several.bound()));
        CHECK_TRUE(clients.back()->bind());
        clients.back()->send(Client::requestPdu());
    }
    for (const auto& client : clients)
        CHECK_TRUE(Client::typeOf(client->pdu()) == kms::PduType::response);
    clients.clear();
    CHECK_TRUE(several.runUntil([&] { return several.number("listener_connections") == 0; }));
    running.stop();
}
