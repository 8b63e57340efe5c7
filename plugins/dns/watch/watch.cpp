#include "watch.h"

#include <algorithm>
#include <set>
#include <utility>

namespace muster::publisher {

namespace {

using std::chrono::milliseconds;

constexpr const char* kLabels = "_vlmcs._tcp.";
constexpr milliseconds kAttempt{1200};    // for one datagram to one name server
constexpr milliseconds kServer{3000};     // for one name server
constexpr milliseconds kServers{20'000};  // for all name servers of a zone
constexpr std::chrono::seconds kGlance{1};

/// Why an answer of a name server does not count; empty: it does.
std::string problemOf(const dns::Reply& reply) {
    switch (reply.ending) {
        case dns::Ending::answered:
            break;
        case dns::Ending::timedOut:
            return "gives no answer";
        case dns::Ending::unreachable:
            return "cannot be reached (" + reply.words + ")";
        case dns::Ending::broken:
            return "gives an answer that cannot be used (" + reply.words + ")";
        case dns::Ending::stopped:
            return "was not asked to the end";
    }
    if (reply.answer.rcode != dns::Rcode::noError && reply.answer.rcode != dns::Rcode::nameError)
        return "answers " + dns::text(reply.answer.rcode);
    return reply.answer.authoritative ? "" : "is not authoritative for the zone";
}

std::string text(Address resolver) {
    resolver.port = resolver.port == 0 ? 53 : resolver.port;
    return resolver.text();
}

}  // namespace

/// One look at one domain, while it is made.
struct Watch::Look {
    WatchedDomain domain;
    DomainRow row;
    bool answered = false;  // DNS says what is there
    std::string who;        // says so
    std::map<std::pair<std::string, std::uint16_t>, TargetRow> targets;
    std::map<std::string, dns::AddressAnswer> hosts;

