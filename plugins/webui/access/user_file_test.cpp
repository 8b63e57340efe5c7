#include "user_file.h"

#include "CppUTest/TestHarness.h"

#include "access_fixture.h"

using namespace muster;
using namespace muster::webui;
using namespace std::chrono_literals;

TEST_GROUP(TheUserFile) {
    const std::string hash =
        "$argon2id$v=19$m=64,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$biqHAY+0AYKHAeTkJDW2lybtxFTDBE2QNlM9I5o6GbM";
    User user(const std::string& id, const std::string& name) const {
        User made;
        made.id = id;
        made.name = name;
        made.role = Role::operator_;
        made.passwordHash = hash;
        made.totpSecret = "12345678901234567890";
        made.totpLast = 59'000'000;
        made.stamp = 7;
        made.disabled = true;
        made.created = Timestamp(1'795'737'600'000ms);
        made.lastLogin = Timestamp(1'795'737'600'001ms);
        made.sources = {"10.0.0.7", "2001:db8::/64"};
        return made;
    }
    std::string good() const {
        User other = user("00000000000000ff", "b.o-b_@2");
        other.role = Role::admin;
        other.totpSecret.clear();
        other.lastLogin.reset();
        other.sources.clear();
        return writeUsers({user("0123456789abcdef", "Alice"), other});
    }
    std::string with(const std::string& was, const std::string& is) const {
        std::string text = good();
        const std::size_t at = text.find(was);
        CHECK_TRUE_TEXT(at != std::string::npos, was.c_str());
        return text.replace(at, was.size(), is);
    }
};

TEST(TheUserFile, isReadAsItIsWritten) {
    const auto users = parseUsers(good());
    CHECK_TRUE(users.has_value());
    LONGS_EQUAL(2, users->size());
    CHECK_TRUE(users->front() == user("0123456789abcdef", "Alice"));
    STRCMP_EQUAL(good().c_str(), writeUsers(*users).c_str());
    CHECK_TRUE(parseUsers(writeUsers({}))->empty());
}

TEST(TheUserFile, ofAnotherVersionIsNamedSo) {
    CHECK(parseUsers(with("\"version\":1", "\"version\":2")).error().code == Code::incompatible);
}

TEST(TheUserFile, withAnythingElseInItIsRefused) {
    for (const std::string& bad : {std::string(),
                                   std::string("{}"),
                                   std::string("[]"),
                                   std::string("{\"version\":1}"),
                                   good().substr(1),
                                   good().substr(0, good().size() / 2),
                                   with("\"version\":1,", "\"version\":1,\"more\":1,"),
                                   with("\"stamp\":7", "\"stamp\":-7"),
                                   with("\"stamp\":7", "\"stamp\":7.5"),
                                   with("\"stamp\":7,", ""),
                                   with("\"stamp\":7", "\"stamp\":7,\"more\":0"),
                                   with("\"disabled\":true", "\"disabled\":1"),
                                   with("0123456789abcdef", "0123456789ABCDEF"),
                                   with("0123456789abcdef", "0123"),
                                   with("Alice", "Al ice"),
                                   with("Alice", "B.O-B_@2"),
                                   with("Alice", ""),
                                   with("0123456789abcdef", "00000000000000ff"),
                                   with("\"operator\"", "\"owner\""),
                                   with("$argon2id", "$argon2d"),
                                   with("3132", "31"),
                                   with("3132", "3g32"),
                                   with("1795737600000", "\"yesterday\""),
                                   with("1795737600000", "null"),
                                   with("1795737600001", "-1"),
                                   with("1795737600001", "253402300800000"),
                                   with("\"10.0.0.7\"", "7"),
                                   with("[\"10.0.0.7\"", "[[]")}) {
        const auto users = parseUsers(bad);
        CHECK_FALSE_TEXT(users.has_value(), bad.c_str());
        CHECK(users.error().code == Code::malformed);
    }
}

TEST(TheUserFile, ofTooManyUsersIsRefused) {
    std::vector<User> many;
    for (std::size_t i = 0; i <= kMaxUsers; ++i)
        many.push_back(user("00000000000000" + std::to_string(10 + i), "user" + std::to_string(i)));
    CHECK_FALSE(parseUsers(writeUsers(many)).has_value());
    many.pop_back();
    CHECK_TRUE(parseUsers(writeUsers(many)).has_value());
}

TEST(TheUserFile, problemNeverQuotesASecret) {
    const auto users = parseUsers(with("31323334", "3132333x"));
    CHECK_FALSE(users.has_value());
    STRCMP_CONTAINS("user 1: member \"totp_secret\"", users.error().text().c_str());
    CHECK_TRUE(users.error().text().find("333x") == std::string::npos);
}
