#include <algorithm>
#include <utility>

#include "dns/message.h"
#include "events.h"
#include "plugin.h"
#include "shown.h"
#include "snippets.h"

namespace muster::publisher {

namespace {

using namespace std::chrono_literals;

constexpr auto kLongestCheck = 40s;
constexpr auto kLongestWait = 20s;  // for what a person asked to be done

constexpr Field kDomainColumns[] = {
    {.name = "domain", .help = "Where clients look.", .column = true},
    {.name = "state",
     .type = FieldType::choice,
     .help = "resting: nothing is sent; lagging: the primary has it, some name server has not; manual: written by a "
             "person.",
     .choices = "resting|waiting|published|lagging|failed|withdrawing|withdrawn|manual|manual-differs",
     .column = true},
    {.name = "record", .help = "What shall stand there.", .column = true},
    {.name = "server", .help = "The primary that takes the updates.", .column = true},
    {.name = "why", .help = "Why it is so.", .column = true},
    {.name = "zone", .help = "The zone that the record is in."},
    {.name = "auth", .type = FieldType::choice, .help = "How updates are signed.", .choices = "none|tsig|gss|manual"},
    {.name = "key", .help = "With which key."},
    {.name = "lab", .type = FieldType::boolean, .help = "It is a laboratory that is published."},
    {.name = "hresult", .help = "Of the last failure, as event 12293 has it; else empty."},
    {.name = "code", .help = "Of the last answer, for programs: applied, notauth-badkey, timeout, …"},
    {.name = "triple", .help = "What the name server said last: code, TSIG error, signed or not."},
    {.name = "attempts", .type = FieldType::integer, .help = "Since the start."},
    {.name = "failures", .type = FieldType::integer, .help = "In a row."},
    {.name = "lastAttempt", .type = FieldType::timestamp, .help = "Absent: none yet."},
    {.name = "lastPublished", .type = FieldType::timestamp, .help = "Absent: not since the start."},
    {.name = "nextAttempt", .type = FieldType::timestamp, .help = "Absent: none is due."},
    {.name = "busy", .type = FieldType::boolean, .help = "An attempt is under way."},
};

constexpr Field kServerFields[] = {
    {.name = "server", .help = "Its name and address."},
    {.name = "zone", .help = "Of which zone."},
    {.name = "primary", .type = FieldType::boolean, .help = "It takes the updates."},
    {.name = "agrees", .type = FieldType::boolean, .help = "It has what is wanted, and nothing of ours that is not."},
    {.name = "problem", .help = "What differs, or why it cannot be asked."},
    {.name = "records", .type = FieldType::texts, .help = "What it has there, as zone files have it."},
};

constexpr Field kShowAnswer[] = {
    kDomainColumns[0],
    kDomainColumns[1],
    kDomainColumns[2],
    kDomainColumns[3],
    kDomainColumns[4],
    kDomainColumns[5],
    kDomainColumns[6],
    kDomainColumns[7],
    kDomainColumns[8],
    kDomainColumns[9],
    kDomainColumns[10],
    kDomainColumns[11],
    kDomainColumns[12],
    kDomainColumns[13],
    kDomainColumns[14],
    kDomainColumns[15],
    kDomainColumns[16],
    kDomainColumns[17],
    {.name = "servers",
     .type = FieldType::objects,
     .help = "Every name server as it was read last.",
     .fields = kServerFields},
};

constexpr Field kChangeColumns[] = {
    {.name = "change", .type = FieldType::choice, .help = "What is done with it.", .choices = "+|-|=", .column = true},
    {.name = "record", .help = "As zone files have it.", .column = true},
    {.name = "why", .help = "Why.", .column = true},
    {.name = "domain", .help = "For which domain.", .column = true},
    {.name = "zone", .help = "In which zone.", .column = true},
    {.name = "server", .help = "On which primary.", .column = true},
    {.name = "auth", .help = "How the update is signed."},
    {.name = "key", .help = "With which key."},
    {.name = "ours", .type = FieldType::boolean, .help = "The record is this appliance's."},
    {.name = "held", .help = "Why nothing is sent now; empty: it is."},
    {.name = "expected",
     .type = FieldType::choice,
     .help = "What the server did with the last update.",
     .choices = "accepted|refused|unknown"},
    {.name = "problem", .help = "Why there is no plan for that zone, or what the last refusal said."},
};

constexpr Field kKeyColumns[] = {
    {.name = "name", .help = "As the name server knows it.", .column = true},
    {.name = "algorithm", .help = "hmac-sha256 or hmac-sha512.", .column = true},
    {.name = "bits", .type = FieldType::integer, .help = "Of its secret.", .column = true},
    {.name = "usedBy", .type = FieldType::texts, .help = "Domains.", .column = true},
    {.name = "problem", .help = "Why it cannot be used.", .column = true},
};

constexpr Field kDomainPath[] = {
    {.name = "domain", .help = "A domain of setting dns.domains.", .minimum = 1, .maximum = 253}};
constexpr Field kDomainOption[] = {
    {.name = "domain", .help = "One domain; without it all.", .minimum = 1, .maximum = 253}};
constexpr Field kKeyPath[] = {{.name = "name", .help = "The key's name.", .minimum = 1, .maximum = 253}};
constexpr Field kKeyBody[] = {
    {.name = "name",
     .help = "The key's name, as the name server knows it.",
     .minimum = 1,
     .maximum = 253,
     .required = true},
    {.name = "file",
     .help = "The secret in base64, or a key statement as tsig-keygen writes it; - reads standard input.",
     .minimum = 1,
     .maximum = 4096,
     .required = true,
     .secret = true},
    {.name = "algorithm",
     .type = FieldType::choice,
     .help = "Where the file does not name it.",
     .fallback = "hmac-sha256",
     .choices = "hmac-sha256|hmac-sha512"},
};
constexpr Field kRemovedAnswer[] = {{.name = "removed", .help = "The key that is gone.", .column = true}};
constexpr Field kSnippetQuery[] = {
    {.name = "server",
     .type = FieldType::choice,
     .help = "For which name server.",
     .fallback = "bind",
     .choices = "bind|knot|powerdns|unbound|dnsmasq|windows"},
    {.name = "domain", .help = "One domain; without it all.", .minimum = 1, .maximum = 253},
};

/// The zone of the SRV record, else the first that there is.
const ZoneReport* mainZone(const DomainStatus& status) {
    return status.report.zones.empty() ? nullptr : &status.report.zones.front();
}

Json picture(const DomainStatus& status, bool lab) {
    const ZoneReport* const zone = mainZone(status);
    std::string record;
    if (status.wish)
        if (const auto records = recordsOf(*status.wish, status.domain); !records.empty())
            record = text(records.front());
    Json out = json({{"domain", status.domain},
                     {"state", name(status.state)},
                     {"record", std::move(record)},
                     {"server", zone != nullptr ? zone->server
                                : status.wish   ? status.wish->server
                                                : std::string()},
                     {"why", status.why},
                     {"zone", zone != nullptr ? zone->zone
                              : status.wish   ? status.wish->zone
                                              : std::string()},
                     {"auth", status.wish ? name(status.wish->auth) : "none"},
                     {"key", status.wish ? status.wish->key : std::string()},
                     {"lab", lab},
                     {"hresult", status.failures > 0 ? hresultText(status.hresult) : std::string()},
                     {"code", status.code},
                     {"triple", status.triple},
                     {"attempts", status.attempts},
                     {"failures", status.failures},
                     {"busy", status.busy}});
    for (const auto& [key, time] :
         {std::pair{"lastAttempt", status.lastAttempt}, std::pair{"lastPublished", status.lastPublished},
          std::pair{"nextAttempt", status.nextAttempt}})
        if (time != Timestamp{})
            out.set(key, isoTime(time));
    return out;
}

Json serversRead(const DomainStatus& status) {
    Json::Array servers;
    for (const ZoneReport& zone : status.report.zones)
        for (const ReadBack& view : zone.views) {
            Json::Array records;
            for (const dns::Record& record : view.records)
                records.emplace_back(text(record));
            servers.push_back(json({{"server", view.server},
                                    {"zone", zone.zone},
                                    {"primary", view.primary},
                                    {"agrees", view.agrees},
                                    {"problem", view.problem},
                                    {"records", std::move(records)}}));
        }
    return servers;
}

/// What is known of how the server takes updates: from the last one to it.
const char* expected(const DomainStatus& status, const ZoneReport& planned) {
    for (const ZoneReport& zone : status.report.zones)
        if (zone.zone == planned.zone && zone.server == planned.server && zone.verdict)
            return zone.verdict->kind == UpdateVerdict::Kind::applied   ? "accepted"
                   : zone.verdict->kind == UpdateVerdict::Kind::refused ? "refused"
                                                                        : "unknown";
    return "unknown";
}

std::string lastRefusal(const DomainStatus& status, const ZoneReport& planned) {
    for (const ZoneReport& zone : status.report.zones)
        if (zone.zone == planned.zone && zone.server == planned.server && zone.verdict &&
            zone.verdict->kind == UpdateVerdict::Kind::refused)
            return zone.verdict->sentence;
    return "";
}

std::string signedBy(const Credentials& credentials) {
    return credentials.auth == Auth::tsig ? "key " + credentials.key : std::string("auth ") + name(credentials.auth);
}

std::string held(const DomainStatus& status) {
    return status.state == State::resting || (status.wish && status.wish->auth == Auth::manual) ? status.why : "";
}

void writeZone(std::string& out, const DomainStatus& status, const ZoneReport& zone) {
    out += "# zone " + (zone.zone.empty() ? "not found" : zone.zone) + " on " +
           (zone.server.empty() ? "no server" : zone.server) + ", " + signedBy(zone.credentials) + '\n';
    if (!zone.note.empty())
        out += "# " + zone.note + '\n';
    for (const PlanLine& line : zone.plan.lines)
        out += std::string(1, sign(line.change)) + ' ' + text(line.record) +
               (line.why.empty() ? "" : "  ; " + line.why) + '\n';
    if (zone.trouble) {
        out += "# no plan: " + zone.trouble->sentence + '\n';
        return;
    }
    if (std::string refusal = lastRefusal(status, zone); !refusal.empty())
        out += "# the last update was refused: " + refusal + '\n';
    else if (std::string_view(expected(status, zone)) == "accepted")
        out += "# the last update was accepted\n";
}

}  // namespace

Result<std::string> DnsPlugin::domainOf(const Call& call) const {
    const std::string_view given = call.text("domain");
    if (given.empty())
        return std::string();
    const auto plain = dns::plainName(given);
    if (!plain || !publisher_->status(*plain))
        return fail(Code::missing, "domain " + std::string(given),
                    "is not in setting dns.domains; \"musterctl dns list\" shows those that are");
    return *plain;
}

Result<Reply> DnsPlugin::listOf(const std::string& domain) const {
    Json::Array items;
    for (const DomainStatus& status : publisher_->status())
        if (domain.empty() || status.domain == domain)
            items.push_back(picture(status, host_.mode() == Mode::lab));
    return Reply(json({{"items", std::move(items)}, {"next", nullptr}}));
}

Result<Reply> DnsPlugin::list(const Call&) {
    return listOf("");
}

Result<Reply> DnsPlugin::show(const Call& call) {
    const auto domain = domainOf(call);
    if (!domain)
        return fail(domain.error());
    const auto status = publisher_->status(*domain);
    if (!status)
        return fail(Code::missing, "domain " + *domain, "is gone");
    Json out = picture(*status, host_.mode() == Mode::lab);
    out.set("servers", serversRead(*status));
    return Reply(std::move(out));
}

Result<Reply> DnsPlugin::plan(const Call& call) {
    const auto domain = domainOf(call);
    if (!domain)
        return fail(domain.error());
    Reply reply;
    if (host_.mode() == Mode::lab)
        reply.text += "# LAB: this is a laboratory; Windows machines refuse its answers\n";
    std::size_t changes = 0;
    for (const auto& [status, report] : publisher_->preview(*domain, stopped())) {
        reply.text += (reply.text.empty() ? "## " : "\n## ") + status.domain + ": " + name(status.state) + '\n';
        if (const std::string why = held(status); !why.empty())
            reply.text += "# nothing is sent: " + why + '\n';
        for (const ZoneReport& zone : report.zones) {
            writeZone(reply.text, status, zone);
            changes += static_cast<std::size_t>(
                std::count_if(zone.plan.lines.begin(), zone.plan.lines.end(),
                              [](const PlanLine& line) { return line.change != PlanLine::Change::stays; }));
        }
    }
    if (reply.text.empty())
        reply.text = "# no domain is in setting dns.domains\n";
    else
        reply.text += "\n# " + std::to_string(changes) + (changes == 1 ? " change" : " changes") + '\n';
    return reply;
}

Result<Reply> DnsPlugin::changes(const Call& call) {
    const auto domain = domainOf(call);
    if (!domain)
        return fail(domain.error());
    Json::Array items;
    for (const auto& [status, report] : publisher_->preview(*domain, stopped()))
        for (const ZoneReport& zone : report.zones) {
            const auto add = [&, &status = status](const char* change, std::string record, std::string why, bool ours) {
                items.push_back(json({{"change", change},
                                      {"record", std::move(record)},
                                      {"why", std::move(why)},
                                      {"domain", status.domain},
                                      {"zone", zone.zone},
                                      {"server", zone.server},
                                      {"auth", name(zone.credentials.auth)},
                                      {"key", zone.credentials.key},
                                      {"ours", ours},
                                      {"held", held(status)},
                                      {"expected", expected(status, zone)},
                                      {"problem", zone.trouble ? zone.trouble->sentence : lastRefusal(status, zone)}}));
            };
            for (const PlanLine& line : zone.plan.lines)
                add(std::string(1, sign(line.change)).c_str(), text(line.record), line.why, line.ours);
            if (zone.trouble)
                add("=", "", zone.trouble->sentence, false);
        }
    return Reply(json({{"items", std::move(items)}, {"next", nullptr}}));
}

Result<Reply> DnsPlugin::publish(const Call& call) {
    const auto domain = domainOf(call);
    if (!domain)
        return fail(domain.error());
    {
        const std::lock_guard lock(mutex_);
        if (const std::string rest = restLocked(); !rest.empty())
            return fail(Code::conflict, "publishing", rest);
    }
    if (const auto done = publisher_->publish(*domain); !done)
        return fail(done.error());
    applyWatching();
    host_.event(kTakenUp, json({{"caller", call.caller.name}, {"domains", domain->empty() ? "all" : *domain}}));
    publisher_->waitIdle(*domain, std::chrono::steady_clock::now() + kLongestWait);
    return listOf(*domain);
}

Result<Reply> DnsPlugin::withdraw(const Call& call) {
    const auto domain = domainOf(call);
    if (!domain)
        return fail(domain.error());
    if (const auto done = publisher_->withdraw(*domain, call.caller.name); !done)
        return fail(done.error());
    applyWatching();
    host_.event(kWithdrawn, json({{"caller", call.caller.name}, {"domains", domain->empty() ? "all" : *domain}}));
    publisher_->waitIdle(*domain, std::chrono::steady_clock::now() + kLongestWait);
    return listOf(*domain);
}

Result<Reply> DnsPlugin::check(const Call& call) {
    const auto domain = domainOf(call);
    if (!domain)
        return fail(domain.error());
    publisher_->verify(*domain);
    if (watch_)
        watch_->checkAndWait(kLongestCheck);
    return listOf(*domain);
}

Result<Reply> DnsPlugin::snippets(const Call& call) {
    const auto domain = domainOf(call);
    if (!domain)
        return fail(domain.error());
    Reply reply;
    for (const DomainStatus& status : publisher_->status()) {
        if (!status.wish || (!domain->empty() && status.domain != *domain))
            continue;
        const ZoneReport* const zone = mainZone(status);
        std::string algorithm = "hmac-sha256";
        if (const auto key = keys_->find(status.wish->key))
            algorithm = dns::name(key->algorithm);
        reply.text += snippetFor(call.text("server"), {*status.wish, zone != nullptr ? zone->zone : std::string(),
                                                       algorithm, config().gssPrincipal});
    }
    if (reply.text.empty())
        reply.text = "# no domain is in setting dns.domains\n";
    return reply;
}

/// A TSIG key as the audit log may show it; null: there is none.
Json DnsPlugin::keyWithoutSecret(std::string_view name) const {
    for (const Keys::Row& row : keys_->list())
        if (row.name == name)
            return json({{"name", row.name},
                         {"algorithm", dns::name(row.algorithm)},
                         {"bits", static_cast<std::uint64_t>(row.bits)},
                         {"secret", "***"}});
    return {};
}

Result<Reply> DnsPlugin::addKey(const Call& call) {
    const auto plain = dns::plainName(call.text("name"));
    if (!plain)
        return fail(Code::malformed, "key " + std::string(call.text("name")),
                    "is no name that a key can have: letters, digits, -, _ and dots, as DNS names have them");
    const auto algorithm = dns::algorithmFrom(call.text("algorithm"));
    auto key = readKey(call.text("file"), *plain, algorithm.value_or(dns::Algorithm::hmacSha256));
    if (!key)
        return fail(key.error());
    Json before = keyWithoutSecret(*plain);
    if (auto kept = keys_->put(*key); !kept)
        return fail(kept.error());
    host_.event(kKeyChanged, json({{"caller", call.caller.name}, {"what", "set"}, {"key", *plain}}));
    for (const DomainStatus& status : publisher_->status())
        if (status.wish && status.wish->key == *plain && status.failures > 0)
            publisher_->retry(status.domain);
    auto reply = listKeys(call);
    if (reply) {
        reply->before = std::move(before);
        reply->after = keyWithoutSecret(*plain);
    }
    return reply;
}

Result<Reply> DnsPlugin::listKeys(const Call&) {
    Json::Array items;
    const auto domains = publisher_->status();
    for (const Keys::Row& row : keys_->list()) {
        Json::Array users;
        for (const DomainStatus& status : domains)
            if (status.wish && status.wish->key == row.name)
                users.emplace_back(status.domain);
        items.push_back(json({{"name", row.name},
                              {"algorithm", dns::name(row.algorithm)},
                              {"bits", static_cast<std::uint64_t>(row.bits)},
                              {"usedBy", std::move(users)},
                              {"problem", row.problem}}));
    }
    return Reply(json({{"items", std::move(items)}, {"next", nullptr}}));
}

Result<Reply> DnsPlugin::removeKey(const Call& call) {
    const auto plain = dns::plainName(call.text("name"));
    Json before = plain ? keyWithoutSecret(*plain) : Json();
    if (auto removed = keys_->remove(plain.value_or(std::string(call.text("name")))); !removed)
        return fail(removed.error());
    host_.event(kKeyChanged, json({{"caller", call.caller.name}, {"what", "removed"}, {"key", *plain}}));
    Reply reply(json({{"removed", *plain}}));
    reply.before = std::move(before);
    return reply;
}

void DnsPlugin::registerOperations() {
    const auto add = [this](const Operation& operation, Result<Reply> (DnsPlugin::*handler)(const Call&)) {
        host_.operation(operation, [this, handler](const Call& call) { return (this->*handler)(call); });
    };
    add({.method = "GET",
         .path = "/dns/domains",
         .role = Role::viewer,
         .support = true,
         .cli = "dns list",
         .summary = "The domains that this appliance is published in, and how that stands.",
         .answer = kDomainColumns,
         .list = true},
        &DnsPlugin::list);
    add({.method = "GET",
         .path = "/dns/domains/{domain}",
         .role = Role::viewer,
         .cli = "dns show",
         .summary = "One domain with all name servers of its zone as they were read last.",
         .path_ = kDomainPath,
         .answer = kShowAnswer},
        &DnsPlugin::show);
    add({.method = "GET",
         .path = "/dns/plan",
         .role = Role::viewer,
         .support = true,
         .cli = "dns plan",
         .summary = "What publishing would change now, as a diff for each zone; changes nothing.",
         .query = kDomainOption,
         .text = true},
        &DnsPlugin::plan);
    add({.method = "GET",
         .path = "/dns/changes",
         .role = Role::viewer,
         .cli = "dns changes",
         .summary = "The plan as a list: a record a line.",
         .query = kDomainOption,
         .answer = kChangeColumns,
         .list = true},
        &DnsPlugin::changes);
    add({.method = "POST",
         .path = "/dns/publish",
         .role = Role::operator_,
         .cli = "dns publish",
         .summary = "Publishes now, and takes a withdrawal back.",
         .body = kDomainOption,
         .answer = kDomainColumns,
         .list = true},
        &DnsPlugin::publish);
    add({.method = "POST",
         .path = "/dns/withdraw",
         .role = Role::operator_,
         .cli = "dns withdraw",
         .summary = "Takes this appliance's records out of DNS until \"dns publish\": new clients go elsewhere.",
         .body = kDomainOption,
         .answer = kDomainColumns,
         .list = true,
         .confirm = "Take this appliance's records out of DNS?"},
        &DnsPlugin::withdraw);
    add({.method = "POST",
         .path = "/dns/check",
         .role = Role::operator_,
         .cli = "dns check",
         .summary = "Reads all name servers and tries all targets now, and says how it stands.",
         .body = kDomainOption,
         .answer = kDomainColumns,
         .list = true,
         .changes = false},
        &DnsPlugin::check);
    add({.method = "GET",
         .path = "/dns/snippets",
         .role = Role::viewer,
         .cli = "dns snippets",
         .summary = "What to paste into a name server: the record itself, and what lets this appliance write it.",
         .query = kSnippetQuery,
         .text = true},
        &DnsPlugin::snippets);
    add({.method = "POST",
         .path = "/dns/keys",
         .role = Role::admin,
         .cli = "dns add-key",
         .summary = "Puts in a TSIG key, or its new secret. It is never shown again.",
         .body = kKeyBody,
         .answer = kKeyColumns,
         .list = true},
        &DnsPlugin::addKey);
    add({.method = "GET",
         .path = "/dns/keys",
         .role = Role::operator_,
         .cli = "dns list-keys",
         .summary = "The TSIG keys, without their secrets.",
         .answer = kKeyColumns,
         .list = true},
        &DnsPlugin::listKeys);
    add({.method = "DELETE",
         .path = "/dns/keys/{name}",
         .role = Role::admin,
         .cli = "dns remove-key",
         .summary = "Forgets a TSIG key.",
         .path_ = kKeyPath,
         .answer = kRemovedAnswer,
         .confirm = "Forget this key? Domains that use it can no longer be published."},
        &DnsPlugin::removeKey);
}

}  // namespace muster::publisher
