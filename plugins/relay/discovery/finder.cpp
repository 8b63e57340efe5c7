#include "finder.h"

#include <algorithm>
#include <set>
#include <tuple>
#include <utility>

#include "dns/system_names.h"

namespace muster::relay {

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr seconds kLeastInterval{10};
constexpr seconds kSoonest{30};              // when a TTL is over; or the interval, where that is shorter
constexpr seconds kConfirm{30};              // DNS has to say "nothing" twice, so far apart
constexpr seconds kFirstRetry{5};            // doubles up to the interval
constexpr seconds kBetweenRounds{1};         // of those that people ask for
constexpr seconds kLookAgain{5};             // after new settings
constexpr seconds kGlance{1};                // how often `stopping` is looked at
constexpr std::chrono::hours kSaveTimes{1};  // how old the times in the file may be
constexpr std::size_t kMaxDiscovered = 256;
constexpr std::size_t kMaxName = 64;  // of an upstream
constexpr const char* kOwnRemark = "points at this appliance: it publishes itself";

bool same(const Found& a, const Found& b) {
    const auto key = [](const Found& f) {
        return std::tie(f.upstream.name, f.upstream.host, f.upstream.port, f.upstream.priority, f.upstream.weight,
                        f.upstream.discoveredIn, f.addresses, f.problem);
    };
    return key(a) == key(b);
}

std::vector<Address> withPort(std::vector<Address> addresses, std::uint16_t port) {
    for (Address& address : addresses)
        address.port = port;
    return addresses;
}

/// Not longer than an upstream's name may be; another text stays another.
std::string fitted(std::string name) {
    if (name.size() <= kMaxName)
        return name;
    constexpr std::uint64_t kOffset = 0xCBF29CE484222325U;  // FNV-1a: only to tell long names apart
    constexpr std::uint64_t kPrime = 0x100000001B3U;
    std::uint64_t hash = kOffset;
    for (const char c : name)
        hash = (hash ^ static_cast<unsigned char>(c)) * kPrime;
    std::string mark = "~";
    for (unsigned digit = 0; digit < 8; ++digit, hash >>= 4U)
        mark += "0123456789abcdef"[hash & 0xFU];
    name.resize(kMaxName - mark.size());
    return name + mark;
}

/// Under which name a host of the settings is known; empty: it is an address.
std::string knownAs(const std::string& host) {
    if (dns::numericAddress(host))
        return {};
    const auto plain = dns::plainName(host);
    if (!plain)
        return host;
    return host.ends_with('.') ? *plain + "." : *plain;
}

}  // namespace

Finder::Finder(FinderSettings settings, const std::string& stateDirectory, Hooks hooks)
    : file_(stateDirectory + "/upstreams-found"),
      kept_(!stateDirectory.empty()),
      hooks_(std::move(hooks)),
      random_(std::random_device{}()),
      pending_(std::move(settings)) {
    if (!hooks_.now)
        hooks_.now = [] { return std::chrono::steady_clock::now(); };
    if (!hooks_.wall)
        hooks_.wall = [] { return std::chrono::time_point_cast<milliseconds>(std::chrono::system_clock::now()); };
    if (!hooks_.names)
        hooks_.names = [](const std::vector<Address>& resolvers) { return std::make_unique<dns::Lookup>(resolvers); };
}

void Finder::run(const std::atomic<bool>& stopping) {
    const auto stopped = [&] { return stopping.load() || stop_.load(); };
    while (!stopped()) {
        const Monotonic next = step(stopped);
        std::unique_lock lock(mutex_);
        while (!stopped() && !pending_ && wanted_ == seen_ && hooks_.now() < next)
            wake_.wait_for(lock, std::min<std::chrono::nanoseconds>(kGlance, next - hooks_.now()));
    }
    const std::lock_guard lock(mutex_);
    stop_ = true;
    served_.notify_all();
}

void Finder::stop() noexcept {
    {
        const std::lock_guard lock(mutex_);
        stop_ = true;
    }
    wake_.notify_all();
    served_.notify_all();
}

