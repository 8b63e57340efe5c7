/// The extended PID: how a KMS host names its own key in each answer,
/// "55041-00168-305-123456-03-1033-7601.0000-0992009". It is read to label what an upstream sends. The ranges behind
/// the labels are what the community observed: a label says "reads as", never "is", and proves no licence.
/// @source docs/kms.md, "The ePID"
/// @thread any; pure
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "muster/family.h"

namespace muster::kms {

struct Epid {
    std::uint32_t platform = 0;       ///< of the host's system: 5 digits
    std::uint32_t group = 0;          ///< key group: 5 digits
    std::uint32_t keyId = 0;          ///< 9 digits, written 3 and 6
    std::uint32_t licenseType = 0;    ///< 03 in volume licences
    std::uint32_t lcid = 0;           ///< language of the host's system: 1033 is en-US
    std::uint32_t build = 0;          ///< of the host's system when its key was activated
    std::uint32_t buildRevision = 0;  ///< 0000 in all that were seen
    std::uint32_t dayOfYear = 0;      ///< 1 to 366: of the activation of the host's key
    std::uint32_t year = 0;

    bool operator==(const Epid&) const = default;
    /// Platform and group 00000: no genuine host sends that.
    bool isLab() const noexcept { return platform == 0 && group == 0; }
    /// Nothing where that year has no such day.
    std::optional<std::chrono::year_month_day> activated() const noexcept;
};

/// Eight parts of digits, each no longer than its field; values are not judged.
std::optional<Epid> parseEpid(std::string_view text) noexcept;
/// As a host writes it: padded, but for the LCID and the build.
std::string text(const Epid& epid);

/// The host key whose range this ePID falls into; nullptr: none of the loaded families' keys.
const muster_key* findKey(const Epid& epid, std::span<const muster_family* const> families) noexcept;
/// "Windows 7 or Server 2008 R2" of build 7600 or 7601; empty for a build that is not known.
std::string_view hostSystem(std::uint32_t build) noexcept;

/// "client", "A", "B", "C" of MUSTER_GROUP_…; empty for another number.
std::string_view groupName(std::uint8_t group) noexcept;

/// One sentence for people: "Reads as a Windows Server 2008 R2 C (Datacenter & Itanium) host key, activated 2009-04-09
/// on Windows 7 or Server 2008 R2 (build 7601)." A text that is no ePID: "Not an ePID."
std::string readEpid(std::string_view text, std::span<const muster_family* const> families);

}  // namespace muster::kms
