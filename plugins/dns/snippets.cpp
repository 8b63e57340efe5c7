#include "snippets.h"

namespace muster::publisher {

namespace {

class Writer {
public:
    explicit Writer(const SnippetInput& input)
        : wish_(input.wish),
          input_(input),
          zone_(input.zone.empty() ? input.wish.domain : input.zone),
          owner_(ownerOf(input.wish.domain)),
          key_(input.wish.key.empty() ? "muster-update" : input.wish.key),
          algorithm_(input.algorithm.empty() ? "hmac-sha256" : input.algorithm) {}

    std::string bind() const {
        std::string out = by("//");
        out += "// named.conf: the key (make it with: tsig-keygen -a " + algorithm_ + " " + key_ + ")\n";
        out += "key \"" + key_ + "\" { algorithm " + algorithm_ + "; secret \"…\"; };\n";
        out += "// named.conf, in zone \"" + zone_ + "\": this appliance may write this one name\n";
        out += "update-policy {\n    grant " + key_ + " name " + owner_ + ". SRV;\n";
        if (addressesThere())
            out += "    grant " + key_ + " name " + wish_.target + ". A AAAA;\n";
        out += "};\n// named must be able to write the .jnl beside the zone file.\n";
        out += "// Or by hand, into the zone file (raise the serial, then: rndc reload " + zone_ + "):\n";
        return out + zoneLines("");
    }

    std::string knot() const {
        std::string out = by("#");
        out += "# knot.conf: the key (make it with: keymgr -t " + key_ + " " + algorithm_ + ")\n";
        out += "key:\n  - id: " + key_ + "\n    algorithm: " + algorithm_ + "\n    secret: …\n";
        out += "acl:\n  - id: muster\n    key: " + key_ + "\n    action: update\n    update-type: [SRV" +
               (addressesThere() ? ", A, AAAA" : "") + "]\n    update-owner: name\n    update-owner-match: equal\n" +
               "    update-owner-name: [" + relative(owner_) + (addressesThere() ? ", " + relative(wish_.target) : "") +
               "]\n";
        out += "zone:\n  - domain: " + zone_ + "\n    acl: muster\n    journal-content: changes\n";
        out += "# Or by hand: knotc zone-begin " + zone_ + "\n";
        for (const dns::Record& record : records())
            out += "#   knotc zone-set " + zone_ + " " + record.name + ". " + std::to_string(record.ttl.count()) + " " +
                   dns::name(record.type) + " " + data(record) + "\n";
        return out + "#   knotc zone-commit " + zone_ + "\n";
    }

    std::string powerDns() const {
        std::string out = by("#");
        out += "# pdns.conf\ndnsupdate=yes\nallow-dnsupdate-from=ADDRESS-OF-THIS-APPLIANCE\n";
        out += "# in a shell, once; the policy is for the whole zone, single names need lua-dnsupdate-policy-script\n";
        out += "pdnsutil generate-tsig-key " + key_ + " " + algorithm_ + "\n";
        out += "pdnsutil set-meta " + zone_ + " TSIG-ALLOW-DNSUPDATE " + key_ + "\n";
        out += "# Or by hand:\n";
        for (const dns::Record& record : records())
            out += "#   pdnsutil add-record " + zone_ + " " + relative(record.name) + " " + dns::name(record.type) +
                   " " + std::to_string(record.ttl.count()) + " \"" + data(record) + "\"\n";
        return out + "#   pdnsutil increase-serial " + zone_ + "\n";
    }

    std::string unbound() const {
        std::string out = by("#");
        out += "# unbound.conf: Unbound takes no updates; clients that ask it get these records\nserver:\n";
        out += "    local-zone: \"" + owner_ + ".\" typetransparent\n";
        for (const dns::Record& record : records())
            out += "    local-data: \"" + text(record) + "\"\n";
        return out;
    }

    std::string dnsmasq() const {
        std::string out = by("#");
        out += "# dnsmasq.conf: dnsmasq takes no updates; clients that ask it get these records\n";
        out += "srv-host=" + owner_ + "," + wish_.target + "," + std::to_string(wish_.port) + "," +
               std::to_string(wish_.priority) + "," + std::to_string(wish_.weight) + "\n";
        for (const Address& address : wish_.addresses)
            out += "host-record=" + wish_.target + "," + address.host() + "\n";
        return out;
    }

