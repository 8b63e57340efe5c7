#include "login.h"

#include <atomic>

#include "CppUTest/TestHarness.h"

#include "access_fixture.h"
#include "totp.h"

using namespace muster;
using namespace muster::webui;
using namespace muster::webui::test;
using namespace std::chrono_literals;
using Outcome = Login::Outcome;

TEST_GROUP(TheLogin) {
    Folder folder;
    ManualClocks clock;
    PasswordHasher hasher{kCheap, {.inside = 2, .waiting = 100, .patience = 1h}};
    std::unique_ptr<Users> users = Users::open(folder.file("users"), hasher, clock.clocks()).value();
    Sessions sessions{[this](std::string_view id) { return users->byId(id); }, clock.clocks()};
    Throttle throttle{clock.clocks()};
    Login login{*users, sessions, throttle};

    void setup() override {
        CHECK_TRUE(users->addFirst("alice", kPassword).has_value());
    }
    Login::Answer attempt(const char* name, const char* password, const char* host = "10.0.0.7",
                          std::string_view code = {}) {
        return login.attempt({name, password, code, from(host), "Browser/1", {}});
    }
};

TEST(TheLogin, ofTheRightPasswordBeginsASession) {
    const auto answer = attempt("ALICE", kPassword);
    CHECK(answer.outcome == Outcome::in);
    CHECK_FALSE(answer.notRecorded.has_value());
    const auto access = sessions.use(answer.session.cookie);
    CHECK_TRUE(access.has_value());
    STRCMP_EQUAL("alice", access->account.name.c_str());
    CHECK_TRUE(users->knows("alice", "10.0.0.7"));
    CHECK_TRUE(users->find("alice")->lastLogin == clock.wall());
}

TEST(TheLogin, saysTheSameForAWrongPasswordAndAWrongName) {
    for (const char* const name : {"alice", "nobody", ""}) {
        const auto answer = attempt(name, kOther);
        CHECK(answer.outcome == Outcome::wrong);
        CHECK_TRUE(answer.session.cookie.empty());
    }
    LONGS_EQUAL(0, sessions.list().size());
}

TEST(TheLogin, endsTheSessionsOfAChangedPassword) {
    const auto answer = attempt("alice", kPassword);
    CHECK_TRUE(users->changePassword("alice", kPassword, kOther).has_value());
    CHECK_FALSE(sessions.use(answer.session.cookie).has_value());
}

TEST(TheLogin, asksForACodeOnlyOnceItIsConfirmedAndThePasswordIsRight) {
    const std::string secret = fromBase32(users->beginTotp("alice", "Muster")->secret);
    const auto code = [&] { return hotp(secret, totpStep(clock.wall())); };
    CHECK(attempt("alice", kPassword).outcome == Outcome::in);
    CHECK_TRUE(users->confirmTotp("alice", code()).has_value());
    clock.pass(30s);
    for (int i = 0; i < 20; ++i)  // no try: the password is right
        CHECK(attempt("alice", kPassword).outcome == Outcome::codeWanted);
    CHECK(attempt("alice", kOther, "10.0.0.7", code()).outcome == Outcome::wrong);
    CHECK(attempt("alice", kPassword, "10.0.0.7", code()).outcome == Outcome::in);
    CHECK(attempt("alice", kPassword, "10.0.0.7", code()).outcome == Outcome::wrong);  // used
}

TEST(TheLogin, letsTenWrongCodesThroughInAnHour) {
    const std::string secret = fromBase32(users->beginTotp("alice", "Muster")->secret);
    CHECK_TRUE(users->confirmTotp("alice", hotp(secret, totpStep(clock.wall()))).has_value());
    for (int i = 0; i < 10; ++i) {
        CHECK(attempt("alice", kPassword, ("10.0.0." + std::to_string(i)).c_str(), "none").outcome == Outcome::wrong);
        clock.pass(5min);  // the password's own rate does not matter
    }
    CHECK(attempt("alice", kPassword, "10.0.1.1", "none").outcome == Outcome::wait);
}

TEST(TheLogin, letsTenWrongOfManyThroughAtOnce) {
    std::atomic<int> wrong{0};
    std::atomic<int> wait{0};
    onThreads(8, [&](std::size_t) {
        for (int i = 0; i < 5; ++i) {
            const auto answer = attempt("alice", kOther);
            wrong += answer.outcome == Outcome::wrong ? 1 : 0;
            wait += answer.outcome == Outcome::wait && answer.wait.count() > 0 ? 1 : 0;
        }
    });
    LONGS_EQUAL(10, wrong.load());
    LONGS_EQUAL(30, wait.load());
    CHECK(attempt("alice", kPassword).outcome == Outcome::wait);  // right, and too late
}

TEST(TheLogin, letsTheOwnerInWhateverOthersTry) {
    CHECK(attempt("alice", kPassword, "192.0.2.1").outcome == Outcome::in);
    for (int i = 0; i < 200; ++i)
        attempt("alice", kOther, ("10.0.0." + std::to_string(i + 1)).c_str());
    CHECK(attempt("alice", kPassword, "10.1.1.1").outcome == Outcome::wait);
    CHECK(attempt("alice", kPassword, "192.0.2.1").outcome == Outcome::in);
}

TEST(TheLogin, goesOnWhenTheDiskFails) {
    folder.block("users");
    const auto answer = attempt("alice", kPassword);
    CHECK(answer.outcome == Outcome::in);
    CHECK_TRUE(answer.notRecorded.has_value());
    CHECK_TRUE(sessions.use(answer.session.cookie).has_value());
}

TEST(TheLogin, countsNoTryThatNobodyJudged) {
    PasswordHasher none(kCheap, {.inside = 0, .waiting = 0, .patience = 0ms});
    const auto same = Users::open(folder.file("users"), none, clock.clocks()).value();
    Login busy(*same, sessions, throttle);
    for (int i = 0; i < 20; ++i) {
        const auto answer = busy.attempt({"alice", kPassword, {}, from("10.0.0.7"), {}, {}});
        CHECK(answer.outcome == Outcome::busy);
        CHECK_TRUE(answer.wait.count() > 0);
    }
}

TEST(TheLogin, confirmsAPasswordUnderTheSameRates) {
    CHECK(login.confirm("alice", kPassword, from("10.0.0.7")).outcome == Outcome::in);
    LONGS_EQUAL(0, sessions.list().size());
    for (int i = 0; i < 10; ++i)
        CHECK(login.confirm("alice", kOther, from("10.0.0.7")).outcome == Outcome::wrong);
    CHECK(login.confirm("alice", kPassword, from("10.0.0.7")).outcome == Outcome::wait);
}
