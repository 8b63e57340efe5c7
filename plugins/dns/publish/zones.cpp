#include "publish/zones.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "dns/system_names.h"

namespace muster::publisher {

namespace {

constexpr std::size_t kMaxServers = 8;

tl::unexpected<Trouble> trouble(std::uint32_t hresult, const char* code, std::string sentence) {
    return tl::unexpected<Trouble>(Trouble{hresult, code, "", std::move(sentence)});
}

/// "corp.example" of "_vlmcs._tcp.corp.example" step by step; empty after the last label.
std::string parentOf(const std::string& name) {
    const std::size_t dot = name.find('.');
    return dot == std::string::npos ? std::string() : name.substr(dot + 1);
}

std::string spoken(const Address& address) {
    return address.port == 53 ? address.host() : address.text();
}

class Finder {
public:
    Finder(const std::string& name, const std::string& zone, const std::string& server, Outside& outside,
           const dns::Stopped& stopped)
        : name_(name), zone_(zone), server_(server), outside_(outside), stopped_(stopped) {}

    Zoned run() {
        if (!zone_.empty() && !isWithin(name_, zone_))
            return trouble(fromDnsError(9010), "outside-zone",
                           name_ + " is not in zone " + zone_ +
                               ": \"zone\" of this domain is wrong; without it the zone "
                               "is found by SOA.");
        if (!server_.empty())
            return byServer();
        return byResolvers();
    }

private:
    // --- the settings name the server: it knows its own zones

    Zoned byServer() {
        const auto given = parseServer(server_);
        if (!given)
            return trouble(fromDnsError(9560), "bad-server",
                           "\"" + server_ + "\" is no server; write HOST, HOST:PORT or an address.");
        NameServer primary;
        primary.name = given->host;
        primary.primary = true;
        if (auto found = resolve(primary, given->port); !found)
            return tl::unexpected<Trouble>(found.error());
        Zone out;
        out.apex = zone_;
        if (zone_.empty()) {
            auto apex = askServer(primary);
            if (!apex)
                return tl::unexpected<Trouble>(std::move(apex.error()));
            out.apex = std::move(*apex);
        }
        out.servers.push_back(std::move(primary));
        addNameServers(out);
        return out;
    }

    tl::expected<std::string, Trouble> askServer(const NameServer& primary) {
        dns::Reply reply;
        for (std::string at = name_; !at.empty(); at = parentOf(at)) {
            reply = askAny(primary, at, dns::Type::soa);
            if (reply.ending != dns::Ending::answered)
                return tl::unexpected<Trouble>(unanswered(primary, reply));
            const dns::Answer& answer = reply.answer;
            if (answer.soa && isWithin(name_, answer.soa->zone))
                return answer.soa->zone;
            if (!answer.delegated.empty())
                return trouble(fromDnsError(9009), "delegated",
                               primary.text() + " has handed zone " + answer.delegated + " over to " +
                                   (answer.nameServers.empty() ? "others" : answer.nameServers.front()) +
                                   ": name that one with \"server\", or leave \"server\" out.");
        }
        return trouble(fromDnsError(9009), "not-served",
                       primary.text() + " serves no zone that " + name_ + " is in (" + dns::text(reply.answer.rcode) +
                           "): \"server\" is wrong, or \"domain\" is.");
    }

    // --- the resolvers know where it is

