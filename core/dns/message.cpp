#include "dns/message.h"

#include <algorithm>
#include <array>
#include <limits>
#include <tuple>
#include <utility>

#include "dns/wire.h"

namespace muster::dns {

namespace {

using namespace wire;

constexpr std::size_t kMaxText = 253;
constexpr std::size_t kMaxLabel = 63;

/// One letter of a name; nothing else is let in, so that a name can be shown, logged and kept as it is.
bool nameCharacter(char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

/// A zone's name of the wire as text; "." for the root.
std::optional<std::string> zoneText(std::string_view octets) {
    return octets.size() == 1 ? std::optional<std::string>(".") : textOf(octets);
}

bool is(const RawRecord& record, Type type) noexcept {
    return record.type == static_cast<std::uint16_t>(type) && record.of == kIn;
}

std::chrono::seconds ttlOf(const RawRecord& record) noexcept {
    return std::chrono::seconds((record.ttl & kTopBit) != 0 ? 0 : record.ttl);
}

/// False for what is no host's own address: unspecified, multicast, broadcast, link-local without its interface.
bool isHosts(const Address& address) noexcept {
    const auto& octets = address.octets;
    if (address.isV4())
        return octets[12] != 0 && octets[12] < 224;
    const bool unspecified = std::all_of(octets.begin(), octets.end(), [](std::uint8_t octet) { return octet == 0; });
    return !unspecified && octets[0] != 0xFF && !(octets[0] == 0xFE && (octets[1] & 0xC0) == 0x80);
}

void take(std::vector<Address>& addresses, const Address& address) {
    if (addresses.size() < kMaxAddresses && isHosts(address) &&
        std::find(addresses.begin(), addresses.end(), address) == addresses.end())
        addresses.push_back(address);
}

tl::unexpected<Error> malformed(std::string what) {
    return fail(Code::malformed, "DNS answer", std::move(what));
}

class Interpreter {
public:
    Interpreter(const Reader& reader, const Question& question) : reader_(reader), question_(question) {}

    Result<Answer> run() {
        if (auto step = header(); !step)
            return fail(step.error());
        if (answer_.truncated || !asked_)
            return answer_;
        const std::size_t count = reader_.word(6);
        if (count > kMaxRecords)
            return malformed(std::to_string(count) + " records, more than " + std::to_string(kMaxRecords));
        for (std::size_t i = 0; i < count; ++i) {
            auto record = reader_.record(at_);
            if (!record)
                return malformed("record " + std::to_string(i + 1) + " of its answer cannot be read");
            at_ = record->next;
            records_.push_back(std::move(*record));
        }
        if (auto step = followAliases(); !step)
            return fail(step.error());
        if (auto step = collect(); !step)
            return fail(step.error());
        rest();
        answer_.ttl = std::chrono::seconds(ttl_ == kNoTtl ? 0 : ttl_);
        return answer_;
    }

private:
    static constexpr std::uint32_t kNoTtl = std::numeric_limits<std::uint32_t>::max();

    Result<void> header() {
        const auto stranger = [](const char* why) { return fail(Code::conflict, "DNS answer", why); };
        if (reader_.left(0) < kHeader)
            return stranger("shorter than a header");
        if (reader_.word(0) != question_.id)
            return stranger("another id than the question's");
        const std::uint8_t flags = reader_.octet(2);
        if ((flags & 0x80U) == 0 || (flags & 0x78U) != 0)
            return stranger("not an answer to a query");
        answer_.authoritative = (flags & 0x04U) != 0;
        answer_.truncated = (flags & 0x02U) != 0;
        answer_.recursive = (reader_.octet(3) & 0x80U) != 0;
        answer_.rcode = static_cast<Rcode>(reader_.octet(3) & 0x0FU);
        answer_.type = question_.type;
        answer_.name = question_.name;
        at_ = kHeader;
        const std::uint16_t questions = reader_.word(4);
        // A server that could not read the question does not repeat it.
        if (questions == 0 && (answer_.rcode == Rcode::formatError || answer_.rcode == Rcode::notImplemented)) {
            answer_.truncated = false;
            return {};
        }
        const auto name = questions == 1 ? reader_.name(at_) : std::nullopt;
        if (!name || reader_.left(at_) < 4 || *name != wireOf(question_.name) ||
            reader_.word(at_) != static_cast<std::uint16_t>(question_.type) || reader_.word(at_ + 2) != kIn)
            return stranger("another question than ours");
        at_ += 4;
        asked_ = true;
        return {};
    }

    Result<void> followAliases() {
        owner_ = wireOf(question_.name);
        for (std::size_t steps = 0;; ++steps) {
            const auto alias = std::find_if(records_.begin(), records_.end(), [&](const RawRecord& record) {
                return is(record, Type::cname) && record.owner == owner_;
            });
            if (alias == records_.end())
                return {};
            if (steps == kMaxAliases)
                return malformed("more than " + std::to_string(kMaxAliases) +
                                 " aliases (CNAME) one after the other, or a circle of them, begin at " +
                                 question_.name);
            const auto rr = reader_.data(*alias, 1);
            if (!rr)
                return malformed("an alias (CNAME) cannot be read");
            std::string target = lowered(octetsOf(ldns_rr_rdf(rr.get(), 0)));
            const auto text = textOf(target);
            if (!text)
                return malformed("an alias (CNAME) leads to a name that no host can have");
            lowerTtl(*alias);
            owner_ = std::move(target);
            answer_.name = *text;
        }
    }

    Result<void> collect() {
        std::uint32_t least = kNoTtl;
        for (const RawRecord& record : records_) {
            if (record.owner != owner_ || !is(record, question_.type))
                continue;
            if (auto step = matching(record); !step)
                return step;
            ++answer_.matching;
            lowerTtl(record);
            least = std::min(least, static_cast<std::uint32_t>(ttlOf(record).count()));
        }
        answer_.recordTtl = std::chrono::seconds(least == kNoTtl ? 0 : least);
        auto& services = answer_.services;
        const auto key = [](const Service& s) { return std::tie(s.priority, s.target, s.port, s.weight); };
        std::sort(services.begin(), services.end(), [&](const auto& a, const auto& b) { return key(a) < key(b); });
        services.erase(std::unique(services.begin(), services.end(),
                                   [&](const auto& a, const auto& b) { return key(a) == key(b); }),
                       services.end());
        if (services.size() > kMaxServices) {
            answer_.surplus = services.size() - kMaxServices;
            services.resize(kMaxServices);
        }
        return {};
    }

    Result<void> matching(const RawRecord& record) {
        switch (question_.type) {
            case Type::srv:
                return service(record);
            case Type::soa:
                answer_.soa = soa(record);
                return answer_.soa ? Result<void>() : malformed("a SOA record cannot be read");
            case Type::ns:
                return nameServer(record) ? Result<void>() : malformed("an NS record cannot be read");
            default:
                break;
        }
        const auto address = addressOf(reader_, record);
        if (!address)
            return malformed("an address record cannot be read");
        take(answer_.addresses, *address);
        return {};
    }

    std::optional<Soa> soa(const RawRecord& record) const {
        const auto rr = reader_.data(record, 7);
        auto zone = zoneText(record.owner);
        if (!rr || !zone)
            return std::nullopt;
        Soa soa;
        soa.zone = std::move(*zone);
        soa.primary = textOf(octetsOf(ldns_rr_rdf(rr.get(), 0))).value_or("");
        soa.serial = ldns_rdf2native_int32(ldns_rr_rdf(rr.get(), 2));
        soa.ttl = ttlOf(record);
        soa.minimum = std::chrono::seconds(ldns_rdf2native_int32(ldns_rr_rdf(rr.get(), 6)));
        return soa;
    }

    /// False: it cannot be read. A target that is no host's name is passed over.
    bool nameServer(const RawRecord& record) {
        const auto rr = reader_.data(record, 1);
        if (!rr)
            return false;
        auto target = textOf(octetsOf(ldns_rr_rdf(rr.get(), 0)));
        auto& known = answer_.nameServers;
        if (!target)
            return true;
        const auto place = std::lower_bound(known.begin(), known.end(), *target);
        if (place == known.end() || *place != *target)
            known.insert(place, std::move(*target));
        if (known.size() > kMaxNameServers)
            known.pop_back();
        return true;
    }

    Result<void> service(const RawRecord& record) {
        const auto rr = reader_.data(record, 4);
        if (!rr)
            return malformed("an SRV record cannot be read");
        const std::string_view target = octetsOf(ldns_rr_rdf(rr.get(), 3));
        if (target.size() == 1) {
            answer_.noService = true;
            return {};
        }
        Service service{ldns_rdf2native_int16(ldns_rr_rdf(rr.get(), 0)),
                        ldns_rdf2native_int16(ldns_rr_rdf(rr.get(), 1)),
                        ldns_rdf2native_int16(ldns_rr_rdf(rr.get(), 2)),
                        {}};
        auto text = textOf(target);
        if (!text || service.port == 0) {
            ++answer_.unusable;
            return {};
        }
        service.target = std::move(*text);
        answer_.services.push_back(std::move(service));
        return {};
    }

    /// Authority and additional section: much is answered without them, so that a mistake there ends the reading only.
    void rest() {
        const std::size_t authority = reader_.word(8);
        const std::size_t count = std::min(authority + reader_.word(10), kMaxRecords);
        for (std::size_t i = 0; i < count; ++i) {
            const auto record = reader_.record(at_);
            if (!record)
                break;
            at_ = record->next;
            if (i < authority)
                authorityRecord(*record);
            else if (record->type == kOpt)  // RFC 6891 6.1.3: the upper octet of the code
                answer_.rcode = static_cast<Rcode>((record->ttl >> 24U) << 4U |
                                                   (static_cast<std::uint16_t>(answer_.rcode) & 0x0FU));
            else if (is(*record, Type::a) || is(*record, Type::aaaa))
                glue(*record);
        }
        const bool referral = !answer_.authoritative && !answer_.soa && answer_.matching == 0;
        if (referral && servedZone_.size() > 1)
            answer_.delegated = textOf(servedZone_).value_or("");
    }

    /// Only of zones that the name is in: a server's word about others is worth nothing (RFC 2181 5.4.1).
    void authorityRecord(const RawRecord& record) {
        if (!within(owner_, record.owner))
            return;
        if (is(record, Type::soa) && answer_.matching == 0 && !answer_.soa)
            answer_.soa = soa(record);
        else if (is(record, Type::ns) && question_.type != Type::ns &&
                 (servedZone_.empty() || servedZone_ == record.owner)) {
            servedZone_ = record.owner;
            nameServer(record);
        }
    }

    bool wantsGlue(const std::string& host) const {
        const auto& servers = answer_.nameServers;
        return std::any_of(answer_.services.begin(), answer_.services.end(),
                           [&](const Service& service) { return service.target == host; }) ||
               std::binary_search(servers.begin(), servers.end(), host) ||
               (answer_.soa && answer_.soa->primary == host);
    }

    void glue(const RawRecord& record) {
        if (answer_.glue.size() == kMaxServices * kMaxAddresses)
            return;
        const auto host = textOf(record.owner);
        if (!host || !wantsGlue(*host))
            return;
        const auto address = addressOf(reader_, record);
        if (!address || !isHosts(*address))
            return;
        if (question_.type == Type::srv)
            lowerTtl(record);
        answer_.glue.push_back({*host, *address});
    }

    void lowerTtl(const RawRecord& record) noexcept {
        ttl_ = std::min(ttl_, static_cast<std::uint32_t>(ttlOf(record).count()));
    }

    const Reader& reader_;
    const Question& question_;
    Answer answer_;
    std::vector<RawRecord> records_;
    std::string owner_;       // whose records are wanted, as octets of the wire
    std::string servedZone_;  // whose name servers the authority section names
    std::size_t at_ = 0;
    std::uint32_t ttl_ = kNoTtl;
    bool asked_ = false;
};

}  // namespace

std::string text(Rcode rcode) {
    constexpr std::array<const char*, 11> kNames = {"NOERROR",  "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED",
                                                    "YXDOMAIN", "YXRRSET", "NXRRSET",  "NOTAUTH",  "NOTZONE"};
    const auto number = static_cast<std::size_t>(rcode);
    return number < kNames.size() ? kNames.at(number) : std::to_string(number);
}

std::optional<std::string> plainName(std::string_view text) {
    if (text.ends_with('.'))
        text.remove_suffix(1);
    if (text.empty() || text.size() > kMaxText)
        return std::nullopt;
    std::size_t label = 0;
    for (const char c : text) {
        if (c == '.' ? label == 0 : !nameCharacter(c) || label == kMaxLabel)
            return std::nullopt;
        label = c == '.' ? 0 : label + 1;
    }
    if (label == 0)
        return std::nullopt;
    return lowered(text);
}

Result<std::vector<std::byte>> encodeQuestion(const Question& question, bool edns) {
    const auto bad = [&] { return fail(Code::malformed, question.name, "is not a name that DNS can be asked for"); };
    if (!plainName(question.name) || question.type == Type::any)
        return bad();
    Owned<ldns_rdf> owner = nameField(question.name);
    if (!owner)
        return bad();
    const Owned<ldns_pkt> packet(ldns_pkt_query_new(owner.get(), static_cast<ldns_rr_type>(question.type),
                                                    LDNS_RR_CLASS_IN, question.recursion ? LDNS_RD : 0));
    if (!packet)
        return bad();
    static_cast<void>(owner.release());  // the packet's now
    ldns_pkt_set_id(packet.get(), question.id);
    if (edns)
        ldns_pkt_set_edns_udp_size(packet.get(), kUdpPayload);
    std::uint8_t* octets = nullptr;
    std::size_t size = 0;
    const ldns_status status = ldns_pkt2wire(&octets, packet.get(), &size);
    const Owned<std::uint8_t> owned(octets);
    if (status != LDNS_STATUS_OK)
        return fail(Code::internal, question.name, ldns_get_errorstr_by_id(status));
    return copied(octets, size);
}

Result<Answer> readAnswer(Octets message, const Question& question) {
    if (message.size() > kMaxMessage)
        return malformed("longer than 65535 octets");
    const Reader reader(message);
    return Interpreter(reader, question).run();
}

}  // namespace muster::dns
