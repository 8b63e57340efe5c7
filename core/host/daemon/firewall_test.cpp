#include "host/daemon/firewall.h"

#include "CppUTest/TestHarness.h"

using namespace muster;
using namespace muster::daemon;

TEST_GROUP(Firewall){};

TEST(Firewall, opensWhatOthersReachAndNothingElse) {
    const auto open =
        portsOf({*Address::parse("0.0.0.0:1688"), *Address::parse("[::]:1688"), *Address::parse("0.0.0.0:443"),
                 *Address::parse("127.0.0.1:9100"), *Address::parse("[::1]:9101")});
    CHECK((open == system::OpenPorts{{443, 1688}, {}}));
}

TEST(Firewall, opensNoMoreThanTheHelperTakes) {
    std::vector<Address> all;
    for (std::uint16_t port = 2000; port > 1000; --port)
        all.push_back(*Address::parse("0.0.0.0:" + std::to_string(port)));
    const auto open = portsOf(all);
    CHECK(findings(open).empty());
    LONGS_EQUAL(1001, open.tcp.front());
}

TEST(Firewall, whereThereIsNoBoxNobodyIsAsked) {
    const Log log(2, false);
    Firewall firewall("", log);
    firewall.tick({*Address::parse("0.0.0.0:1688")});
}
