#include "api/objects.h"

#include "CppUTest/TestHarness.h"

#include "api/json_text.h"

using namespace muster;
using namespace muster::api;

namespace {

constexpr Field kUpstream[] = {
    {.name = "name", .minimum = 1, .maximum = 20, .required = true},
    {.name = "address", .type = FieldType::address},
    {.name = "priority", .type = FieldType::integer, .fallback = "0", .minimum = 0, .maximum = 9},
    {.name = "interval", .type = FieldType::duration, .fallback = "30s", .minimum = 1000},
    {.name = "cap", .type = FieldType::size},
    {.name = "state", .type = FieldType::choice, .fallback = "active", .choices = "active|draining"},
    {.name = "virtual", .type = FieldType::boolean},
    {.name = "families", .type = FieldType::texts, .fallback = "[]", .maximum = 2},
    {.name = "networks", .type = FieldType::networks},
    {.name = "codes", .type = FieldType::integers}};
constexpr Field kUpstreams{.name = "upstreams", .type = FieldType::objects, .maximum = 3, .fields = kUpstream};

/// What a text means, as JSON, or what is wrong with it, one line each.
std::string read(std::string_view text) {
    const auto value = parseValue(kUpstreams, text);
    if (value)
        return dumpJson(valueJson(*value));
    std::vector<Finding> findings;
    value.error().reportTo(findings, "upstreams", "");
    std::string out;
    for (const Finding& finding : findings)
        out += finding.text() + "\n";
    return out;
}

}  // namespace

TEST_GROUP(Objects){};

TEST(Objects, readsOneLineOfTomlAndFillsInDefaults) {
    STRCMP_EQUAL(R"([{"name":"a","address":"[::1]:1688","priority":2,"interval":30000,"state":"active","families":[]},)"
                 R"({"name":"b, c","priority":0,"interval":5000,"cap":2048,"state":"draining","virtual":true,)"
                 R"("families":["x","y z"],"networks":["10.0.0.0/8","fe80::/10"],"codes":[1,-2]}])",
                 read(R"([{name = "a", address="[::1]:1688",priority = 2},)"
                      R"({name='b, c', interval="5s", cap=2048, state="draining", virtual = true,)"
                      R"( families = ["x", 'y z',], networks=["10.0.0.0/8", "fe80::/10"], codes = [1, -2] }, ])")
                     .c_str());
}

TEST(Objects, readsWordsWithoutQuotesAndJson) {
    const char* meant = R"([{"name":"a","address":"[::1]:1688","priority":2,"interval":5000,"cap":65536,)"
                        R"("state":"active","families":["vista-2008"],"networks":["fe80::/10"]}])";
    STRCMP_EQUAL(meant, read("{name=a,address=[::1]:1688,priority=2,interval=5s,cap=64KiB,families=[vista-2008],"
                             "networks=[ fe80::/10 ]}")
                            .c_str());
    STRCMP_EQUAL(meant, read(R"([{"name":"a","address":"[::1]:1688","priority":2,"interval":"5s","cap":"64KiB",)"
                             R"("families":["vista-2008"],"networks":["fe80::/10"]}])")
                            .c_str());
    STRCMP_EQUAL("[]", read("[]").c_str());
    STRCMP_EQUAL("[]", read("").c_str());
}

TEST(Objects, namesEveryMemberThatIsWrong) {
    const std::string text = read(R"([{name="a"},{address="nowhere",priority=10,interval=5,state="on",colour="red",)"
                                  R"(families=["a","b","c"],virtual="yes",codes=[x]},{name="c"},{name="d"}])");
    for (const char* part :
         {"upstreams: 4 items found, a list of at most 3 objects with name, address, priority",
          "upstreams[1].name: nothing found, text of 1 to 20 octets",
          "upstreams[1].address: \"nowhere\" found, an address", "upstreams[1].priority: 10 found, 0 to 9 allowed",
          "upstreams[1].interval: \"5\" found, a duration", "upstreams[1].state: \"on\" found, one of active, draining",
          "upstreams[1].families: [\"a\", \"b\", \"c\"] found", "upstreams[1].virtual: \"yes\" found, true or false",
          "upstreams[1].codes: [\"x\"] found",
          "upstreams[1].\"colour\": a member of that name found, only name, address"})
        STRCMP_CONTAINS(part, text.c_str());
    CHECK(text.find("upstreams[0]") == std::string::npos);
}

TEST(Objects, aNumberInQuotesIsNoNumber) {
    STRCMP_CONTAINS("upstreams[0].priority: \"1\" found, 0 to 9", read("[{name=a,priority=\"1\"}]").c_str());
}

TEST(Objects, saysWhereTextStopsBeingAListOfObjects) {
    for (const char* text : {"[", "[{", "{name", "{name=", "{name=a", "[{name=a}", "[{name=\"a}]", "[{name=\"\\q\"}]",
                             "{name=a}}", "[{name=a}] x", "a, b", "[{name=a},,]", "[{=a}]", "[{name=a b=c}]",
                             "[{name=a,name=b}]", "[{families={a=1}}]", "[[{name=a}]]", "{\"na", "[{name=\"\\\""})
        CHECK_TEXT(read(text).find("upstreams: ") == 0, text);
    STRCMP_EQUAL(
        "upstreams: \"; x\" at octet 12 found, a list of at most 3 objects with name, address, priority, "
        "interval, cap, state, virtual, families, networks, codes allowed\n",
        read("[{name=a}, ; x").c_str());
}

TEST(Objects, writesWhatItReadsWithoutTheDefaults) {
    const std::string text =
        R"([{name = "a", interval = "5s", cap = 2048}, {name = "q\"\\\u0007ü", state = "draining", )"
        R"(virtual = false, families = ["x", "y"], networks = ["10.0.0.0/8"], codes = [1]}])";
    const auto value = parseValue(kUpstreams, text);
    CHECK_TEXT(!value, "a control character in a name");
    const std::string good = R"([{name = "a", interval = "5s", cap = 2048}, {name = "q\"\\ü", state = "draining", )"
                             R"(virtual = false, families = ["x", "y"], networks = ["10.0.0.0/8"], codes = [1]}])";
    STRCMP_EQUAL(good.c_str(), valueText(kUpstreams, *parseValue(kUpstreams, good)).c_str());
    STRCMP_EQUAL(
        "[{name = \"a\"}]",
        valueText(kUpstreams, *parseValue(kUpstreams, "{name=a,priority=0,state=active,families=[]}")).c_str());
}
