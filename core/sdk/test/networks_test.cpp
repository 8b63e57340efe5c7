#include "muster/networks.h"

#include "CppUTest/TestHarness.h"

using namespace muster;

TEST_GROUP(Networks){static bool contain(const std::vector<std::string>& texts,
                                         const char* address){const auto networks = Networks::parse(texts);
CHECK_TRUE(networks.has_value());
return networks->contain(*Address::parse(address));
}
}
;

TEST(Networks, containWhatTheirPrefixSays) {
    CHECK_TRUE(contain({"10.0.0.0/8"}, "10.255.0.1:0"));
    CHECK_FALSE(contain({"10.0.0.0/8"}, "11.0.0.1:0"));
    CHECK_TRUE(contain({"172.16.0.0/12"}, "172.31.9.9:0"));
    CHECK_FALSE(contain({"172.16.0.0/12"}, "172.32.0.1:0"));
    CHECK_TRUE(contain({"fe80::/10"}, "[febf::1]:0"));
    CHECK_FALSE(contain({"fe80::/10"}, "[fec0::1]:0"));
    CHECK_TRUE(contain({"192.0.2.7"}, "192.0.2.7:0"));
    CHECK_FALSE(contain({"192.0.2.7"}, "192.0.2.6:0"));
}

TEST(Networks, ofOneFamilySayNothingOfTheOther) {
    CHECK_FALSE(contain({"0.0.0.0/0"}, "[2001:db8::1]:0"));
    CHECK_TRUE(contain({"0.0.0.0/0"}, "203.0.113.1:0"));
    CHECK_TRUE(contain({"::/0"}, "[2001:db8::1]:0"));
}

TEST(Networks, thatAreNoneAreNamed) {
    for (const char* bad :
         {"", "10.0.0.0/33", "10.0.0/8", "fe80::/129", "fe80::/x", "10.0.0.0/", "10.0.0.0/8 ", "kms"}) {
        const auto networks = Networks::parse({"10.0.0.0/8", bad});
        CHECK_FALSE(networks.has_value());
        CHECK_TRUE(networks.error().subject.find(bad) != std::string::npos);
    }
}

TEST(Networks, noneAtAllLetNobodyIn) {
    CHECK_FALSE(contain({}, "127.0.0.1:0"));
}
