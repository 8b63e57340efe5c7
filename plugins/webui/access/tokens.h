/// API tokens: how machines come in.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "muster/result.h"

#include "account.h"
#include "clocks.h"
#include "token_file.h"

namespace muster::webui {

/// "mst_ID_SECRET": 8 characters of name and 43 of 256 random bits, of which only the SHA-256 of the whole is kept, in
/// one private file. A token can do no more than its maker can now: without the maker, or while he is disabled, it does
/// nothing; his change of password does not touch it. @thread any; changes block for the disk, use() does not
class Tokens {
public:
    static constexpr std::chrono::hours kDefaultLife{24 * 90};
    static constexpr std::chrono::hours kLongestLife{24 * 730};

    struct Wanted {
        std::string name;
        Role role = Role::viewer;
        Scope scope;
        std::chrono::seconds life = kDefaultLife;  ///< 1 s to kLongestLife
    };
    struct Made {
        std::string text;  ///< the token: shown now and never again
        Token token;
    };
    /// What a request with a token may.
    struct Access {
        std::string id;
        std::string name;
        Role role = Role::viewer;  ///< the lesser of the token's and its maker's
        Scope scope;
    };
    /// The account of an id as it is now; called without a lock held. It must not call this.
    using LookUp = std::function<std::optional<Account>(std::string_view id)>;

    /// No file: no tokens yet.
    /// @error malformed, incompatible, storage  the file cannot be used, and why; it is left as it is
    static Result<std::unique_ptr<Tokens>> open(std::string path, LookUp lookUp, Clocks clocks = {});
    /// Writes what is not written yet, if it can.
    ~Tokens();
    Tokens(const Tokens&) = delete;
    Tokens& operator=(const Tokens&) = delete;

    /// @param maker      nothing: root at the console, who may make any
    /// @error malformed  no name, too many rules, or a life out of range
    /// @error denied     a role above the maker's
    /// @error duplicate  a token that still works has that name
    /// @error busy       kMaxTokens that still work there are
    /// @error storage    not written; nothing has changed
    Result<Made> make(const Wanted& wanted, const std::optional<Account>& maker);
    /// Oldest first; without what opens them.
    std::vector<Token> list() const;
    std::optional<Token> byId(std::string_view id) const;

    /// What came after "Bearer ". Counts as use.
    /// @param source  as sourceOf() writes it, or the address
    /// @error denied  unknown, wrong, expired, revoked, or its maker is gone: for the log, not for the caller
    Result<Access> use(std::string_view text, std::string_view source);
    /// At once in force, also when the disk fails; then flush() tries again.
    /// @error missing  no such token
    /// @error conflict revoked already
    Result<void> revoke(std::string_view id, std::string_view because);
    /// For a token seen where others may have read it, such as plain HTTP: its id, when it is one that worked.
    std::optional<std::string> revokeSeen(std::string_view text, std::string_view because);
    /// Writes times of last use, which are only in memory so long. Call it about hourly and at the stop: a write for
    /// each use would wear out the flash.
    Result<void> flush();

private:
    Tokens(std::string path, LookUp lookUp, Clocks clocks, std::vector<Token> tokens);

    /// With mutex_ held.
    Token* match(std::string_view text);
    Token* match(std::string_view text, std::string_view hash);
    /// With writing_ held: what is not written yet.
    Result<void> write();

    const std::string path_;
    const LookUp lookUp_;
    const Clocks clocks_;
    std::mutex writing_;        ///< taken before mutex_
    mutable std::mutex mutex_;  ///< never held for the disk
    std::vector<Token> tokens_;
    bool dirty_ = false;  ///< tokens_ are not what the file has
};

}  // namespace muster::webui
