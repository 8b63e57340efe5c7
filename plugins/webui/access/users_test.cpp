#include "users.h"

#include <atomic>
#include <sys/stat.h>

#include "CppUTest/TestHarness.h"

#include "access_fixture.h"
#include "totp.h"

using namespace muster;
using namespace muster::webui;
using namespace muster::webui::test;
using namespace std::chrono_literals;

TEST_GROUP(TheUsers) {
    Folder folder;
    ManualClocks clock;
    PasswordHasher hasher{kCheap};
    std::unique_ptr<Users> users = open();

    std::unique_ptr<Users> open() {
        return Users::open(folder.file("users"), hasher, clock.clocks()).value();
    }
    void reopen() {
        users.reset();
        users = open();
    }
    void addAlice() const {
        CHECK_TRUE(users->addFirst("Alice", kPassword).has_value());
    }
    /// Enrols, and gives the secret back as octets.
    std::string enrol() const {
        return fromBase32(users->beginTotp("alice", "Muster").value().secret);
    }
    std::string code(const std::string& secret) const {
        return hotp(secret, totpStep(clock.wall()));
    }
};

TEST(TheUsers, areNoneAtFirstAndThenOneAdministrator) {
    CHECK_TRUE(users->empty());
    CHECK_FALSE(users->checkPassword("alice", kPassword).value());
    addAlice();
    CHECK_FALSE(users->empty());
    CHECK(users->find("ALICE")->role == Role::admin);
    STRCMP_EQUAL("Alice", users->find("alice")->name.c_str());
    CHECK_TRUE(users->find("alice")->created == clock.wall());
    CHECK(users->addFirst("bob", kOther).error().code == Code::conflict);
}

TEST(TheUsers, outliveARestartInAFileForTheirOwnerAlone) {
    addAlice();
    CHECK_TRUE(users->add("bob", Role::viewer, kOther).has_value());
    const auto before = users->list();
    reopen();
    const auto after = users->list();
    LONGS_EQUAL(2, after.size());
    CHECK_TRUE(after[1].id == before[1].id && after[1].name == "bob" && after[1].role == Role::viewer);
    CHECK_TRUE(users->checkPassword("bob", kOther).value());
    struct stat status {};
    LONGS_EQUAL(0, stat(folder.file("users").c_str(), &status));
    LONGS_EQUAL(0600, status.st_mode & 07777);
    CHECK_TRUE(folder.read("users").find(kOther) == std::string::npos);
}

TEST(TheUsers, differInMoreThanCase) {
    addAlice();
    CHECK(users->add("aLICE", Role::viewer, kOther).error().code == Code::duplicate);
    for (const char* const bad : {"", " bob", ".bob", "b b", "b\xc3\xb6", "b/b", "12345678901234567890123456789012x"})
        CHECK(users->add(bad, Role::viewer, kOther).error().code == Code::malformed);
    CHECK(users->add("bob", Role::viewer, "short").error().code == Code::malformed);
}

TEST(TheUsers, areNoMoreThanTheirFileHolds) {
    addAlice();
    for (std::size_t i = 1; i < kMaxUsers; ++i)
        CHECK_TRUE(users->add("user" + std::to_string(i), Role::viewer, kPassword).has_value());
    CHECK(users->add("one-more", Role::viewer, kPassword).error().code == Code::busy);
    reopen();
    LONGS_EQUAL(kMaxUsers, users->list().size());
}

TEST(TheUsers, keepTheirLastEnabledAdministrator) {
    addAlice();
    CHECK_TRUE(users->add("bob", Role::admin, kOther).has_value());
    CHECK_TRUE(users->setDisabled("bob", true).has_value());
    CHECK(users->remove("alice").error().code == Code::conflict);
    CHECK(users->setRole("alice", Role::operator_).error().code == Code::conflict);
    CHECK(users->setDisabled("alice", true).error().code == Code::conflict);
    CHECK_TRUE(users->setDisabled("bob", false).has_value());
    CHECK_TRUE(users->remove("alice").has_value());
    CHECK(users->remove("bob").error().code == Code::conflict);
    CHECK(users->remove("alice").error().code == Code::missing);
}

TEST(TheUsers, keepOneAdministratorOfTwoWhoRemoveEachOther) {
    for (int round = 0; round < 20; ++round) {
        addAlice();
        CHECK_TRUE(users->add("bob", Role::admin, kOther).has_value());
        std::atomic<int> removed{0};
        onThreads(2, [&](std::size_t i) { removed += users->remove(i == 0 ? "alice" : "bob").has_value() ? 1 : 0; });
        LONGS_EQUAL(1, removed.load());
        unlink(folder.file("users").c_str());
        reopen();
    }
}

