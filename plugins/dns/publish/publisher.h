/// When is what published: at start, daily, on every change, and again after a failure; and what is known of each
/// domain. Several hands work at once, so that a name server that does not answer holds up its own domain alone.
/// @thread any, unless a function says otherwise
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "publish/attempt.h"
#include "publish/ledger.h"
#include "publish/outside.h"
#include "publish/wish.h"

namespace muster::publisher {

/// What is wanted of all domains now.
struct Orders {
    std::vector<Wish> wishes;
    /// Nothing is sent for this reason ("publishing is off (setting dns.publish)"); empty: records are kept in order. A
    /// withdrawal that a person asked for is carried out all the same.
    std::string rest;
    /// Clients cannot be served for this reason: records of ours go; empty: they can.
    std::string unserved;
    /// It is not known yet whether clients can be served: nothing is done.
    bool early = false;
    bool lab = false;
    std::chrono::seconds refreshInterval{86'400};
    std::chrono::seconds verifyInterval{900};

    bool operator==(const Orders&) const = default;
};

enum class State : std::uint8_t {
    resting,        ///< nothing is sent: publishing is off
    waiting,        ///< not tried yet
    published,      ///< the primary and all other name servers have what is wanted
    lagging,        ///< the primary has it; some name server has not, or cannot be asked
    failed,         ///< tried in vain; tried again
    withdrawing,    ///< our records are to go, and are not gone yet
    withdrawn,      ///< our records are gone
    manual,         ///< written by a person, only watched; all is as wanted
    manualDiffers,  ///< written by a person, and not as wanted
};
const char* name(State state) noexcept;

struct DomainStatus {
    std::string domain;
    State state = State::waiting;
    std::string why;            ///< one sentence for people
    std::optional<Wish> wish;   ///< nothing: it is in no setting any more, and being cleaned up
    std::string withdrawnBy;    ///< who withdrew it; empty: nobody
    Report report;              ///< of the last attempt
    std::uint32_t hresult = 0;  ///< of the last failure
    std::string code;
    std::string triple;
    std::uint64_t attempts = 0;
    std::uint64_t failures = 0;  ///< in a row
    Timestamp lastAttempt{};     ///< zero: none
    Timestamp lastPublished{};   ///< our records were sent, and read back
    Timestamp nextAttempt{};     ///< zero: none is due
    bool busy = false;           ///< an attempt is under way
};

/// What is to be told to people: one for each domain whenever it changes, and each day.
struct News {
    std::string domain;
    bool published = false;  ///< else: failed
    std::uint32_t hresult = 0;
    std::string code;
    std::string reason;
    bool lab = false;
};

class Publisher {
public:
    struct Hooks {
        std::function<Monotonic()> now;
        std::function<Timestamp()> wall;
        std::function<void(const News&)> news;         ///< on a hand's thread, without a lock
        std::function<void(const Report&)> attempted;  ///< as above, after every attempt that sent something
    };
    /// @param outside, ledger  outlive it
    Publisher(Outside& outside, Ledger& ledger, Hooks hooks, std::uint64_t seed);

    /// What has changed is due at once.
    void apply(Orders orders);

    /// Does what is due, at most one attempt. False: nothing was due.
    bool step(const dns::Stopped& stopped);
    /// A hand: step() until `stopping`.
    void run(const std::atomic<bool>& stopping);

    /// A person wants them published again, now, and takes a withdrawal back. Empty: all domains.
    /// @error missing  no such domain; storage
    Result<void> publish(const std::string& domain);
    /// Something that made it fail may be right now: tried at once, if it is to be tried at all.
    void retry(const std::string& domain);
    /// A person wants ours gone, and nothing published until publish(). Empty: all, also those to come.
    Result<void> withdraw(const std::string& domain, const std::string& by);
    /// What would be done now, by domain; blocks for the name servers.
    std::vector<std::pair<DomainStatus, Report>> preview(const std::string& domain, const dns::Stopped& stopped);
    /// Reads all name servers now and tells; blocks. @param domain  empty: all
    void verify(const std::string& domain);
    /// True: nothing is due or under way for that domain, or all. @param until  false then
    bool waitIdle(const std::string& domain, Monotonic until) const;

    std::vector<DomainStatus> status() const;
    std::optional<DomainStatus> status(const std::string& domain) const;

    /// On the way out: what we published goes, as far as time allows; nothing is done afterwards. @thread one
    void withdrawAll(Monotonic until);

private:
    enum class Goal : std::uint8_t { rest, wait, present, absent };
    struct Domain {
        DomainStatus status;
        Goal goal = Goal::wait;
        std::string goalWhy;
        std::optional<Monotonic> due;
        bool verifyOnly = false;  ///< what is due is a reading
        Monotonic refreshDue{};
        std::string told;  ///< what news said last
        Monotonic toldAt{};
        Monotonic laggingSince{};
        unsigned lagRounds = 0;
        std::uint64_t edition = 0;  ///< counts changes of goal or wish
    };
    void takeStockLocked();
    void setGoalLocked(Domain& domain, Goal goal, std::string why, const std::optional<Wish>& wish) const;
    Task taskLocked(const Domain& domain, bool refresh) const;
    void finishLocked(Domain& domain, Report report, bool verified);
    void settleLocked(Domain& domain, const Report& report) const;
    void failLocked(Domain& domain, const ZoneReport& zone);
    std::optional<News> newsLocked(Domain& domain);
    std::chrono::milliseconds backOffLocked(std::uint64_t failures);
    DomainStatus copyLocked(const Domain& domain) const;
    Domain* pickLocked(Monotonic now);
    bool existsLocked(const std::string& domain) const;

    Outside& outside_;
    Ledger& ledger_;
    Hooks hooks_;

    mutable std::mutex mutex_;
    mutable std::condition_variable changed_;
    Orders orders_;
    bool ordered_ = false;
    bool closing_ = false;  ///< no attempt begins any more
    std::map<std::string, Domain> domains_;
    std::mt19937_64 random_;
};

}  // namespace muster::publisher
