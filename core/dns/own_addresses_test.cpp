#include "dns/own_addresses.h"

#include "CppUTest/TestHarness.h"

using namespace muster;
using namespace muster::dns;

namespace {

Address at(const char* text) {
    return *Address::parse(text);
}

}  // namespace

TEST_GROUP(OwnAddresses) {
    const std::vector<Address> interfaces{at("127.0.0.1:0"), at("192.0.2.1:0"), at("[2001:db8::1]:0")};
};

TEST(OwnAddresses, aSocketForEveryAddressIsMeantByEachOfOurs) {
    const OwnAddresses own(interfaces, {at("0.0.0.0:1688"), at("[::]:1689")});
    for (const char* ours :
         {"192.0.2.1:1688", "127.0.0.1:1688", "127.0.0.53:1688", "0.0.0.0:1688", "[2001:db8::1]:1689"})
        CHECK(own.contain(at(ours)));
    for (const char* others : {"192.0.2.2:1688", "192.0.2.1:1689", "[2001:db8::1]:1688", "[2001:db8::2]:1689"})
        CHECK_FALSE(own.contain(at(others)));
}

TEST(OwnAddresses, aSocketForOneAddressIsMeantByThatOne) {
    const OwnAddresses own(interfaces, {at("192.0.2.1:1688")});
    CHECK(own.contain(at("192.0.2.1:1688")));
    CHECK_FALSE(own.contain(at("127.0.0.1:1688")));
}

TEST(OwnAddresses, areThoseOfTheMachineAndWhereItListens) {
    const OwnAddresses own = OwnAddresses::read({at("127.0.0.1:1688")});
    CHECK(own.contain(at("127.0.0.1:1688")));
    CHECK_FALSE(own.contain(at("127.0.0.1:1689")));
    CHECK_FALSE(own.contain(at("192.0.2.1:1688")));
}