TEST(TheUsers, beginWithOneOfManyWhoTryAtOnce) {
    std::atomic<int> first{0};
    onThreads(4, [&](std::size_t i) {
        const auto added = users->addFirst("user" + std::to_string(i), kPassword);
        if (added)
            ++first;
    });
    LONGS_EQUAL(1, first.load());
    LONGS_EQUAL(1, users->list().size());
}

TEST(TheUsers, whoAreDisabledHaveNoPassword) {
    addAlice();
    CHECK_TRUE(users->add("bob", Role::viewer, kOther).has_value());
    CHECK_TRUE(users->setDisabled("bob", true).has_value());
    CHECK_FALSE(users->checkPassword("bob", kOther).value());
    CHECK_TRUE(users->setDisabled("bob", false).has_value());
    CHECK_TRUE(users->checkPassword("bob", kOther).value());
}

TEST(TheUsers, changeTheirPasswordKnowingTheOldOne) {
    addAlice();
    const auto stamp = users->find("alice")->stamp;
    CHECK(users->changePassword("alice", kOther, kOther).error().code == Code::denied);
    CHECK(users->changePassword("alice", kPassword, "alice2026!!!!").error().code == Code::malformed);
    CHECK_TRUE(users->find("alice")->stamp == stamp);
    CHECK_TRUE(users->changePassword("alice", kPassword, kOther).has_value());
    CHECK_TRUE(users->find("alice")->stamp > stamp);
    CHECK_FALSE(users->checkPassword("alice", kPassword).value());
    CHECK_TRUE(users->checkPassword("alice", kOther).value());
    CHECK_TRUE(users->setPassword("alice", kPassword).has_value());
    CHECK_TRUE(users->checkPassword("alice", kPassword).value());
    CHECK(users->setPassword("nobody", kPassword).error().code == Code::missing);
}

TEST(TheUsers, areHashedAnewWhenTheCostHasChanged) {
    addAlice();
    const auto stamp = users->find("alice")->stamp;
    users.reset();
    PasswordHasher dearer({128, 2});
    const auto later = Users::open(folder.file("users"), dearer, clock.clocks()).value();
    CHECK_FALSE(later->checkPassword("alice", kOther).value());
    CHECK_TRUE(folder.read("users").find("m=64,t=1") != std::string::npos);
    CHECK_TRUE(later->checkPassword("alice", kPassword).value());
    CHECK_TRUE(folder.read("users").find("m=128,t=2") != std::string::npos);
    CHECK_TRUE(later->checkPassword("alice", kPassword).value());
    CHECK_TRUE(later->find("alice")->stamp == stamp);
}

TEST(TheUsers, haveASecondFactorOnceItIsConfirmed) {
    addAlice();
    CHECK(users->confirmTotp("alice", "000000").error().code == Code::conflict);
    const std::string secret = enrol();
    LONGS_EQUAL(kTotpSecret, secret.size());
    CHECK(users->confirmTotp("alice", code("another secret")).error().code == Code::denied);
    CHECK_FALSE(users->find("alice")->hasTotp);
    CHECK_TRUE(users->confirmTotp("alice", code(secret)).has_value());
    CHECK_TRUE(users->find("alice")->hasTotp);
    CHECK_FALSE(users->useTotp("alice", code(secret)));  // it confirmed already
    clock.pass(30s);
    CHECK_TRUE(users->useTotp("alice", code(secret)));
    CHECK_FALSE(users->useTotp("alice", code(secret)));
    reopen();
    CHECK_FALSE(users->useTotp("alice", code(secret)));  // nor after a restart
    clock.pass(30s);
    CHECK_TRUE(users->useTotp("alice", code(secret)));
    CHECK_TRUE(users->removeTotp("alice").has_value());
    CHECK_FALSE(users->find("alice")->hasTotp);
    CHECK_FALSE(users->useTotp("alice", code(secret)));
}

TEST(TheUsers, useACodeOnceThoughManyTryAtOnce) {
    addAlice();
    const std::string secret = enrol();
    CHECK_TRUE(users->confirmTotp("alice", code(secret)).has_value());
    for (const bool broken : {false, true}) {
        clock.pass(30s);
        if (broken)
            folder.block("users");
        std::atomic<int> taken{0};
        onThreads(8, [&](std::size_t) { taken += users->useTotp("alice", code(secret)) ? 1 : 0; });
        LONGS_EQUAL(1, taken.load());
    }
}

