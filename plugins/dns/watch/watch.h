/// Looks at every SRV target in every listed domain, at an interval, and says what is wrong with it, with its ground
/// and what to do.
///
/// The rules: what DNS does not say changes nothing, no verdict and no sighting. A name server or a target that is slow
/// delays its own domain alone by some seconds, and other domains by no more than that. Nothing is written to DNS, and
/// no KMS host is asked anything but an RPC bind.
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
#include <vector>

#include "muster/event.h"
#include "muster/json.h"
#include "muster/result.h"
#include "muster/types.h"

#include "dns/lookup.h"
#include "history.h"
#include "judge.h"
#include "owners.h"
#include "probe.h"

namespace muster::publisher {

struct WatchSettings {
    std::vector<WatchedDomain> domains;      ///< at most kMaxDomains are looked at
    std::vector<std::string> allowed;        ///< host names
    std::vector<Address> resolvers;          ///< empty: the system's
    std::chrono::seconds interval{15 * 60};  ///< 1 min to a day, between two looks at a domain; a tenth more or less
    ProbeTerms probes;
};

/// The name servers of the zone that a domain's `_vlmcs._tcp` is in.
struct ZoneServers {
    struct Server {
        std::string name;
        std::vector<Address> addresses;  ///< port 0 stands for 53; the first that answers counts
    };
    std::string zone;
    std::vector<Server> servers;  ///< the primary first; at most kMaxServers are asked
    std::string problem;          ///< why there are none, or not all
};

/// One target and port in one domain, for people.
struct TargetRow {
    std::string domain;
    std::string target;
    std::uint16_t port = 0;
    std::vector<Sight::Order> orders;  ///< empty: the record is missing
    std::chrono::seconds ttl{0};
    Judgement judgement;
    Owner owner;
    dns::Said lookup;  ///< of the target's addresses
    std::vector<Address> addresses;
    std::vector<Probe> probes;
    std::vector<std::string> servers;  ///< name servers that have it; empty: none was asked
    Timestamp first;                   ///< zero: never seen
    Timestamp last;
    Timestamp since;  ///< of the verdict
    Timestamp checked;
};

/// One domain, for people.
struct DomainRow {
    std::string domain;
    std::string zone;
    Address resolver;     ///< who answered; zero: nobody
    Timestamp checked;    ///< zero: not yet
    Timestamp answered;   ///< when DNS last said what is there
    std::string problem;  ///< of the last look: DNS did not say; empty: it did
    std::string note;     ///< "2 SRV records are left out: …"
    Judgement servers;    ///< do they have the same?
    std::vector<ServerView> views;
    std::vector<TargetRow> targets;
};

class Watch {
public:
    static constexpr std::size_t kMaxDomains = 64;
    static constexpr std::size_t kMaxServers = 16;
    static constexpr std::size_t kMaxTargets = 128;  ///< looked at in one domain
    static constexpr std::size_t kMaxProbed = 4;     ///< addresses of one target that are tried
    /// After a look that finds something new, the second look that decides whether it is told.
    static constexpr std::chrono::seconds kSecondLook{60};

    /// What it needs from others. All are called on the watch's thread, and may be empty but for `raise`.
    struct Hooks {
        /// An event of kWatchEvents.
        std::function<void(std::uint32_t id, Json fields)> raise;
        std::function<void(Severity, std::string_view)> log;
        /// Without it name servers are not compared.
        std::function<ZoneServers(const std::string& domain, const dns::Stopped&)> servers;
        std::function<std::vector<KnownUpstream>()> upstreams;
        /// True for an address and port on which this appliance itself listens: dns::pointsHere.
        std::function<bool(const Address&)> isOwn;
        /// The domain's last refresh that succeeded, and whether our record is expected just now: asked at each look,
        /// so that withdrawing and publishing need no apply().
        std::function<void(WatchedDomain&)> refreshed;

        // For tests; the real ones where they are empty.
        std::function<std::unique_ptr<dns::NameService>(const std::vector<Address>& resolvers)> names;
        std::function<dns::Reply(const Address& server, const std::string& name, const dns::Stopped&)> ask;
        std::function<std::vector<Probe>(const std::vector<Address>&, const ProbeTerms&, const dns::Stopped&)> probe;
        std::function<Timestamp()> wall;
    };

    /// @param stateDirectory  for one small file, targets-seen; empty: nothing is kept over restarts
    Watch(WatchSettings settings, const std::string& stateDirectory, Hooks hooks);

    /// One turn: looks at every domain that is due. @return when the next is due  @thread the watch's; blocks
    Monotonic step(Monotonic now, const dns::Stopped& stopped);
    /// step() again and again, for Host::thread. Returns soon after stop(), and within a second after `stopping`.
    void run(const std::atomic<bool>& stopping);
    void stop() noexcept;

    /// Other settings from now on; all domains are looked at soon. @thread any
    void apply(WatchSettings settings);
    /// Looks at everything now. @thread any
    void checkNow();
    /// checkNow(), and waits until that round is over. @return false: not in that time. @thread any but the watch's
    bool checkAndWait(std::chrono::milliseconds patience);

    /// In the order of the settings. @thread any
    std::vector<DomainRow> domains() const;
    /// All targets ever seen, as far as they are kept; by domain. @thread any
    std::vector<Sighting> history() const;

private:
    struct Look;
    struct Schedule {
        Monotonic due{};
        std::uint64_t asked = 0;  ///< of wanted_, by the last look
    };

    void begin();
    void takeSettings();
    bool look(WatchedDomain domain, const dns::Stopped& stopped);
    void askServers(Look& look, const dns::Stopped& stopped) const;
    void askResolver(Look& look, const dns::Stopped& stopped);
    void resolve(Look& look, const dns::Stopped& stopped);
    void tryPorts(Look& look, const dns::Stopped& stopped) const;
    void conclude(Look& look);
    void tell(const History::Key& key, const Judgement& judgement, const History::News& news) const;
    void publish(DomainRow row);
    void log(Severity severity, const std::string& text) const;

    Hooks hooks_;

    // The watch's thread alone.
    WatchSettings settings_;
    std::unique_ptr<dns::NameService> names_;
    std::map<std::string, Schedule> schedule_;
    History history_;
    std::string lastComplaint_;
    std::mt19937_64 random_;
    bool begun_ = false;

    mutable std::mutex mutex_;
    std::condition_variable wake_;
    std::condition_variable served_;
    std::optional<WatchSettings> pending_;
    std::uint64_t wanted_ = 0;  ///< rounds asked for
    std::uint64_t done_ = 0;    ///< rounds that are over
    std::map<std::string, DomainRow> rows_;
    std::vector<std::string> order_;
    std::vector<Sighting> seen_;
    std::atomic<bool> stop_{false};
};

}  // namespace muster::publisher
