#include "settings.h"

#include <algorithm>
#include <charconv>
#include <set>

namespace muster::relay {

namespace {

constexpr Field kUpstream[] = {
    {.name = "address",
     .help = "Where it listens: HOST or HOST:PORT, a name or numeric, port 1688 if none is given.",
     .minimum = 1,
     .maximum = 262,
     .required = true,
     .column = true},
    {.name = "name",
     .help = "What it is called here, in the journal and in metrics; without it, its address.",
     .minimum = 1,
     .maximum = 64,
     .column = true},
    {.name = "priority",
     .type = FieldType::integer,
     .help = "The smallest is asked first; those of equal priority stand by, or share clients (setting relay.choice).",
     .fallback = "0",
     .minimum = 0,
     .maximum = 65535},
    {.name = "weight",
     .type = FieldType::integer,
     .help = "Its share of the clients among those of equal priority, where they are spread.",
     .fallback = "100",
     .minimum = 0,
     .maximum = 65535},
    {.name = "families",
     .type = FieldType::texts,
     .help = "Product families that it may serve (vista-2008, win7-2008r2, …; \"other\": what no loaded family knows). "
             "Empty: all.",
     .fallback = "[]",
     .minimum = 0,
     .maximum = 32},
    {.name = "versions",
     .type = FieldType::integers,
     .help = "Protocol versions that it may serve: 4 (to Windows 7 and 2008 R2), 5 (8, 2012), 6 (8.1, 2012 R2 and "
             "later). Empty: all.",
     .fallback = "[]",
     .minimum = 0,
     .maximum = 8},
    {.name = "networks",
     .type = FieldType::networks,
     .help = "Networks whose clients it may serve. Empty: all.",
     .fallback = "[]",
     .minimum = 0,
     .maximum = 64},
    {.name = "counts-virtual",
     .type = FieldType::choice,
     .help = "Whether the host adds virtual machines to its count; hosts of the 2006 generation do not.",
     .fallback = "unknown",
     .choices = "yes|no|unknown"},
    {.name = "state",
     .type = FieldType::choice,
     .help = "active; draining: gets nothing new while another can have it; maintenance: gets nothing at all. What was "
             "said by drain, rest or activate goes before it until it changes.",
     .fallback = "active",
     .choices = "active|draining|maintenance"},
};

constexpr Field kFields[] = {
    {.name = "upstreams",
     .type = FieldType::objects,
     .help = "The organisation's own licensed KMS hosts, in the order of asking where priorities are equal.",
     .fallback = "[]",
     .minimum = 0,
     .maximum = 32,
     .fields = kUpstream},
    {.name = "discover",
     .type = FieldType::texts,
     .help = "Domains whose _vlmcs._tcp records name further hosts.",
     .fallback = "[]",
     .minimum = 0,
     .maximum = 16},
    {.name = "resolvers",
     .type = FieldType::addresses,
     .help = "Name servers to ask, ADDRESS:PORT. Empty: those of the system.",
     .fallback = "[]",
     .minimum = 0,
     .maximum = 8},
    {.name = "discover-interval",
     .type = FieldType::duration,
     .help = "How often names and records are looked up again.",
     .fallback = "5m",
     .minimum = 10'000,
     .maximum = 86'400'000},
    {.name = "choice",
     .type = FieldType::choice,
     .help = "primary: the first that can is asked, the others stand by; weighted: of equal priority each keeps its "
             "share of the clients. Every host counts by itself: spread clients may leave all hosts below 25.",
     .fallback = "primary",
     .choices = "primary|weighted"},
    {.name = "fail-back",
     .type = FieldType::boolean,
     .help = "Whether clients go back to a host that was away. It counted them within 30 days, so they should. If not, "
             "whoever serves goes on serving until it fails itself.",
     .fallback = "true"},
    {.name = "associations",
     .type = FieldType::integer,
     .help = "RPC associations with one host at once; each has one call under way.",
     .fallback = "64",
     .minimum = 1,
     .maximum = 1024},
    {.name = "queue",
     .type = FieldType::integer,
     .help = "Requests under way at once; further clients are told that the server is too busy.",
     .fallback = "2048",
     .minimum = 1,
     .maximum = 100'000},
    {.name = "connect-timeout",
     .type = FieldType::duration,
     .help = "To connect to a host and bind.",
     .fallback = "2s",
     .minimum = 50,
     .maximum = 60'000},
    {.name = "answer-timeout",
     .type = FieldType::duration,
     .help = "One host has so long to answer while another could be asked.",
     .fallback = "4s",
     .minimum = 50,
     .maximum = 60'000},
    {.name = "exchange-limit",
     .type = FieldType::duration,
     .help = "All hosts together have so long. Then the client gets a fault, before its own patience ends.",
     .fallback = "9s",
     .minimum = 100,
     .maximum = 120'000},
    {.name = "probe-interval",
     .type = FieldType::duration,
     .help = "Between two RPC binds that look whether a host is there, a fifth more or less.",
     .fallback = "10s",
     .minimum = 100,
     .maximum = 3'600'000},
    {.name = "eject-after",
     .type = FieldType::integer,
     .help = "Failures in a row after which a host is asked last.",
     .fallback = "3",
     .minimum = 1,
     .maximum = 100},
    {.name = "return-after",
     .type = FieldType::integer,
     .help = "Successes in a row after which it is back in its place.",
     .fallback = "2",
     .minimum = 1,
     .maximum = 100},
    {.name = "slow-start",
     .type = FieldType::duration,
     .help = "How long a host that came back takes to get all of its associations again.",
     .fallback = "10s",
     .minimum = 0,
     .maximum = 3'600'000},
    {.name = "thresholds",
     .type = FieldType::integers,
     .help = "N-policies that are forwarded beside 5 and 25. Others can damage a host's table of clients.",
     .fallback = "[]",
     .minimum = 0,
     .maximum = 16},
    {.name = "rate",
     .type = FieldType::integer,
     .help = "Requests a minute that are forwarded in all; 0: any number.",
     .fallback = "0",
     .minimum = 0,
     .maximum = 10'000'000},
    {.name = "rate-per-source",
     .type = FieldType::integer,
     .help = "Requests a minute that are forwarded for one source; 0: any number. Loopback is exempt.",
     .fallback = "0",
     .minimum = 0,
     .maximum = 1'000'000},
    {.name = "refuse",
     .type = FieldType::texts,
     .help = "Products that are never forwarded: names of families, counted IDs, or \"unknown\" for what no loaded "
             "family knows.",
     .fallback = "[]",
     .minimum = 0,
     .maximum = 64},
};

tl::unexpected<Error> wrong(const char* key, std::string detail) {
    return fail(Code::malformed, std::string("setting relay.") + key, std::move(detail));
}

std::string text(const Json& object, std::string_view key) {
    const Json* const member = object.find(key);
    const std::string* const text = member != nullptr ? member->string() : nullptr;
    return text != nullptr ? *text : std::string();
}

std::int64_t integer(const Json& value, std::int64_t fallback) {
    if (const std::int64_t* number = value.integer())
        return *number;
    if (const std::uint64_t* number = value.natural())
        return static_cast<std::int64_t>(std::min<std::uint64_t>(*number, INT64_MAX));
    return fallback;
}

std::int64_t integer(const Json& object, std::string_view key, std::int64_t fallback) {
    const Json* const member = object.find(key);
    return member != nullptr ? integer(*member, fallback) : fallback;
}

std::vector<std::string> texts(const Json& object, std::string_view key) {
    std::vector<std::string> out;
    if (const Json* const member = object.find(key))
        if (const Json::Array* const items = member->array())
            for (const Json& item : *items)
                if (const std::string* const text = item.string())
                    out.push_back(*text);
    return out;
}

Result<Policy::Rules> readPolicy(const Host& host) {
    Policy::Rules rules;
    for (const std::int64_t threshold : host.setting("thresholds", std::vector<std::int64_t>{})) {
        if (threshold < 1 || threshold > 5000)
            return wrong("thresholds",
                         std::to_string(threshold) + " is no N-policy that a host can bear; each is 1 to 5000");
        rules.thresholds.push_back(static_cast<std::uint32_t>(threshold));
    }
    rules.rate = static_cast<std::uint32_t>(host.setting("rate", std::int64_t{0}));
    rules.ratePerSource = static_cast<std::uint32_t>(host.setting("rate-per-source", std::int64_t{0}));
    for (const std::string& what : host.setting("refuse", std::vector<std::string>{})) {
        if (what == "unknown")
            rules.refuseUnknown = true;
        else if (const auto guid = Guid::parse(what))
            rules.refusedCounted.push_back(*guid);
        else
            rules.refusedFamilies.push_back(what);
    }
    return rules;
}

}  // namespace

const std::span<const Field> kSettings = kFields;
const std::span<const Field> kUpstreamFields = kUpstream;

Result<void> parseHostPort(std::string_view text, std::string& host, std::uint16_t& port) {
    port = 1688;
    std::string_view name = text;
    std::string_view number;
    if (name.starts_with('[')) {
        const std::size_t close = name.find(']');
        if (close == std::string_view::npos)
            return fail(Code::malformed, "", "a \"[\" without its \"]\"; write [2001:db8::1]:1688");
        const std::string_view rest = name.substr(close + 1);
        if (!rest.empty() && !rest.starts_with(':'))
            return fail(Code::malformed, "", "after \"]\" only :PORT may follow");
        number = rest.empty() ? rest : rest.substr(1);
        if (!rest.empty() && number.empty())
            return fail(Code::malformed, "", "the port is missing after \":\"");
        name = name.substr(1, close - 1);
    } else if (const std::size_t colon = name.find(':'); colon != std::string_view::npos) {
        if (name.find(':', colon + 1) == std::string_view::npos) {  // more than one: an IPv6 address alone
            number = name.substr(colon + 1);
            name = name.substr(0, colon);
            if (number.empty())
                return fail(Code::malformed, "", "the port is missing after \":\"");
        }
    }
    if (name.empty() || name.size() > 255)
        return fail(Code::malformed, "", "a host has 1 to 255 characters");
    const bool sane = std::all_of(name.begin(), name.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' ||
               c == '_' || c == ':' || c == '%';
    });
    if (!sane)
        return fail(Code::malformed, "", "a host is a DNS name or an IP address");
    if (!number.empty()) {
        unsigned value = 0;
        const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), value);
        if (error != std::errc() || end != number.data() + number.size() || value == 0 || value > 65535)
            return fail(Code::malformed, "", "a port is a number from 1 to 65535");
        port = static_cast<std::uint16_t>(value);
    }
    host = name;
    return {};
}

Result<Upstream> readUpstream(const Json& object, const std::string& where) {
    Upstream upstream;
    const std::string address = text(object, "address");
    if (auto parsed = parseHostPort(address, upstream.host, upstream.port); !parsed)
        return wrong(where.c_str(), "\"" + address + "\": " + parsed.error().detail);
    upstream.name = text(object, "name");
    if (upstream.name.empty())
        upstream.name = address.substr(0, 64);
    upstream.priority = static_cast<std::uint16_t>(integer(object, "priority", 0));
    upstream.weight = static_cast<std::uint16_t>(integer(object, "weight", 100));
    upstream.families = texts(object, "families");
    if (const Json* const versions = object.find("versions"))
        if (const Json::Array* const items = versions->array())
            for (const Json& item : *items) {
                const std::int64_t version = integer(item, 0);
                if (version < 4 || version > 99)
                    return wrong(where.c_str(),
                                 std::to_string(version) + " is no protocol version; there are 4, 5 and 6");
                upstream.versions.push_back(static_cast<std::uint16_t>(version));
            }
    const std::vector<std::string> networks = texts(object, "networks");
    if (!networks.empty()) {
        auto parsed = Networks::parse(networks);
        if (!parsed)
            return wrong(where.c_str(), parsed.error().text());
        upstream.networks = std::move(*parsed);
        upstream.everywhere = false;
    }
    const std::string counts = text(object, "counts-virtual");
    upstream.countsVirtual = counts == "yes"  ? CountsVirtual::yes
                             : counts == "no" ? CountsVirtual::no
                                              : CountsVirtual::unknown;
    const std::string state = text(object, "state");
    upstream.duty = state == "draining" ? Duty::draining : state == "maintenance" ? Duty::maintenance : Duty::active;
    return upstream;
}

Result<Config> readConfig(const Host& host) {
    Config config;
    std::set<std::string> names;
    const auto upstreams = host.setting("upstreams", std::vector<Json>{});
    for (std::size_t i = 0; i < upstreams.size(); ++i) {
        auto upstream = readUpstream(upstreams[i], "upstreams[" + std::to_string(i) + "]");
        if (!upstream)
            return fail(upstream.error());
        if (!names.insert(upstream->name).second)
            return wrong("upstreams", "two are called \"" + upstream->name + "\"; give each a name of its own");
        config.upstreams.push_back(std::move(*upstream));
    }
    config.discover = host.setting("discover", std::vector<std::string>{});
    for (const std::string& resolver : host.setting("resolvers", std::vector<std::string>{}))
        if (const auto address = Address::parse(resolver))
            config.resolvers.push_back(*address);
    const auto duration = [&](const char* key, std::chrono::milliseconds fallback) {
        return host.setting(key, fallback);
    };
    config.discoverInterval = duration("discover-interval", std::chrono::minutes(5));
    config.lane.spread = host.setting("choice", "primary") == "weighted" ? Spread::weighted : Spread::primary;
    config.lane.answer = duration("answer-timeout", config.lane.answer);
    config.lane.exchange = duration("exchange-limit", config.lane.exchange);
    config.lane.queue = static_cast<std::size_t>(host.setting("queue", std::int64_t{2048}));
    config.lane.channel.associations = static_cast<std::size_t>(host.setting("associations", std::int64_t{64}));
    config.lane.channel.connect = duration("connect-timeout", config.lane.channel.connect);
    config.lane.channel.slowStart = duration("slow-start", config.lane.channel.slowStart);
    config.probe.interval = duration("probe-interval", config.probe.interval);
    config.probe.connect = config.lane.channel.connect;
    config.health.ejectAfter = static_cast<unsigned>(host.setting("eject-after", std::int64_t{3}));
    config.health.returnAfter = static_cast<unsigned>(host.setting("return-after", std::int64_t{2}));
    config.failBack = host.setting("fail-back", true);
    auto policy = readPolicy(host);
    if (!policy)
        return fail(policy.error());
    config.lane.policy = std::move(*policy);
    return config;
}

}  // namespace muster::relay
