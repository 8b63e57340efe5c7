#include "policy.h"

#include <algorithm>

#include "association.h"

namespace muster::relay {

namespace {

constexpr std::size_t kSources = 4096;  // whose rate is remembered at once

const Address kAll{};  // stands for all sources together

void count(Counter* counter) noexcept {
    if (counter != nullptr)
        ++*counter;
}

bool refuses(const Policy::Rules& rules, const Exchange& exchange) noexcept {
    const ActivationRequest& request = exchange.request();
    if (request.isOpaque())
        return false;  // what is sealed has no product to refuse
    const muster_family* const family = exchange.product().family;
    if (family == nullptr && rules.refuseUnknown)
        return true;
    if (family != nullptr && std::find(rules.refusedFamilies.begin(), rules.refusedFamilies.end(), family->name) !=
                                 rules.refusedFamilies.end())
        return true;
    return std::find(rules.refusedCounted.begin(), rules.refusedCounted.end(), request.counted) !=
           rules.refusedCounted.end();
}

}  // namespace

Policy::Policy(const Numbers& numbers) : numbers_(numbers), sources_(kSources) {}

Policy::Verdict Policy::judge(const Rules& rules, const Exchange& exchange, Monotonic now) noexcept {
    const ActivationRequest& request = exchange.request();
    // A version that did not exist when this was written passes unread: hosts know it, or say that they don't.
    const bool later = request.major > 6;
    if ((!exchange.wellFormed() && !later) || exchange.body().size() > Association::kMaxBody) {
        count(numbers_.malformed);
        return {false, RpcStatus::ndr, "no activation request of a known shape"};
    }
    if (request.major == 4 && std::find(rules.thresholds.begin(), rules.thresholds.end(), request.requiredClients) ==
                                  rules.thresholds.end()) {
        count(numbers_.threshold);
        return {false, RpcStatus::accessDenied, "its N-policy is none that Windows sends (setting relay.thresholds)"};
    }
    if (refuses(rules, exchange)) {
        count(numbers_.refused);
        return {false, RpcStatus::accessDenied, "the administrator refuses this product (setting relay.refuse)"};
    }
    if ((rules.ratePerSource != 0 && !exchange.source().isLoopback() &&
         !sources_.takeRequest(exchange.source(), rules.ratePerSource, now)) ||
        (rules.rate != 0 && !sources_.takeRequest(kAll, rules.rate, now))) {
        count(numbers_.rate);
        return {false, RpcStatus::serverTooBusy, "more requests a minute than the settings allow"};
    }
    return {};
}

}  // namespace muster::relay
