/// How often somebody may be wrong: at the log-in, with the setup code, with a token.
#pragma once

#include <chrono>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "muster/types.h"

#include "clocks.h"
#include "tries.h"

namespace muster::webui {

/// What counts as one source: an IPv4 address, or the /64 of an IPv6 address, which is what one customer gets.
/// "10.0.0.7", "2001:db8:1:2::/64".
std::string sourceOf(const Address& address);

/// Counts tries before they are judged, so that tries made at once cannot slip through, and takes back those that
/// were right. 10 within 5 min a source; 50 within 5 min an account from all sources that it is not known at, from the
/// 11th on after a growing wait; 10 within 5 min an account at a source that it is known at, counted apart: others
/// cannot lock the owner out. 10 wrong one-time codes an hour. Bounded: about 5 MB at worst, whoever attacks.
/// @thread any
class Throttle {
public:
    struct Limits {
        Tries::Limits source{.keys = 8192, .tries = 10};
        Tries::Limits account{.keys = 2048, .tries = 50, .freely = 10, .step = std::chrono::milliseconds(250)};
        Tries::Limits known{.keys = 512, .tries = 10};
        Tries::Limits code{.keys = 512, .tries = 10, .window = std::chrono::hours(1)};
    };

    /// A try that is counted. Not to outlive the throttle.
    class Attempt {
    public:
        Attempt(Attempt&& other) noexcept
            : throttle_(std::exchange(other.throttle_, nullptr)), at_(other.at_), counted_(other.counted_) {}
        Attempt& operator=(Attempt&&) = delete;
        ~Attempt() = default;
        /// It was right, or nobody judged it: counts no more.
        void release();

    private:
        friend class Throttle;
        struct Counted {
            std::optional<Tries::Key> source;
            std::optional<Tries::Key> account;
            std::optional<Tries::Key> known;
            std::optional<Tries::Key> code;
        };
        Attempt(Throttle& throttle, Monotonic at, Counted counted)
            : throttle_(&throttle), at_(at), counted_(std::move(counted)) {}

        Throttle* throttle_;
        Monotonic at_;
        Counted counted_;
    };

    struct Admission {
        std::optional<Attempt> attempt;  ///< nothing: refused
        std::chrono::seconds wait{0};    ///< then: for Retry-After, at least 1
    };

    explicit Throttle(Clocks clocks = {}) : Throttle(std::move(clocks), Limits()) {}
    Throttle(Clocks clocks, const Limits& limits);

    /// @param account  as the person wrote it, existing or not, any length; empty: only the source counts
    /// @param known    the account has logged in from this source before (Users::knows)
    Admission reserve(const Address& from, std::string_view account, bool known);
    /// A one-time code after a right password. @param account, known  as above
    Admission reserveCode(const Address& from, std::string_view account, bool known);

private:
    Tries::Key keyOf(std::string_view kind, std::string_view text) const;
    Admission count(Attempt::Counted counted);
    void release(Monotonic at, const Attempt::Counted& counted);

    const Clocks clocks_;
    const std::string secret_;  ///< so that nobody can aim at another's key
    std::mutex mutex_;
    Tries sources_;
    Tries accounts_;
    Tries known_;
    Tries codes_;
};

}  // namespace muster::webui