TEST(TheUsers, areKnownWhereTheyLoggedInLately) {
    addAlice();
    CHECK_FALSE(users->knows("alice", "10.0.0.7"));
    for (int i = 0; i < 8; ++i)
        CHECK_TRUE(users->recordLogin("ALICE", "10.0.0." + std::to_string(i)).has_value());
    reopen();
    CHECK_TRUE(users->knows("alice", "10.0.0.0"));
    CHECK_TRUE(users->find("alice")->lastLogin == clock.wall());
    CHECK_TRUE(users->recordLogin("alice", "10.0.0.0").has_value());  // the latest again
    CHECK_TRUE(users->recordLogin("alice", "10.0.0.8").has_value());
    CHECK_TRUE(users->knows("alice", "10.0.0.0"));
    CHECK_FALSE(users->knows("alice", "10.0.0.1"));
    CHECK_FALSE(users->knows("bob", "10.0.0.0"));
}

TEST(TheUsers, stayAsTheyAreWhenTheDiskFails) {
    addAlice();
    const std::string file = folder.read("users");
    folder.block("users");
    CHECK(users->add("bob", Role::viewer, kOther).error().code == Code::storage);
    CHECK(users->setPassword("alice", kOther).error().code == Code::storage);
    CHECK(users->recordLogin("alice", "10.0.0.7").error().code == Code::storage);
    LONGS_EQUAL(1, users->list().size());
    CHECK_TRUE(users->checkPassword("alice", kPassword).value());
    STRCMP_EQUAL(file.c_str(), folder.read("users").c_str());
    folder.unblock("users");
    CHECK_TRUE(users->add("bob", Role::viewer, kOther).has_value());
}

TEST(TheUsers, areTheOldOnesAfterAPowerCutInTheMiddleOfAWrite) {
    addAlice();
    folder.write("users.new", "{\"version\":1,\"use");  // as far as it got
    reopen();
    CHECK_TRUE(users->checkPassword("alice", kPassword).value());
    CHECK_TRUE(users->add("bob", Role::viewer, kOther).has_value());
    reopen();
    LONGS_EQUAL(2, users->list().size());
}

TEST(TheUsers, ofADamagedFileAreNotReadAndTheFileIsLeftAsItIs) {
    addAlice();
    users.reset();
    const std::string good = folder.read("users");
    std::string disabled = good;
    disabled.replace(disabled.find("\"disabled\":false"), 16, "\"disabled\":true");
    for (const std::string& bad : {std::string(), good.substr(0, good.size() / 2), "x" + good, disabled}) {
        folder.write("users", bad);
        const auto opened = Users::open(folder.file("users"), hasher, clock.clocks());
        CHECK_FALSE(opened.has_value());
        CHECK(opened.error().code == Code::malformed);
        STRCMP_CONTAINS("move it away", opened.error().text().c_str());
        STRCMP_EQUAL(bad.c_str(), folder.read("users").c_str());
    }
    folder.write("users", std::string(kMaxUserFile + 1, ' '));
    CHECK(Users::open(folder.file("users"), hasher, clock.clocks()).error().code == Code::storage);
    folder.write("users", good);
    users = open();
    CHECK_TRUE(users->checkPassword("alice", kPassword).value());
}

TEST(TheUsers, areReadAndChangedByManyAtOnce) {
    addAlice();
    std::atomic<int> wrong{0};  // the checks of CppUTest are for one thread
    const auto expect = [&](bool is) { wrong += is ? 0 : 1; };
    onThreads(4, [&](std::size_t i) {
        const std::string name = "user" + std::to_string(i);
        expect(users->add(name, Role::viewer, kPassword).has_value());
        for (int k = 0; k < 10; ++k) {
            expect(users->recordLogin(name, "10.0.0." + std::to_string(k)).has_value());
            expect(users->find("alice").has_value());
            expect(users->list().size() >= 2);
        }
    });
    LONGS_EQUAL(0, wrong.load());
    reopen();
    LONGS_EQUAL(5, users->list().size());
    for (int i = 0; i < 4; ++i)
        CHECK_TRUE(users->knows("user" + std::to_string(i), "10.0.0.9"));
}