    Zoned byResolvers() {
        std::optional<dns::Soa> soa;
        if (zone_.empty()) {
            dns::Said said;
            for (std::string at = name_; !at.empty() && !soa; at = parentOf(at)) {
                dns::Finding finding = outside_.find(at, dns::Type::soa, stopped_);
                said = finding.said;
                if (!said.found() && !said.denied())
                    return tl::unexpected<Trouble>(unresolved(said));
                if (finding.answer.soa && isWithin(name_, finding.answer.soa->zone))
                    soa = finding.answer.soa;
            }
            if (!soa || soa->zone.find('.') == std::string::npos)
                return trouble(fromDnsError(9003), "no-zone",
                               "No zone of " + name_ + " is known to the resolvers" +
                                   (said.resolver == Address{} ? "" : " (" + spoken(said.resolver) + ")") +
                                   (soa ? ": what they answer comes from the zone \"" + soa->zone + "\" far above it"
                                        : std::string()) +
                                   ". Let setting dns.resolvers name the company's own, or give \"zone\" and "
                                   "\"server\" to this domain.");
        } else {
            const dns::Finding finding = outside_.find(zone_, dns::Type::soa, stopped_);
            if (!finding.said.found() && !finding.said.denied())
                return tl::unexpected<Trouble>(unresolved(finding.said));
            if (!finding.answer.soa || finding.answer.soa->zone != zone_)
                return trouble(fromDnsError(9003), "no-zone",
                               zone_ +
                                   " is no zone for the resolvers (it has no SOA record): \"zone\" is wrong, or "
                                   "give \"server\" to this domain, too.");
            soa = finding.answer.soa;
        }
        Zone out;
        out.apex = soa->zone;
        if (soa->primary.empty())
            return trouble(fromDnsError(9714), "no-primary",
                           "Zone " + out.apex +
                               " names no primary server (the MNAME of its SOA record is no host); give "
                               "\"server\" to this domain.");
        NameServer primary;
        primary.name = soa->primary;
        primary.primary = true;
        if (auto found = resolve(primary, 53); !found)
            return trouble(found.error().hresult, "primary-unknown",
                           "Zone " + out.apex + " names " + soa->primary +
                               " as its primary server (SOA), which is not found from here: " + found.error().sentence +
                               " If the primary is hidden, give \"server\" to this domain.");
        out.servers.push_back(std::move(primary));
        addNameServers(out);
        return out;
    }

    // --- both

    tl::expected<void, Trouble> resolve(NameServer& server, std::uint16_t port) {
        const dns::AddressAnswer answer = outside_.addresses(server.name, stopped_);
        if (!answer.said.found() || answer.addresses.empty()) {
            Trouble why = unresolved(answer.said);
            why.sentence = server.name + ": " + why.sentence;
            return tl::unexpected<Trouble>(std::move(why));
        }
        server.addresses = answer.addresses;
        for (Address& address : server.addresses)
            address.port = port;
        return {};
    }

    void addNameServers(Zone& zone) {
        const NameServer primary = zone.primary();
        dns::Reply reply = askAny(primary, zone.apex, dns::Type::ns);
        std::vector<std::string> names = reply.answer.nameServers;
        std::vector<dns::Glue> glue = reply.answer.glue;
        if (reply.ending != dns::Ending::answered || names.empty()) {
            if (server_.empty()) {
                const dns::Finding finding = outside_.find(zone.apex, dns::Type::ns, stopped_);
                names = finding.answer.nameServers;
                glue = finding.answer.glue;
            }
            if (names.empty()) {
                zone.note = "its NS records could not be read: only the primary is looked at";
                return;
            }
        }
        for (const std::string& name : names) {
            if (zone.servers.size() >= kMaxServers) {
                zone.note = "it has more name servers than " + std::to_string(kMaxServers) +
                            "; the others are not "
                            "looked at";
                break;
            }
            if (stopped_())
                return;
            addNameServer(zone, name, glue);
        }
    }