void Finder::apply(FinderSettings settings) {
    {
        const std::lock_guard lock(mutex_);
        pending_ = std::move(settings);
    }
    wake_.notify_all();
}

void Finder::refresh() {
    {
        const std::lock_guard lock(mutex_);
        ++wanted_;
    }
    wake_.notify_all();
}

bool Finder::refreshAndWait(milliseconds patience) {
    std::unique_lock lock(mutex_);
    const std::uint64_t mine = ++wanted_;
    wake_.notify_all();
    served_.wait_for(lock, patience, [&] { return stop_.load() || done_ >= mine; });
    return done_ >= mine;
}

std::vector<DomainRound> Finder::rounds() const {
    const std::lock_guard lock(mutex_);
    return rounds_;
}

Monotonic Finder::step(const dns::Stopped& stopped) {
    takeSettings();
    bool everything = false;
    {
        const std::lock_guard lock(mutex_);
        seen_ = wanted_;
        everything = wanted_ != done_;
    }
    const Monotonic now = hooks_.now();
    if (everything && lastRound_ && now < *lastRound_ + kBetweenRounds)
        return *lastRound_ + kBetweenRounds;

    for (const std::string& name : fixedHosts_) {
        HostEntry& host = hosts_[name];
        if (stopped() || !(everything || host.due <= now))
            continue;
        askHost(name, host, stopped);
        publish(false);
    }
    for (const std::string& name : settings_.domains) {
        DomainEntry& domain = domains_[name];
        if (stopped() || !(everything || domain.due <= now))
            continue;
        askDomain(name, domain, stopped);
        publish(false);
    }
    if (look_ && *look_ <= now)
        look_.reset();
    publish(false);  // this appliance's own addresses may be others by now
    remember();
    if (everything && !stopped()) {
        lastRound_ = hooks_.now();
        const std::lock_guard lock(mutex_);
        done_ = seen_;
        served_.notify_all();
    }
    return earliest();
}

void Finder::takeSettings() {
    {
        const std::lock_guard lock(mutex_);
        if (!pending_)
            return;
        const bool others = pending_->resolvers != settings_.resolvers;
        settings_ = std::move(*pending_);
        pending_.reset();
        if (others || !names_) {
            names_.reset();
            for (auto& [name, host] : hosts_)
                host.due = {};
            for (auto& [name, domain] : domains_)
                domain.due = {};
        }
    }
    if (!names_)
        names_ = hooks_.names(settings_.resolvers);
    settings_.interval = std::clamp<seconds>(settings_.interval, kLeastInterval, std::chrono::hours(24));

    std::vector<std::string> domains;
    for (const std::string& written : settings_.domains) {
        const std::string domain = dns::plainName(written).value_or(written);
        if (std::find(domains.begin(), domains.end(), domain) == domains.end() &&
            domains.size() < FoundFile::kMaxDomains)
            domains.push_back(domain);
    }
    settings_.domains = std::move(domains);

    fixedHosts_.clear();
    for (const Upstream& upstream : settings_.upstreams)
        if (std::string name = knownAs(upstream.host);
            !name.empty() && std::find(fixedHosts_.begin(), fixedHosts_.end(), name) == fixedHosts_.end())
            fixedHosts_.push_back(std::move(name));

    if (!begun_)
        recall();
    begun_ = true;

    std::erase_if(domains_, [&](const auto& entry) {
        return std::find(settings_.domains.begin(), settings_.domains.end(), entry.first) == settings_.domains.end();
    });
    for (const std::string& domain : settings_.domains)
        domains_.try_emplace(domain);
    for (const std::string& host : fixedHosts_)
        hosts_.try_emplace(host);
    look_ = hooks_.now() + kLookAgain;
    publish(true);
}

