#include "server/policy.h"

#include "CppUTest/TestHarness.h"

using namespace muster::webui;

TEST_GROUP(WebPolicy){};

TEST(WebPolicy, theCookieIsFoundAmongOthersAndNotInOthers) {
    CHECK(sessionOf("__Host-muster=abc") == "abc");
    CHECK(sessionOf("a=b; __Host-muster=abc; c=d") == "abc");
    CHECK(sessionOf("x__Host-muster=abc; __Host-musterx=def; muster=ghi").empty());
    CHECK(sessionOf("").empty());
    CHECK(sessionOf(";;;=;").empty());
}

TEST(WebPolicy, twoCookiesThatDifferAreNone) {
    CHECK(sessionOf("__Host-muster=abc; __Host-muster=def").empty());
    CHECK(sessionOf("__Host-muster=abc; __Host-muster=abc") == "abc");
}

TEST(WebPolicy, onlyBearerIsATokensScheme) {
    CHECK(bearerOf("Bearer mst_x") == "mst_x");
    CHECK(bearerOf("bearer   mst_x ") == "mst_x");
    CHECK(bearerOf("Basic YTpi").empty());
    CHECK(bearerOf("Bearer ").empty());
    CHECK(bearerOf("Bearermst_x").empty());
}

TEST(WebPolicy, aChangeComesFromOurPageOrFromNoBrowser) {
    CHECK_FALSE(foreignOrigin("", "", "box").has_value());
    CHECK_FALSE(foreignOrigin("https://box", "same-origin", "box").has_value());
    CHECK_FALSE(foreignOrigin("https://box:8443", "", "box:8443").has_value());
    CHECK_FALSE(foreignOrigin("", "none", "box").has_value());
    CHECK(foreignOrigin("https://evil", "same-origin", "box").has_value());
    CHECK(foreignOrigin("http://box", "", "box").has_value());
    CHECK(foreignOrigin("https://box.evil", "", "box").has_value());
    CHECK(foreignOrigin("null", "", "box").has_value());
    CHECK(foreignOrigin("https://box", "cross-site", "box").has_value());
    CHECK(foreignOrigin("", "same-site", "box").has_value());
    CHECK(foreignOrigin("https://", "", "").has_value());
}

TEST(WebPolicy, whatIsNoHostGoesIntoNoAddress) {
    for (const char* host : {"box", "box.example.org:8443", "10.0.0.7", "[2001:db8::7]:443"})
        CHECK(isHost(host));
    for (const char* host : {"", "box/evil", "a b", "box\r\nX: y", "user@box", "box?x", "\xC3\xA4"})
        CHECK_FALSE(isHost(host));
    CHECK_FALSE(isHost(std::string(256, 'a')));
}

TEST(WebPolicy, gzipIsSentToWhoTakesIt) {
    CHECK(takesGzip("gzip, deflate, br"));
    CHECK(takesGzip("br;q=1.0, GZIP;q=0.8"));
    CHECK_FALSE(takesGzip(""));
    CHECK_FALSE(takesGzip("br"));
    CHECK_FALSE(takesGzip("gzip;q=0"));
    CHECK_FALSE(takesGzip("gzip; q=0.000"));
    CHECK_FALSE(takesGzip("xgzip"));
}

TEST(WebPolicy, onlyAPageMayLoadAnything) {
    const auto policy = [](Content content) {
        for (const auto& [name, value] : securityHeaders(content))
            if (name == "Content-Security-Policy")
                return value;
        return std::string();
    };
    STRCMP_CONTAINS("script-src 'self'", policy(Content::page).c_str());
    CHECK(policy(Content::page).find("unsafe") == std::string::npos);
    CHECK(policy(Content::data).find("'self'") == std::string::npos);
    for (const Content content : {Content::data, Content::page, Content::viewer})
        STRCMP_CONTAINS("frame-ancestors 'none'", policy(content).c_str());
    STRCMP_CONTAINS("script-src 'self';", policy(Content::viewer).c_str());  // scripts stay as strict there
}
