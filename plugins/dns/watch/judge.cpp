#include "judge.h"

#include <algorithm>
#include <array>
#include <ctime>
#include <tuple>
#include <utility>

namespace muster::publisher {

namespace {

constexpr std::array<std::pair<Verdict, const char*>, 12> kNames{{
    {Verdict::unknown, "unknown"},
    {Verdict::ours, "ours"},
    {Verdict::allowed, "allowed"},
    {Verdict::bypass, "bypass"},
    {Verdict::missing, "missing"},
    {Verdict::stale, "stale"},
    {Verdict::unreachable, "unreachable"},
    {Verdict::notKms, "not-kms"},
    {Verdict::foreign, "foreign"},
    {Verdict::differs, "differs"},
    {Verdict::serversDiffer, "servers-differ"},
    {Verdict::scavenging, "scavenging"},
}};

constexpr std::size_t kShown = 3;  // records named in one sentence about name servers

std::string number(unsigned value) {
    return std::to_string(value);
}

std::string day(Timestamp time) {
    const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
    std::tm utc{};
    std::array<char, 16> text{};
    if (::gmtime_r(&seconds, &utc) == nullptr || std::strftime(text.data(), text.size(), "%Y-%m-%d", &utc) == 0)
        return "an unknown day";
    return text.data();
}

const char* ownersName(const Owner& owner) noexcept {
    switch (owner.whose) {
        case Owner::Whose::ours:
            return "this appliance's";
        case Owner::Whose::allowed:
            return "an allowed host's";
        case Owner::Whose::upstream:
            return "an upstream's";
        case Owner::Whose::nobody:
            return "none of ours";
    }
    return "";
}

std::string list(const std::vector<Sight::Order>& orders) {
    std::string text;
    for (const Sight::Order& order : orders)
        text +=
            (text.empty() ? "" : " and ") + ("priority " + number(order.priority)) + " weight " + number(order.weight);
    return text;
}

/// The probe that says most: a KMS host, else an open port, else the first.
const Probe* best(const std::vector<Probe>& probes) noexcept {
    const Probe* chosen = nullptr;
    const auto rank = [](const Probe& probe) {
        return probe.rpc == Probe::Rpc::kms ? 3 : probe.port == Probe::Port::open ? 2 : 1;
    };
    for (const Probe& probe : probes)
        if (probe.port != Probe::Port::notTried && (chosen == nullptr || rank(probe) > rank(*chosen)))
            chosen = &probe;
    return chosen;
}

std::string at(const Sight& sight, const Probe& probe) {
    return sight.target + " (" + probe.address.text() + ")";
}

Judgement judgeOurs(const Sight& sight, const WatchedDomain& domain, Timestamp now, const Probe& probe) {
    if (sight.target != domain.target) {
        Judgement judgement{Verdict::ours, at(sight, probe) + " leads to this appliance under another name", {}};
        if (domain.expected)
            judgement.advice = "if it is a former name of it, remove that record";
        return judgement;
    }
    const Sight::Order set{domain.priority, domain.weight};
    if (sight.port != domain.port)
        return {Verdict::differs,
                sight.target + " stands there with port " + number(sight.port) + ", and port " + number(domain.port) +
                    " is set",
                "publish it again"};
    if (sight.orders.size() != 1 || sight.orders.front() != set)
        return {Verdict::differs,
                sight.target + " stands there with " + list(sight.orders) + ", and " + list({set}) + " is set",
                "publish it again"};
    if (domain.refreshed) {
        const Timestamp earliest = *domain.refreshed + kRefresh;
        const Timestamp latest = earliest + kNoRefresh;
        if (now >= earliest - kScavengeNotice)
            return {Verdict::scavenging,
                    "the last refresh that succeeded was on " + day(*domain.refreshed) +
                        "; a zone that scavenges by the defaults of Active Directory takes the record out between " +
                        day(earliest) + " and " + day(latest) + " (a reading: DNS does not show the time stamp)",
                    "see why it is not refreshed, and publish it again"};
    }
    return {Verdict::ours, at(sight, probe) + " answers as a KMS host and is this appliance, as set", {}};
}

std::string describe(const dns::Service& service) {
    return service.target + ":" + number(service.port) + " (" + number(service.priority) + " " +
           number(service.weight) + ")";
}

auto key(const dns::Service& service) {
    return std::tie(service.target, service.port, service.priority, service.weight);
}

std::string namesOf(const std::vector<dns::Service>& services) {
    std::string text;
    for (std::size_t i = 0; i < std::min(services.size(), kShown); ++i)
        text += (i == 0 ? "" : ", ") + describe(services[i]);
    if (services.size() > kShown)
        text += " and " + std::to_string(services.size() - kShown) + " more";
    return text;
}

}  // namespace

const char* name(Verdict verdict) noexcept {
    for (const auto& [known, text] : kNames)
        if (known == verdict)
            return text;
    return "unknown";
}

std::optional<Verdict> verdictOf(std::string_view name) noexcept {
    for (const auto& [known, text] : kNames)
        if (name == text)
            return known;
    return std::nullopt;
}

std::uint32_t eventOf(Verdict verdict) noexcept {
    switch (verdict) {
        case Verdict::bypass:
            return kBypass;
        case Verdict::missing:
            return kRecordMissing;
        case Verdict::stale:
            return kRecordStale;
        case Verdict::unreachable:
            return kTargetUnreachable;
        case Verdict::notKms:
            return kTargetNotKms;
        case Verdict::foreign:
            return kForeignHost;
        case Verdict::differs:
            return kRecordDiffers;
        case Verdict::serversDiffer:
            return kServersDiffer;
        case Verdict::scavenging:
            return kScavenging;
        case Verdict::unknown:
        case Verdict::ours:
        case Verdict::allowed:
            break;
    }
    return kSettled;
}

Judgement judge(const Sight& sight, const WatchedDomain& domain, Timestamp now) {
    const bool ours = sight.owner.whose == Owner::Whose::ours;
    if (sight.addresses.said.denied()) {
        // The look-up's own sentence ends in what to do about a name; the record is the matter here.
        const std::string why =
            sight.addresses.said.code == dns::LookupCode::noName ? " does not exist, says " : " has no address, says ";
        Address who = sight.addresses.said.resolver;
        who.port = who.port == 0 ? 53 : who.port;
        return {Verdict::stale, sight.target + why + who.text(),
                ours ? "give the name of this appliance an address in DNS (setting addresses = true publishes it)"
                     : "remove the record; clients lose seconds on it"};
    }
    if (!sight.addresses.said.found())
        return {Verdict::unknown, sight.target + " could not be looked up: " + sight.addresses.said.text, {}};
    const Probe* probe = best(sight.probes);
    if (probe == nullptr)
        return {Verdict::unknown, sight.target + " has not been tried yet", {}};
    if (probe->port != Probe::Port::open)
        return {Verdict::unreachable,
                at(sight, *probe) + " " + probe->words + "; the host is " + ownersName(sight.owner),
                ours ? "see \"musterctl status\" for the listener, and that the address is this appliance's"
                     : "start its service or open its port, or remove the record if the host is retired"};
    if (probe->rpc != Probe::Rpc::kms)
        return {Verdict::notKms, at(sight, *probe) + " " + probe->words,
                ours ? "see that the address is this appliance's and that nothing else answers on the port"
                     : "remove the record, or correct its port"};
    switch (sight.owner.whose) {
        case Owner::Whose::ours:
            return judgeOurs(sight, domain, now, *probe);
        case Owner::Whose::allowed:
            return {Verdict::allowed, at(sight, *probe) + " answers as a KMS host and is in dns.allowed", {}};
        case Owner::Whose::upstream:
            return {Verdict::bypass,
                    at(sight, *probe) + " is upstream " + sight.owner.upstream +
                        ": clients that choose it do not pass here",
                    "run slmgr.vbs /cdns on it, then remove the record"};
        case Owner::Whose::nobody:
            break;
    }
    return {Verdict::foreign,
            at(sight, *probe) + " answers as a KMS host and is none of ours: possibly a client that carries a host key",
            "remove the key there (slmgr.vbs /ipk with a client key), then the record; or add it to dns.allowed"};
}

Judgement judgeMissing(const WatchedDomain& domain, const std::string& who) {
    return {Verdict::missing,
            "_vlmcs._tcp." + domain.domain + " has no record with " + domain.target + " port " + number(domain.port) +
                ", says " + who,
            "publish it, or take the domain out of dns.domains"};
}

Judgement judgeServers(const std::vector<ServerView>& servers) {
    const auto first =
        std::find_if(servers.begin(), servers.end(), [](const auto& one) { return one.problem.empty(); });
    if (first == servers.end())
        return {Verdict::unknown, "no name server of the zone gives an answer that counts", {}};
    const auto sorted = [](std::vector<dns::Service> services) {
        std::sort(services.begin(), services.end(), [](const auto& a, const auto& b) { return key(a) < key(b); });
        return services;
    };
    const auto without = [](const std::vector<dns::Service>& all, const std::vector<dns::Service>& less) {
        std::vector<dns::Service> rest;
        std::set_difference(all.begin(), all.end(), less.begin(), less.end(), std::back_inserter(rest),
                            [](const auto& a, const auto& b) { return key(a) < key(b); });
        return rest;
    };
    const std::vector<dns::Service> reference = sorted(first->services);
    std::string differences;
    std::size_t counted = 0;
    for (const ServerView& server : servers) {
        if (!server.problem.empty())
            continue;
        ++counted;
        const std::vector<dns::Service> here = sorted(server.services);
        const auto lacks = without(reference, here);
        const auto more = without(here, reference);
        if (lacks.empty() && more.empty())
            continue;
        differences += (differences.empty() ? "" : "; ") + server.name;
        if (!lacks.empty())
            differences += " lacks " + namesOf(lacks);
        if (!more.empty())
            differences += std::string(lacks.empty() ? "" : " and") + " has also " + namesOf(more);
    }
    if (!differences.empty())
        return {Verdict::serversDiffer, "compared with " + first->name + ", " + differences,
                "if it lasts, see whether the zone is still transferred"};
    return {Verdict::ours,
            std::to_string(counted) + " of " + std::to_string(servers.size()) +
                " name servers answered, and all of them have the same " + std::to_string(reference.size()) +
                (reference.size() == 1 ? " record" : " records"),
            {}};
}

}  // namespace muster::publisher