void Finder::recall() {
    if (!kept_)
        return;
    auto remembered = file_.read();
    if (!remembered) {
        if (hooks_.log)
            hooks_.log(Severity::warning,
                       remembered.error().text() + "; it is not used, and written anew when DNS has answered");
        return;
    }
    savedText_ = FoundFile::text(*remembered);
    for (auto& domain : remembered->domains) {
        DomainEntry& entry = domains_[domain.name];
        entry.services = std::move(domain.services);
        entry.answered = domain.answered;
    }
    for (auto& host : remembered->hosts) {
        HostEntry& entry = hosts_[host.name];
        entry.addresses = std::move(host.addresses);
        entry.answered = host.answered;
    }
}

void Finder::remember() {
    // A host that nobody names any more is forgotten.
    std::set<std::string> named(fixedHosts_.begin(), fixedHosts_.end());
    for (const auto& [name, domain] : domains_)
        for (const dns::Service& service : domain.services)
            named.insert(service.target);
    std::erase_if(hosts_, [&](const auto& entry) { return !named.contains(entry.first); });
    if (!kept_)
        return;

    Remembered now;
    for (const auto& [name, domain] : domains_)
        if (!domain.services.empty() && dns::plainName(name))
            now.domains.push_back({name, domain.answered, domain.services});
    for (const auto& [name, host] : hosts_)
        if (!host.addresses.empty() && dns::plainName(name) && now.hosts.size() < FoundFile::kMaxHosts)
            now.hosts.push_back({name, host.answered, host.addresses});

    // The times alone are worth a write once an hour.
    Remembered timeless = now;
    for (auto& domain : timeless.domains)
        domain.answered = {};
    for (auto& host : timeless.hosts)
        host.answered = {};
    std::string text = FoundFile::text(timeless);
    const Monotonic at = hooks_.now();
    if (text == savedText_ && saved_ != Monotonic{} && at < saved_ + kSaveTimes)
        return;
    if (now.domains.empty() && now.hosts.empty() && savedText_.empty())
        return;
    if (const auto written = file_.write(now); !written) {
        if (hooks_.log && lastComplaint_ != written.error().text())
            hooks_.log(Severity::warning,
                       written.error().text() + "; a restart while DNS is silent would not find them");
        lastComplaint_ = written.error().text();
        return;
    }
    lastComplaint_.clear();
    savedText_ = std::move(text);
    saved_ = at;
}

/// @param known  something is known that a denial would take away
/// @return true: what was known is to be let go
bool Finder::learn(Knowledge& knowledge, const dns::Said& said, bool known) const {
    const Timestamp wall = hooks_.wall();
    knowledge.asked = wall;
    if (said.found()) {
        knowledge.answered = wall;
        knowledge.problem.clear();
        knowledge.since = {};
        knowledge.denied.reset();
        return false;
    }
    if (knowledge.problem.empty())
        knowledge.since = wall;
    knowledge.problem = said.text;
    if (!said.denied())
        return false;
    const Monotonic now = hooks_.now();
    if (!known) {
        knowledge.denied.reset();
        return false;
    }
    if (!knowledge.denied)
        knowledge.denied = now;
    if (now - *knowledge.denied < kConfirm)
        return false;
    knowledge.denied.reset();
    return true;
}

void Finder::learnAddresses(HostEntry& host, const dns::AddressAnswer& answer) {
    if (learn(host, answer.said, !host.addresses.empty()))
        host.addresses.clear();
    if (!answer.said.found())
        return;
    std::vector<Address> addresses = answer.addresses;
    if (answer.partial)  // the other half was not denied: what is known of it stays
        for (const Address& known : host.addresses)
            if (addresses.size() < dns::kMaxAddresses &&
                std::none_of(addresses.begin(), addresses.end(),
                             [&](const Address& a) { return a.isV4() == known.isV4(); }))
                addresses.push_back(known);
    host.addresses = std::move(addresses);
}

