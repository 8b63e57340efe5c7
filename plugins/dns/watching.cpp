/// What else stands in DNS, and the responder: what those rooms need of this appliance.
#include <algorithm>
#include <chrono>
#include <utility>

#include "dns/own_addresses.h"
#include "plugin.h"
#include "publish/zones.h"
#include "this_machine.h"

namespace muster::publisher {

void DnsPlugin::startWatching() {
    if (host_.mode() == Mode::none)
        return;
    watch_ = std::make_unique<Watch>(watchSettings(), host_.stateDirectory(), watchHooks());
    host_.thread("dns-watch", [this](const std::atomic<bool>& stopping) { watch_->run(stopping); });
    startResponder();
}

void DnsPlugin::stopWatching() noexcept {
    if (watch_)
        watch_->stop();
    if (responder_)
        host_.onReactors([this](Reactor& reactor) {
            if (reactor.index() == 0)
                responder_->stop();
        });
}

void DnsPlugin::applyWatching() {
    if (watch_)
        watch_->apply(watchSettings());
    if (responder_)
        host_.onReactors([this](Reactor& reactor) {
            if (reactor.index() == 0)
                responder_->apply(responderSettings());
        });
}

WatchSettings DnsPlugin::watchSettings() const {
    WatchSettings settings;
    const std::lock_guard lock(mutex_);
    for (const Wish& wish : wishes_) {
        WatchedDomain domain;
        domain.domain = wish.domain;
        domain.target = wish.target;
        domain.port = wish.port;
        domain.priority = wish.priority;
        domain.weight = wish.weight;
        settings.domains.push_back(std::move(domain));
    }
    for (const DomainSetting& setting : config_.domains)  // one that cannot be published is watched all the same
        if (std::none_of(wishes_.begin(), wishes_.end(),
                         [&](const Wish& wish) { return wish.domain == setting.wish.domain; })) {
            WatchedDomain domain;
            domain.domain = setting.wish.domain;
            settings.domains.push_back(std::move(domain));
        }
    settings.allowed = config_.allowed;
    settings.resolvers = config_.resolvers;
    settings.interval = std::max<std::chrono::seconds>(config_.watchInterval, std::chrono::minutes(1));
    return settings;
}

/// Whether our record is to be there just now, and how fresh it is.
void DnsPlugin::fillIn(WatchedDomain& domain) const {
    const auto status = publisher_->status(domain.domain);
    if (!status || !status->wish)
        return;
    const State state = status->state;
    domain.expected = state == State::published || state == State::lagging || state == State::failed ||
                      state == State::manual || state == State::manualDiffers;
    const bool ages = status->wish->auth != Auth::manual && status->lastPublished != Timestamp{};
    domain.refreshed = ages ? std::optional(status->lastPublished) : std::nullopt;
}

ZoneServers DnsPlugin::serversOf(const std::string& domain, const dns::Stopped& stopped) {
    ZoneServers out;
    const auto status = publisher_->status(domain);
    const std::optional<Wish> wish = status ? status->wish : std::nullopt;
    const auto zone = findZone(ownerOf(domain), wish ? wish->zone : "", wish ? wish->server : "", *network_, stopped);
    if (!zone) {
        out.problem = zone.error().sentence;
        return out;
    }
    out.zone = zone->apex;
    for (const NameServer& server : zone->servers) {
        out.servers.push_back({server.name, server.addresses});
        if (!server.problem.empty())
            out.problem = server.name + ": " + server.problem;
    }
    return out;
}

std::vector<KnownUpstream> DnsPlugin::upstreams() const {
    std::vector<KnownUpstream> out;
    for (LicensedHost& host : host_.licensedHosts())
        out.push_back({std::move(host.name), std::move(host.host), host.port, std::move(host.addresses)});
    return out;
}

Owners DnsPlugin::owners() const {
    std::vector<std::string> targets;
    std::vector<std::string> allowed;
    {
        const std::lock_guard lock(mutex_);
        for (const Wish& wish : wishes_)
            targets.push_back(wish.target);
        allowed = config_.allowed;
    }
    return {targets, upstreams(), allowed, dns::pointsHere([this] { return host_.listening(); })};
}

Watch::Hooks DnsPlugin::watchHooks() {
    Watch::Hooks hooks;
    hooks.raise = [this](std::uint32_t id, Json fields) { host_.event(id, std::move(fields)); };
    hooks.log = [this](Severity severity, std::string_view text) { host_.log(severity, text); };
    hooks.servers = [this](const std::string& domain, const dns::Stopped& stopped) {
        return serversOf(domain, stopped);
    };
    hooks.upstreams = [this] { return upstreams(); };
    hooks.isOwn = dns::pointsHere([this] { return host_.listening(); });
    hooks.refreshed = [this](WatchedDomain& domain) { fillIn(domain); };
    return hooks;
}

// --- the responder

void DnsPlugin::startResponder() {
    const std::vector<Address> addresses = config().responderAddresses;
    if (addresses.empty())
        return;
    std::vector<NameResponder::Sockets> sockets;
    for (const Address& address : addresses) {
        auto opened = NameResponder::open(address);
        if (opened) {
            sockets.push_back(*opened);
            continue;
        }
        const std::lock_guard lock(mutex_);
        troubles_.push_back("the responder does not answer on " + address.text() + ": " + opened.error().detail);
        host_.log(Severity::error, troubles_.back());
    }
    if (sockets.empty())
        return;
    responder_ = std::make_unique<NameResponder>(host_.reactor(0));
    host_.onReactors([&](Reactor& reactor) {
        if (reactor.index() != 0)
            return;
        responder_->apply(responderSettings());
        for (const NameResponder::Sockets& pair : sockets)
            if (auto listening = responder_->listen(pair); !listening)
                host_.log(Severity::error, "the responder: " + listening.error().text());
    });
}

/// The responder answers where the publisher would publish, whether or not it writes into zones of others.
ResponderSettings DnsPlugin::responderSettings() const {
    ResponderSettings settings;
    const auto statuses = publisher_->status();
    const std::lock_guard lock(mutex_);
    settings.rate = config_.responderRate;
    const bool quiet = machine_.listening.empty() || (host_.mode() == Mode::lab && !config_.publishLab);
    for (const Wish& wish : wishes_) {
        const auto withdrawn = std::any_of(statuses.begin(), statuses.end(), [&](const DomainStatus& status) {
            return status.domain == wish.domain && !status.withdrawnBy.empty();
        });
        ResponderZone zone;
        zone.domain = wish.domain;
        zone.nameServer = machine_.name.find('.') == std::string::npos ? wish.target : machine_.name;
        if (!quiet && !withdrawn)
            zone.services.push_back({wish.priority, wish.weight, wish.port, wish.target});
        const std::vector<Address>& own = config_.ownAddresses.empty() ? machine_.addresses : config_.ownAddresses;
        zone.hosts.push_back({wish.target, own});
        if (zone.nameServer != wish.target)
            zone.hosts.push_back({zone.nameServer, own});
        zone.ttl = wish.ttl;
        zone.serial = serial_;
        settings.zones.push_back(std::move(zone));
    }
    return settings;
}

}  // namespace muster::publisher
