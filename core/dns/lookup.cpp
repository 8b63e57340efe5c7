#include "dns/lookup.h"

#include <algorithm>
#include <map>
#include <optional>

#include "dns/system_names.h"

namespace muster::dns {

namespace {

constexpr const char* kServiceLabels = "_vlmcs._tcp.";
constexpr std::uint16_t kDnsPort = 53;

/// One resolver that gave no usable answer, in words that follow its address.
struct Failure {
    Address resolver;
    LookupCode code = LookupCode::timedOut;
    std::string words;
};

std::string resolverText(Address resolver) {
    if (resolver.port == 0)
        resolver.port = kDnsPort;
    return resolver.text();
}

std::string remedy(LookupCode code, const LookupSettings& settings) {
    switch (code) {
        case LookupCode::timedOut:
            return "see that it is up and that UDP and TCP port 53 pass";
        case LookupCode::unreachable:
            return "see that a DNS server runs there and that there is a way to it";
        case LookupCode::serverFailure:
            return "its own log says why";
        case LookupCode::refused:
            return "let it answer this machine, or choose others with " + settings.resolvers;
        case LookupCode::notServed:
            return "choose servers that answer for every name with " + settings.resolvers;
        default:
            return "see what stands between: a proxy or firewall may change DNS";
    }
}

/// "kms1.example.org: 10.0.0.53:53 gives no answer, 10.0.0.54:53 refuses to answer (REFUSED); see that …"
Said failed(const std::string& name, const std::vector<Failure>& failures, const LookupSettings& settings) {
    Said said;
    said.text = name + ": ";
    for (const Failure& failure : failures) {
        said.text += (said.resolver == Address{} ? "" : ", ") + resolverText(failure.resolver) + " " + failure.words;
        said.resolver = failure.resolver;
        said.code = failure.code;
    }
    said.text += "; " + remedy(said.code, settings);
    return said;
}

Said stoppedSaid() {
    return {LookupCode::stopped, "the look-up was broken off", {}};
}

/// What an answer that came means. Of an answer that ends at an alias: noRecords; its `name` says where to go on.
LookupCode judge(const Answer& answer, const std::string& name, std::string& words) {
    switch (answer.rcode) {
        case Rcode::noError:
            break;
        case Rcode::nameError:
            return LookupCode::noName;
        case Rcode::serverFailure:
            words = "fails (SERVFAIL)";
            return LookupCode::serverFailure;
        case Rcode::refused:
            words = "refuses to answer (REFUSED)";
            return LookupCode::refused;
        default:
            words = "answers with code " + text(answer.rcode);
            return LookupCode::notServed;
    }
    if (answer.usable())
        return LookupCode::found;
    if (answer.noService)
        return LookupCode::noService;
    if (answer.name != name)
        return LookupCode::noRecords;
    if (!answer.authoritative && !answer.recursive) {
        words = "is no resolver and has nothing of its own to say (no recursion, not authoritative)";
        return LookupCode::notServed;
    }
    return LookupCode::noRecords;
}

std::string serviceDenial(const Said& said, const std::string& name, const std::string& last,
                          const LookupSettings& settings) {
    const std::string who = ", says " + resolverText(said.resolver);
    const std::string what = last == name ? name : name + " is an alias of " + last + ", which";
    switch (said.code) {
        case LookupCode::noName:
            return what + " does not exist" + who + "; publish an SRV record there, or correct " + settings.domains;
        case LookupCode::noService:
            return what + " says with the target \".\" that nobody offers KMS there" + who +
                   "; replace that SRV record, or take the domain out of " + settings.domains;
        default:
            return what + " has no usable SRV record" + who + "; publish one there, or correct " + settings.domains;
    }
}

std::string addressDenial(const Said& said, const std::string& name) {
    const std::string who = ", says " + resolverText(said.resolver);
    if (said.code == LookupCode::noName)
        return name + " does not exist" + who + "; correct the name, or add it to DNS";
    return name + " has no usable address (A or AAAA)" + who + "; add one to DNS, or correct the name";
}

/// In an order of its own: DNS turns it with every answer.
void sortAddresses(std::vector<Address>& addresses) {
    std::sort(addresses.begin(), addresses.end(),
              [](const Address& a, const Address& b) { return a.isV4() != b.isV4() ? a.isV4() : a.octets < b.octets; });
}

std::string noteOf(const Answer& answer) {
    std::string note;
    if (answer.unusable > 0)
        note = std::to_string(answer.unusable) + " SRV records are left out: port 0, or a target that is no host name";
    if (answer.surplus > 0)
        note += (note.empty() ? "" : "; ") + std::to_string(answer.surplus) + " SRV records beyond " +
                std::to_string(kMaxServices) + " are left out";
    return note;
}

}  // namespace

Lookup::Lookup(std::vector<Address> resolvers, LookupLimits limits, std::string hostsFile, std::string resolverFile,
               LookupSettings settings)
    : resolvers_(std::move(resolvers)),
      limits_(limits),
      hostsFile_(std::move(hostsFile)),
      resolverFile_(std::move(resolverFile)),
      settings_(std::move(settings)) {}

std::vector<Address> Lookup::resolvers() const {
    return resolvers_.empty() ? readResolverConfiguration(resolverFile_).servers : resolvers_;
}

Finding Lookup::queryOnce(const std::vector<Address>& resolvers, const std::string& name, Type type, Monotonic until,
                          const Stopped& stopped) const {
    std::vector<Failure> failures;
    failures.reserve(resolvers.size());
    for (const Address& resolver : resolvers)
        failures.push_back({resolver, LookupCode::timedOut, "gives no answer"});
    auto attempt = limits_.attempt;
    for (unsigned round = 0; round < limits_.rounds; ++round, attempt *= 2) {
        for (Failure& failure : failures) {
            // What a server decided it decides again; what may be an accident is tried twice.
            if (round > 0 && failure.code != LookupCode::timedOut && failure.code != LookupCode::serverFailure)
                continue;
            if (std::chrono::steady_clock::now() >= until)
                break;
            Reply reply = ask(failure.resolver, name, type, attempt, until, stopped);
            switch (reply.ending) {
                case Ending::stopped:
                    return {stoppedSaid(), {}};
                case Ending::timedOut:
                    failure.code = LookupCode::timedOut;
                    failure.words = reply.words.empty() ? "gives no answer" : "gives no answer by TCP";
                    continue;
                case Ending::unreachable:
                    failure.code = LookupCode::unreachable;
                    failure.words = "cannot be reached (" + reply.words + ")";
                    continue;
                case Ending::broken:
                    failure.code = LookupCode::malformed;
                    failure.words = "gives an answer that cannot be used (" + reply.words + ")";
                    continue;
                case Ending::answered:
                    break;
            }
            Said said;
            said.resolver = failure.resolver;
            said.code = judge(reply.answer, name, said.text);
            if (said.found() || said.denied())
                return {said, std::move(reply.answer)};
            failure.code = said.code;
            failure.words = std::move(said.text);
        }
    }
    return {failed(name, failures, settings_), {}};
}

Finding Lookup::query(const std::vector<Address>& resolvers, const std::string& name, Type type, Monotonic until,
                      const Stopped& stopped) const {
    if (resolvers.empty())
        return {{LookupCode::unreachable, "there is no DNS server to ask; set " + settings_.resolvers, {}}, {}};
    std::string at = name;
    std::chrono::seconds ttl = std::chrono::hours(24 * 7);
    for (std::size_t aliases = 0; aliases <= kMaxAliases; ++aliases) {
        Finding asked = queryOnce(resolvers, at, type, until, stopped);
        if (!asked.said.found() && !asked.said.denied())
            return asked;
        ttl = std::min(ttl, asked.answer.ttl);
        asked.answer.ttl = ttl;
        // An answer that ends at an alias: its server does not know the other zone.
        if (asked.said.code != LookupCode::noRecords || asked.answer.name == at)
            return asked;
        at = asked.answer.name;
    }
    return {failed(name,
                   {{resolvers.front(), LookupCode::malformed,
                     "gives an answer that cannot be used (aliases go round in a circle)"}},
                   settings_),
            {}};
}

AddressAnswer Lookup::byDns(const std::vector<Address>& resolvers, const std::string& name, Monotonic until,
                            const Stopped& stopped) const {
    AddressAnswer out;
    const Finding v4 = query(resolvers, name, Type::a, until, stopped);
    out.said = v4.said;
    out.ttl = v4.answer.ttl;
    out.addresses = v4.answer.addresses;
    // Without an answer to the first question there will be none to the second in time; no name is no name for both.
    if (v4.said.code == LookupCode::timedOut || v4.said.code == LookupCode::stopped ||
        v4.said.code == LookupCode::noName)
        return out;
    const Finding v6 = query(resolvers, name, Type::aaaa, until, stopped);
    if (v6.said.found()) {
        out.ttl = out.addresses.empty() ? v6.answer.ttl : std::min(out.ttl, v6.answer.ttl);
        out.addresses.insert(out.addresses.end(), v6.answer.addresses.begin(), v6.answer.addresses.end());
    }
    if (out.addresses.empty()) {
        if (out.said.denied() && !v6.said.denied())
            out.said = v6.said;  // half an answer denies nothing
        return out;
    }
    out.partial = !(v4.said.found() || v4.said.denied()) || !(v6.said.found() || v6.said.denied());
    out.said = v4.said.found() ? v4.said : v6.said;
    if (out.addresses.size() > kMaxAddresses)
        out.addresses.resize(kMaxAddresses);
    return out;
}

AddressAnswer Lookup::addresses(const std::string& host, const Stopped& stopped) {
    AddressAnswer out;
    if (const auto numeric = numericAddress(host)) {
        out.said.code = LookupCode::found;
        out.addresses.push_back(*numeric);
        return out;
    }
    const auto name = plainName(host);
    if (!name) {
        out.said = {LookupCode::badName,
                    "that is neither an address nor a name of letters, digits, '-', '_' and dots; correct it",
                    {}};
        return out;
    }
    const Monotonic until = std::chrono::steady_clock::now() + limits_.total;
    if (!resolvers_.empty()) {
        out = byDns(resolvers_, *name, until, stopped);
    } else {
        out.addresses = addressesInHosts(hostsFile_, *name);
        if (!out.addresses.empty()) {
            out.said.code = LookupCode::found;
            return out;
        }
        const ResolverConfiguration configuration = readResolverConfiguration(resolverFile_);
        bool first = true;
        for (const std::string& candidate : candidates(*name, host.ends_with('.'), configuration)) {
            AddressAnswer next = byDns(configuration.servers, candidate, until, stopped);
            const LookupCode code = next.said.code;
            // A failure says more than a denial: the name might have been there.
            if (first || next.said.found() || !next.said.denied() ||
                (out.said.code == LookupCode::noName && code == LookupCode::noRecords))
                out = std::move(next);
            first = false;
            if (code == LookupCode::found || code == LookupCode::timedOut || code == LookupCode::stopped)
                break;
        }
    }
    sortAddresses(out.addresses);
    if (out.said.found())
        out.said.text.clear();
    else if (out.said.denied())
        out.said.text = addressDenial(out.said, *name);
    return out;
}

Finding Lookup::find(const std::string& name, Type type, const Stopped& stopped) {
    const auto plain = plainName(name);
    if (!plain)
        return {{LookupCode::badName,
                 "that is no name: labels of letters, digits, '-' and '_', 253 characters in all; correct it",
                 {}},
                {}};
    return query(resolvers(), *plain, type, std::chrono::steady_clock::now() + limits_.total, stopped);
}

Finding Lookup::findServices(const std::string& domain, const Stopped& stopped) {
    const auto plain = plainName(domain);
    const auto name = plain ? plainName(kServiceLabels + *plain) : std::nullopt;
    if (!name)
        return {{LookupCode::badName,
                 "that is no domain: labels of letters, digits, '-' and '_', 240 characters in all; correct " +
                     settings_.domains,
                 {}},
                {}};
    Finding found = find(*name, Type::srv, stopped);
    if (found.said.found())
        found.said.text.clear();
    else if (found.said.denied())
        found.said.text = serviceDenial(found.said, *name, found.answer.name, settings_);
    return found;
}

ServiceAnswer Lookup::services(const std::string& domain, const Stopped& stopped) {
    ServiceAnswer out;
    const Finding asked = findServices(domain, stopped);
    out.said = asked.said;
    out.note = noteOf(asked.answer);
    if (!out.said.found())
        return out;
    out.ttl = asked.answer.ttl;

    const bool system = resolvers_.empty();
    const auto resolvers = this->resolvers();
    const Monotonic until = std::chrono::steady_clock::now() + limits_.total;
    std::map<std::string, AddressAnswer> hosts;
    for (const Service& service : asked.answer.services) {
        const auto [known, fresh] = hosts.try_emplace(service.target);
        AddressAnswer& host = known->second;
        if (fresh) {
            if (system)
                host.addresses = addressesInHosts(hostsFile_, service.target);
            if (host.addresses.empty())
                for (const Glue& glue : asked.answer.glue)
                    if (glue.host == service.target && host.addresses.size() < kMaxAddresses &&
                        std::find(host.addresses.begin(), host.addresses.end(), glue.address) == host.addresses.end())
                        host.addresses.push_back(glue.address);
            if (!host.addresses.empty()) {
                host.said = {LookupCode::found, {}, out.said.resolver};
                host.ttl = out.ttl;
            } else if (const auto numeric = numericAddress(service.target)) {
                host.said = {LookupCode::found, {}, out.said.resolver};  // against RFC 2782, and seen all the same
                host.ttl = out.ttl;
                host.addresses.push_back(*numeric);
            } else {
                host = byDns(resolvers, service.target, until, stopped);
                if (host.said.code == LookupCode::stopped) {
                    out.said = host.said;
                    out.records.clear();
                    return out;
                }
                if (host.said.found())
                    host.said.text.clear();
                else if (host.said.denied())
                    host.said.text = addressDenial(host.said, service.target);
            }
            sortAddresses(host.addresses);
            if (host.said.found())
                out.ttl = std::min(out.ttl, host.ttl);
        }
        out.records.push_back({service.priority, service.weight, service.port, service.target, host});
    }
    return out;
}

}  // namespace muster::dns
