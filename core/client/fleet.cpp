#include "client/fleet.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <random>
#include <string_view>
#include <utility>

#include "kms/utf16.h"

namespace muster::client {

namespace {

constexpr std::string_view kNumber = "{n}";
constexpr std::size_t kMaxNameUnits = 63;  // the wire has 64, one of them the terminator
constexpr int kNameDigits = 3;

/// A random UUID (RFC 4122 4.4) in Windows memory order.
template <class Source>
Guid randomGuid(Source& source) {
    Guid guid;
    std::uint64_t bits = 0;
    for (std::size_t i = 0; i < guid.octets.size(); ++i) {
        if (i % 8 == 0)
            bits = source();
        guid.octets[i] = static_cast<std::byte>(bits >> (8 * (i % 8)) & 0xFFU);
    }
    guid.octets[7] = (guid.octets[7] & std::byte{0x0F}) | std::byte{0x40};  // version 4, in the third part's high octet
    guid.octets[8] = (guid.octets[8] & std::byte{0x3F}) | std::byte{0x80};  // variant
    return guid;
}

std::string nameOf(const std::string& pattern, std::size_t number) {
    std::string digits = std::to_string(number);
    digits.insert(0, digits.size() < kNameDigits ? kNameDigits - digits.size() : 0, '0');
    std::string name = pattern;
    if (const std::size_t at = name.find(kNumber); at != std::string::npos)
        name.replace(at, kNumber.size(), digits);
    return name;
}

Result<void> notMoreThan(std::size_t clients, std::size_t part, const char* option) {
    if (part > clients)
        return fail(Code::malformed, option, std::to_string(part) + " of " + std::to_string(clients) + " machines");
    return {};
}

}  // namespace

Result<std::vector<Profile>> makeFleet(const FleetPlan& plan) {
    for (const auto& [part, option] : {std::pair{plan.virtualMachines, "--virtual"},
                                       {plan.duplicates, "--duplicate-cmid"},
                                       {plan.skewed.value_or(0), "--skewed"}})
        if (auto good = notMoreThan(plan.clients, part, option); !good)
            return fail(std::move(good.error()));
    if (plan.clients > 1 && plan.namePattern.find(kNumber) == std::string::npos)
        return fail(Code::malformed, "--name-pattern " + plan.namePattern,
                    "needs {n} where the machine's number shall stand");
    if (kms::utf16Units(nameOf(plan.namePattern, plan.clients)) > kMaxNameUnits)
        return fail(Code::malformed, "--name-pattern " + plan.namePattern,
                    "gives names of more than " + std::to_string(kMaxNameUnits) + " characters");

    std::random_device device;
    // Client machine IDs are no secrets: any good spread will do.
    std::mt19937_64 random(plan.cmidSeed ? *plan.cmidSeed : (std::uint64_t{device()} << 32 | device()));
    const Guid shared = randomGuid(random);
    const std::size_t skewed = plan.skewed.value_or(plan.clients);

    std::vector<Profile> fleet;
    fleet.reserve(plan.clients);
    for (std::size_t i = 0; i < plan.clients; ++i) {
        Profile machine;
        machine.name = nameOf(plan.namePattern, i + 1);
        machine.cmid = randomGuid(random);
        if (i < plan.duplicates)
            machine.cmid = shared;
        machine.product = plan.products[i % plan.products.size()];
        machine.requiredClients = plan.requiredClients.value_or(machine.product.threshold);
        machine.isVirtual = i >= plan.clients - plan.virtualMachines;
        machine.skew = i >= plan.clients - skewed ? plan.skew : std::chrono::seconds{0};
        machine.honoursActivationInterval = plan.honourActivationInterval;
        fleet.push_back(std::move(machine));
    }
    return fleet;
}

std::optional<std::chrono::milliseconds> parseDuration(std::string_view text) noexcept {
    constexpr std::int64_t kSecond = 1000;
    struct Unit {
        std::string_view suffix;
        std::int64_t milliseconds;
    };
    static constexpr std::array kUnits = {Unit{"ms", 1},
                                          Unit{"", kSecond},
                                          Unit{"s", kSecond},
                                          Unit{"m", 60 * kSecond},
                                          Unit{"min", 60 * kSecond},
                                          Unit{"h", 3600 * kSecond},
                                          Unit{"d", 86400 * kSecond}};
    constexpr std::int64_t kMost = 36525LL * 86400 * kSecond;
    if (text.starts_with('+') && !text.starts_with("+-"))
        text.remove_prefix(1);
    std::int64_t number = 0;
    const char* last = text.data() + text.size();
    const auto [end, error] = std::from_chars(text.data(), last, number);
    if (error != std::errc{})
        return std::nullopt;
    const std::string_view suffix(end, static_cast<std::size_t>(last - end));
    for (const Unit& unit : kUnits)
        if (suffix == unit.suffix) {
            if (number > kMost / unit.milliseconds || number < -kMost / unit.milliseconds)
                return std::nullopt;
            return std::chrono::milliseconds{number * unit.milliseconds};
        }
    return std::nullopt;
}

}  // namespace muster::client
