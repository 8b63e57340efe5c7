/// Who is logged in.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "muster/result.h"
#include "muster/types.h"

#include "account.h"
#include "clocks.h"

namespace muster::webui {

/// In memory; a daemon that stops in order may hand them to the next one (freeze(), thaw()), as it does when another
/// mode is chosen. Of a cookie only its SHA-256 is kept. @thread any; never blocks for long
class Sessions {
public:
    struct Limits {
        std::chrono::seconds idle = std::chrono::minutes(15);
        std::chrono::seconds absolute = std::chrono::hours(12);
        std::size_t perUser = 8;  ///< one more, and the least lately used goes
        std::size_t all = 256;    ///< the same
    };
    /// What the browser gets.
    struct Started {
        std::string cookie;  ///< 43 characters, base64url: 256 bits
        std::string csrf;    ///< 43 characters, to be sent back in a header with all that is no GET
        std::string id;      ///< as in View
    };
    /// What one request of a session may.
    struct Access {
        Account account;  ///< as it is now
        std::string id;
        std::string csrf;
    };
    struct View {
        std::string id;  ///< 16 hexadecimal digits of the cookie's hash: names it, and opens nothing
        std::string userId;
        std::string user;
        std::string source;
        std::string userAgent;  ///< the browser's own words: escape them; at most kMaxUserAgent octets
        Timestamp created;
        Timestamp lastUsed;
    };
    static constexpr std::size_t kMaxUserAgent = 200;  ///< octets

    /// @param lookUp  the account of an id as it is now; called at each use, without a lock held. It must not call this
    using LookUp = std::function<std::optional<Account>(std::string_view id)>;

    explicit Sessions(LookUp lookUp, Clocks clocks = {}) : Sessions(std::move(lookUp), std::move(clocks), Limits()) {}
    Sessions(LookUp lookUp, Clocks clocks, Limits limits);

    /// After a log-in. @param oldCookie  what the browser sent with it: that session ends
    Started start(const Account& account, std::string_view source, std::string_view userAgent,
                  std::string_view oldCookie = {});
    /// Nothing: unknown, too old, or the user is gone, disabled, or got another password or second factor since.
    std::optional<Access> use(std::string_view cookie);
    /// Of that cookie? In constant time. @param token  the header's value; may be empty
    static bool csrfMatches(std::string_view cookie, std::string_view token);

    /// Those that still hold, the latest used first.
    std::vector<View> list();
    /// Log-out. False: there is no such session.
    bool end(std::string_view cookie);
    /// One of a list. @param userId  whose it must be; empty: anybody's
    bool endById(std::string_view id, std::string_view userId);
    /// Log-out everywhere. A change of password needs no call: the account's stamp ends them. How many there were.
    std::size_t endAllOf(std::string_view userId);

    /// All that still hold, as a text for thaw(). What is in it opens nothing.
    std::string freeze();
    /// Takes what freeze() gave, up to kMaxFrozen ago; the ages go on. @return  how many there were
    /// @error malformed  it is no such text, or too old: nothing is taken
    Result<std::size_t> thaw(std::string_view text);
    static constexpr std::chrono::minutes kMaxFrozen{10};
    static constexpr std::size_t kMaxFrozenText = std::size_t{512} * 1024;  ///< octets

    /// From now on; old sessions, too.
    void setLimits(Limits limits);

private:
    struct Session {
        std::string hash;  ///< 32 octets
        std::string userId;
        std::string user;
        std::string source;
        std::string userAgent;
        std::uint64_t stamp = 0;
        Timestamp created;
        Timestamp lastUsed;
        Monotonic began;
        Monotonic used;
    };
    using List = std::list<Session>;

    bool isOver(const Session& session, Monotonic now) const;
    void removeOver(Monotonic now);
    void makeRoom(std::string_view userId);
    List::iterator erase(List::iterator session);
    bool eraseHash(const std::string& hash);

    const LookUp lookUp_;
    const Clocks clocks_;
    std::mutex mutex_;
    Limits limits_;
    List sessions_;  ///< the least lately used first
    std::unordered_map<std::string, List::iterator> byHash_;
};

}  // namespace muster::webui