void Finder::schedule(Knowledge& knowledge, const dns::Said& said, seconds ttl) {
    const milliseconds interval = settings_.interval;
    milliseconds wait = interval;
    double least = 0.9;  // of jitter
    if (said.found()) {
        knowledge.failures = 0;
        if (said.resolver != Address{})  // what DNS did not say has no TTL
            wait = std::clamp<milliseconds>(ttl, std::min<milliseconds>(kSoonest, interval), interval);
    } else if (said.denied()) {
        knowledge.failures = 0;
        if (knowledge.denied) {
            wait = kConfirm;
            least = 1.0;
        }
    } else {
        constexpr unsigned kMaxDoublings = 16;
        wait = std::min<milliseconds>(interval, kFirstRetry * (1U << std::min(knowledge.failures, kMaxDoublings)));
        ++knowledge.failures;
    }
    const double jitter = std::uniform_real_distribution<double>(least, least + 0.2)(random_);
    knowledge.due = hooks_.now() + milliseconds(static_cast<std::int64_t>(static_cast<double>(wait.count()) * jitter));
}

void Finder::askHost(const std::string& name, HostEntry& host, const dns::Stopped& stopped) {
    const dns::AddressAnswer answer = names_->addresses(name, stopped);
    if (answer.said.code == dns::LookupCode::stopped)
        return;
    learnAddresses(host, answer);
    schedule(host, answer.said, answer.ttl);
}

void Finder::askDomain(const std::string& name, DomainEntry& domain, const dns::Stopped& stopped) {
    const dns::ServiceAnswer answer = names_->services(name, stopped);
    if (answer.said.code == dns::LookupCode::stopped)
        return;
    if (learn(domain, answer.said, !domain.services.empty()))
        domain.services.clear();
    if (answer.said.resolver != Address{})
        domain.resolver = answer.said.resolver;
    domain.note = answer.note;
    if (answer.said.found()) {
        domain.ttl = answer.ttl;
        domain.services.clear();
        std::set<std::string> learned;
        for (const auto& record : answer.records) {
            domain.services.push_back({record.priority, record.weight, record.port, record.target});
            if (learned.insert(record.target).second)
                learnAddresses(hosts_[record.target], record.addresses);
        }
    }
    schedule(domain, answer.said, answer.ttl);
    // A target that could not be asked, or was denied and not yet believed, is asked again with its domain, soon.
    if (answer.said.found())
        for (const auto& record : answer.records)
            if (!record.addresses.said.found()) {
                Knowledge& target = hosts_[record.target];
                schedule(target, record.addresses.said, answer.ttl);
                domain.due = std::min(domain.due, std::max(target.due, hooks_.now() + kFirstRetry));
            }
}

void Finder::publish(bool always) {
    std::vector<DomainRound> rounds;
    std::vector<Found> found = build(rounds);
    const Timestamp wall = hooks_.wall();
    for (Found& one : found) {
        const auto before = std::find_if(published_.begin(), published_.end(), [&](const Found& other) {
            return other.upstream.name == one.upstream.name && other.addresses == one.addresses &&
                   other.problem.empty() == one.problem.empty();
        });
        if (one.problem.empty() || one.since == Timestamp{})
            one.since = before != published_.end() ? before->since : wall;
    }
    {
        const std::lock_guard lock(mutex_);
        rounds_ = std::move(rounds);
    }
    if (!always && std::equal(found.begin(), found.end(), published_.begin(), published_.end(), same))
        return;
    published_ = std::move(found);
    if (hooks_.changed)
        hooks_.changed(published_);
}

