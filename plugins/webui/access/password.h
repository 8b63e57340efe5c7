/// Passwords: which ones may be chosen, how they are kept (Argon2id, RFC 9106), how they are checked.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "muster/result.h"

#include "gate.h"

namespace muster::webui {

constexpr std::size_t kMinPassword = 12;         ///< code points
constexpr std::size_t kMaxPassword = 128;        ///< code points
constexpr std::size_t kMaxPasswordOctets = 512;  ///< UTF-8 of those

/// May this password be chosen? Length and commonness alone count; no kind of character is demanded (NIST SP 800-63B
/// 5.1.1.2). Octets are taken as they come: the same text in another Unicode normal form is another password.
/// @param user  the name that it is for; empty where there is none yet
/// @error malformed  a sentence for the person: too short, too long, no UTF-8, control characters; or common, a run or
///                   a repetition, nothing but the name or the product's words beside digits and signs
Result<void> judgePassword(std::string_view password, std::string_view user);

/// What one check costs. The default is above OWASP's least (19 MiB, 2 passes) by more than twice.
struct PasswordCost {
    std::uint32_t memory = 32 * 1024;  ///< KiB, 8 to 131072
    std::uint32_t passes = 3;          ///< 1 to 16
    bool operator==(const PasswordCost&) const = default;
};

/// The cost in a PHC string "$argon2id$v=19$m=32768,t=3,p=1$SALT$HASH" with 16 octets of salt and 32 of hash; nothing
/// for any other text, or a cost out of range. @thread any; pure
std::optional<PasswordCost> costOf(std::string_view encoded) noexcept;

/// @thread any; a check holds its thread for 50 ms and more, and waits up to 3 s before that
class PasswordHasher {
public:
    struct Limits {
        unsigned inside = 2;   ///< checks at once: 64 MiB at the default cost
        unsigned waiting = 8;  ///< threads
        std::chrono::milliseconds patience{3000};
    };

    explicit PasswordHasher(PasswordCost cost = {}) : PasswordHasher(cost, Limits()) {}
    PasswordHasher(PasswordCost cost, Limits limits);

    /// With a new salt. @error busy  too many checks at once, or no memory for one
    Result<std::string> hash(std::string_view password);
    /// @param encoded     from hash(), of any cost
    /// @error busy        as above: nothing is known about the password
    /// @error malformed   `encoded` is none
    Result<bool> matches(std::string_view password, std::string_view encoded);
    /// False after as much work as matches() does: for a user who does not exist. @error busy  as above
    Result<bool> matchesNobody(std::string_view password);
    /// True for another cost than this one's: hash anew while the password is at hand.
    bool needsRehash(std::string_view encoded) const noexcept;

private:
    const PasswordCost cost_;
    const std::string nobody_;
    Gate gate_;
};

}  // namespace muster::webui
