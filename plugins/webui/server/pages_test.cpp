#include "server/pages.h"

#include <array>

#include "CppUTest/TestHarness.h"

using namespace muster::webui;

TEST_GROUP(WebPages) {
    const std::array<Page, 2> pages{
        Page{.path = "/", .type = "text/html", .etag = "\"1\"", .plain = "page", .gzip = {}},
        Page{.path = "/assets/a-1.js",
             .type = "text/javascript",
             .etag = "\"2\"",
             .immutable = true,
             .plain = "script",
             .gzip = {}}};
    std::string_view found(std::string_view path) const {
        const Page* page = findPage(pages, path);
        return page != nullptr ? page->path : "nothing";
    }
};

TEST(WebPages, aFileByItsNameAlone) {
    CHECK(found("/assets/a-1.js") == "/assets/a-1.js");
    CHECK(found("/assets/a-2.js") == "nothing");
    CHECK(found("/assets/../assets/a-1.js") == "nothing");
    CHECK(found("/etc/passwd.txt") == "nothing");
}

TEST(WebPages, aPlaceWithinThePageIsThePage) {
    CHECK(found("/") == "/");
    CHECK(found("/clients/0123") == "/");
    CHECK(found("/assets") == "/");
}

TEST(WebPages, whatIsNoPathIsNothing) {
    CHECK(found("") == "nothing");
    CHECK(found("*") == "nothing");
    CHECK(findPage({}, "/") == nullptr);
}