    void take(const dns::Service& service, std::chrono::seconds ttl, const std::string* server) {
        const std::pair key(service.target, service.port);
        if (!targets.contains(key) && targets.size() >= kMaxTargets) {
            row.note = "more than " + std::to_string(kMaxTargets) + " targets stand there; the others are left out";
            return;
        }
        TargetRow& target = targets[key];
        target.domain = domain.domain;
        target.target = service.target;
        target.port = service.port;
        target.ttl = target.orders.empty() ? ttl : std::min(target.ttl, ttl);
        const Sight::Order order{service.priority, service.weight};
        if (std::find(target.orders.begin(), target.orders.end(), order) == target.orders.end())
            target.orders.push_back(order);
        if (server != nullptr && (target.servers.empty() || target.servers.back() != *server))
            target.servers.push_back(*server);
    }
};

Watch::Watch(WatchSettings settings, const std::string& stateDirectory, Hooks hooks)
    : hooks_(std::move(hooks)),
      history_(stateDirectory.empty() ? "" : stateDirectory + "/targets-seen"),
      random_(std::random_device()()),
      pending_(std::move(settings)) {
    if (!hooks_.names)
        hooks_.names = [](const auto& resolvers) {
            return std::make_unique<dns::Lookup>(resolvers, dns::LookupLimits{}, "/etc/hosts", "/etc/resolv.conf",
                                                 dns::LookupSettings{"dns.resolvers", "dns.domains"});
        };
    if (!hooks_.ask)
        hooks_.ask = [](const Address& server, const std::string& name, const dns::Stopped& stopped) {
            return dns::ask(server, name, dns::Type::srv, kAttempt, std::chrono::steady_clock::now() + kServer, stopped,
                            false);
        };
    if (!hooks_.probe)
        hooks_.probe = probeAll;
    if (!hooks_.wall)
        hooks_.wall = [] { return std::chrono::time_point_cast<milliseconds>(std::chrono::system_clock::now()); };
}

void Watch::log(Severity severity, const std::string& text) const {
    if (hooks_.log)
        hooks_.log(severity, text);
}

void Watch::begin() {
    begun_ = true;
    if (const auto wrong = history_.load()) {
        log(Severity::warning, wrong->text());
        hooks_.raise(kHistorySetAside, Json::Object{{"file", wrong->subject}, {"problem", wrong->detail}});
    }
}

void Watch::takeSettings() {
    const std::lock_guard lock(mutex_);
    if (!pending_)
        return;
    settings_ = std::move(*pending_);
    pending_.reset();
    if (settings_.domains.size() > kMaxDomains)
        settings_.domains.resize(kMaxDomains);
    names_ = hooks_.names(settings_.resolvers);
    schedule_.clear();
    order_.clear();
    std::map<std::string, DomainRow> rows;
    for (const WatchedDomain& domain : settings_.domains) {
        schedule_[domain.domain];
        order_.push_back(domain.domain);
        DomainRow& row = rows[domain.domain];
        if (const auto known = rows_.find(domain.domain); known != rows_.end())
            row = std::move(known->second);
        row.domain = domain.domain;
    }
    rows_ = std::move(rows);
}

Monotonic Watch::step(Monotonic now, const dns::Stopped& stopped) {
    if (!begun_)
        begin();
    takeSettings();
    std::uint64_t wanted = 0;
    {
        const std::lock_guard lock(mutex_);
        wanted = wanted_;
    }
    Monotonic next = now + settings_.interval;
    const Monotonic began = std::chrono::steady_clock::now();
    for (const WatchedDomain& domain : settings_.domains) {
        Schedule& schedule = schedule_[domain.domain];
        if (schedule.due <= now || schedule.asked != wanted) {
            const bool again = look(domain, stopped);
            if (stopped())
                return now;
            schedule.asked = wanted;
            std::uniform_real_distribution<double> jitter(0.9, 1.1);
            const auto interval = milliseconds(static_cast<std::int64_t>(
                static_cast<double>(milliseconds(settings_.interval).count()) * jitter(random_)));
            // `now` as the caller has it, and the time that this very turn took.
            const auto spent = std::chrono::steady_clock::now() - began;
            schedule.due = now + spent + (again ? std::min<milliseconds>(interval, kSecondLook) : interval);
        }
        next = std::min(next, schedule.due);
    }
    const auto saved = history_.save(hooks_.wall(), false);
    if (const std::string complaint = saved ? "" : saved.error().text(); complaint != lastComplaint_) {
        if (!complaint.empty())
            log(Severity::warning, "the history of SRV targets cannot be kept: " + complaint);
        lastComplaint_ = complaint;
    }
    const std::lock_guard lock(mutex_);
    done_ = wanted;
    served_.notify_all();
    return pending_ || wanted_ != wanted ? now : next;
}

bool Watch::look(WatchedDomain domain, const dns::Stopped& stopped) {
    Look look;
    if (hooks_.refreshed)
        hooks_.refreshed(domain);
    look.domain = std::move(domain);
    look.row.domain = look.domain.domain;
    look.row.checked = hooks_.wall();
    askServers(look, stopped);
    askResolver(look, stopped);
    if (stopped())
        return false;
    if (!look.answered) {
        const std::lock_guard lock(mutex_);
        DomainRow& row = rows_[look.domain.domain];
        row.checked = look.row.checked;
        row.problem = look.row.problem;
        row.views = std::move(look.row.views);
        return false;
    }
    look.row.problem.clear();
    look.row.answered = look.row.checked;
    resolve(look, stopped);
    tryPorts(look, stopped);
    if (stopped())
        return false;
    conclude(look);

    bool again = false;
    const auto judged = [&](const History::Key& key, const Judgement& judgement) {
        const auto news = history_.judged(key, judgement.verdict, look.row.checked);
        tell(key, judgement, news);
        again = again || news.lookAgain;
    };
    std::set<History::Key> here;
    for (TargetRow& target : look.row.targets) {
        const History::Key key{target.domain, target.target, target.port};
        here.insert(key);
        if (!target.orders.empty())
            history_.seen(key, target.orders.front().priority, target.orders.front().weight, look.row.checked);
        judged(key, target.judgement);
        if (const Sighting* sighting = history_.find(key)) {
            target.first = sighting->first;
            target.last = sighting->last;
            if (!sighting->changes.empty())
                target.since = sighting->changes.back().at;
        }
    }
    if (!look.row.views.empty()) {
        const History::Key key{look.domain.domain, kServersTarget, 0};
        here.insert(key);
        judged(key, look.row.servers);
    }
    for (const History::Key& key : history_.present(look.domain.domain)) {
        if (here.contains(key) || std::get<1>(key) == kServersTarget)
            continue;
        const auto news = history_.gone(key, look.row.checked);
        tell(key, {Verdict::ours, "the record is not there any more", {}}, news);
        again = again || news.lookAgain;
    }
    publish(std::move(look.row));
    return again;
}

void Watch::askServers(Look& look, const dns::Stopped& stopped) const {
    if (!hooks_.servers)
        return;
    ZoneServers zone = hooks_.servers(look.domain.domain, stopped);
    look.row.zone = zone.zone;
    look.row.note = zone.problem;
    if (zone.servers.size() > kMaxServers)
        zone.servers.resize(kMaxServers);
    const std::string name = kLabels + look.domain.domain;
    const Monotonic until = std::chrono::steady_clock::now() + kServers;
    for (const auto& server : zone.servers) {
        ServerView view{server.name, {}, "has no address", {}, {}};
        for (const Address& address : server.addresses) {
            view.address = address;
            view.problem = "was not asked: the others took too long";
            if (stopped() || std::chrono::steady_clock::now() >= until)
                break;
            dns::Reply reply = hooks_.ask(address, name, stopped);
            view.problem = problemOf(reply);
            if (!view.problem.empty())
                continue;
            view.services = std::move(reply.answer.services);
            view.ttl = reply.answer.recordTtl;
            break;
        }
        if (view.problem.empty()) {
            look.who += (look.who.empty() ? "" : ", ") + view.name;
            look.answered = true;
            for (const dns::Service& service : view.services)
                look.take(service, view.ttl, &view.name);
        }
        look.row.views.push_back(std::move(view));
    }
    look.row.servers = judgeServers(look.row.views);
}

void Watch::askResolver(Look& look, const dns::Stopped& stopped) {
    dns::ServiceAnswer answer = names_->services(look.domain.domain, stopped);
    look.row.resolver = answer.said.resolver;
    if (look.row.note.empty())
        look.row.note = answer.note;
    if (!answer.said.found() && !answer.said.denied()) {
        look.row.problem = answer.said.text;
        return;
    }
    for (const auto& record : answer.records)
        look.hosts.emplace(record.target, record.addresses);
    // What the zone's own servers say is newer than what a resolver remembers.
    if (look.answered)
        return;
    look.answered = true;
    look.who = text(answer.said.resolver);
    for (const auto& record : answer.records)
        look.take({record.priority, record.weight, record.port, record.target}, answer.ttl, nullptr);
}

void Watch::resolve(Look& look, const dns::Stopped& stopped) {
    dns::AddressAnswer silent;  // once nobody answers, the others are not waited for as well
    bool silence = false;
    for (auto& [key, target] : look.targets) {
        auto known = look.hosts.find(target.target);
        if (known == look.hosts.end())
            known =
                look.hosts.emplace(target.target, silence ? silent : names_->addresses(target.target + ".", stopped))
                    .first;
        const dns::LookupCode code = known->second.said.code;
        if (!silence && (code == dns::LookupCode::timedOut || code == dns::LookupCode::unreachable)) {
            silence = true;
            silent = known->second;
        }
        target.lookup = known->second.said;
        target.addresses = known->second.addresses;
    }
}

void Watch::tryPorts(Look& look, const dns::Stopped& stopped) const {
    std::vector<Address> all;
    for (auto& [key, target] : look.targets) {
        // Of both families where both are there: the addresses come sorted, IPv4 first.
        std::vector<Address> chosen = target.addresses;
        if (chosen.size() > kMaxProbed)
            chosen.erase(chosen.begin() + kMaxProbed / 2, chosen.end() - kMaxProbed / 2);
        for (Address address : chosen) {
            address.port = target.port;
            target.probes.push_back({address, {}, {}, {}});
            if (std::find(all.begin(), all.end(), address) == all.end())
                all.push_back(address);
        }
    }
    const std::vector<Probe> probes = hooks_.probe(all, settings_.probes, stopped);
    for (auto& [key, target] : look.targets)
        for (Probe& probe : target.probes)
            for (const Probe& done : probes)
                if (done.address == probe.address)
                    probe = done;
}

void Watch::conclude(Look& look) {
    std::vector<std::string> names;
    for (const WatchedDomain& domain : settings_.domains)
        names.push_back(domain.target);
    const Owners owners(names, hooks_.upstreams ? hooks_.upstreams() : std::vector<KnownUpstream>{}, settings_.allowed,
                        hooks_.isOwn);
    bool have = false;
    for (auto& [key, target] : look.targets) {
        target.owner = owners.of(target.target, target.port, target.addresses);
        target.checked = look.row.checked;
        dns::AddressAnswer addresses;
        addresses.said = target.lookup;
        addresses.addresses = target.addresses;
        target.judgement =
            judge({target.target, target.port, target.orders, std::move(addresses), target.owner, target.probes},
                  look.domain, look.row.checked);
        have = have || target.target == look.domain.target;
        look.row.targets.push_back(std::move(target));
    }
    if (have || !look.domain.expected || look.domain.target.empty())
        return;
    TargetRow missing;
    missing.domain = look.domain.domain;
    missing.target = look.domain.target;
    missing.port = look.domain.port;
    missing.owner.whose = Owner::Whose::ours;
    missing.checked = look.row.checked;
    missing.judgement = judgeMissing(look.domain, look.who);
    look.row.targets.insert(look.row.targets.begin(), std::move(missing));
}

void Watch::tell(const History::Key& key, const Judgement& judgement, const History::News& news) const {
    if (news.kind == History::News::Kind::none)
        return;
    const auto& [domain, target, port] = key;
    Json::Object fields{{"domain", domain},
                        {"target", target == kServersTarget ? std::string("the name servers") : target},
                        {"port", std::uint64_t{port}},
                        {"text", judgement.text()}};
    if (news.kind == History::News::Kind::settled)
        fields.emplace_back("before", name(news.before));
    hooks_.raise(news.kind == History::News::Kind::settled ? kSettled : eventOf(judgement.verdict), std::move(fields));
}

void Watch::publish(DomainRow row) {
    const std::lock_guard lock(mutex_);
    seen_ = history_.all();
    rows_[row.domain] = std::move(row);
}

void Watch::run(const std::atomic<bool>& stopping) {
    const auto stopped = [&] { return stop_ || stopping; };
    while (!stopped()) {
        const Monotonic next = step(std::chrono::steady_clock::now(), stopped);
        std::unique_lock lock(mutex_);
        while (!stopped() && !pending_ && wanted_ == done_ && std::chrono::steady_clock::now() < next)
            wake_.wait_until(lock, std::min<Monotonic>(next, std::chrono::steady_clock::now() + kGlance));
    }
    (void)history_.save(hooks_.wall(), true);
    const std::lock_guard lock(mutex_);
    served_.notify_all();
}

void Watch::stop() noexcept {
    stop_ = true;
    const std::lock_guard lock(mutex_);
    wake_.notify_all();
    served_.notify_all();
}

void Watch::apply(WatchSettings settings) {
    const std::lock_guard lock(mutex_);
    pending_ = std::move(settings);
    wake_.notify_all();
}

void Watch::checkNow() {
    const std::lock_guard lock(mutex_);
    ++wanted_;
    wake_.notify_all();
}

bool Watch::checkAndWait(milliseconds patience) {
    std::unique_lock lock(mutex_);
    const std::uint64_t mine = ++wanted_;
    wake_.notify_all();
    served_.wait_for(lock, patience, [&] { return done_ >= mine || stop_; });
    return done_ >= mine;
}

std::vector<DomainRow> Watch::domains() const {
    const std::lock_guard lock(mutex_);
    std::vector<DomainRow> rows;
    for (const std::string& domain : order_)
        if (const auto known = rows_.find(domain); known != rows_.end())
            rows.push_back(known->second);
    return rows;
}

std::vector<Sighting> Watch::history() const {
    const std::lock_guard lock(mutex_);
    return seen_;
}

}  // namespace muster::publisher
