#include "relay.h"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include "dns/own_addresses.h"
#include "events.h"
#include "kms/epid.h"
#include "kms/utf16.h"
#include "learning/reading_news.h"

namespace muster::relay {

namespace {

constexpr std::chrono::minutes kBetweenReadings{1};

constexpr EventSpec kEvents[] = {
    {kUpstreamDown, Severity::error, "Upstream {upstream} is out of service: {why}.",
     "It is asked last until it answers again; its clients go to the other upstreams that may serve them. Look whether "
     "the host runs, whether its Software Protection (Licensing) service is started, and whether TCP 1688 is open from "
     "this appliance. \"musterctl upstream check NAME\" tries it now."},
    {kUpstreamBack, Severity::info, "Upstream {upstream} is back in service; it was away: {why}.",
     "It answered several times in a row. Its clients come back to it unless setting relay.fail-back is off. Nothing "
     "is "
     "to be done."},
    {kNobodyAnswered, Severity::error, "Nobody answered {machine} at {address}, which asked for {product}: {why}.",
     "The client got an RPC fault, so that it tries another host if DNS names one, and asks again later. \"musterctl "
     "upstream list\" shows what is wrong with each upstream, and which products and networks each may serve. Told "
     "once "
     "in five minutes at most; the journal has every such request."},
    {kWrongAnswer, Severity::error,
     "Upstream {upstream} answered {machine} at {address} with what is no answer to its request: {problem}.",
     "The answer was thrown away and the next upstream asked: no client gets another client's answer. Something on the "
     "way to that host mixes up connections, or it is no KMS host."},
    {kUpstreamsChanged, Severity::info, "The list of upstreams has changed: {changes}.",
     "Somebody changed the settings, or DNS names other hosts."},
    {kLearned, Severity::warning, "Upstream {upstream} ({certainty}): {reading}",
     "Read from the answers that it gave to clients; nothing was asked for it. \"musterctl upstream show NAME\" has "
     "the "
     "requests that it rests on and what to do. Told when it first appears, and again when it comes back after a day."},
    {kDutyChanged, Severity::warning, "{caller} set upstream {upstream} to {duty}.",
     "draining: it finishes what it has and gets nothing new while another upstream can have it. maintenance: it gets "
     "nothing at all and is not probed. active: it is asked in its turn."},
    {kLoop, Severity::critical, "The upstream at {address} sent back a request that it was asked.",
     "Two appliances are each other's upstream. Take one of them out of the other's list (musterctl upstream remove)."},
};

/// A text that stays for ever, since the journal's records point to it. Names come from the administrator and from DNS:
/// few, but bounded all the same.
const char* lasting(const std::string& text) {
    static constexpr std::size_t kMost = 4096;
    static std::mutex& mutex = *new std::mutex;                        // NOLINT: lives as long as the process
    static std::set<std::string>& texts = *new std::set<std::string>;  // NOLINT: as above
    const std::lock_guard lock(mutex);
    if (texts.size() >= kMost && !texts.contains(text))
        return "another upstream";
    return texts.insert(text).first->c_str();
}

std::string epidText(const EpidRecord& epid) {
    std::array<char, 192> text;  // NOLINT(cppcoreguidelines-pro-type-member-init): written below
    return {text.data(), kms::utf16ToUtf8(epid.view(), text)};
}

/// What its answers show of a host's licence: it grants requests only while it is licensed itself, but nobody says that
/// it still is.
std::string licenseWords(const Knowledge& known) {
    for (const CodeTally& tally : known.codes)
        if ((tally.code == HResult::hostNotActivated || tally.code == HResult::serviceNotEnabled) &&
            tally.last > known.lastAnswer)
            return "not licensed: it answered " + text(tally.code) + " at " + isoTime(tally.last);
    if (known.lastAnswer != Timestamp{})
        return "not known; reads as licensed: it granted a request at " + isoTime(known.lastAnswer);
    return "not known; it has granted no request yet";
}

std::string keyOf(const Upstream& upstream) {
    return upstream.name + '\n' + upstream.host + '\n' + std::to_string(upstream.port);
}

/// "kms-c added, kms-a removed"
std::string difference(const Roster& before, const Roster& after) {
    std::string text;
    const auto note = [&](const Roster& these, const Roster& others, const char* what) {
        for (const Entry& entry : these)
            if (std::none_of(others.begin(), others.end(),
                             [&](const Entry& other) { return other.upstream.name == entry.upstream.name; }))
                text += (text.empty() ? "" : ", ") + entry.upstream.name + what;
    };
    note(after, before, " added");
    note(before, after, " removed");
    return text;
}

/// Those of the settings as these say them now, with what is known of their addresses; then those that DNS names. What
/// somebody has just configured is served at once: a numeric address needs no look-up.
std::vector<Found> withSettings(const std::vector<Upstream>& configured, const std::vector<Found>& found) {
    std::vector<Found> all;
    for (const Upstream& upstream : configured) {
        const auto known = std::find_if(found.begin(), found.end(), [&](const Found& one) {
            return one.upstream.discoveredIn.empty() && one.upstream.host == upstream.host &&
                   one.upstream.port == upstream.port;
        });
        Found one;
        if (known != found.end())
            one = *known;
        one.upstream = upstream;
        const bool v6 = upstream.host.find(':') != std::string::npos;
        const std::string host = v6 ? '[' + upstream.host + ']' : upstream.host;
        if (known == found.end())
            if (const auto address = Address::parse(host + ':' + std::to_string(upstream.port)))
                one.addresses.push_back(*address);
        all.push_back(std::move(one));
    }
    for (const Found& one : found)
        if (!one.upstream.discoveredIn.empty() &&
            std::none_of(configured.begin(), configured.end(),
                         [&](const Upstream& upstream) { return upstream.name == one.upstream.name; }))
            all.push_back(one);
    return all;
}

FinderSettings finderSettings(const Config& config) {
    return {config.upstreams, config.discover, config.resolvers,
            std::chrono::duration_cast<std::chrono::seconds>(config.discoverInterval)};
}

}  // namespace

void Relay::start() {
    if (host_.mode() != Mode::relay) {
        host_.log(Severity::info, "the relay rests: the mode is " + std::string(muster::name(host_.mode())));
        return;
    }
    sentry_ = std::make_unique<Sentry>(host_);
    policy_ = std::make_unique<Policy>(Policy::Numbers{
        &host_.counter("relay_malformed_total", "Requests of no known shape: never forwarded."),
        &host_.counter("relay_threshold_refused_total", "Requests with an N-policy that is not forwarded."),
        &host_.counter("relay_policy_refused_total", "Requests for products that the administrator refuses."),
        &host_.counter("relay_rate_refused_total", "Requests beyond the rates that settings allow.")});
    available_ = &host_.gauge("relay_upstreams", "Upstreams that are known.");
    duties_ = std::make_unique<Duties>(host_.stateDirectory() + "/duties");
    if (!duties_->trouble().empty())
        host_.log(Severity::warning, duties_->trouble());
    keeper_ = std::make_unique<LearnedKeeper>(
        learned_, host_.stateDirectory() + "/learned",
        [this](Severity severity, std::string_view text) { host_.log(severity, text); });
    keeper_->load();
    for (unsigned i = 0; i < host_.reactorCount(); ++i)
        lanes_.push_back(std::make_unique<Lane>(host_.reactor(i), *policy_, *sentry_));
    adopted_.resize(lanes_.size());
    prober_ = std::make_unique<Prober>(host_.reactor(0), *sentry_);
    readSettings();
    Finder::Hooks hooks;
    hooks.changed = [this](const std::vector<Found>& list) { found(list); };
    hooks.isOwn = dns::pointsHere([this] { return host_.listening(); });
    hooks.log = [this](Severity severity, std::string_view text) { host_.log(severity, text); };
    finder_ = std::make_unique<Finder>(finderSettings(config_), host_.stateDirectory(), std::move(hooks));
    found({});  // clients are served from the first moment
    registerOperations();
    host_.thread("relay-read", [this](const std::atomic<bool>& stopping) { tellReadings(stopping); });
    host_.thread("relay-keep", [this](const std::atomic<bool>& stopping) { keeper_->run(stopping); });
    host_.thread("relay-dns", [this](const std::atomic<bool>& stopping) { finder_->run(stopping); });
    host_.authority(*this);
}

void Relay::stop() noexcept {
    if (lanes_.empty())
        return;
    signal_.stop();
    keeper_->stop();
    if (finder_)
        finder_->stop();
    host_.onReactors([this](Reactor& reactor) {
        adopted_[reactor.index()] = UINT64_MAX;  // a list that the finder's thread still brings comes too late
        lanes_[reactor.index()]->stop();
        if (reactor.index() == 0)
            prober_->stop();
    });
}

void Relay::settingsChanged() {
    if (lanes_.empty())
        return;
    readSettings();
    FinderSettings wanted;
    {
        const std::lock_guard lock(mutex_);
        wanted = finderSettings(config_);
    }
    finder_->apply(std::move(wanted));
    rebuild();
}

void Relay::found(const std::vector<Found>& found) {
    {
        const std::lock_guard lock(mutex_);
        found_ = found;
    }
    rebuild();
}

void Relay::readSettings() {
    Config config = orThrow(readConfig(host_));
    sentry_->setFailBack(config.failBack);
    Duties::Configured configured;
    for (const Upstream& upstream : config.upstreams)
        configured.emplace(upstream.name, upstream.duty);
    for (const std::string& ended : duties_->settle(configured))
        host_.log(Severity::info, ended);
    const std::lock_guard lock(mutex_);
    config_ = std::move(config);
}

std::optional<Duty> Relay::configuredDuty(const std::string& name) const {
    const std::lock_guard lock(mutex_);
    for (const Upstream& upstream : config_.upstreams)
        if (upstream.name == name)
            return upstream.duty;
    return std::nullopt;
}

std::shared_ptr<Member> Relay::memberOf(const Upstream& upstream) {
    std::shared_ptr<Member>& member = members_[keyOf(upstream)];
    if (!member)
        member = std::make_shared<Member>(lasting(upstream.name), learned_.of(upstream.name));
    member->health.setRules(config_.health);
    if (config_.failBack)
        member->standsBack.store(0);
    return member;
}

void Relay::rebuild() {
    std::string changes;
    {
        const std::lock_guard lock(mutex_);
        ++edition_;
        auto roster = std::make_shared<Roster>();
        for (const Found& one : withSettings(config_.upstreams, found_)) {
            if (roster->size() >= kMaxUpstreams)
                break;
            Entry entry;
            entry.upstream = one.upstream;
            if (const auto order = duties_->of(one.upstream.name))
                entry.upstream.duty = order->duty;
            entry.addresses = one.addresses;
            entry.problem = one.problem;
            entry.member = memberOf(one.upstream);
            roster->push_back(std::move(entry));
        }
        std::erase_if(members_, [&](const auto& known) {
            return std::none_of(roster->begin(), roster->end(),
                                [&](const Entry& entry) { return entry.member == known.second; });
        });
        available_->set(static_cast<std::int64_t>(roster->size()));
        changes = difference(roster_ ? *roster_ : Roster(), *roster);
        roster_ = std::move(roster);
    }
    if (!changes.empty())
        host_.event(kUpstreamsChanged, json({{"changes", changes}}));
    deploy();
}

void Relay::tellReadings(const std::atomic<bool>& stopping) {
    ReadingNews news;
    while (signal_.sleep(kBetweenReadings, stopping)) {
        const RosterRef now = roster();
        const std::vector<Subject> subjects = subjectsOf(*now);
        const auto families = host_.families().all();
        const Timestamp wall = wallNow();
        for (const ReadingNews::Item& item : news.take(subjects, read(subjects, {wall, families}), wall))
            host_.event(kLearned, json({{"upstream", item.upstream},
                                        {"code", item.reading.code},
                                        {"certainty", name(item.reading.certainty)},
                                        {"reading", item.reading.text}}));
    }
}

void Relay::deploy() {
    RosterRef roster;
    LaneTerms terms;
    ProbeTerms probe;
    std::uint64_t edition = 0;
    {
        const std::lock_guard lock(mutex_);
        edition = edition_;
        roster = roster_;
        terms = config_.lane;
        probe = config_.probe;
    }
    const std::size_t reactors = lanes_.size();
    terms.queue = std::max<std::size_t>(terms.queue / reactors, 1);
    terms.channel.associations = std::max<std::size_t>(terms.channel.associations / reactors, 1);
    // No lock is held while reactors are waited for: another thread may bring another edition meanwhile.
    host_.onReactors([&](Reactor& reactor) {
        if (edition < adopted_[reactor.index()])
            return;
        adopted_[reactor.index()] = edition;
        lanes_[reactor.index()]->adopt(roster, terms);
        if (reactor.index() == 0)
            prober_->adopt(roster, probe);
    });
}

RosterRef Relay::roster() const {
    const std::lock_guard lock(mutex_);
    return roster_;
}

void Relay::decide(Exchange& exchange) noexcept {
    lanes_[exchange.reactor().index()]->decide(exchange);
}

std::vector<HostKeyStatus> Relay::keys() const {
    std::vector<HostKeyStatus> keys;
    const auto families = host_.families().all();
    const RosterRef now = roster();
    for (const Entry& entry : *now) {
        const Knowledge known = entry.member->learned->snapshot();
        HostKeyStatus status;
        status.elsewhere = true;
        status.name = "KMS host " + entry.upstream.name;
        status.description = "relayed; nothing is known of its key";
        status.licenseStatus = licenseWords(known);
        if (!known.epids.empty()) {
            status.epid = epidText(known.epids.front());
            status.installed = known.epids.front().since;
            status.description = "relayed; its key is not known by its ePID";
        }
        if (const auto epid = kms::parseEpid(status.epid))
            if (const muster_key* const key = kms::findKey(*epid, families)) {
                status.description = std::string("relayed; reads as ") + key->name;
                std::copy(std::begin(key->id.octets), std::end(key->id.octets),
                          reinterpret_cast<std::uint8_t*>(status.activationId.octets.data()));
                status.group = kms::groupName(key->group);
            }
        // Windows before all else: its count is the one that slmgr shows first.
        if (!known.applications.empty()) {
            status.application = known.applications.front().id;
            status.currentCount = known.applications.front().count;
        }
        keys.push_back(std::move(status));
    }
    return keys;
}

IntervalRecord Relay::intervals() const noexcept {
    try {
        const RosterRef now = roster();
        for (const Entry& entry : *now)
            if (const auto known = entry.member->learned->snapshot(); !known.intervals.empty())
                return known.intervals.front();
    } catch (...) {
        // No memory: what Windows sends unless told otherwise.
    }
    return {120, 10080, {}, {}};
}

std::uint32_t Relay::activationInterval() const noexcept {
    return intervals().activation;
}

std::uint32_t Relay::renewalInterval() const noexcept {
    return intervals().renewal;
}

std::vector<LicensedHost> Relay::licensedHosts() const {
    std::vector<LicensedHost> hosts;
    const RosterRef now = roster();
    for (const Entry& entry : *now)
        hosts.push_back({entry.upstream.name, entry.upstream.host, entry.upstream.port, entry.addresses});
    return hosts;
}

std::vector<std::string> Relay::troubles() const {
    const RosterRef now = roster();
    if (now->empty())
        return {
            "there is no upstream to ask, clients get a fault; name the licensed hosts in setting relay.upstreams, "
            "or their domain in relay.discover"};
    std::vector<std::string> lines;
    const Timestamp wall = wallNow();
    bool anyCan = false;
    for (const Entry& entry : *now) {
        if (entry.upstream.duty == Duty::maintenance)
            continue;  // somebody wants it so
        const Health::Picture health = entry.member->health.picture();
        if (entry.addresses.empty())
            lines.push_back("upstream " + entry.upstream.name + " cannot be asked: " +
                            (entry.problem.empty() ? "its name is not resolved yet" : entry.problem));
        else if (health.condition == Condition::down)
            lines.push_back("upstream " + entry.upstream.name + " is down: " + explain(health, wall));
        else
            anyCan = true;
    }
    if (!anyCan)
        lines.insert(lines.begin(), "no upstream can be asked, clients get a fault; see \"musterctl upstream list\"");
    return lines;
}

}  // namespace muster::relay

MUSTER_PLUGIN(relay, muster::relay::Relay, "1.0.0", .kind = muster::Kind::authority,
              .settings = muster::relay::kSettings, .events = muster::relay::kEvents);
