#include "decision.h"

#include <algorithm>

namespace muster::lab {

namespace {

constexpr std::uint32_t kClientThreshold = 25;
constexpr std::uint32_t kServerThreshold = 5;

bool clockIsOff(FileTime clientTime, Timestamp received) noexcept {
    const auto client = clientTime.timestamp();
    return client > received ? client - received > kClockTolerance : received - client > kClockTolerance;
}

Verdict refuse(HResult code, const char* reason) noexcept {
    return {Verdict::Kind::refused, code, reason, false};
}

}  // namespace

bool Rules::takesThreshold(std::uint32_t required) const noexcept {
    return required == kClientThreshold || required == kServerThreshold ||
           std::find(extraThresholds.begin(), extraThresholds.end(), required) != extraThresholds.end();
}

Verdict judge(const Facts& facts, const Rules& rules) noexcept {
    if (!facts.wellFormed)
        return refuse(HResult::invalidData, "malformed request");
    if (facts.opaque)
        return refuse(HResult::invalidData, "protocol version 5 or 6, which the lab does not speak");
    if (!facts.sealed)
        return {Verdict::Kind::refused, HResult::invalidData, "a real client asked the lab", true};
    if (!rules.takesThreshold(facts.requiredClients))
        return refuse(HResult::invalidArgument, "an N-policy that no edition has");
    if (clockIsOff(facts.clientTime, facts.received))
        return refuse(HResult::invalidTimestamp, "the client's clock is more than 4 hours off");
    if (!facts.anyKey)
        return refuse(HResult::hostNotActivated, "no host key is installed");
    if (!facts.familyKnown)
        return refuse(rules.unUpdatedHost ? HResult::invalidTimestamp : HResult::groupNotCovered,
                      "no loaded family knows this product");
    if (!facts.sameApplication)
        return refuse(HResult::groupNotCovered, "the product belongs to another application than the request says");
    if (!facts.covered)
        return refuse(HResult::groupNotCovered, "no installed host key covers this product group");
    if (facts.overNewClientLimit)
        return {Verdict::Kind::tooBusy, HResult::ok, "too many new clients from this address this hour", false};
    return {};
}

}  // namespace muster::lab
