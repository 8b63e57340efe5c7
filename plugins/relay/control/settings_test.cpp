#include "settings.h"

#include "CppUTest/TestHarness.h"

using namespace muster;
using namespace muster::relay;

TEST_GROUP(HostPort) {
    std::string host;
    std::uint16_t port = 0;

    void is(const char* text, const char* wantedHost, std::uint16_t wantedPort) {
        const auto parsed = parseHostPort(text, host, port);
        CHECK_TRUE_TEXT(parsed.has_value(), text);
        STRCMP_EQUAL(wantedHost, host.c_str());
        LONGS_EQUAL(wantedPort, port);
    }
};

TEST(HostPort, hasPort1688UnlessItSaysAnother) {
    is("kms-a.corp.example", "kms-a.corp.example", 1688);
    is("kms-a:1700", "kms-a", 1700);
    is("10.0.0.7", "10.0.0.7", 1688);
    is("10.0.0.7:65535", "10.0.0.7", 65535);
    is("[2001:db8::1]:1700", "2001:db8::1", 1700);
    is("[2001:db8::1]", "2001:db8::1", 1688);
    is("2001:db8::1", "2001:db8::1", 1688);
}

TEST(HostPort, ofAnyOtherShapeIsRefusedInWords) {
    for (const char* bad : {"", ":1688", "kms-a:", "kms-a:0", "kms-a:65536", "kms-a:12x", "[::1", "[::1]x",
                            "[::1]:", "kms a", "kms\na", "http://kms-a", "kms-a/1"}) {
        const auto parsed = parseHostPort(bad, host, port);
        CHECK_FALSE_TEXT(parsed.has_value(), bad);
        CHECK_TRUE_TEXT(parsed.error().detail.size() > 10, bad);
    }
}
