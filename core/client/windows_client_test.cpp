#include "client/windows_client.h"

#include "CppUTest/TestHarness.h"

using namespace muster;
using namespace muster::client;
using std::chrono::hours;

namespace {

const Timestamp kWall{std::chrono::milliseconds{1'790'000'000'000}};

Profile profile(bool honours = false) {
    Profile machine;
    machine.name = "PC-001.example.org";
    machine.cmid = *Guid::parse("36f27b39-2fd5-440b-be67-a09996d27a38");
    machine.product = products("win7", {})->front();
    machine.honoursActivationInterval = honours;
    return machine;
}

ActivationAnswer answerTo(const ActivationRequest& request, std::uint32_t count) {
    ActivationAnswer answer;
    answer.major = request.major;
    answer.minor = request.minor;
    answer.epid = "00000-00000-000-000000-00-1033-0000.0000-0012026";
    answer.cmid = request.cmid;
    answer.clientTime = request.clientTime;
    answer.count = count;
    answer.activationInterval = 30;
    answer.renewalInterval = 1440;
    return answer;
}

}  // namespace

TEST_GROUP(WindowsClient) {
    WindowsClient machine{profile(), Minutes{0}};

    Attempt answered(std::uint32_t count, Minutes now) {
        const ActivationRequest request = machine.request(now, kWall);
        return machine.onAnswer(request, answerTo(request, count), now);
    }
};

TEST(WindowsClient, beginsInInitialGraceAndAsksAtOnce) {
    CHECK(machine.status(Minutes{0}) == LicenceStatus::initialGrace);
    LONGS_EQUAL(30 * 24 * 60, machine.toExpiry(Minutes{0}).count());
    LONGS_EQUAL(0, machine.due().count());
}

TEST(WindowsClient, asksWithItsOwnClockAndItsOwnThreshold) {
    Profile late = profile();
    late.skew = hours(5);
    late.isVirtual = true;
    const ActivationRequest request = WindowsClient(late, Minutes{0}).request(Minutes{60}, kWall);
    CHECK(request.clientTime == FileTime::from(kWall + hours(5)));
    LONGS_EQUAL(4, request.major);
    LONGS_EQUAL(25, request.requiredClients);
    LONGS_EQUAL(2, request.licenseStatus);
    LONGS_EQUAL(30 * 24 * 60 - 60, request.minutesToExpiry);
    CHECK(request.isVirtual());
    CHECK(request.machine.view() == "PC-001.example.org");
}

TEST(WindowsClient, judgesTheCountItselfAndSaysSoAsWindowsDoes) {
    const Attempt attempt = answered(24, Minutes{0});
    CHECK(!attempt.activated);
    CHECK(attempt.result == HResult::ok);  // on the wire an insufficient count is no error
    CHECK(attempt.shown == HResult::notEnoughCount);
    LONGS_EQUAL(0x04000000, attempt.statusFlags);
    LONGS_EQUAL(24, attempt.count);
    LONGS_EQUAL(25, attempt.required);
    CHECK(machine.status(Minutes{0}) == LicenceStatus::initialGrace);
}

TEST(WindowsClient, isLicensedFor180DaysWhenTheCountIsEnough) {
    CHECK(answered(25, Minutes{10}).activated);
    CHECK(machine.status(Minutes{10}) == LicenceStatus::licensed);
    LONGS_EQUAL(180 * 24 * 60, machine.toExpiry(Minutes{10}).count());
    LONGS_EQUAL(1, machine.successes());
}

TEST(WindowsClient, renewsWhenTheHostSaid) {
    answered(25, Minutes{10});
    LONGS_EQUAL(10 + 1440, machine.due().count());
}

TEST(WindowsClient, ignoresTheActivationIntervalOfTheHostAsWindowsDoes) {
    answered(1, Minutes{0});
    LONGS_EQUAL(120, machine.due().count());
}

TEST(WindowsClient, honoursTheActivationIntervalWhenToldTo) {
    machine = WindowsClient(profile(true), Minutes{0});
    answered(1, Minutes{0});
    LONGS_EQUAL(30, machine.due().count());
}

TEST(WindowsClient, keepsItsIntervalsWhenTheHostsAreOutOfRange) {
    machine = WindowsClient(profile(true), Minutes{0});
    ActivationRequest request = machine.request(Minutes{0}, kWall);
    ActivationAnswer answer = answerTo(request, 1);
    answer.activationInterval = 0;
    answer.renewalInterval = 0xFFFFFFFF;
    machine.onAnswer(request, answer, Minutes{0});
    LONGS_EQUAL(120, machine.due().count());
    answer.count = 25;
    machine.onAnswer(request, answer, Minutes{0});
    LONGS_EQUAL(10080, machine.due().count());
}

TEST(WindowsClient, takesNoAnswerThatWasMeantForAnother) {
    const ActivationRequest request = machine.request(Minutes{0}, kWall);
    ActivationAnswer answer = answerTo(request, 50);
    answer.cmid.octets[0] ^= std::byte{1};
    CHECK(machine.onAnswer(request, answer, Minutes{0}).shown == HResult::invalidData);
    answer = answerTo(request, 50);
    ++answer.clientTime.ticks;
    CHECK(machine.onAnswer(request, answer, Minutes{0}).shown == HResult::invalidData);
    CHECK(!machine.isActivated(Minutes{0}));
}

TEST(WindowsClient, staysLicensedWhenARenewalFailsAndTriesEveryTwoHours) {
    answered(25, Minutes{0});
    machine.onNoHost(HResult::rpcServerUnavailable, Minutes{1440});
    CHECK(machine.isActivated(Minutes{1440}));
    LONGS_EQUAL(1440 + 120, machine.due().count());
}

TEST(WindowsClient, fallsToAdditionalGraceAndThenToNotification) {
    answered(25, Minutes{0});
    const Minutes expired = hours(24 * 180);
    CHECK(machine.status(expired) == LicenceStatus::additionalGrace);
    LONGS_EQUAL(30 * 24 * 60, machine.toExpiry(expired).count());
    CHECK(machine.status(expired + hours(24 * 30)) == LicenceStatus::notification);
    LONGS_EQUAL(0, machine.toExpiry(expired + hours(24 * 30)).count());
}

TEST(WindowsClient, showsNotificationWhenInitialGraceRanOut) {
    CHECK(machine.status(hours(24 * 30)) == LicenceStatus::notification);
    CHECK(answered(25, hours(24 * 31)).activated);
    CHECK(machine.isActivated(hours(24 * 31)));
}

TEST(WindowsClient, showsThatNoServiceAnsweredAndKeepsTheReasonForTheEvent) {
    const Attempt unreachable = machine.onNoHost(HResult::rpcServerUnavailable, Minutes{0});
    CHECK(unreachable.result == HResult::rpcServerUnavailable);
    CHECK(unreachable.shown == HResult::serviceUnavailable);
    CHECK(machine.onNoHost(HResult{0x800706BE}, Minutes{0}).shown == HResult::serviceUnavailable);
    CHECK(machine.onNoHost(HResult{0x8007232B}, Minutes{0}).shown == HResult{0x8007232B});
    const Attempt late = machine.onRefusal(HResult::invalidTimestamp, Minutes{0});
    CHECK(late.result == HResult::invalidTimestamp);
    CHECK(late.shown == HResult::serviceUnavailable);
    CHECK(machine.onRefusal(HResult::groupNotCovered, Minutes{0}).shown == HResult::groupNotCovered);
}
