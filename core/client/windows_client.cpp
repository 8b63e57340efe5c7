#include "client/windows_client.h"

#include <algorithm>
#include <utility>

namespace muster::client {

namespace {

constexpr std::uint16_t kProtocolMajor = 4;

/// An interval from the wire, if it is one that Windows takes.
std::optional<Minutes> interval(std::uint32_t minutes) noexcept {
    const Minutes value{minutes};
    if (value < kShortestInterval || value > kLongestInterval)
        return std::nullopt;
    return value;
}

/// DNS's own error codes, 9000 to 11999 ([MS-ERREF] 2.2): slmgr shows them as they are.
bool isFromDns(HResult code) noexcept {
    const auto value = static_cast<std::uint32_t>(code);
    return (value & 0xFFFF0000U) == 0x80070000U && (value & 0xFFFFU) >= 9000 && (value & 0xFFFFU) <= 11999;
}

/// slmgr does not show what one host said when no host was good: the reason stands in event 12288 only.
HResult shownFor(HResult wire) noexcept {
    return wire == HResult::invalidTimestamp ? HResult::serviceUnavailable : wire;
}

}  // namespace

const char* text(LicenceStatus status) noexcept {
    switch (status) {
        case LicenceStatus::unlicensed:
            return "Unlicensed";
        case LicenceStatus::licensed:
            return "Licensed";
        case LicenceStatus::initialGrace:
            return "Initial grace period";
        case LicenceStatus::additionalGrace:
            return "Additional grace period (KMS license expired or hardware out of tolerance)";
        case LicenceStatus::nonGenuineGrace:
            return "Non-genuine grace period.";
        case LicenceStatus::notification:
            return "Notification";
        case LicenceStatus::extendedGrace:
            return "Extended grace period";
    }
    return "Unlicensed";
}

WindowsClient::WindowsClient(Profile profile, Minutes installed)
    : profile_(std::move(profile)), graceEnds_(installed + initialGrace(profile_.product)), due_(installed) {}

ActivationRequest WindowsClient::request(Minutes now, Timestamp wall) const {
    ActivationRequest request;
    request.major = kProtocolMajor;
    request.vmInfo = profile_.isVirtual ? 1 : 0;
    request.licenseStatus = static_cast<std::uint32_t>(status(now));
    request.minutesToExpiry = static_cast<std::uint32_t>(toExpiry(now).count());
    request.application = profile_.product.application;
    request.sku = profile_.product.sku;
    request.counted = profile_.product.counted;
    request.cmid = profile_.cmid;
    request.requiredClients = profile_.requiredClients;
    request.clientTime = FileTime::from(wall + profile_.skew);
    request.machine.assign(profile_.name);
    return request;
}

Attempt WindowsClient::onAnswer(const ActivationRequest& asked, const ActivationAnswer& answer, Minutes now) {
    if (answer.major != asked.major || answer.minor != asked.minor || answer.cmid != asked.cmid ||
        answer.clientTime != asked.clientTime)
        return onRefusal(HResult::invalidData, now);

    Attempt attempt;
    attempt.hasAnswer = true;
    attempt.count = answer.count;
    attempt.required = profile_.requiredClients;
    attempt.activationInterval = answer.activationInterval;
    attempt.renewalInterval = answer.renewalInterval;
    if (profile_.honoursActivationInterval)
        activationInterval_ = interval(answer.activationInterval).value_or(activationInterval_);
    renewalInterval_ = interval(answer.renewalInterval).value_or(renewalInterval_);

    // The host always grants; whether the count is enough is the client's own judgement.
    if (answer.count < profile_.requiredClients) {
        attempt.shown = HResult::notEnoughCount;
        attempt.statusFlags = kFlagNotEnoughCount;
        return failed(attempt, now);
    }
    attempt.activated = true;
    epid_ = answer.epid;
    licensedUntil_ = now + kValidity;
    due_ = now + renewalInterval_;
    ++successes_;
    return attempt;
}

Attempt WindowsClient::onRefusal(HResult code, Minutes now) {
    Attempt attempt;
    attempt.result = code;
    attempt.shown = shownFor(code);
    attempt.required = profile_.requiredClients;
    return failed(attempt, now);
}

Attempt WindowsClient::onNoHost(HResult code, Minutes now) {
    Attempt attempt;
    attempt.noHost = true;
    attempt.result = code;
    attempt.shown = isFromDns(code) ? code : HResult::serviceUnavailable;
    attempt.required = profile_.requiredClients;
    return failed(attempt, now);
}

Attempt WindowsClient::failed(Attempt attempt, Minutes now) {
    due_ = now + activationInterval_;  // also for a renewal that failed: the licence goes on until its 180 days end
    return attempt;
}

LicenceStatus WindowsClient::status(Minutes now) const noexcept {
    if (licensedUntil_) {
        if (now < *licensedUntil_)
            return LicenceStatus::licensed;
        return now < *licensedUntil_ + kAdditionalGrace ? LicenceStatus::additionalGrace : LicenceStatus::notification;
    }
    return now < graceEnds_ ? LicenceStatus::initialGrace : LicenceStatus::notification;
}

Minutes WindowsClient::toExpiry(Minutes now) const noexcept {
    Minutes end{0};
    switch (status(now)) {
        case LicenceStatus::licensed:
            end = *licensedUntil_;
            break;
        case LicenceStatus::additionalGrace:
            end = *licensedUntil_ + kAdditionalGrace;
            break;
        case LicenceStatus::initialGrace:
            end = graceEnds_;
            break;
        default:
            return Minutes{0};
    }
    return std::max(end - now, Minutes{0});
}

}  // namespace muster::client
