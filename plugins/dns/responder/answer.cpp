#include "answer.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string_view>

#include "ldns/ldns.h"

// ldns/common.h makes macros of these, which later headers of the standard library do not survive.
#undef bool
#undef false
#undef true

namespace muster::publisher {

namespace {

constexpr std::size_t kHeader = 12;
constexpr std::size_t kMaxName = 255;
constexpr std::size_t kMaxSections = 32;  // records that are looked through in one query
constexpr std::uint16_t kLeastPayload = 512;
constexpr std::uint16_t kIn = 1;  // types and classes: RFC 1035 3.2, RFC 6891, RFC 8945
constexpr std::uint16_t kAxfr = 252;
constexpr std::uint16_t kIxfr = 251;
constexpr std::uint16_t kAnyType = 255;
constexpr std::uint16_t kOpt = 41;
constexpr std::uint16_t kTsig = 250;

// Of the SOA: only secondaries look at the first three, and there are none.
constexpr std::uint32_t kSoaRefresh = 3600;
constexpr std::uint32_t kSoaRetry = 600;
constexpr std::uint32_t kSoaExpire = 86400;
constexpr std::uint32_t kSoaMinimum = 60;  // a denial is forgotten soon: the record may come back at any time

enum : std::uint8_t { kNoError = 0, kFormErr = 1, kNxDomain = 3, kNotImp = 4, kRefused = 5, kNotAuth = 9 };

struct Free {
    void operator()(ldns_pkt* packet) const noexcept { ldns_pkt_free(packet); }
    void operator()(ldns_rdf* rdf) const noexcept { ldns_rdf_deep_free(rdf); }
    void operator()(ldns_rr* rr) const noexcept { ldns_rr_free(rr); }
    void operator()(std::uint8_t* octets) const noexcept { std::free(octets); }
};
template <class T>
using Owned = std::unique_ptr<T, Free>;

std::string lowered(std::string_view octets) {
    std::string out(octets);
    // The length of a label is at most 63, below 'A'.
    std::transform(out.begin(), out.end(), out.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    return out;
}

std::string wireOf(std::string_view text) {
    std::string octets;
    while (!text.empty()) {
        const std::string_view label = text.substr(0, text.find('.'));
        octets += static_cast<char>(label.size());
        octets += label;
        text.remove_prefix(std::min(text.size(), label.size() + 1));
    }
    octets += '\0';
    return octets;
}

/// True where `name` is `zone` or below it; both as octets of the wire, in lower case.
bool within(std::string_view name, std::string_view zone) noexcept {
    while (name.size() > zone.size())
        name.remove_prefix(std::size_t{1} + static_cast<unsigned char>(name.front()));
    return name == zone;
}

struct Query {
    std::uint16_t id = 0;
    std::uint8_t opcode = 0;
    bool recursion = false;
    std::string name;  // as it came, for the question is given back as it was asked
    std::uint16_t type = 0;
    std::uint16_t of = 0;
    bool asked = false;  // a question could be read
    bool edns = false;
    bool wantsSecurity = false;
    std::uint8_t version = 0;
    std::uint16_t payload = kLeastPayload;
    bool isSigned = false;
    bool good = false;
};

class QueryReader {
public:
    explicit QueryReader(Octets message) : message_(message) {}

    /// Nothing: no query, to be dropped.
    std::optional<Query> read() {
        if (message_.size() < kHeader || message_.size() > kMaxQuery || (octet(2) & 0x80U) != 0)
            return std::nullopt;
        query_.id = word(0);
        query_.opcode = static_cast<std::uint8_t>(octet(2) >> 3U & 0x0FU);
        query_.recursion = (octet(2) & 0x01U) != 0;
        query_.good = question() && records();
        return query_;
    }

private:
    unsigned octet(std::size_t at) const noexcept { return std::to_integer<unsigned>(message_[at]); }
    std::uint16_t word(std::size_t at) const noexcept {
        return static_cast<std::uint16_t>(octet(at) << 8U | octet(at + 1));
    }
    std::size_t left() const noexcept { return message_.size() - at_; }

    bool question() {
        at_ = kHeader;
        if (word(4) != 1)
            return false;
        // There is nothing before it that it could point to.
        for (std::size_t size = 0;; size += octet(at_) + 1, at_ += octet(at_) + 1) {
            if (left() < 1 || octet(at_) > 63 || left() < octet(at_) + 1 || size + octet(at_) + 1 > kMaxName)
                return false;
            if (octet(at_) == 0)
                break;
        }
        ++at_;
        if (left() < 4)
            return false;
        query_.name.assign(reinterpret_cast<const char*>(message_.data()) + kHeader, at_ - kHeader);
        query_.type = word(at_);
        query_.of = word(at_ + 2);
        query_.asked = true;
        at_ += 4;
        return true;
    }

    /// Looks for EDNS and a signature; what else is there is passed over, if it can be.
    bool records() {
        const std::size_t before = std::size_t{word(6)} + word(8);
        const std::size_t count = before + word(10);
        if (count > kMaxSections)
            return false;
        for (std::size_t i = 0; i < count; ++i) {
            const bool root = left() > 0 && octet(at_) == 0;
            if (!passName() || left() < 10)
                return false;
            const std::uint16_t type = word(at_);
            const std::size_t length = word(at_ + 8);
            if (left() - 10 < length)
                return false;
            if (type == kOpt) {
                if (i < before || query_.edns || !root)  // RFC 6891 6.1.1
                    return false;
                query_.edns = true;
                query_.payload = std::max(word(at_ + 2), kLeastPayload);
                query_.version = static_cast<std::uint8_t>(octet(at_ + 5));
                query_.wantsSecurity = (octet(at_ + 6) & 0x80U) != 0;
            }
            query_.isSigned = query_.isSigned || type == kTsig;
            at_ += 10 + length;
        }
        return left() == 0;
    }

    bool passName() noexcept {
        for (std::size_t size = 0; left() > 0;) {
            const unsigned length = octet(at_);
            if (length >= 0xC0) {  // where it leads does not matter
                at_ += 2;
                return at_ <= message_.size();
            }
            size += length + 1;
            if (length > 63 || left() < length + 1 || size > kMaxName)
                return false;
            at_ += length + 1;
            if (length == 0)
                return true;
        }
        return false;
    }

    Octets message_;
    Query query_;
    std::size_t at_ = 0;
};

/// The answer as ldns puts it together. Out of memory it stays empty, and nothing is sent.
class Answer {
public:
    explicit Answer(const Query& query) : packet_(ldns_pkt_new()) {
        if (!packet_)
            return;
        ldns_pkt_set_id(packet_.get(), query.id);
        ldns_pkt_set_qr(packet_.get(), 1);
        ldns_pkt_set_opcode(packet_.get(), static_cast<ldns_pkt_opcode>(query.opcode));
        ldns_pkt_set_rd(packet_.get(), query.recursion);
        if (query.asked) {
            Owned<ldns_rr> rr = record(query.name, query.type, 0);
            if (rr) {
                ldns_rr_set_question(rr.get(), 1);
                ldns_rr_set_class(rr.get(), static_cast<ldns_rr_class>(query.of));
            }
            add(LDNS_SECTION_QUESTION, std::move(rr));
        }
        if (query.edns) {
            ldns_pkt_set_edns_udp_size(packet_.get(), dns::kUdpPayload);
            ldns_pkt_set_edns_do(packet_.get(), query.wantsSecurity);
        }
    }

    void code(std::uint8_t code) {
        if (packet_)
            ldns_pkt_set_rcode(packet_.get(), code);
    }
    void badVersion() {
        if (packet_)
            ldns_pkt_set_edns_extended_rcode(packet_.get(), 1);
    }
    void authoritative() {
        if (packet_)
            ldns_pkt_set_aa(packet_.get(), 1);
    }
    void cut() {
        if (packet_)
            ldns_pkt_set_tc(packet_.get(), 1);
    }

    static Owned<ldns_rr> record(std::string_view owner, std::uint16_t type, std::uint32_t ttl) {
        Owned<ldns_rr> rr(ldns_rr_new());
        if (!rr)
            return nullptr;
        ldns_rr_set_owner(rr.get(), nameField(owner).release());
        ldns_rr_set_type(rr.get(), static_cast<ldns_rr_type>(type));
        ldns_rr_set_class(rr.get(), LDNS_RR_CLASS_IN);
        ldns_rr_set_ttl(rr.get(), ttl);
        return ldns_rr_owner(rr.get()) != nullptr ? std::move(rr) : nullptr;
    }
    static Owned<ldns_rdf> nameField(std::string_view octets) {
        return Owned<ldns_rdf>(ldns_dname_new_frm_data(static_cast<std::uint16_t>(octets.size()), octets.data()));
    }
    /// @param record  changed in place; null once something failed
    static void push(Owned<ldns_rr>& record, Owned<ldns_rdf> field) {
        if (!record || !field || !ldns_rr_push_rdf(record.get(), field.get()))
            record.reset();
        else
            (void)field.release();
    }
    static void push16(Owned<ldns_rr>& record, std::uint16_t value) {
        push(record, Owned<ldns_rdf>(ldns_native2rdf_int16(LDNS_RDF_TYPE_INT16, value)));
    }
    static void push32(Owned<ldns_rr>& record, std::uint32_t value) {
        push(record, Owned<ldns_rdf>(ldns_native2rdf_int32(LDNS_RDF_TYPE_INT32, value)));
    }

    void add(ldns_pkt_section section, Owned<ldns_rr> record) {
        if (!record || !packet_ || !ldns_pkt_push_rr(packet_.get(), section, record.get()))
            packet_.reset();
        else
            (void)record.release();
    }

    std::vector<std::byte> octets() const {
        std::uint8_t* raw = nullptr;
        std::size_t size = 0;
        if (!packet_ || ldns_pkt2wire(&raw, packet_.get(), &size) != LDNS_STATUS_OK)
            return {};
        const Owned<std::uint8_t> owned(raw);
        const auto* first = reinterpret_cast<const std::byte*>(raw);
        return {first, first + size};
    }

private:
    Owned<ldns_pkt> packet_;
};

/// Answers from one zone.
class Teller {
public:
    Teller(const Query& query, const ResponderZone& zone, std::string apex, std::string name)
        : query_(query), zone_(zone), apex_(std::move(apex)), name_(std::move(name)) {
        ttl_ = static_cast<std::uint32_t>(std::clamp<std::int64_t>(zone.ttl.count(), 0, 0x7FFFFFFF));
    }

    void tell(Answer& answer) {
        answer.authoritative();
        bool said = false;
        if (name_ == apex_) {
            said = tellApex(answer);
        } else {
            bool exists = false;
            for (const ResponderZone::Host& host : zone_.hosts) {
                const std::string name = wireOf(host.name);
                if (!within(name, apex_))
                    continue;
                exists = exists || within(name, name_);  // also what lies between it and the apex (RFC 8020)
                if (name == name_)
                    said = addresses(answer, LDNS_SECTION_ANSWER, query_.name, host) || said;
            }
            if (!exists)
                answer.code(kNxDomain);
        }
        if (!said)
            soa(answer, LDNS_SECTION_AUTHORITY, std::min(ttl_, kSoaMinimum));
    }

private:
    bool wants(dns::Type type) const noexcept { return query_.type == static_cast<std::uint16_t>(type); }

    bool tellApex(Answer& answer) {
        // To "anything": the records that people mean, and not all there is (RFC 8482 4.1).
        if (wants(dns::Type::srv) || query_.type == kAnyType) {
            const std::size_t count = std::min(zone_.services.size(), kMaxAnswered);
            for (std::size_t i = 0; i < count; ++i)
                service(answer, zone_.services[i]);
            for (std::size_t i = 0; i < count; ++i)
                additional(answer, zone_.services[i].target, i);
            return count > 0;
        }
        if (wants(dns::Type::soa)) {
            soa(answer, LDNS_SECTION_ANSWER, ttl_);
            return true;
        }
        if (wants(dns::Type::ns)) {
            auto record = Answer::record(query_.name, static_cast<std::uint16_t>(dns::Type::ns), ttl_);
            Answer::push(record, Answer::nameField(wireOf(zone_.nameServer)));
            answer.add(LDNS_SECTION_ANSWER, std::move(record));
            glue(answer, zone_.nameServer);
            return true;
        }
        return false;
    }

    void service(Answer& answer, const dns::Service& service) const {
        auto record = Answer::record(query_.name, static_cast<std::uint16_t>(dns::Type::srv), ttl_);
        Answer::push16(record, service.priority);
        Answer::push16(record, service.weight);
        Answer::push16(record, service.port);
        Answer::push(record, Answer::nameField(wireOf(service.target)));
        answer.add(LDNS_SECTION_ANSWER, std::move(record));
    }
    /// The addresses of a target, once for all its records.
    void additional(Answer& answer, const std::string& target, std::size_t index) const {
        for (std::size_t i = 0; i < index; ++i)
            if (zone_.services[i].target == target)
                return;
        glue(answer, target);
    }
    void glue(Answer& answer, const std::string& name) const {
        if (!within(wireOf(name), apex_))
            return;
        for (const ResponderZone::Host& host : zone_.hosts)
            if (host.name == name)
                (void)addresses(answer, LDNS_SECTION_ADDITIONAL, wireOf(name), host);
    }
    /// @return  there were some of the kind
    bool addresses(Answer& answer, ldns_pkt_section section, const std::string& owner,
                   const ResponderZone::Host& host) const {
        bool some = false;
        for (std::size_t i = 0; i < std::min(host.addresses.size(), dns::kMaxAddresses); ++i) {
            const Address& address = host.addresses[i];
            const bool v4 = address.isV4();
            const dns::Type type = v4 ? dns::Type::a : dns::Type::aaaa;
            if (section == LDNS_SECTION_ANSWER && !wants(type) && query_.type != kAnyType)
                continue;
            const std::size_t size = v4 ? 4 : 16;
            auto record = Answer::record(owner, static_cast<std::uint16_t>(type), ttl_);
            Answer::push(record, Owned<ldns_rdf>(ldns_rdf_new_frm_data(v4 ? LDNS_RDF_TYPE_A : LDNS_RDF_TYPE_AAAA, size,
                                                                       address.octets.data() + 16 - size)));
            answer.add(section, std::move(record));
            some = true;
        }
        return some;
    }
    void soa(Answer& answer, ldns_pkt_section section, std::uint32_t ttl) const {
        auto record = Answer::record(apex_, static_cast<std::uint16_t>(dns::Type::soa), ttl);
        Answer::push(record, Answer::nameField(wireOf(zone_.nameServer)));
        Answer::push(record, Answer::nameField(wireOf("hostmaster." + zone_.domain)));
        for (const std::uint32_t value : {zone_.serial, kSoaRefresh, kSoaRetry, kSoaExpire, kSoaMinimum})
            Answer::push32(record, value);
        answer.add(section, std::move(record));
    }

    const Query& query_;
    const ResponderZone& zone_;
    std::string apex_;
    std::string name_;
    std::uint32_t ttl_ = 0;
};

Response::Kind fill(const Query& query, const std::vector<ResponderZone>& zones, Answer& answer) {
    using Kind = Response::Kind;
    if (query.opcode != 0) {
        answer.code(kNotImp);
        return Kind::other;
    }
    if (!query.good) {
        answer.code(kFormErr);
        return Kind::malformed;
    }
    if (query.version != 0) {
        answer.badVersion();
        return Kind::other;
    }
    if (query.isSigned) {  // there are no keys here
        answer.code(kNotAuth);
        return Kind::other;
    }
    const std::string name = lowered(query.name);
    if (query.of == kIn && query.type != kAxfr && query.type != kIxfr)
        for (const ResponderZone& zone : zones) {
            const std::string apex = wireOf("_vlmcs._tcp." + zone.domain);
            if (!within(name, apex))
                continue;
            Teller(query, zone, apex, name).tell(answer);
            return Kind::answered;
        }
    answer.code(kRefused);
    return Kind::refused;
}

}  // namespace

Response respond(Octets message, const std::vector<ResponderZone>& zones, Carriage carriage) {
    auto query = QueryReader(message).read();
    if (!query)
        return {};
    // A message of another opcode has sections of its own; of a broken one nothing is repeated but its id.
    if (query->opcode != 0 || !query->good)
        query->asked = query->edns = false;
    Response response;
    Answer answer(*query);
    response.kind = fill(*query, zones, answer);
    response.octets = answer.octets();
    const std::size_t limit =
        std::min<std::size_t>(query->edns ? query->payload : kLeastPayload, std::size_t{dns::kUdpPayload});
    if (carriage == Carriage::cut || (carriage == Carriage::udp && response.octets.size() > limit)) {
        Answer brief(*query);
        brief.cut();
        response.octets = brief.octets();
    }
    if (response.octets.empty())
        response.kind = Response::Kind::dropped;
    return response;
}

}  // namespace muster::publisher
