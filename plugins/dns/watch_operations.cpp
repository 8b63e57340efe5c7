#include <algorithm>
#include <utility>

#include "dns/message.h"
#include "plugin.h"
#include "shown.h"

namespace muster::publisher {

namespace {

constexpr Field kTargetColumns[] = {
    {.name = "domain", .help = "In which domain it stands.", .column = true},
    {.name = "target", .help = "The host.", .column = true},
    {.name = "port", .type = FieldType::integer, .help = "Its port.", .column = true},
    {.name = "verdict",
     .type = FieldType::choice,
     .help = "bypass: an upstream, whose clients do not pass here; foreign: a KMS host that is none of yours; differs: "
             "ours, not as it is set.",
     .choices =
         "unknown|ours|allowed|bypass|missing|stale|unreachable|not-kms|foreign|differs|servers-differ|scavenging",
     .column = true},
    {.name = "evidence", .help = "The ground.", .column = true},
    {.name = "advice", .help = "What to do."},
    {.name = "priority", .type = FieldType::integer, .help = "Absent: its record is missing."},
    {.name = "weight", .type = FieldType::integer, .help = "Absent: its record is missing."},
    {.name = "ttl", .type = FieldType::integer, .help = "Seconds."},
    {.name = "addresses", .type = FieldType::texts, .help = "What the name resolves to."},
    {.name = "resolves", .help = "Why it does not; empty: it does."},
    {.name = "open", .type = FieldType::choice, .help = "Its port.", .choices = "yes|no|not tried"},
    {.name = "kms", .type = FieldType::choice, .help = "Whether a KMS host answers.", .choices = "yes|no|not tried"},
    {.name = "probes", .type = FieldType::texts, .help = "Address by address, what was met."},
    {.name = "upstream", .help = "Which upstream it is."},
    {.name = "servers", .type = FieldType::texts, .help = "Name servers that have it."},
    {.name = "firstSeen", .type = FieldType::timestamp, .help = "Absent: never."},
    {.name = "lastSeen", .type = FieldType::timestamp, .help = "Absent: never."},
    {.name = "since", .type = FieldType::timestamp, .help = "Since when the verdict is so."},
    {.name = "checked", .type = FieldType::timestamp, .help = "When it was looked at last."},
};

constexpr Field kChangeFields[] = {
    {.name = "at", .type = FieldType::timestamp, .help = "When."},
    {.name = "verdict", .help = "What it became."},
};

constexpr Field kHistoryColumns[] = {
    {.name = "domain", .help = "In which domain.", .column = true},
    {.name = "target", .help = "The host; \".\": the name servers as a whole.", .column = true},
    {.name = "port", .type = FieldType::integer, .help = "Its port.", .column = true},
    {.name = "verdict", .help = "The present one.", .column = true},
    {.name = "firstSeen", .type = FieldType::timestamp, .help = "Absent: never.", .column = true},
    {.name = "lastSeen", .type = FieldType::timestamp, .help = "Absent: never.", .column = true},
    {.name = "priority", .type = FieldType::integer, .help = "When it was seen last."},
    {.name = "weight", .type = FieldType::integer, .help = "When it was seen last."},
    {.name = "changes", .type = FieldType::objects, .help = "Oldest first.", .fields = kChangeFields},
};

constexpr Field kDiscoverBody[] = {
    {.name = "suffix",
     .type = FieldType::texts,
     .help = "The client's DNS suffixes, in their order; without any, the domains of setting dns.domains.",
     .minimum = 0,
     .maximum = 8},
    {.name = "as",
     .type = FieldType::choice,
     .help = "vista: Vista and 2008, which choose at random; win7: 7, 2008 R2 and later.",
     .fallback = "win7",
     .choices = "vista|win7"},
    {.name = "resolver", .type = FieldType::address, .help = "The name server that the client asks, ADDRESS:PORT."},
};

constexpr Field kStepFields[] = {
    {.name = "kind", .help = "What the client does."},
    {.name = "status", .help = "ok, note, failed or skipped."},
    {.name = "subject", .help = "With what."},
    {.name = "text", .help = "What comes of it."},
    {.name = "code", .help = "Of a failure: the client's error code."},
    {.name = "windows", .help = "Windows' words for it."},
};

constexpr Field kCandidateFields[] = {
    {.name = "target", .help = "The host."},
    {.name = "port", .type = FieldType::integer, .help = "Its port."},
    {.name = "priority", .type = FieldType::integer, .help = "Smallest first."},
    {.name = "weight", .type = FieldType::integer, .help = "Its share among equals."},
    {.name = "share", .help = "How many of a thousand new clients ask it first."},
    {.name = "answers", .type = FieldType::boolean, .help = "As a KMS host."},
    {.name = "what", .help = "What it is."},
    {.name = "addresses", .type = FieldType::texts, .help = "Where it is."},
};

constexpr Field kViewAnswer[] = {
    {.name = "conclusion", .help = "Where new clients go.", .column = true},
    {.name = "finds", .type = FieldType::boolean, .help = "They get somewhere.", .column = true},
    {.name = "code", .help = "What they report if not.", .column = true},
    {.name = "domain", .help = "Whose records are used.", .column = true},
    {.name = "resolver", .help = "Who said so.", .column = true},
    {.name = "ttl", .type = FieldType::integer, .help = "Seconds."},
    {.name = "steps", .type = FieldType::objects, .help = "One after the other.", .fields = kStepFields},
    {.name = "candidates", .type = FieldType::objects, .help = "By priority, then share.", .fields = kCandidateFields},
};

Json textsOf(const std::vector<Address>& addresses) {
    Json::Array out;
    for (const Address& address : addresses)
        out.emplace_back(address.port == 0 ? address.host() : address.text());
    return out;
}

void setTime(Json& out, const char* key, Timestamp time) {
    if (time != Timestamp{})
        out.set(key, isoTime(time));
}

template <class Matches>
const char* anyProbe(const std::vector<Probe>& probes, const Matches& matches) {
    if (probes.empty())
        return "not tried";
    return std::any_of(probes.begin(), probes.end(), matches) ? "yes" : "no";
}

Json toJson(const TargetRow& row) {
    Json::Array probes;
    for (const Probe& probe : row.probes)
        probes.emplace_back(probe.address.text() + ": " + (probe.words.empty() ? "a KMS host answers" : probe.words));
    Json::Array servers;
    for (const std::string& server : row.servers)
        servers.emplace_back(server);
    Json out = json({{"domain", row.domain},
                     {"target", row.target},
                     {"port", unsigned{row.port}},
                     {"verdict", name(row.judgement.verdict)},
                     {"evidence", row.judgement.evidence},
                     {"advice", row.judgement.advice},
                     {"ttl", std::int64_t{row.ttl.count()}},
                     {"addresses", textsOf(row.addresses)},
                     {"resolves", row.lookup.text},
                     {"open", anyProbe(row.probes, [](const Probe& one) { return one.port == Probe::Port::open; })},
                     {"kms", anyProbe(row.probes, [](const Probe& one) { return one.rpc == Probe::Rpc::kms; })},
                     {"probes", std::move(probes)},
                     {"upstream", row.owner.upstream},
                     {"servers", std::move(servers)}});
    if (!row.orders.empty()) {
        out.set("priority", unsigned{row.orders.front().priority});
        out.set("weight", unsigned{row.orders.front().weight});
    }
    setTime(out, "firstSeen", row.first);
    setTime(out, "lastSeen", row.last);
    setTime(out, "since", row.since);
    setTime(out, "checked", row.checked);
    return out;
}

Json toJson(const Sighting& sighting) {
    Json::Array changes;
    for (const Sighting::Change& change : sighting.changes)
        changes.push_back(json({{"at", isoTime(change.at)}, {"verdict", name(change.verdict)}}));
    const Verdict present = sighting.changes.empty() ? Verdict::unknown : sighting.changes.back().verdict;
    Json out = json({{"domain", sighting.domain},
                     {"target", sighting.target},
                     {"port", unsigned{sighting.port}},
                     {"verdict", name(present)},
                     {"priority", unsigned{sighting.priority}},
                     {"weight", unsigned{sighting.weight}},
                     {"changes", std::move(changes)}});
    setTime(out, "firstSeen", sighting.first);
    setTime(out, "lastSeen", sighting.last);
    return out;
}

/// What is wrong with a domain as a whole, as a row of its own.
Json domainRow(const DomainRow& row, Verdict verdict, std::string evidence, std::string advice) {
    Json out = json({{"domain", row.domain},
                     {"target", ""},
                     {"port", 0},
                     {"verdict", name(verdict)},
                     {"evidence", std::move(evidence)},
                     {"advice", std::move(advice)},
                     {"open", "not tried"},
                     {"kms", "not tried"}});
    setTime(out, "checked", row.checked);
    return out;
}

Json toJson(const Discovery& discovery) {
    Json::Array steps;
    for (const DiscoverStep& step : discovery.steps)
        steps.push_back(json({{"kind", name(step.kind)},
                              {"status", name(step.status)},
                              {"subject", step.subject},
                              {"text", step.text},
                              {"code", step.code == HResult::ok ? std::string() : muster::text(step.code)},
                              {"windows", step.windows}}));
    Json::Array candidates;
    for (const Candidate& candidate : discovery.candidates)
        candidates.push_back(json({{"target", candidate.service.target},
                                   {"port", unsigned{candidate.service.port}},
                                   {"priority", unsigned{candidate.service.priority}},
                                   {"weight", unsigned{candidate.service.weight}},
                                   {"share", ofThousand(candidate.first)},
                                   {"answers", candidate.answers},
                                   {"what", candidate.what},
                                   {"addresses", textsOf(candidate.addresses)}}));
    return json({{"conclusion", discovery.conclusion},
                 {"finds", discovery.finds},
                 {"code", discovery.code == HResult::ok ? std::string() : muster::text(discovery.code)},
                 {"domain", discovery.domain},
                 {"resolver", discovery.resolver == Address{} ? std::string() : discovery.resolver.text()},
                 {"ttl", std::int64_t{discovery.ttl.count()}},
                 {"steps", std::move(steps)},
                 {"candidates", std::move(candidates)}});
}

std::vector<std::string> textsIn(const Call& call, std::string_view name) {
    std::vector<std::string> out;
    if (const Json* const member = call.body.find(name))
        if (const Json::Array* const items = member->array())
            for (const Json& item : *items)
                if (const std::string* const text = item.string())
                    out.push_back(*text);
    return out;
}

}  // namespace

Result<Reply> DnsPlugin::targets(const Call&) {
    Json::Array items;
    if (watch_)
        for (const DomainRow& domain : watch_->domains()) {
            for (const TargetRow& row : domain.targets)
                items.push_back(toJson(row));
            if (!domain.problem.empty())
                items.push_back(domainRow(domain, Verdict::unknown, domain.problem, ""));
            if (isTrouble(domain.servers.verdict))
                items.push_back(
                    domainRow(domain, domain.servers.verdict, domain.servers.evidence, domain.servers.advice));
        }
    return Reply(json({{"items", std::move(items)}, {"next", nullptr}}));
}

Result<Reply> DnsPlugin::history(const Call&) {
    Json::Array items;
    if (watch_)
        for (const Sighting& sighting : watch_->history())
            items.push_back(toJson(sighting));
    return Reply(json({{"items", std::move(items)}, {"next", nullptr}}));
}

Result<Discovery> DnsPlugin::discovery(const Call& call) {
    DiscoverRequest request;
    request.suffixes = textsIn(call, "suffix");
    request.as = clientKindOf(call.text("as")).value_or(ClientKind::win7);
    std::vector<Address> resolvers;
    {
        const std::lock_guard lock(mutex_);
        resolvers = config_.resolvers;
        if (request.suffixes.empty())
            for (const Wish& wish : wishes_)
                if (request.suffixes.size() < DiscoverRequest::kMaxSuffixes)
                    request.suffixes.push_back(wish.domain);
    }
    if (const std::string_view given = call.text("resolver"); !given.empty())
        if (const auto address = Address::parse(given))
            resolvers = {*address};
    dns::Lookup names(resolvers, {}, "/etc/hosts", "/etc/resolv.conf", {"dns.resolvers", "dns.domains"});
    return publisher::discover(std::move(request), names, owners(), stopped());
}

Result<Reply> DnsPlugin::discover(const Call& call) {
    const auto found = discovery(call);
    if (!found)
        return fail(found.error());
    Reply reply;
    reply.text = text(*found);
    return reply;
}

Result<Reply> DnsPlugin::view(const Call& call) {
    const auto found = discovery(call);
    if (!found)
        return fail(found.error());
    return Reply(toJson(*found));
}

void DnsPlugin::registerWatchOperations() {
    const auto add = [this](const Operation& operation, Result<Reply> (DnsPlugin::*handler)(const Call&)) {
        host_.operation(operation, [this, handler](const Call& call) { return (this->*handler)(call); });
    };
    add({.method = "GET",
         .path = "/dns/targets",
         .role = Role::viewer,
         .support = true,
         .cli = "dns targets",
         .summary = "Every host that DNS names in the domains, what it is, and what is wrong.",
         .answer = kTargetColumns,
         .list = true},
        &DnsPlugin::targets);
    add({.method = "GET",
         .path = "/dns/history",
         .role = Role::viewer,
         .support = true,
         .cli = "dns history",
         .summary = "Every host that DNS ever named in the domains, with first and last seen.",
         .answer = kHistoryColumns,
         .list = true},
        &DnsPlugin::history);
    add({.method = "POST",
         .path = "/dns/discover",
         .role = Role::operator_,
         .cli = "dns discover",
         .summary = "Does by DNS what a Windows client without a known host does, step by step.",
         .body = kDiscoverBody,
         .text = true,
         .changes = false},
        &DnsPlugin::discover);
    add({.method = "POST",
         .path = "/dns/view",
         .role = Role::operator_,
         .cli = "dns view",
         .summary = "The same as data.",
         .body = kDiscoverBody,
         .answer = kViewAnswer,
         .changes = false},
        &DnsPlugin::view);
}

}  // namespace muster::publisher
