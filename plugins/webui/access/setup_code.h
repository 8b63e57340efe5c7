/// The code that proves, on the first run, that somebody stands at the console of this appliance.
#pragma once

#include <chrono>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "muster/result.h"

#include "throttle.h"

namespace muster::webui {

/// "XXXX-XXXX-XXXX-XXXX" of 32 characters without look-alikes: 80 bits. Kept in a private file until it is spent, so
/// that `musterctl setup-code` shows the same one after a restart. @thread any; blocks for the disk
class SetupCode {
public:
    enum class Verdict {
        right,
        wrong,
        throttled,  ///< not looked at: too many wrong tries; see Check::wait
        none,       ///< there is no code: the first run is over
    };
    struct Check {
        Verdict verdict = Verdict::none;
        std::chrono::seconds wait{0};
    };

    /// @param throttle  outlives this
    SetupCode(std::string path, Throttle& throttle) : path_(std::move(path)), throttle_(throttle) {}

    /// At start. Without users: reads the code, or makes one. With users: there is none any more, and one that was left
    /// behind (the power went between the first user and spend()) goes.
    /// @error malformed  the file holds no code: move it away, and a new one is made
    /// @error storage    the system's words
    Result<void> prepare(bool hasUsers);
    /// For the console; nothing once it is spent.
    std::optional<std::string> show() const;
    /// Case, dashes and blanks do not count. Does not spend it: the first user may still be refused.
    Check check(std::string_view typed, const Address& from);
    /// When the first user is there. At once in force, also when the file cannot be removed.
    Result<void> spend();

private:
    const std::string path_;
    Throttle& throttle_;
    mutable std::mutex mutex_;
    std::string code_;  ///< 16 characters; empty: none
};

}  // namespace muster::webui
