#include "throttle.h"

#include <algorithm>
#include <cstring>

#include "secrets.h"

namespace muster::webui {

std::string sourceOf(const Address& address) {
    Address network = address;
    network.port = 0;
    network.scopeId = 0;
    if (network.isV4())
        return network.host();
    std::fill(network.octets.begin() + 8, network.octets.end(), std::uint8_t{0});
    return network.host() + "/64";
}

Throttle::Throttle(Clocks clocks, const Limits& limits)
    : clocks_(std::move(clocks)),
      secret_(randomOctets(16)),
      sources_(limits.source),
      accounts_(limits.account),
      known_(limits.known),
      codes_(limits.code) {}

Tries::Key Throttle::keyOf(std::string_view kind, std::string_view text) const {
    Tries::Key key{};
    const std::string digest = hmacSha256(secret_, std::string(kind) + "\n" + std::string(text));
    std::memcpy(key.data(), digest.data(), key.size());
    return key;
}

Throttle::Admission Throttle::reserve(const Address& from, std::string_view account, bool known) {
    const std::string source = sourceOf(from);
    Attempt::Counted counted;
    if (known) {
        counted.known = keyOf("known", source + "\n" + lowerAscii(account));
    } else {
        counted.source = keyOf("source", source);
        if (!account.empty())
            counted.account = keyOf("account", lowerAscii(account));
    }
    return count(std::move(counted));
}

Throttle::Admission Throttle::reserveCode(const Address& from, std::string_view account, bool known) {
    Attempt::Counted counted;
    counted.code = keyOf("code", (known ? sourceOf(from) : "") + "\n" + lowerAscii(account));
    return count(std::move(counted));
}

Throttle::Admission Throttle::count(Attempt::Counted counted) {
    const std::lock_guard lock(mutex_);
    const Monotonic now = clocks_.steady();
    std::chrono::milliseconds wait{0};
    const auto ask = [&](const Tries& tries, const std::optional<Tries::Key>& key) {
        if (key)
            wait = std::max(wait, tries.wait(*key, now));
    };
    ask(sources_, counted.source);
    ask(accounts_, counted.account);
    ask(known_, counted.known);
    ask(codes_, counted.code);
    if (wait.count() > 0)
        return {std::nullopt, std::max(std::chrono::seconds(1), std::chrono::ceil<std::chrono::seconds>(wait))};
    const auto add = [&](Tries& tries, const std::optional<Tries::Key>& key) {
        if (key)
            tries.add(*key, now);
    };
    add(sources_, counted.source);
    add(accounts_, counted.account);
    add(known_, counted.known);
    add(codes_, counted.code);
    return {Attempt(*this, now, std::move(counted)), std::chrono::seconds(0)};
}

void Throttle::release(Monotonic at, const Attempt::Counted& counted) {
    const std::lock_guard lock(mutex_);
    const auto takeBack = [&](Tries& tries, const std::optional<Tries::Key>& key) {
        if (key)
            tries.takeBack(*key, at);
    };
    takeBack(sources_, counted.source);
    takeBack(accounts_, counted.account);
    takeBack(known_, counted.known);
    takeBack(codes_, counted.code);
}

void Throttle::Attempt::release() {
    if (Throttle* const throttle = std::exchange(throttle_, nullptr))
        throttle->release(at_, counted_);
}

}  // namespace muster::webui
