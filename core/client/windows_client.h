/// One simulated Windows machine of the Vista to 2008 R2 generations: what it asks, how it takes an answer, when it
/// asks again. A state machine over licence time; it has no clock, no socket and no thread of its own.
///
/// Licence time is counted in minutes since the machine was installed. It may run faster than the wall clock: only the
/// client time inside a request is real.
/// @source docs/kms.md, "Schedules", "How the client decides", "Event log"
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "muster/types.h"

#include "client/product.h"

namespace muster::client {

using Minutes = std::chrono::duration<std::int64_t, std::ratio<60>>;

constexpr Minutes kDefaultActivationInterval{120};  ///< while not activated
constexpr Minutes kDefaultRenewalInterval{10080};   ///< once activated: 7 days
constexpr Minutes kShortestInterval{15};            ///< what a host may say lies between these two
constexpr Minutes kLongestInterval{43200};
constexpr Minutes kValidity{std::chrono::hours(24 * 180)};        ///< after a success; slides
constexpr Minutes kAdditionalGrace{std::chrono::hours(24 * 30)};  ///< after validity ran out

/// As the request carries it.
enum class LicenceStatus : std::uint32_t {
    unlicensed = 0,
    licensed = 1,
    initialGrace = 2,
    additionalGrace = 3,
    nonGenuineGrace = 4,
    notification = 5,
    extendedGrace = 6,
};
/// slmgr's word: "Initial grace period".
const char* text(LicenceStatus status) noexcept;

/// What a machine is; never changes.
struct Profile {
    std::string name;  ///< UTF-8, at most 63 UTF-16 units
    Guid cmid;
    Edition product;
    std::uint32_t requiredClients = 25;  ///< N-policy
    bool isVirtual = false;
    std::chrono::seconds skew{0};            ///< its clock less the right time
    bool honoursActivationInterval = false;  ///< Windows does not: it keeps its own 2 hours whatever the host says
};

/// What came of one attempt, in the words of slmgr and of the event log.
struct Attempt {
    bool activated = false;
    bool noHost = false;           ///< nobody answered; `result` says why not
    HResult result = HResult::ok;  ///< what the wire said: event 12288's first field
    HResult shown = HResult::ok;   ///< what slmgr shows for it
    bool hasAnswer = false;        ///< the fields below are set; there is an event 12289
    std::uint32_t statusFlags = 0;
    std::uint32_t count = 0;
    std::uint32_t required = 0;
    std::uint32_t activationInterval = 0;  ///< minutes, as the host said
    std::uint32_t renewalInterval = 0;
};

/// Status flag of events 12288 and 12289: the host's count is below the client's N-policy.
constexpr std::uint32_t kFlagNotEnoughCount = 0x04000000;

class WindowsClient {
public:
    /// @param installed  licence time at which grace begins; the first attempt is due at once
    WindowsClient(Profile profile, Minutes installed);

    const Profile& profile() const noexcept { return profile_; }

    /// What it would ask now.
    /// @param wall  the right time; the machine's own clock is off by its skew
    ActivationRequest request(Minutes now, Timestamp wall) const;

    /// An answer whose seal is good, or cannot be checked.
    /// @param asked  the request that it answers. An answer to another CMID or time is no answer: 0x8007000D
    Attempt onAnswer(const ActivationRequest& asked, const ActivationAnswer& answer, Minutes now);
    /// The host returned an HRESULT, or the answer was broken (invalidData).
    Attempt onRefusal(HResult code, Minutes now);
    /// No host could be asked. @param code  why the last one could not: 0x800706BA, or DNS's 0x8007232B
    Attempt onNoHost(HResult code, Minutes now);

    LicenceStatus status(Minutes now) const noexcept;
    /// What is left of the present status; 0 for those that do not end.
    Minutes toExpiry(Minutes now) const noexcept;
    /// When it tries next.
    Minutes due() const noexcept { return due_; }
    bool isActivated(Minutes now) const noexcept { return status(now) == LicenceStatus::licensed; }
    /// How often it was activated: 1 after the first time, more with each renewal.
    std::uint32_t successes() const noexcept { return successes_; }
    const std::string& hostEpid() const noexcept { return epid_; }

private:
    Attempt failed(Attempt attempt, Minutes now);

    Profile profile_;
    Minutes graceEnds_;
    std::optional<Minutes> licensedUntil_;
    Minutes due_;
    Minutes activationInterval_ = kDefaultActivationInterval;
    Minutes renewalInterval_ = kDefaultRenewalInterval;
    std::uint32_t successes_ = 0;
    std::string epid_;
};

}  // namespace muster::client