    void addNameServer(Zone& zone, const std::string& name, const std::vector<dns::Glue>& glue) {
        const NameServer& primary = zone.primary();
        if (name == primary.name)
            return;
        NameServer server;
        server.name = name;
        for (const dns::Glue& one : glue)
            if (one.host == name)
                server.addresses.push_back(one.address);
        if (server.addresses.empty()) {
            const dns::AddressAnswer answer = outside_.addresses(name, stopped_);
            server.addresses = answer.addresses;
            if (server.addresses.empty())
                server.problem = "its name has no address here: " + answer.said.text;
        }
        for (Address& address : server.addresses) {
            address.port = 53;
            for (const Address& known : primary.addresses)
                if (known.octets == address.octets)
                    address.port = known.port;
        }
        // The settings may name the primary by its address, or by another name than NS does.
        const auto isPrimary =
            std::any_of(server.addresses.begin(), server.addresses.end(), [&](const Address& address) {
                return std::find(primary.addresses.begin(), primary.addresses.end(), address) !=
                       primary.addresses.end();
            });
        if (isPrimary) {
            if (dns::numericAddress(primary.name))
                zone.servers.front().name = name;
            return;
        }
        zone.servers.push_back(std::move(server));
    }

    dns::Reply askAny(const NameServer& server, const std::string& name, dns::Type type) {
        dns::Reply reply;
        for (const Address& address : server.addresses) {
            reply = outside_.ask(address, name, type, stopped_);
            if (reply.ending == dns::Ending::answered || reply.ending == dns::Ending::stopped)
                break;
        }
        return reply;
    }

    static Trouble unanswered(const NameServer& server, const dns::Reply& reply) {
        if (reply.ending == dns::Ending::timedOut)
            return {kTimeout, "timeout", "",
                    server.text() + " does not answer. It may be down, or a firewall drops UDP and TCP 53 to it."};
        if (reply.ending == dns::Ending::unreachable)
            return {kUnreachable, "unreachable", "", server.text() + " cannot be reached: " + reply.words + "."};
        return {kBadPacket, "broken-answer", "",
                server.text() + " answered with what cannot be read: " + reply.words + "."};
    }

    static Trouble unresolved(const dns::Said& said) {
        switch (said.code) {
            case dns::LookupCode::noName:
                return {fromDnsError(9003), "no-name", "", said.text.empty() ? "the name does not exist." : said.text};
            case dns::LookupCode::serverFailure:
                return {fromDnsError(9002), "resolver-failed", "", said.text};
            case dns::LookupCode::refused:
                return {fromDnsError(9005), "resolver-refused", "", said.text};
            case dns::LookupCode::timedOut:
                return {kTimeout, "resolver-timeout", "", said.text};
            case dns::LookupCode::unreachable:
                return {kUnreachable, "resolver-unreachable", "", said.text};
            case dns::LookupCode::stopped:
                return {kTimeout, "stopped", "", "It was given up."};
            default:
                return {fromDnsError(9501), "no-records", "",
                        said.text.empty() ? "the name has no address." : said.text};
        }
    }

    const std::string& name_;
    const std::string& zone_;
    const std::string& server_;
    Outside& outside_;
    const dns::Stopped& stopped_;
};

}  // namespace

std::string NameServer::text() const {
    const std::string address = addresses.empty() ? "" : spoken(addresses.front());
    if (address.empty() || address == name || dns::numericAddress(name))
        return address.empty() ? name : address;
    return name + " (" + address + ")";
}

Zoned findZone(const std::string& name, const std::string& zone, const std::string& server, Outside& outside,
               const dns::Stopped& stopped) {
    return Finder(name, zone, server, outside, stopped).run();
}

std::optional<HostPort> parseServer(std::string_view text) {
    HostPort out;
    if (const auto address = dns::numericAddress(text)) {
        out.host = address->host();
        return out;
    }
    if (const auto address = Address::parse(text)) {
        if (address->port == 0)
            return std::nullopt;
        out.host = address->host();
        out.port = address->port;
        return out;
    }
    if (const std::size_t colon = text.rfind(':'); colon != std::string_view::npos) {
        const std::string_view number = text.substr(colon + 1);
        const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), out.port);
        if (error != std::errc() || end != number.data() + number.size() || out.port == 0)
            return std::nullopt;
        text = text.substr(0, colon);
    }
    const auto plain = dns::plainName(text);
    if (!plain)
        return std::nullopt;
    out.host = *plain;
    return out;
}

}  // namespace muster::publisher
