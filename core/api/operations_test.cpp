#include "api/operations.h"

#include "CppUTest/TestHarness.h"

using namespace muster;
using namespace muster::api;

namespace {

constexpr Field kCmid[] = {{.name = "cmid", .type = FieldType::guid}};
constexpr Field kNumber[] = {{.name = "number", .type = FieldType::integer}};

Handler nothing() {
    return [](const Call&) -> Result<Reply> { return Reply(); };
}

}  // namespace

TEST_GROUP(OperationTable) {
    OperationTable table;
    void add(const char* owner, const Operation& operation) {
        const auto added = table.add(owner, operation, nothing());
        CHECK_TEXT(added.has_value(), added ? "" : added.error().text().c_str());
    }
};

TEST(OperationTable, findsAnOperationAndTheValuesInItsPath) {
    add("core", {.method = "GET", .path = "/clients/{cmid}", .path_ = kCmid});
    const Match match = table.find("GET", "/clients/a%20b");
    CHECK(match.registered != nullptr);
    LONGS_EQUAL(1, match.values.size());
    STRCMP_EQUAL("a b", match.values[0].c_str());
}

TEST(OperationTable, prefersTheLiteralPartOverAnyValue) {
    add("core", {.method = "GET", .path = "/clients/{cmid}", .path_ = kCmid});
    add("core", {.method = "GET", .path = "/clients/export"});
    STRCMP_EQUAL("/clients/export", table.find("GET", "/clients/export").registered->operation().path.data());
}

TEST(OperationTable, saysWhichMethodsAPathHas) {
    add("core", {.method = "GET", .path = "/mode"});
    add("core", {.method = "PUT", .path = "/mode"});
    const Match match = table.find("DELETE", "/mode");
    CHECK(match.registered == nullptr);
    STRCMP_EQUAL("GET, PUT", match.allowed.c_str());
    STRCMP_EQUAL("", table.find("GET", "/nowhere").allowed.c_str());
}

TEST(OperationTable, refusesAPathThatAnotherPluginOwnsAndNamesIt) {
    add("lab", {.method = "GET", .path = "/keys/{number}", .path_ = kNumber});
    const auto second = table.add("relay", {.method = "GET", .path = "/keys/{cmid}", .path_ = kCmid}, nothing());
    CHECK(!second);
    LONGS_EQUAL(int(Code::duplicate), int(second.error().code));
    STRCMP_CONTAINS("from lab", second.error().text().c_str());
}

TEST(OperationTable, refusesWordsOfTheCommandLineThatAreTaken) {
    add("lab", {.method = "GET", .path = "/keys", .cli = "key list"});
    const auto second = table.add("relay", {.method = "GET", .path = "/other", .cli = "key list"}, nothing());
    CHECK(!second);
    STRCMP_CONTAINS("belong to lab", second.error().text().c_str());
}

TEST(OperationTable, refusesPlaceholdersWithoutAField) {
    const auto added = table.add("lab", {.method = "GET", .path = "/keys/{number}"}, nothing());
    CHECK(!added);
    LONGS_EQUAL(int(Code::malformed), int(added.error().code));
}

TEST(OperationTable, takesBackAllThatAnOwnerAdded) {
    add("lab", {.method = "GET", .path = "/keys"});
    add("core", {.method = "GET", .path = "/mode"});
    table.remove("lab");
    CHECK(table.find("GET", "/keys").registered == nullptr);
    CHECK(table.find("GET", "/mode").registered != nullptr);
}

TEST(OperationTable, swapsASuccessorInOneStepOrNotAtAll) {
    add("lab", {.method = "GET", .path = "/keys"});
    add("core", {.method = "GET", .path = "/mode"});
    CHECK(table.mayAdd("lab", {.method = "GET", .path = "/keys"}).has_value());
    CHECK(!table.mayAdd("lab", {.method = "GET", .path = "/mode"}).has_value());

    std::vector<Registration> bad;
    bad.push_back({{.method = "GET", .path = "/seals"}, nothing()});
    bad.push_back({{.method = "GET", .path = "/mode"}, nothing()});
    CHECK(!table.replace("lab", std::move(bad)));
    CHECK(table.find("GET", "/keys").registered != nullptr);
    CHECK(table.find("GET", "/seals").registered == nullptr);

    std::vector<Registration> good;
    good.push_back({{.method = "GET", .path = "/seals"}, nothing()});
    CHECK(table.replace("lab", std::move(good)).has_value());
    CHECK(table.find("GET", "/keys").registered == nullptr);
    CHECK(table.find("GET", "/seals").registered != nullptr);
}

TEST(OperationTable, keepsARowThatIsHeldAfterItsOwnerIsGone) {
    add("lab", {.method = "GET", .path = "/keys"});
    const auto held = table.find("GET", "/keys").registered;
    table.remove("lab");
    STRCMP_EQUAL("/keys", std::string(held->operation().path).c_str());
}

TEST(OperationTable, findsNothingForPathsThatAreNone) {
    add("core", {.method = "GET", .path = "/clients/{cmid}", .path_ = kCmid});
    for (const char* path : {"", "clients/x", "/clients/", "/clients/%", "/clients/%zz", "/clients/%00", "/clients/%ff",
                             "//", "/clients/x/y"})
        CHECK_TEXT(table.find("GET", path).registered == nullptr, path);
}
