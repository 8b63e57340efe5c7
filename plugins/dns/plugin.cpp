#include "plugin.h"

#include <algorithm>
#include <array>
#include <random>
#include <thread>
#include <utility>

#include "events.h"
#include "this_machine.h"

namespace muster::publisher {

namespace {

using namespace std::chrono_literals;

constexpr auto kGlance = 200ms;           // at stopping
constexpr auto kLook = 1s;                // at where clients are served
constexpr auto kLookAtMachine = 10s;      // names and addresses of this machine
constexpr auto kListenerPatience = 30s;   // then nobody is served, and records go
constexpr auto kLastWithdrawal = 3500ms;  // a plugin has 5 s to stop
constexpr unsigned kHands = 4;

constexpr std::array kPublisherEvents{
    EventSpec{
        kPublishingFailed, Severity::error,
        "Publishing the Key Management Service (KMS) to DNS in the '{domain}' domain failed.{lab} Info: {info}. "
        "{reason}",
        "The reason says what the name server answered and what that means. It is tried again by itself, first after a "
        "second, then ever more rarely, once an hour at last; \"musterctl dns show DOMAIN\" tells when, \"musterctl "
        "dns "
        "publish\" tries at once. Where the server takes no updates from this appliance, \"musterctl dns snippets\" "
        "has "
        "the "
        "record to paste."},
    EventSpec{
        kPublished, Severity::info,
        "Publishing the Key Management Service (KMS) to DNS in the '{domain}' domain is successful.{lab}",
        "The record of this appliance stands in the zone and was read back. Told at each start, with each change, and "
        "each "
        "day when it is refreshed."},
    EventSpec{kWithdrawn, Severity::warning, "{caller} withdrew the records of this appliance from DNS: {domains}.",
              "New clients are not led here any more. Those that know this appliance keep asking it until it does not "
              "answer. "
              "\"musterctl dns publish\" brings the records back."},
    EventSpec{kTakenUp, Severity::info, "{caller} had the records of this appliance published again: {domains}.",
              "Nothing is to be done."},
    EventSpec{kKeyChanged, Severity::warning, "{caller} {what} the TSIG key {key}.",
              "Updates of domains that use it are signed with what it is now. The secret is never shown."},
};

/// Ours, and the watch's.
constexpr auto kEvents = [] {
    std::array<EventSpec, kPublisherEvents.size() + kWatchEvents.size()> all{};
    std::copy(kPublisherEvents.begin(), kPublisherEvents.end(), all.begin());
    std::copy(kWatchEvents.begin(), kWatchEvents.end(), all.begin() + kPublisherEvents.size());
    return all;
}();

Timestamp wallNow() {
    return std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

}  // namespace

void DnsPlugin::start() {
    const std::string directory = host_.stateDirectory();
    keys_ = std::make_unique<Keys>(directory + "/keys");
    ledger_ = std::make_unique<Ledger>(directory);
    if (!ledger_->trouble().empty())
        host_.log(Severity::warning, ledger_->trouble());
    updates_ = &host_.counter("dns_updates_total", "Dynamic updates sent.");
    refused_ = &host_.counter("dns_updates_refused_total", "Dynamic updates that ended in a failure.");
    published_ = &host_.gauge("dns_domains_published", "Domains whose record stands in DNS.");
    failing_ = &host_.gauge("dns_domains_failing", "Domains whose record cannot be published or withdrawn.");
    network_ = std::make_unique<Network>(networkHooks());
    Publisher::Hooks hooks;
    hooks.now = [] { return std::chrono::steady_clock::now(); };
    hooks.wall = wallNow;
    hooks.news = [this](const News& news) { tell(news); };
    hooks.attempted = [this](const Report& report) { count(report); };
    publisher_ = std::make_unique<Publisher>(*network_, *ledger_, std::move(hooks), std::random_device()());
    heardSince_ = std::chrono::steady_clock::now();
    readSettings();
    look(true, false);
    registerOperations();
    registerWatchOperations();
    startWatching();
    host_.thread("dns-look", [this](const std::atomic<bool>& stopping) { lookAgainAndAgain(stopping); });
    for (unsigned i = 0; i < kHands; ++i)
        host_.thread("dns-publish-" + std::to_string(i + 1),
                     [this](const std::atomic<bool>& stopping) { publisher_->run(stopping); });
}

void DnsPlugin::stop() noexcept {
    stopping_ = true;
    stopWatching();
    if (!publisher_ || !config().withdrawOnStop)
        return;
    try {
        publisher_->withdrawAll(std::chrono::steady_clock::now() + kLastWithdrawal);
    } catch (const std::exception& error) {
        host_.log(Severity::error, std::string("records of ours were not withdrawn: ") + error.what());
    }
}

void DnsPlugin::settingsChanged() {
    readSettings();
    look(true, true);
}

void DnsPlugin::readSettings() {
    Config config = orThrow(readConfig(host_));
    const std::lock_guard lock(mutex_);
    config_ = std::move(config);
}

Config DnsPlugin::config() const {
    const std::lock_guard lock(mutex_);
    return config_;
}

Network::Hooks DnsPlugin::networkHooks() {
    Network::Hooks hooks;
    hooks.resolvers = [this] { return config().resolvers; };
    hooks.key = [this](const std::string& name) { return keys_->find(name); };
    hooks.gss = [this] {
        const std::lock_guard lock(mutex_);
        return Network::Gss{config_.gssKeytab, config_.gssPrincipal};
    };
    hooks.secure = [this](const SecureUpdate& update) { return host_.secureUpdate(update); };
    hooks.now = wallNow;
    return hooks;
}

/// Compares this machine and its listener with what was ordered last.
void DnsPlugin::look(bool everything, bool anew) {
    std::vector<Address> listening = host_.listening();
    Machine machine;
    if (everything) {
        machine.name = fullHostName();
        machine.addresses = globalAddresses();
    }
    Orders orders;
    bool changed = false;
    {
        const std::lock_guard lock(mutex_);
        if (everything)
            machine_ = std::move(machine);
        if (!listening.empty())
            heardSince_ = std::chrono::steady_clock::now();
        machine_.listening = std::move(listening);
        orders = ordersLocked();
        changed = anew || wishes_ != orders.wishes || machine_.listening.empty() != deaf_;
        wishes_ = orders.wishes;
        deaf_ = machine_.listening.empty();
        if (changed)
            serial_ = static_cast<std::uint32_t>(
                std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch())
                    .count());
    }
    publisher_->apply(std::move(orders));
    if (changed && !stopping_)
        applyWatching();
}

std::string DnsPlugin::restLocked() const {
    if (host_.mode() == Mode::none)
        return "no mode is chosen: nobody is served, and nothing is published";
    if (!config_.publish)
        return "publishing is off (setting dns.publish)";
    if (host_.mode() == Mode::lab && !config_.publishLab)
        return "LAB: a laboratory publishes only with setting dns.publish-lab";
    return "";
}

Orders DnsPlugin::ordersLocked() {
    Orders orders;
    problem_.clear();
    orders.wishes = wishesOf(config_, machine_, problem_);
    orders.rest = restLocked();
    orders.lab = host_.mode() == Mode::lab;
    orders.refreshInterval = config_.refreshInterval;
    orders.verifyInterval = config_.watchInterval;
    if (machine_.listening.empty()) {
        orders.early = std::chrono::steady_clock::now() - heardSince_ < kListenerPatience;
        if (!orders.early)
            orders.unserved = "no client can be served: nothing listens";
    }
    return orders;
}

void DnsPlugin::lookAgainAndAgain(const std::atomic<bool>& stopping) {
    Monotonic nextLook{};
    Monotonic nextMachine = std::chrono::steady_clock::now() + kLookAtMachine;
    for (; !stopping; std::this_thread::sleep_for(kGlance)) {
        const Monotonic now = std::chrono::steady_clock::now();
        if (now < nextLook)
            continue;
        nextLook = now + kLook;
        look(now >= nextMachine, false);
        if (now >= nextMachine)
            nextMachine = now + kLookAtMachine;
        sayTroubles();
    }
}

void DnsPlugin::sayTroubles() {
    std::vector<std::string> lines;
    std::int64_t published = 0;
    std::int64_t failing = 0;
    {
        const std::lock_guard lock(mutex_);
        lines = troubles_;
        if (!problem_.empty() && config_.publish)
            lines.push_back(problem_);
    }
    for (const DomainStatus& status : publisher_->status()) {
        published += status.state == State::published || status.state == State::lagging ? 1 : 0;
        if (status.failures == 0)
            continue;
        ++failing;
        lines.push_back(status.domain +
                        (status.state == State::withdrawing ? " is not withdrawn: " : " is not published: ") +
                        status.why);
    }
    published_->set(published);
    failing_->set(failing);
    if (lines == said_)
        return;
    said_ = lines;
    host_.troubles(std::move(lines));
}

void DnsPlugin::tell(const News& news) {
    const char* const lab = news.lab ? " LAB: it is a laboratory that clients are led to." : "";
    if (news.published)
        host_.event(kPublished, json({{"domain", news.domain}, {"lab", lab}}));
    else
        host_.event(kPublishingFailed, json({{"domain", news.domain},
                                             {"info", hresultText(news.hresult)},
                                             {"code", news.code},
                                             {"reason", news.reason},
                                             {"lab", lab}}));
}

void DnsPlugin::count(const Report& report) {
    for (const ZoneReport& zone : report.zones) {
        if (zone.sent)
            ++*updates_;
        if (zone.sent && zone.trouble)
            ++*refused_;
    }
}

dns::Stopped DnsPlugin::stopped() const {
    return [this] { return stopping_.load(std::memory_order_relaxed); };
}

}  // namespace muster::publisher

using muster::publisher::DnsPlugin;
MUSTER_PLUGIN(dns, DnsPlugin, "1.0.0", .kind = muster::Kind::service, .settings = muster::publisher::kSettings,
              .events = muster::publisher::kEvents);
