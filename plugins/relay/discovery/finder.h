/// Where the upstreams are: those of the settings with the addresses of their names, and those that SRV records name.
///
/// The rules: what DNS says is taken at once. What DNS does not say takes nothing away: the last good answer stays,
/// over restarts as well, with the reason and since when. Only when DNS says that there is nothing, and says so again
/// at least 30 s later, what was known is let go.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "muster/event.h"
#include "muster/types.h"

#include "dns/lookup.h"
#include "found_file.h"
#include "relay/upstream.h"

namespace muster::relay {

/// An upstream and where it is.
struct Found {
    Upstream upstream;
    /// With the upstream's port; in an order of their own that stays while the set stays. Empty: nowhere to go (yet).
    std::vector<Address> addresses;
    /// Why the addresses, or that there are none, may not be what DNS would say now; empty: all is well.
    std::string problem;
    Timestamp since;  ///< of the problem; without one: since when it is known like this
};

struct FinderSettings {
    std::vector<Upstream> upstreams;  ///< of the settings, in their order
    std::vector<std::string> domains;
    std::vector<Address> resolvers;      ///< empty: the system's
    std::chrono::seconds interval{300};  ///< 10 s to a day: how old an answer may be. Sooner where its TTL is over
};

/// What one domain said in the last round, for people.
struct DomainRound {
    struct Record {
        std::uint16_t priority = 0;
        std::uint16_t weight = 0;
        std::uint16_t port = 0;
        std::string target;
        std::vector<Address> addresses;
        std::string upstream;  ///< the name under which it serves; empty: it was left out
        std::string remark;    ///< why it was left out, or what is wrong with it
    };
    std::string domain;
    Address resolver;    ///< who said so; zero: nobody yet
    Timestamp asked;     ///< zero: not since the start
    Timestamp answered;  ///< when the records were last confirmed; zero: never
    std::chrono::seconds ttl{0};
    std::string problem;  ///< of the last round; empty: none
    Timestamp since;      ///< of the problem
    std::string note;     ///< "2 SRV records are left out: …"
    std::vector<Record> records;
};

class Finder {
public:
    /// What it needs from others. All are called on the finder's thread.
    struct Hooks {
        /// The list is another: in full, those of the settings first, then by domain and priority.
        std::function<void(const std::vector<Found>&)> changed;
        /// True for an address and port on which this appliance itself listens.
        std::function<bool(const Address&)> isOwn;
        std::function<void(Severity, std::string_view)> log;
        /// Lookup where it is empty.
        std::function<std::unique_ptr<dns::NameService>(const std::vector<Address>& resolvers)> names;
        /// The system's clocks where they are empty.
        std::function<Monotonic()> now;
        std::function<Timestamp()> wall;
    };

    /// @param stateDirectory  for one small file; empty: nothing is kept over restarts
    Finder(FinderSettings settings, const std::string& stateDirectory, Hooks hooks);

    /// For Host::thread. `changed` is called at once with what is known without asking, and from then on when something
    /// changed. Returns soon after stop(), and within about a second after `stopping`.
    void run(const std::atomic<bool>& stopping);
    void stop() noexcept;

    /// Other settings from now on; what is known of names in both stays. `changed` follows at once. @thread any
    void apply(FinderSettings settings);
    /// Asks for everything now (a second after the last such round at the earliest). @thread any
    void refresh();
    /// refresh(), and waits until that round is over. @return false: not in that time. @thread any but the finder's
    bool refreshAndWait(std::chrono::milliseconds patience);
    /// What the last rounds said, one per domain in the order of the settings. @thread any
    std::vector<DomainRound> rounds() const;

    /// One turn of run(): asks whatever is due. @return when the next is due. @thread the finder's
    Monotonic step(const dns::Stopped& stopped);

private:
    /// What is known of a name, and when it is asked for again.
    struct Knowledge {
        Timestamp asked;
        Timestamp answered;
        std::string problem;
        Timestamp since;
        std::optional<Monotonic> denied;  ///< since when DNS says that there is nothing, not yet believed
        Monotonic due{};
        unsigned failures = 0;  ///< one after the other
    };
    struct HostEntry : Knowledge {
        std::vector<Address> addresses;
    };
    struct DomainEntry : Knowledge {
        std::vector<dns::Service> services;
        Address resolver;
        std::chrono::seconds ttl{0};
        std::string note;
    };

    void takeSettings();
    void recall();
    void remember();
    bool learn(Knowledge& knowledge, const dns::Said& said, bool known) const;
    void learnAddresses(HostEntry& host, const dns::AddressAnswer& answer);
    void schedule(Knowledge& knowledge, const dns::Said& said, std::chrono::seconds ttl);
    void askHost(const std::string& name, HostEntry& host, const dns::Stopped& stopped);
    void askDomain(const std::string& name, DomainEntry& domain, const dns::Stopped& stopped);
    void publish(bool always);
    std::vector<Found> build(std::vector<DomainRound>& rounds) const;
    Monotonic earliest() const;

    const FoundFile file_;
    const bool kept_;
    Hooks hooks_;

    // The finder's thread alone.
    FinderSettings settings_;
    std::unique_ptr<dns::NameService> names_;
    std::vector<std::string> fixedHosts_;  // names among the hosts of the settings
    std::map<std::string, HostEntry> hosts_;
    std::map<std::string, DomainEntry> domains_;
    std::vector<Found> published_;
    std::string savedText_;
    Monotonic saved_{};
    std::optional<Monotonic> lastRound_;
    std::optional<Monotonic> look_;  // when to look again who points at this appliance: listeners start meanwhile
    std::uint64_t seen_ = 0;         // of wanted_, by the last step
    std::string lastComplaint_;
    std::mt19937_64 random_;
    bool begun_ = false;

    mutable std::mutex mutex_;
    std::condition_variable wake_;
    std::condition_variable served_;
    std::optional<FinderSettings> pending_;
    std::uint64_t wanted_ = 0;  // rounds asked for
    std::uint64_t done_ = 0;    // rounds that are over
    std::vector<DomainRound> rounds_;
    std::atomic<bool> stop_{false};
};

}  // namespace muster::relay