    std::string windows() const {
        const std::string account = input_.principal.empty() ? "CORP\\muster-01$" : accountName();
        std::string out = by("#");
        out += "# PowerShell on a DNS server, or with -ComputerName\n";
        out += "Add-DnsServerResourceRecord -Srv -ZoneName \"" + zone_ + "\" -Name \"" + relative(owner_) +
               "\" -DomainName \"" + wish_.target + "\" -Priority " + std::to_string(wish_.priority) + " -Weight " +
               std::to_string(wish_.weight) + " -Port " + std::to_string(wish_.port) + " -TimeToLive " + timeSpan() +
               "\n";
        if (isWithin(wish_.target, zone_))
            for (const Address& address : wish_.addresses)
                out += std::string("Add-DnsServerResourceRecord") + (address.isV4() ? "A" : "AAAA") + " -ZoneName \"" +
                       zone_ + "\" -Name \"" + relative(wish_.target) + "\" -IPv" + (address.isV4() ? "4" : "6") +
                       "Address \"" + address.host() + "\" -TimeToLive " + timeSpan() + "\n";
        out +=
            "# So that this appliance may write it in a secure zone: all KMS hosts into one group, and that group on "
            "the name.\n";
        out += "# The host that came first owns _vlmcs; without such rights every other one is refused.\n";
        out += "New-ADGroup -Name \"KMS Hosts\" -GroupScope Global\n";
        out += "Add-ADGroupMember -Identity \"KMS Hosts\" -Members \"" + account + "\"\n";
        out += "dsacls \"DC=" + relative(owner_) + ",DC=" + zone_ + ",CN=MicrosoftDNS,DC=DomainDnsZones," +
               distinguished() + "\" /G \"KMS Hosts:GA\"\n";
        out += "# The keytab for settings dns.gss-keytab and dns.gss-principal:\n";
        out += "#   ktpass -princ " + (input_.principal.empty() ? "muster-01@CORP.EXAMPLE" : input_.principal) +
               " -mapuser " + account + " -crypto AES256-SHA1 -ptype KRB5_NT_PRINCIPAL +rndPass -out muster.keytab\n";
        return out;
    }

private:
    std::string by(const char* mark) const {
        return std::string(mark) + " " + wish_.domain + ": " + wish_.target + " port " + std::to_string(wish_.port) +
               "\n";
    }
    bool addressesThere() const { return !wish_.addresses.empty() && isWithin(wish_.target, zone_); }
    std::vector<dns::Record> records() const { return recordsOf(wish_, zone_); }
    std::string zoneLines(const char* before) const {
        std::string out;
        for (const dns::Record& record : records())
            out += before + text(record) + '\n';
        return out;
    }
    /// "_vlmcs._tcp" in zone corp.example; "@" for the apex.
    std::string relative(const std::string& name) const {
        if (name == zone_)
            return "@";
        return isWithin(name, zone_) ? name.substr(0, name.size() - zone_.size() - 1) : name + '.';
    }
    std::string timeSpan() const {
        const auto seconds = wish_.ttl.count();
        const auto two = [](long long n) { return (n < 10 ? "0" : "") + std::to_string(n); };
        return (seconds >= 86'400 ? std::to_string(seconds / 86'400) + "." : std::string()) + two(seconds / 3600 % 24) +
               ":" + two(seconds / 60 % 60) + ":" + two(seconds % 60);
    }
    /// "DC=corp,DC=example"
    std::string distinguished() const {
        std::string out = "DC=";
        for (const char c : zone_)
            out += c == '.' ? std::string(",DC=") : std::string(1, c);
        return out;
    }
    std::string accountName() const { return input_.principal.substr(0, input_.principal.find('@')); }

    const Wish& wish_;
    const SnippetInput& input_;
    const std::string zone_;
    const std::string owner_;
    const std::string key_;
    const std::string algorithm_;
};

}  // namespace

std::string snippetFor(std::string_view server, const SnippetInput& input) {
    const Writer writer(input);
    if (server == "knot")
        return writer.knot();
    if (server == "powerdns")
        return writer.powerDns();
    if (server == "unbound")
        return writer.unbound();
    if (server == "dnsmasq")
        return writer.dnsmasq();
    if (server == "windows")
        return writer.windows();
    return writer.bind();
}

}  // namespace muster::publisher
