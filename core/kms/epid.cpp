#include "kms/epid.h"

#include <array>
#include <charconv>
#include <cstdio>

namespace muster::kms {

namespace {

constexpr std::uint32_t kKeyLow = 1'000'000;  // the low six digits of a key ID

/// Takes the text up to `separator`, or all where that is 0, as a number of `least` to `most` digits.
bool takeNumber(std::string_view& text, char separator, std::size_t least, std::size_t most,
                std::uint32_t& value) noexcept {
    const std::size_t end = separator == '\0' ? text.size() : text.find(separator);
    if (end == std::string_view::npos || end < least || end > most)
        return false;
    const auto [stopped, problem] = std::from_chars(text.data(), text.data() + end, value);
    if (problem != std::errc() || stopped != text.data() + end)
        return false;
    text.remove_prefix(separator == '\0' ? end : end + 1);
    return true;
}

struct System {
    std::uint32_t firstBuild;
    std::uint32_t lastBuild;
    std::string_view name;
};

constexpr System kSystems[] = {
    {3790, 3790, "Windows Server 2003"},
    {6000, 6000, "Windows Vista"},
    {6001, 6002, "Windows Vista or Server 2008"},
    {7600, 7601, "Windows 7 or Server 2008 R2"},
    {9200, 9200, "Windows 8 or Server 2012"},
    {9600, 9600, "Windows 8.1 or Server 2012 R2"},
    {10240, 14392, "Windows 10"},
    {14393, 14393, "Windows 10 or Server 2016"},
    {14394, 17762, "Windows 10"},
    {17763, 17763, "Windows 10 or Server 2019"},
    {17764, 20347, "Windows 10"},
    {20348, 20348, "Windows Server 2022"},
};

std::string date(const std::chrono::year_month_day& day) {
    std::array<char, 16> out{};
    std::snprintf(out.data(), out.size(), "%04d-%02u-%02u", static_cast<int>(day.year()),
                  static_cast<unsigned>(day.month()), static_cast<unsigned>(day.day()));
    return out.data();
}

}  // namespace

std::optional<std::chrono::year_month_day> Epid::activated() const noexcept {
    using namespace std::chrono;
    const std::chrono::year of{static_cast<int>(year)};
    if (!of.ok() || dayOfYear < 1 || dayOfYear > (of.is_leap() ? 366U : 365U))
        return std::nullopt;
    return year_month_day(sys_days(of / January / 1) + days(dayOfYear - 1));
}

std::optional<Epid> parseEpid(std::string_view text) noexcept {
    Epid epid;
    std::uint32_t high = 0;
    std::uint32_t low = 0;
    std::uint32_t dayAndYear = 0;
    if (!takeNumber(text, '-', 5, 5, epid.platform) || !takeNumber(text, '-', 5, 5, epid.group) ||
        !takeNumber(text, '-', 3, 3, high) || !takeNumber(text, '-', 6, 6, low) ||
        !takeNumber(text, '-', 2, 2, epid.licenseType) || !takeNumber(text, '-', 1, 5, epid.lcid) ||
        !takeNumber(text, '.', 1, 5, epid.build) || !takeNumber(text, '-', 1, 5, epid.buildRevision) ||
        !takeNumber(text, '\0', 7, 7, dayAndYear))
        return std::nullopt;
    epid.keyId = high * kKeyLow + low;
    epid.dayOfYear = dayAndYear / 10'000;
    epid.year = dayAndYear % 10'000;
    return epid;
}

std::string text(const Epid& epid) {
    std::array<char, 128> out{};
    std::snprintf(out.data(), out.size(), "%05u-%05u-%03u-%06u-%02u-%u-%u.%04u-%03u%04u", epid.platform, epid.group,
                  epid.keyId / kKeyLow, epid.keyId % kKeyLow, epid.licenseType, epid.lcid, epid.build,
                  epid.buildRevision, epid.dayOfYear, epid.year);
    return out.data();
}

const muster_key* findKey(const Epid& epid, std::span<const muster_family* const> families) noexcept {
    for (const muster_family* family : families)
        for (std::uint32_t i = 0; i < family->key_count; ++i) {
            const muster_key& key = family->keys[i];
            if (key.epid_group == epid.group && epid.keyId >= key.epid_key_id_min && epid.keyId <= key.epid_key_id_max)
                return &key;
        }
    return nullptr;
}

std::string_view hostSystem(std::uint32_t build) noexcept {
    for (const System& system : kSystems)
        if (build >= system.firstBuild && build <= system.lastBuild)
            return system.name;
    return {};
}

std::string_view groupName(std::uint8_t group) noexcept {
    static constexpr std::array<std::string_view, 4> kGroups{"client", "A", "B", "C"};
    static_assert(MUSTER_GROUP_CLIENT == 0 && MUSTER_GROUP_A == 1 && MUSTER_GROUP_B == 2 && MUSTER_GROUP_C == 3);
    return group < kGroups.size() ? kGroups[group] : std::string_view();
}

std::string readEpid(std::string_view text, std::span<const muster_family* const> families) {
    const auto epid = parseEpid(text);
    if (!epid)
        return "Not an ePID.";
    std::string out;
    if (epid->isLab()) {
        out = "A lab host key of Muster's";
    } else if (const muster_key* key = findKey(*epid, families)) {
        out = std::string("Reads as a ") + key->name + " host key";
    } else {
        out = "Reads as a host key of group " + std::to_string(epid->group) + ", which no loaded family knows";
    }
    if (const auto day = epid->activated())
        out += ", activated " + date(*day);
    const std::string_view system = hostSystem(epid->build);
    out += system.empty() ? std::string(" on build ") + std::to_string(epid->build)
                          : " on " + std::string(system) + " (build " + std::to_string(epid->build) + ")";
    return out + ".";
}

}  // namespace muster::kms
