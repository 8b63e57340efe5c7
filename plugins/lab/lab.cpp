#include "lab.h"

#include <algorithm>
#include <filesystem>

#include "events.h"
#include "kms/epid.h"

namespace muster::lab {

namespace {

constexpr std::chrono::hours kBetweenRealClients{1};  // the journal has each of them anyway

constexpr std::int64_t kLeastMinutes = 15;
constexpr std::int64_t kMostMinutes = 43200;

constexpr Field kSettings[] = {
    {.name = "activation-interval",
     .type = FieldType::integer,
     .help = "Minutes after which a client that is not activated asks again.",
     .fallback = "120",
     .minimum = kLeastMinutes,
     .maximum = kMostMinutes},
    {.name = "renewal-interval",
     .type = FieldType::integer,
     .help = "Minutes after which an activated client asks again.",
     .fallback = "10080",
     .minimum = kLeastMinutes,
     .maximum = kMostMinutes},
    {.name = "extra-thresholds",
     .type = FieldType::integers,
     .help = "Required client counts (N-policies) to take beside 25 and 5: 1 to 5000 each.",
     .fallback = "[]",
     .minimum = 0,
     .maximum = 16},
    {.name = "un-updated-host",
     .type = FieldType::boolean,
     .help = "Plays a host without the update for a newer generation: clients of a family that is not loaded get "
             "0xC004F06C instead of 0xC004F042.",
     .fallback = "false"},
    {.name = "host-build",
     .type = FieldType::integer,
     .help = "Windows build that the ePID of a host key shows; fixed when the key is installed.",
     .fallback = "7601",
     .minimum = 3790,
     .maximum = 99999},
};

constexpr EventSpec kEvents[] = {
    {kKeyInstalled, Severity::info, "Lab host key …{key} of family {family}, group {group}, was installed by {by}.",
     "Clients of all products that it covers are answered from now on. Another key of the same family and group, if "
     "there "
     "was one, is replaced: the ePID in answers changes."},
    {kKeyRemoved, Severity::info, "Lab host key …{key} of family {family}, group {group}, was removed by {by}.",
     "Clients of products that no other key covers are refused with 0xC004F042, without any key with 0xC004F041."},
    {kRealClientAsked, Severity::warning, "A real Windows client asked the lab: {machine} at {address}.",
     "Its request is sealed by Microsoft's key, which Muster does not have: the lab cannot and will not activate it. "
     "Keep "
     "the lab out of the DNS and the networks of real machines, or switch to relay mode. Told once an hour at most; "
     "the "
     "journal has every such request."},
    {kKeyRests, Severity::warning, "Lab host key …{key} covers nothing: its family {family} is not loaded.",
     "The key stays on file and works again, unchanged, as soon as the family's file is back (musterctl plugin "
     "rescan)."},
    {kKeyWorks, Severity::info, "Lab host key …{key} covers the products of family {family}, group {group}.",
     "The family was loaded."},
    {kCountRestored, Severity::info, "The lab counts {count} clients that it knew before the start.",
     "They were counted in the last 30 days. Nothing to do."},
};

Guid guidOf(const muster_guid& from) noexcept {
    Guid guid;
    std::memcpy(guid.octets.data(), from.octets, guid.octets.size());
    return guid;
}

/// "VOLUME_KMS" for a client's key, "VOLUME_KMS_A" … for a server's: the words that slmgr shows.
std::string channel(std::uint8_t group) {
    std::string out = "VOLUME_KMS";
    if (group != MUSTER_GROUP_CLIENT)
        out.append("_").append(kms::groupName(group));
    return out + " channel";
}

}  // namespace

void Lab::start() {
    if (host_.mode() != Mode::lab) {
        host_.log(Severity::info, "the lab rests: the mode is " + std::string(muster::name(host_.mode())));
        return;
    }
    const std::filesystem::path own(host_.stateDirectory());
    sealFile_ = (own.parent_path() / "seal.key").string();
    const auto key = orThrow(kms::openSealFile(sealFile_));
    seals_.clear();
    for (unsigned i = 0; i < host_.reactorCount(); ++i)
        seals_.push_back(orThrow(kms::LabSeal::make(key)));

    keyFile_ = std::make_unique<KeyFile>((own / "host-keys").string());
    ring_.set(orThrow(keyFile_->read()));
    readSettings();
    restoreCounts();

    numbers_.granted = &host_.counter("lab_granted_total", "Requests that the lab answered.");
    numbers_.refused = &host_.counter("lab_refused_total", "Requests that the lab refused.");
    numbers_.realClients = &host_.counter("lab_real_clients_total", "Requests that were sealed by somebody else.");
    numbers_.uncountedVirtual =
        &host_.counter("lab_uncounted_virtual_total", "Virtual machines that were answered but not counted.");
    numbers_.count = &host_.gauge("lab_current_count", "The count in the newest answer.");
    registerOperations();
    (void)refresh();  // keys that work are no news
    for (const RingKey& ringKey : ring_.keys())
        if (!ringKey.table)
            tell({{std::string(ringKey.installed.key.partial()), ringKey.installed.key.family(),
                   std::string(kms::groupName(ringKey.installed.key.group())), false}});
    host_.authority(*this);
}

void Lab::settingsChanged() {
    if (keyFile_)
        readSettings();
}

void Lab::readSettings() {
    Rules rules;
    for (const std::int64_t threshold : host_.setting("extra-thresholds", std::vector<std::int64_t>{})) {
        if (threshold < 1 || threshold > CountTable::kMaxRequired)
            throw Fault({Code::malformed, "setting lab.extra-thresholds",
                         std::to_string(threshold) + " is no required client count; each is 1 to " +
                             std::to_string(CountTable::kMaxRequired)});
        rules.extraThresholds.push_back(static_cast<std::uint32_t>(threshold));
    }
    rules.unUpdatedHost = host_.setting("un-updated-host", false);
    const auto minutes = [&](const char* name, std::int64_t fallback) {
        return static_cast<std::uint32_t>(std::clamp(host_.setting(name, fallback), kLeastMinutes, kMostMinutes));
    };
    const KeyRing::Intervals intervals{minutes("activation-interval", 120), minutes("renewal-interval", 10080)};
    const auto build = static_cast<std::uint32_t>(host_.setting("host-build", std::int64_t{7601}));

    const std::lock_guard change(changing_);
    const std::lock_guard lock(mutex_);
    hostBuild_ = build;
    rules_ = std::move(rules);
    ring_.setIntervals(intervals);
    activationInterval_ = intervals.activation;
    renewalInterval_ = intervals.renewal;
}

void Lab::restoreCounts() {
    const Timestamp since = wallNow() - CountTable::kLifetime;
    std::uint64_t restored = 0;
    for (const Pool::Application& application : host_.pool().applications()) {
        const std::size_t limit = CountTable::capacityFor(application.largestRequired);
        if (limit == 0)
            continue;
        const auto clients = host_.pool().counted(application.id, since, limit);
        const std::lock_guard lock(mutex_);
        table_.restore(application.id, application.largestRequired, clients);
        restored += clients.size();
    }
    if (restored > 0)
        host_.event(kCountRestored, json({{"count", restored}}));
}

std::vector<Lab::Change> Lab::refresh() const {
    const std::lock_guard lock(mutex_);
    return refreshLocked();
}

std::vector<Lab::Change> Lab::refreshLocked() const {
    std::vector<Change> changes;
    for (const std::size_t i : ring_.refresh(host_.families())) {
        const RingKey& key = ring_.keys()[i];
        changes.push_back({std::string(key.installed.key.partial()), key.installed.key.family(),
                           std::string(kms::groupName(key.installed.key.group())), key.table != nullptr});
    }
    return changes;
}

void Lab::tell(const std::vector<Change>& changes) const {
    for (const Change& change : changes)
        host_.event(change.works ? kKeyWorks : kKeyRests,
                    json({{"key", change.partialKey}, {"family", change.family}, {"group", change.group}}));
}

void Lab::tellOfRealClient(const Exchange& exchange, Timestamp now) {
    {
        const std::lock_guard lock(mutex_);
        if (now - toldOfRealClient_ < kBetweenRealClients && now >= toldOfRealClient_)
            return;
        toldOfRealClient_ = now;
    }
    host_.event(kRealClientAsked,
                json({{"machine", exchange.request().machine.view()}, {"address", exchange.source().host()}}));
}

Outcome Lab::outcomeOf(Exchange& exchange) {
    const ActivationRequest& request = exchange.request();
    const Product& product = exchange.product();
    kms::LabSeal& seal = seals_[exchange.reactor().index() % seals_.size()];

    Facts facts;
    facts.wellFormed = exchange.wellFormed();
    facts.opaque = request.isOpaque();
    facts.sealed = facts.wellFormed && !facts.opaque && seal.isSealed(exchange.body());
    facts.requiredClients = request.requiredClients;
    facts.clientTime = request.clientTime;
    facts.received = exchange.received();
    facts.familyKnown = product.family != nullptr;
    facts.sameApplication = product.family && guidOf(product.family->application) == request.application;
    facts.overNewClientLimit = exchange.overNewClientLimit();

    Verdict verdict;
    Outcome outcome;
    const bool counts = !request.isVirtual() || product.countsVirtual;
    std::vector<Change> changes;
    {
        const std::lock_guard lock(mutex_);
        changes = refreshLocked();
        const RingKey* const key = ring_.covering(request.counted);
        facts.anyKey = !ring_.empty();
        facts.covered = key != nullptr;
        verdict = judge(facts, rules_);
        if (verdict.kind == Verdict::Kind::granted && key) {
            outcome.count = counts ? table_.count(request.application, request.cmid, request.previousCmid,
                                                  request.requiredClients, facts.received)
                                   : table_.current(request.application, facts.received);
            outcome.setBody(Octets(key->answer).first(key->answerSize));
        }
    }
    tell(changes);
    switch (verdict.kind) {
        case Verdict::Kind::refused:
            ++*numbers_.refused;
            if (verdict.realClient) {
                ++*numbers_.realClients;
                tellOfRealClient(exchange, facts.received);
            }
            return Outcome::refuse(verdict.code, verdict.reason);
        case Verdict::Kind::tooBusy:
            return Outcome::fault(RpcStatus::serverTooBusy, verdict.reason);
        case Verdict::Kind::granted:
            break;
    }
    const std::span<std::byte> answer(outcome.octets.data(), outcome.size);
    kms::readdressAnswer(answer, request, outcome.count);
    if (!seal.seal(answer))
        return Outcome::fault(RpcStatus::callFailed, "the answer could not be sealed");
    outcome.kind = Outcome::Kind::answered;
    outcome.counted = counts;
    outcome.reason = counts ? "" : "a virtual machine, which this generation does not count";
    ++*numbers_.granted;
    if (!counts)
        ++*numbers_.uncountedVirtual;
    numbers_.count->set(outcome.count);
    return outcome;
}

void Lab::decide(Exchange& exchange) noexcept {
    Outcome outcome;
    try {
        outcome = outcomeOf(exchange);
    } catch (...) {  // memory has run out: the client asks again
        outcome = Outcome::fault(RpcStatus::outOfResources, "the lab ran out of memory");
    }
    exchange.complete(outcome);
}

void Lab::forget(const Guid& application, const Guid& cmid) noexcept {
    const std::lock_guard lock(mutex_);
    table_.forget(application, cmid);
}

std::vector<HostKeyStatus> Lab::keys() const {
    tell(refresh());
    const Timestamp now = wallNow();
    const std::lock_guard lock(mutex_);
    std::vector<HostKeyStatus> out;
    for (const RingKey& ringKey : ring_.keys()) {
        const HostKey& key = ringKey.installed.key;
        HostKeyStatus status;
        status.family = key.family();
        status.group = kms::groupName(key.group());
        status.epid = ringKey.installed.epid;
        status.partialKey = key.partial();
        status.installed = ringKey.installed.installed;
        if (ringKey.table) {
            status.name = ringKey.table->name;
            status.description = std::string(ringKey.family->application_name) + " Operating System - " +
                                 ringKey.table->name + ", " + channel(key.group());
            status.activationId = guidOf(ringKey.table->id);
            status.application = guidOf(ringKey.family->application);
            if (table_.knows(status.application))
                status.currentCount = table_.current(status.application, now);
        } else {
            status.name = key.family() + ", group " + status.group;
            status.description = "family " + key.family() + " is not loaded, " + channel(key.group());
        }
        out.push_back(std::move(status));
    }
    return out;
}

}  // namespace muster::lab

MUSTER_PLUGIN(lab, muster::lab::Lab, "1.0.0", .kind = muster::Kind::authority, .settings = muster::lab::kSettings,
              .events = muster::lab::kEvents);
