/// The vocabulary of the field as values: GUIDs, HRESULTs, FILETIMEs, addresses, an activation request and its answer.
#pragma once

#include <array>
#include <chrono>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace muster {

using Octets = std::span<const std::byte>;

/// Wall time, UTC, since 1970-01-01, milliseconds. May step; ages shown to people are clamped at zero.
using Timestamp = std::chrono::time_point<std::chrono::system_clock, std::chrono::milliseconds>;
/// Monotonic time, for every timer, age and rate limit.
using Monotonic = std::chrono::steady_clock::time_point;

inline Timestamp wallNow() noexcept {
    return std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now());
}
/// As answers and files have it: ISO 8601, UTC, "2026-11-22T15:12:02.123Z". Years outside 0 to 9999 become the
/// nearest end.
std::string isoTime(Timestamp time);

/// A GUID in Windows memory order: the first three parts little-endian ([MS-DTYP] 2.3.4.2).
struct Guid {
    std::array<std::byte, 16> octets{};

    auto operator<=>(const Guid&) const = default;
    bool isZero() const noexcept { return *this == Guid{}; }
    /// "55c92734-d682-4d71-983e-d6ec3f16059f": lower case, 36 characters.
    std::string text() const;
    /// Upper or lower case, with or without braces; nothing for any other shape.
    static std::optional<Guid> parse(std::string_view text) noexcept;
};

struct GuidHash {
    /// CMIDs come from the network: the hash is keyed per process, so that nobody can aim at one bucket.
    std::size_t operator()(const Guid& guid) const noexcept;
};

/// [MS-ERREF] 2.1. Zero is success.
enum class HResult : std::uint32_t {
    ok = 0,
    notEnoughCount = 0xC004F038,
    serviceNotEnabled = 0xC004F039,
    hostNotActivated = 0xC004F041,
    groupNotCovered = 0xC004F042,
    invalidProductKey = 0xC004F050,
    invalidTimestamp = 0xC004F06C,
    serviceUnavailable = 0xC004F074,
    invalidArgument = 0xC004D104,
    invalidData = 0x8007000D,
    rpcServerUnavailable = 0x800706BA,
};

/// "0xC004F038"
std::string text(HResult code);

/// 100-ns ticks since 1601-01-01 UTC ([MS-DTYP] 2.3.3).
struct FileTime {
    std::uint64_t ticks = 0;
    auto operator<=>(const FileTime&) const = default;
    /// Saturates: ticks beyond the range of Timestamp give its ends.
    Timestamp timestamp() const noexcept;
    static FileTime from(Timestamp time) noexcept;
};

/// An IPv4 or IPv6 address with a port. IPv4 is kept as ::ffff:a.b.c.d, so that one comparison serves both.
struct Address {
    std::array<std::uint8_t, 16> octets{};
    std::uint16_t port = 0;
    std::uint32_t scopeId = 0;  ///< interface index of a link-local IPv6 address, else 0

    bool operator==(const Address&) const = default;
    bool isV4() const noexcept;
    bool isLoopback() const noexcept;
    /// "10.0.0.7" or "fe80::1"; without the port.
    std::string host() const;
    /// "10.0.0.7:1688", "[::1]:1688".
    std::string text() const;
    /// "HOST:PORT", "[V6]:PORT", numeric only; nothing for any other shape.
    static std::optional<Address> parse(std::string_view text) noexcept;
};

enum class Mode : std::uint8_t { none, lab, relay };
constexpr const char* name(Mode mode) noexcept {
    return mode == Mode::lab ? "lab" : mode == Mode::relay ? "relay" : "none";
}

/// One of the organisation's own licensed KMS hosts, as the relay knows it.
struct LicensedHost {
    std::string name;  ///< as the settings call it
    std::string host;  ///< a name or a numeric address
    std::uint16_t port = 1688;
    std::vector<Address> addresses;  ///< as far as they are known now
};

/// UTF-8 of up to 64 UTF-16 units, held in place. The text is the sender's: escape it wherever it is shown.
class MachineName {
public:
    static constexpr std::size_t kCapacity = 192;  // 64 units, at most 3 octets each

    std::string_view view() const noexcept { return {octets_.data(), size_}; }
    bool empty() const noexcept { return size_ == 0; }
    /// Takes at most kCapacity octets, never half a character.
    void assign(std::string_view utf8) noexcept;

private:
    std::array<char, kCapacity> octets_{};
    std::uint8_t size_ = 0;
};

/// What a client asks, as far as it is in the clear. Versions 5 and 6 are opaque: only `major` and `minor` are set.
/// @source docs/kms.md, "The request, version 4"
struct ActivationRequest {
    std::uint16_t major = 0;
    std::uint16_t minor = 0;
    std::uint32_t vmInfo = 0;           ///< not 0: the client says that it is a virtual machine
    std::uint32_t licenseStatus = 0;    ///< 0 to 6 from Windows; anything from others
    std::uint32_t minutesToExpiry = 0;  ///< minutes left in the present licence state
    Guid application;
    Guid sku;      ///< activation ID: one edition in one channel
    Guid counted;  ///< KMS counted ID: what a host grants or refuses on
    Guid cmid;
    std::uint32_t requiredClients = 0;  ///< N-policy
    FileTime clientTime;
    Guid previousCmid;  ///< zero if it never changed
    MachineName machine;

    bool isOpaque() const noexcept { return major >= 5; }
    bool isVirtual() const noexcept { return vmInfo != 0; }
};

/// What a version 4 answer says in the clear.
/// @source docs/kms.md, "The answer, version 4"
struct ActivationAnswer {
    std::uint16_t major = 0;
    std::uint16_t minor = 0;
    std::string epid;  ///< UTF-8, at most 63 characters
    Guid cmid;
    FileTime clientTime;
    std::uint32_t count = 0;
    std::uint32_t activationInterval = 0;  ///< minutes
    std::uint32_t renewalInterval = 0;     ///< minutes
};

}  // namespace muster
