#include "muster/types.h"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <charconv>
#include <cstdio>
#include <limits>
#include <net/if.h>
#include <sys/random.h>

namespace muster {

namespace {

constexpr char kHex[] = "0123456789abcdef";
constexpr std::array<std::uint8_t, 12> kMappedPrefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
/// Text position of each octet: the first three parts of a GUID are little-endian in memory.
constexpr std::array<std::uint8_t, 16> kTextOrder{3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};

int hexDigit(char c) noexcept {
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

std::uint64_t processKey() noexcept {
    static const std::uint64_t key = [] {
        std::uint64_t random = 0x9e3779b97f4a7c15U;
        if (getrandom(&random, sizeof random, GRND_NONBLOCK) != sizeof random)
            random ^= static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
        return random;
    }();
    return key;
}

std::uint64_t mix(std::uint64_t x) noexcept {  // splitmix64's finaliser
    x ^= x >> 30;
    x *= 0xbf58476d1ce4e5b9U;
    x ^= x >> 27;
    x *= 0x94d049bb133111ebU;
    return x ^ (x >> 31);
}

constexpr std::uint64_t kTicksPerMillisecond = 10'000;
constexpr std::uint64_t kEpochDifference = 11'644'473'600'000;  // milliseconds from 1601 to 1970

}  // namespace

std::string Guid::text() const {
    std::string out;
    out.reserve(36);
    for (std::size_t i = 0; i < kTextOrder.size(); ++i) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            out.push_back('-');
        const auto octet = std::to_integer<unsigned>(octets[kTextOrder[i]]);
        out.push_back(kHex[octet >> 4]);
        out.push_back(kHex[octet & 15]);
    }
    return out;
}

std::optional<Guid> Guid::parse(std::string_view text) noexcept {
    if (text.size() == 38 && text.front() == '{' && text.back() == '}')
        text = text.substr(1, 36);
    if (text.size() != 36)
        return std::nullopt;
    Guid guid;
    std::size_t at = 0;
    for (std::size_t i = 0; i < kTextOrder.size(); ++i) {
        if (i == 4 || i == 6 || i == 8 || i == 10) {
            if (text[at] != '-')
                return std::nullopt;
            ++at;
        }
        const int high = hexDigit(text[at]);
        const int low = hexDigit(text[at + 1]);
        if (high < 0 || low < 0)
            return std::nullopt;
        guid.octets[kTextOrder[i]] = static_cast<std::byte>(high * 16 + low);
        at += 2;
    }
    return guid;
}

std::size_t GuidHash::operator()(const Guid& guid) const noexcept {
    std::uint64_t halves[2];
    std::memcpy(halves, guid.octets.data(), sizeof halves);
    const std::uint64_t key = processKey();
    return static_cast<std::size_t>(mix(halves[0] ^ key) ^ mix(halves[1] + key));
}

std::string isoTime(Timestamp time) {
    using namespace std::chrono;
    // Ends of years with four digits; a FILETIME can lie far beyond them.
    constexpr Timestamp kFirst = sys_days(year(0) / January / 1);
    constexpr Timestamp kLast = sys_days(year(10'000) / January / 1) - milliseconds(1);
    time = std::clamp(time, kFirst, kLast);
    const auto day = std::chrono::floor<std::chrono::days>(time);
    const std::chrono::year_month_day date(day);
    const std::chrono::hh_mm_ss clock(time - day);
    std::array<char, 64> out{};
    const int size =
        std::snprintf(out.data(), out.size(), "%04d-%02u-%02uT%02d:%02d:%02d.%03dZ", static_cast<int>(date.year()),
                      static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                      static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
                      static_cast<int>(clock.seconds().count()), static_cast<int>(clock.subseconds().count()));
    return {out.data(), static_cast<std::size_t>(size)};
}

std::string text(HResult code) {
    std::string out = "0x";
    const auto value = static_cast<std::uint32_t>(code);
    for (int shift = 28; shift >= 0; shift -= 4) {
        const char digit = kHex[(value >> shift) & 15U];
        out.push_back(digit >= 'a' ? static_cast<char>(digit - 'a' + 'A') : digit);
    }
    return out;
}

Timestamp FileTime::timestamp() const noexcept {
    // Unsigned 64-bit ticks are at most 1.8e15 ms: never out of a signed 64-bit count of milliseconds.
    const auto milliseconds = static_cast<std::int64_t>(ticks / kTicksPerMillisecond);
    return Timestamp(std::chrono::milliseconds(milliseconds - static_cast<std::int64_t>(kEpochDifference)));
}

FileTime FileTime::from(Timestamp time) noexcept {
    const std::int64_t since1601 = time.time_since_epoch().count() + static_cast<std::int64_t>(kEpochDifference);
    if (since1601 <= 0)
        return {};
    const auto limit = std::numeric_limits<std::uint64_t>::max() / kTicksPerMillisecond;
    return {std::min(static_cast<std::uint64_t>(since1601), limit) * kTicksPerMillisecond};
}

bool Address::isV4() const noexcept {
    return std::equal(kMappedPrefix.begin(), kMappedPrefix.end(), octets.begin());
}

bool Address::isLoopback() const noexcept {
    if (isV4())
        return octets[12] == 127;
    static constexpr std::array<std::uint8_t, 16> kOne{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
    return octets == kOne;
}

std::string Address::host() const {
    char buffer[INET6_ADDRSTRLEN];
    const bool v4 = isV4();
    const void* source = v4 ? octets.data() + 12 : octets.data();
    std::string out = inet_ntop(v4 ? AF_INET : AF_INET6, source, buffer, sizeof buffer);
    if (scopeId != 0)
        out += "%" + std::to_string(scopeId);
    return out;
}

std::string Address::text() const {
    return isV4() ? host() + ":" + std::to_string(port) : "[" + host() + "]:" + std::to_string(port);
}

std::optional<Address> Address::parse(std::string_view text) noexcept {
    Address address;
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos || text.size() > 80)
        return std::nullopt;
    std::string_view host = text.substr(0, colon);
    const std::string_view port = text.substr(colon + 1);
    const auto [end, problem] = std::from_chars(port.data(), port.data() + port.size(), address.port);
    if (problem != std::errc() || end != port.data() + port.size() || port.empty())
        return std::nullopt;
    const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
    if (bracketed) {
        host = host.substr(1, host.size() - 2);
        if (const std::size_t percent = host.find('%'); percent != std::string_view::npos) {
            const std::string zone(host.substr(percent + 1));
            const auto [zoneEnd, zoneProblem] =
                std::from_chars(zone.data(), zone.data() + zone.size(), address.scopeId);
            if (zoneProblem != std::errc() || zoneEnd != zone.data() + zone.size())
                address.scopeId = if_nametoindex(zone.c_str());
            if (address.scopeId == 0)
                return std::nullopt;
            host = host.substr(0, percent);
        }
    }
    char buffer[INET6_ADDRSTRLEN] = {};
    if (host.size() >= sizeof buffer)
        return std::nullopt;
    std::copy(host.begin(), host.end(), buffer);
    if (bracketed)
        return inet_pton(AF_INET6, buffer, address.octets.data()) == 1 ? std::optional(address) : std::nullopt;
    std::copy(kMappedPrefix.begin(), kMappedPrefix.end(), address.octets.begin());
    return inet_pton(AF_INET, buffer, address.octets.data() + 12) == 1 ? std::optional(address) : std::nullopt;
}

void MachineName::assign(std::string_view utf8) noexcept {
    std::size_t size = std::min(utf8.size(), kCapacity);
    if (size < utf8.size())
        while (size > 0 && (static_cast<unsigned char>(utf8[size]) & 0xC0U) == 0x80U)
            --size;
    std::copy_n(utf8.begin(), size, octets_.begin());
    size_ = static_cast<std::uint8_t>(size);
}

}  // namespace muster
