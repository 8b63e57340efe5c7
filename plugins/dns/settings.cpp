#include "settings.h"

#include <algorithm>
#include <set>
#include <utility>

#include "dns/message.h"
#include "dns/system_names.h"
#include "publish/zones.h"

namespace muster::publisher {

namespace {

constexpr Field kDomain[] = {
    {.name = "domain",
     .help = "The DNS domain of the clients; the record is _vlmcs._tcp.DOMAIN.",
     .minimum = 1,
     .maximum = 240,
     .required = true,
     .column = true},
    {.name = "target",
     .help = "The host that the record names. Default: this machine's full host name.",
     .minimum = 1,
     .maximum = 253,
     .column = true},
    {.name = "port",
     .type = FieldType::integer,
     .help = "The port that the record names. Default: the listener's.",
     .minimum = 1,
     .maximum = 65535},
    {.name = "priority",
     .type = FieldType::integer,
     .help = "Of all hosts in the domain those with the smallest are asked first (Windows 7 and later).",
     .fallback = "0",
     .minimum = 0,
     .maximum = 65535},
    {.name = "weight",
     .type = FieldType::integer,
     .help = "Its share of the clients among hosts of equal priority (Windows 7 and later).",
     .fallback = "100",
     .minimum = 0,
     .maximum = 65535},
    {.name = "ttl",
     .type = FieldType::duration,
     .help = "How long others may keep the record.",
     .fallback = "1h",
     .minimum = 60'000,
     .maximum = 604'800'000},
    {.name = "addresses",
     .type = FieldType::boolean,
     .help = "Whether the target's A and AAAA records are published, too (setting own-addresses).",
     .fallback = "false"},
    {.name = "zone",
     .help = "The zone that is changed. Default: found by SOA.",
     .fallback = "",
     .minimum = 0,
     .maximum = 253},
    {.name = "server",
     .help = "The zone's primary server, HOST or ADDRESS, with or without :PORT. Default: as its SOA record says.",
     .fallback = "",
     .minimum = 0,
     .maximum = 262},
    {.name = "auth",
     .type = FieldType::choice,
     .help =
         "How updates are signed. tsig: by `key`; gss: by Kerberos (secure zones of Active Directory); none: not at "
         "all; manual: nothing is sent, a person writes the record (\"musterctl dns snippets\"). Default: tsig where "
         "a key is given, else none.",
     .choices = "none|tsig|gss|manual"},
    {.name = "key",
     .help = "Name of the TSIG key (\"musterctl dns add-key\").",
     .fallback = "",
     .minimum = 0,
     .maximum = 253},
};

constexpr Field kFields[] = {
    {.name = "publish",
     .type = FieldType::boolean,
     .help = "Whether records are written into DNS at all.",
     .fallback = "false"},
    {.name = "domains",
     .type = FieldType::objects,
     .help = "The domains in which clients look for this appliance. They are watched whether or not it publishes.",
     .fallback = "[]",
     .minimum = 0,
     .maximum = 64,
     .fields = kDomain},
    {.name = "own-addresses",
     .type = FieldType::texts,
     .help = "Addresses to publish with `addresses`. Empty: all global ones of this machine.",
     .fallback = "[]",
     .minimum = 0,
     .maximum = 16},
    {.name = "gss-keytab",
     .help = "Absolute path of a keytab with the key of gss-principal, for auth = \"gss\".",
     .fallback = "",
     .minimum = 0,
     .maximum = 1024},
    {.name = "gss-principal",
     .help = "The account in Active Directory: NAME$@REALM or NAME@REALM.",
     .fallback = "",
     .minimum = 0,
     .maximum = 255},
    {.name = "resolvers",
     .type = FieldType::addresses,
     .help = "Name servers that know the company's zones, ADDRESS:PORT. Empty: those of the system.",
     .fallback = "[]",
     .minimum = 0,
     .maximum = 8},
    {.name = "refresh-interval",
     .type = FieldType::duration,
     .help = "How often records are written anew, so that scavenging (Windows DNS) does not take them.",
     .fallback = "24h",
     .minimum = 60'000,
     .maximum = 604'800'000},
    {.name = "withdraw-on-stop",
     .type = FieldType::boolean,
     .help = "Whether records of ours are removed when the appliance stops.",
     .fallback = "false"},
    {.name = "publish-lab",
     .type = FieldType::boolean,
     .help = "Whether a laboratory publishes, too. Windows machines that find one get answers that they refuse.",
     .fallback = "false"},
    {.name = "allowed",
     .type = FieldType::texts,
     .help = "Hosts that may stand in _vlmcs._tcp beside this appliance and its upstreams.",
     .fallback = "[]",
     .minimum = 0,
     .maximum = 64},
    {.name = "watch-interval",
     .type = FieldType::duration,
     .help = "How often the records of all hosts are read, and every host is looked at.",
     .fallback = "15m",
     .minimum = 10'000,
     .maximum = 86'400'000},
    {.name = "responder-addresses",
     .type = FieldType::addresses,
     .help = "Where this appliance itself answers for _vlmcs._tcp of its domains, ADDRESS:PORT by UDP and TCP. Empty: "
             "nowhere.",
     .fallback = "[]",
     .minimum = 0,
     .maximum = 8,
     .restart = true},
    {.name = "responder-rate",
     .type = FieldType::integer,
     .help = "Answers a second that one network (/24, /56) gets of the responder.",
     .fallback = "20",
     .minimum = 1,
     .maximum = 10'000},
};

tl::unexpected<Error> wrong(const std::string& key, std::string detail) {
    return fail(Code::malformed, "setting dns." + key, std::move(detail));
}

std::string text(const Json& object, std::string_view key) {
    const Json* const member = object.find(key);
    const std::string* const text = member != nullptr ? member->string() : nullptr;
    return text != nullptr ? *text : std::string();
}

std::int64_t integer(const Json& object, std::string_view key, std::int64_t fallback) {
    const Json* const member = object.find(key);
    if (member == nullptr)
        return fallback;
    if (const std::int64_t* number = member->integer())
        return *number;
    if (const std::uint64_t* number = member->natural())
        return static_cast<std::int64_t>(std::min<std::uint64_t>(*number, INT64_MAX));
    return fallback;
}

bool isTrue(const Json& object, std::string_view key) {
    const Json* const member = object.find(key);
    return member != nullptr && member->boolean() != nullptr && *member->boolean();
}

constexpr const char* kNameShape =
    "\" is no DNS name: labels of 1 to 63 letters, digits, - and _, 253 characters in all";

Result<DomainSetting> readDomain(const Json& object, const std::string& where) {
    DomainSetting out;
    Wish& wish = out.wish;
    const auto named = [&](const char* key, std::string& into) -> Result<void> {
        const std::string given = text(object, key);
        if (given.empty())
            return {};
        const auto plain = dns::plainName(given);
        if (!plain)
            return wrong(where + "." + key, "\"" + given + kNameShape);
        into = *plain;
        return {};
    };
    for (const auto& [key, into] : {std::pair{"domain", &wish.domain}, std::pair{"target", &wish.target},
                                    std::pair{"zone", &wish.zone}, std::pair{"key", &wish.key}})
        if (auto read = named(key, *into); !read)
            return fail(read.error());
    if (!dns::plainName(ownerOf(wish.domain)))
        return wrong(where + ".domain", "\"" + wish.domain + "\" is too long for _vlmcs._tcp before it");
    out.ownTarget = wish.target.empty();
    if (!out.ownTarget && wish.target.find('.') == std::string::npos)
        return wrong(where + ".target", "\"" + wish.target + "\" has no domain; write the full host name, " +
                                            wish.target + "." + wish.domain);
    if (!wish.zone.empty() && !isWithin(ownerOf(wish.domain), wish.zone))
        return wrong(where + ".zone", wish.zone + " is no zone that _vlmcs._tcp." + wish.domain + " can be in");
    const std::int64_t port = integer(object, "port", 0);
    out.ownPort = port == 0;
    wish.port = static_cast<std::uint16_t>(port == 0 ? 1688 : port);
    wish.priority = static_cast<std::uint16_t>(integer(object, "priority", 0));
    wish.weight = static_cast<std::uint16_t>(integer(object, "weight", 100));
    wish.ttl = std::chrono::seconds(integer(object, "ttl", 3'600'000) / 1000);
    out.publishAddresses = isTrue(object, "addresses");
    wish.server = text(object, "server");
    if (!wish.server.empty() && !parseServer(wish.server))
        return wrong(where + ".server", "\"" + wish.server + "\" is neither HOST nor ADDRESS, with or without :PORT");
    const std::string auth = text(object, "auth");
    wish.auth = auth == "tsig" || (auth.empty() && !wish.key.empty()) ? Auth::tsig
                : auth == "gss"                                       ? Auth::gss
                : auth == "manual"                                    ? Auth::manual
                                                                      : Auth::none;
    if (wish.auth == Auth::tsig && wish.key.empty())
        return wrong(where, "auth = \"tsig\" needs key = NAME of a key that \"musterctl dns add-key\" put in");
    if (wish.auth != Auth::tsig && !wish.key.empty())
        return wrong(where, "a key is given, and auth = \"" + auth + "\" uses none; leave out one of both");
    return out;
}

Result<std::vector<Address>> addressesOf(const Host& host, const char* key) {
    std::vector<Address> out;
    for (const std::string& text : host.setting(key, std::vector<std::string>{}))
        if (const auto address = Address::parse(text))
            out.push_back(*address);
        else
            return wrong(key, "\"" + text + "\" is no ADDRESS:PORT");
    return out;
}

}  // namespace

const std::span<const Field> kSettings = kFields;

Result<Config> readConfig(const Host& host) {
    Config config;
    config.publish = host.setting("publish", false);
    std::set<std::string> seen;
    const auto domains = host.setting("domains", std::vector<Json>{});
    for (std::size_t i = 0; i < domains.size(); ++i) {
        auto domain = readDomain(domains[i], "domains[" + std::to_string(i) + "]");
        if (!domain)
            return fail(domain.error());
        if (!seen.insert(domain->wish.domain).second)
            return wrong("domains", domain->wish.domain + " is there twice");
        config.domains.push_back(std::move(*domain));
    }
    for (const std::string& text : host.setting("own-addresses", std::vector<std::string>{})) {
        const auto address = dns::numericAddress(text);
        if (!address || address->scopeId != 0)
            return wrong("own-addresses", "\"" + text + "\" is no address that other machines could use");
        config.ownAddresses.push_back(*address);
    }
    std::sort(config.ownAddresses.begin(), config.ownAddresses.end(),
              [](const Address& a, const Address& b) { return a.octets < b.octets; });
    config.gssKeytab = host.setting("gss-keytab", "");
    if (!config.gssKeytab.empty() && config.gssKeytab.front() != '/')
        return wrong("gss-keytab", "\"" + config.gssKeytab + "\" is no absolute path");
    config.gssPrincipal = host.setting("gss-principal", "");
    const bool anyGss = std::any_of(config.domains.begin(), config.domains.end(),
                                    [](const DomainSetting& one) { return one.wish.auth == Auth::gss; });
    if (anyGss && (config.gssKeytab.empty() || config.gssPrincipal.empty()))
        return wrong("domains", "auth = \"gss\" needs settings dns.gss-keytab and dns.gss-principal");
    auto resolvers = addressesOf(host, "resolvers");
    if (!resolvers)
        return fail(resolvers.error());
    config.resolvers = std::move(*resolvers);
    const auto seconds = [&](const char* key, std::chrono::seconds fallback) {
        return std::chrono::duration_cast<std::chrono::seconds>(host.setting(key, std::chrono::milliseconds(fallback)));
    };
    config.refreshInterval = seconds("refresh-interval", config.refreshInterval);
    config.watchInterval = seconds("watch-interval", config.watchInterval);
    config.withdrawOnStop = host.setting("withdraw-on-stop", false);
    config.publishLab = host.setting("publish-lab", false);
    for (const std::string& text : host.setting("allowed", std::vector<std::string>{})) {
        const auto plain = dns::plainName(text);
        if (!plain)
            return wrong("allowed", "\"" + text + kNameShape);
        config.allowed.push_back(*plain);
    }
    auto responder = addressesOf(host, "responder-addresses");
    if (!responder)
        return fail(responder.error());
    config.responderAddresses = std::move(*responder);
    config.responderRate = static_cast<unsigned>(host.setting("responder-rate", std::int64_t{20}));
    return config;
}

std::vector<Wish> wishesOf(const Config& config, const Machine& machine, std::string& problem) {
    std::vector<Wish> wishes;
    for (const DomainSetting& setting : config.domains) {
        Wish wish = setting.wish;
        if (setting.ownTarget) {
            if (machine.name.find('.') == std::string::npos) {
                problem = "this machine's host name " +
                          (machine.name.empty() ? "is none" : "\"" + machine.name + "\" has no domain") +
                          ": give it a full one (hostnamectl set-hostname NAME." + wish.domain +
                          "), or \"target\" to domain " + wish.domain;
                continue;
            }
            wish.target = machine.name;
        }
        if (setting.ownPort && !machine.listening.empty())
            wish.port = machine.listening.front().port;
        if (setting.publishAddresses)
            wish.addresses = config.ownAddresses.empty() ? machine.addresses : config.ownAddresses;
        wishes.push_back(std::move(wish));
    }
    return wishes;
}

}  // namespace muster::publisher