std::vector<Found> Finder::build(std::vector<DomainRound>& rounds) const {
    std::vector<Found> found;
    std::set<std::string> names;
    std::vector<std::pair<Address, std::string>> taken;  // where somebody is already, and who
    const auto own = [&](const Address& address) { return hooks_.isOwn && hooks_.isOwn(address); };

    for (const Upstream& upstream : settings_.upstreams) {
        Found one{upstream, {}, {}, {}};
        if (const auto numeric = dns::numericAddress(upstream.host)) {
            one.addresses = withPort({*numeric}, upstream.port);
        } else {
            const HostEntry& host = hosts_.at(knownAs(upstream.host));
            one.addresses = withPort(host.addresses, upstream.port);
            one.problem = host.problem;
            one.since = host.since;
            if (one.problem.empty() && host.asked == Timestamp{} && one.addresses.empty())
                one.problem = "its name has not been looked up yet";
            else if (!one.problem.empty() && !one.addresses.empty())
                one.problem += "; its last known addresses stay in use";
        }
        if (std::erase_if(one.addresses, own) > 0 && one.addresses.empty())
            one.problem = "points at this appliance itself; correct its address";
        for (const Address& address : one.addresses)
            taken.emplace_back(address, upstream.name);
        names.insert(upstream.name);
        found.push_back(std::move(one));
    }
    const std::size_t fixed = found.size();

    // A name alone says enough, unless one host serves on two ports.
    std::map<std::string, std::set<std::uint16_t>> ports;
    for (const auto& [name, domain] : domains_)
        for (const dns::Service& service : domain.services)
            ports[service.target].insert(service.port);

    for (const std::string& name : settings_.domains) {
        const DomainEntry& domain = domains_.at(name);
        DomainRound round{name,       domain.resolver, domain.asked, domain.answered,
                          domain.ttl, domain.problem,  domain.since, domain.note,
                          {}};
        for (const dns::Service& service : domain.services) {
            const auto known = hosts_.find(service.target);
            static const HostEntry kNothing;
            const HostEntry& host = known != hosts_.end() ? known->second : kNothing;
            const std::vector<Address> addresses = withPort(host.addresses, service.port);
            DomainRound::Record record{service.priority, service.weight, service.port, service.target, addresses, {},
                                       host.problem};
            const auto another = std::find_if(found.begin(), found.end(), [&](const Found& other) {
                return dns::plainName(other.upstream.host) == service.target && other.upstream.port == service.port;
            });
            const auto at = std::find_if(taken.begin(), taken.end(), [&](const auto& where) {
                return std::find(addresses.begin(), addresses.end(), where.first) != addresses.end();
            });
            if (std::any_of(addresses.begin(), addresses.end(), own)) {
                record.remark = kOwnRemark;
            } else if (another != found.end() || at != taken.end()) {
                const std::string& who = another != found.end() ? another->upstream.name : at->second;
                record.remark = "is upstream " + who + " already";
            } else if (found.size() - fixed == kMaxDiscovered) {
                record.remark = "left out: " + std::to_string(kMaxDiscovered) + " upstreams are discovered already";
            } else {
                Found one;
                one.upstream.host = service.target;
                one.upstream.port = service.port;
                one.upstream.priority = service.priority;
                one.upstream.weight = service.weight;
                one.upstream.discoveredIn = name;
                one.upstream.name = fitted(service.target);
                if (ports[service.target].size() > 1 || names.contains(one.upstream.name))
                    one.upstream.name = fitted(service.target + ":" + std::to_string(service.port));
                for (unsigned n = 2; names.contains(one.upstream.name); ++n)
                    one.upstream.name =
                        fitted(service.target + ":" + std::to_string(service.port) + "~" + std::to_string(n));
                names.insert(one.upstream.name);
                one.addresses = addresses;
                const Knowledge& troubled = host.problem.empty() ? static_cast<const Knowledge&>(domain) : host;
                one.problem = troubled.problem;
                one.since = troubled.since;
                if (one.problem.empty() && addresses.empty())
                    one.problem = "its name has not been looked up yet";
                else if (!one.problem.empty() && !addresses.empty())
                    one.problem += "; the last known answer stays in use";
                for (const Address& address : addresses)
                    taken.emplace_back(address, one.upstream.name);
                record.upstream = one.upstream.name;
                found.push_back(std::move(one));
            }
            round.records.push_back(std::move(record));
        }
        rounds.push_back(std::move(round));
    }
    return found;
}

Monotonic Finder::earliest() const {
    Monotonic next = hooks_.now() + settings_.interval;
    if (look_)
        next = std::min(next, *look_);
    for (const std::string& name : fixedHosts_)
        next = std::min(next, hosts_.at(name).due);
    for (const auto& [name, domain] : domains_)
        next = std::min(next, domain.due);
    return next;
}

}  // namespace muster::relay
