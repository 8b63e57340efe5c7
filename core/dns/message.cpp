#include "dns/message.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <ldns/ldns.h>
#include <limits>
#include <memory>
#include <tuple>
#include <utility>

namespace muster::dns {

namespace {

constexpr std::size_t kHeader = 12;
constexpr std::size_t kFixed = 10;  // type, class, TTL, length of one record
constexpr std::size_t kMaxMessage = 65535;
constexpr std::uint16_t kIn = 1;
constexpr std::uint16_t kOpt = 41;
constexpr std::size_t kMaxText = 253;
constexpr std::size_t kMaxLabel = 63;
constexpr std::uint32_t kTopBit = 0x80000000U;

struct Free {
    void operator()(ldns_rdf* rdf) const noexcept { ldns_rdf_deep_free(rdf); }
    void operator()(ldns_rr* rr) const noexcept { ldns_rr_free(rr); }
    void operator()(ldns_pkt* packet) const noexcept { ldns_pkt_free(packet); }
    void operator()(std::uint8_t* octets) const noexcept { std::free(octets); }
};
template <class T>
using Owned = std::unique_ptr<T, Free>;

/// One letter of a name; nothing else is let in, so that a name can be shown, logged and kept as it is.
bool nameCharacter(char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

char lower(char c) noexcept {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

/// A record as far as anybody here wants to know it.
struct Record {
    std::string owner;  // as in Reader::name
    std::uint16_t type = 0;
    std::uint32_t ttl = 0;
    std::size_t at = 0;    // where the record begins
    std::size_t next = 0;  // where the one after it begins
};

/// Walks over a message. Every position is checked before ldns sees it.
class Reader {
public:
    // Two octets more than there are: ldns 1.8 looks at the octet behind a name's last label before it checks.
    explicit Reader(Octets message) : wire_(message.size() + 2), size_(message.size()) {
        std::transform(message.begin(), message.end(), wire_.begin(),
                       [](std::byte octet) { return std::to_integer<std::uint8_t>(octet); });
    }

    std::size_t left(std::size_t at) const noexcept { return at < size_ ? size_ - at : 0; }
    std::uint16_t word(std::size_t at) const noexcept { return ldns_read_uint16(wire_.data() + at); }
    std::uint8_t octet(std::size_t at) const noexcept { return wire_[at]; }

    /// The name at `at` as octets of the wire, uncompressed, in lower case (the length of a label is below 'A').
    std::optional<std::string> name(std::size_t& at) const {
        ldns_rdf* read = nullptr;
        if (ldns_wire2dname(&read, wire_.data(), size_, &at) != LDNS_STATUS_OK)
            return std::nullopt;
        const Owned<ldns_rdf> owned(read);
        std::string octets(reinterpret_cast<const char*>(ldns_rdf_data(read)), ldns_rdf_size(read));
        std::transform(octets.begin(), octets.end(), octets.begin(), lower);
        return octets;
    }

    std::optional<Record> record(std::size_t at) const {
        Record record;
        record.at = at;
        auto owner = name(at);
        if (!owner || left(at) < kFixed)
            return std::nullopt;
        record.owner = std::move(*owner);
        record.type = word(at);
        const std::uint16_t of = word(at + 2);
        record.ttl = ldns_read_uint32(wire_.data() + at + 4);
        const std::size_t length = word(at + 8);
        at += kFixed;
        if (left(at) < length)
            return std::nullopt;
        record.next = at + length;
        if (record.type != kOpt && of != kIn)
            record.type = 0;  // of another class: nobody's
        return record;
    }

    /// The record's data by ldns, if they fill the length that the record says.
    Owned<ldns_rr> data(const Record& record, std::size_t fields) const {
        ldns_rr* read = nullptr;
        std::size_t at = record.at;
        if (ldns_wire2rr(&read, wire_.data(), size_, &at, LDNS_SECTION_ANSWER) != LDNS_STATUS_OK)
            return nullptr;
        Owned<ldns_rr> owned(read);
        return at == record.next && ldns_rr_rd_count(read) == fields ? std::move(owned) : nullptr;
    }

private:
    std::vector<std::uint8_t> wire_;
    std::size_t size_;
};

std::string_view octetsOf(const ldns_rdf* rdf) noexcept {
    return {reinterpret_cast<const char*>(ldns_rdf_data(rdf)), ldns_rdf_size(rdf)};
}

/// A name of the wire as text; nothing if it is the root or has characters that no host's name has.
std::optional<std::string> textOf(std::string_view octets) {
    std::string text;
    while (!octets.empty() && octets.front() != 0) {
        const auto length = static_cast<unsigned char>(octets.front());
        if (octets.size() <= length)
            return std::nullopt;
        if (!text.empty())
            text += '.';
        text += octets.substr(1, length);
        // A dot inside a label would look like two labels.
        if (text.find('.', text.size() - length) != std::string::npos)
            return std::nullopt;
        octets.remove_prefix(std::size_t{1} + length);
    }
    return plainName(text);
}

/// The text of plainName() as octets of the wire.
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

std::optional<Address> addressOf(const Reader& reader, const Record& record) {
    const auto rr = reader.data(record, 1);
    if (!rr)
        return std::nullopt;
    const std::string_view data = octetsOf(ldns_rr_rdf(rr.get(), 0));
    Address address;
    if (data.size() == 4) {
        address.octets[10] = address.octets[11] = 0xFF;
        std::memcpy(address.octets.data() + 12, data.data(), 4);
    } else if (data.size() == 16) {
        std::memcpy(address.octets.data(), data.data(), 16);
    } else {
        return std::nullopt;
    }
    return address;
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
            const auto alias = std::find_if(records_.begin(), records_.end(), [&](const Record& record) {
                return record.type == static_cast<std::uint16_t>(Type::cname) && record.owner == owner_;
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
            std::string target(octetsOf(ldns_rr_rdf(rr.get(), 0)));
            std::transform(target.begin(), target.end(), target.begin(), lower);
            const auto text = textOf(target);
            if (!text)
                return malformed("an alias (CNAME) leads to a name that no host can have");
            lowerTtl(*alias);
            owner_ = std::move(target);
            answer_.name = *text;
        }
    }

    Result<void> collect() {
        for (const Record& record : records_) {
            if (record.owner != owner_ || record.type != static_cast<std::uint16_t>(question_.type))
                continue;
            if (question_.type == Type::srv) {
                if (auto step = service(record); !step)
                    return step;
            } else {
                const auto address = addressOf(reader_, record);
                if (!address)
                    return malformed("an address record cannot be read");
                take(answer_.addresses, *address);
            }
            lowerTtl(record);
        }
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

    Result<void> service(const Record& record) {
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

    /// Authority and additional section: nothing in them is needed, so that a mistake there ends the reading only.
    void rest() {
        const std::size_t authority = reader_.word(8);
        const std::size_t count = std::min(authority + reader_.word(10), kMaxRecords);
        for (std::size_t i = 0; i < count; ++i) {
            const auto record = reader_.record(at_);
            if (!record)
                return;
            at_ = record->next;
            if (i < authority)
                continue;
            if (record->type == kOpt)  // RFC 6891 6.1.3: the upper octet of the code
                answer_.rcode = static_cast<Rcode>((record->ttl >> 24U) << 4U |
                                                   (static_cast<std::uint16_t>(answer_.rcode) & 0x0FU));
            if (record->type == static_cast<std::uint16_t>(Type::a) ||
                record->type == static_cast<std::uint16_t>(Type::aaaa))
                glue(*record);
        }
    }

    void glue(const Record& record) {
        if (question_.type != Type::srv || answer_.glue.size() == kMaxServices * kMaxAddresses)
            return;
        const auto host = textOf(record.owner);
        if (!host || std::none_of(answer_.services.begin(), answer_.services.end(),
                                  [&](const Service& service) { return service.target == *host; }))
            return;
        const auto address = addressOf(reader_, record);
        if (!address || !isHosts(*address))
            return;
        lowerTtl(record);
        answer_.glue.push_back({*host, *address});
    }

    void lowerTtl(const Record& record) noexcept {
        ttl_ = std::min(ttl_, (record.ttl & kTopBit) != 0 ? 0 : record.ttl);
    }

    const Reader& reader_;
    const Question& question_;
    Answer answer_;
    std::vector<Record> records_;
    std::string owner_;  // whose records are wanted, as octets of the wire
    std::size_t at_ = 0;
    std::uint32_t ttl_ = kNoTtl;
    bool asked_ = false;
};

}  // namespace

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
    std::string name(text);
    std::transform(name.begin(), name.end(), name.begin(), lower);
    return name;
}

Result<std::vector<std::byte>> encodeQuestion(const Question& question, bool edns) {
    const auto bad = [&] { return fail(Code::malformed, question.name, "is not a name that DNS can be asked for"); };
    if (!plainName(question.name))
        return bad();
    ldns_rdf* owner = ldns_dname_new_frm_str((question.name + ".").c_str());
    if (owner == nullptr)
        return bad();
    const Owned<ldns_pkt> packet(
        ldns_pkt_query_new(owner, static_cast<ldns_rr_type>(question.type), LDNS_RR_CLASS_IN, LDNS_RD));
    if (!packet) {
        ldns_rdf_deep_free(owner);
        return bad();
    }
    ldns_pkt_set_id(packet.get(), question.id);
    if (edns)
        ldns_pkt_set_edns_udp_size(packet.get(), kUdpPayload);
    std::uint8_t* octets = nullptr;
    std::size_t size = 0;
    const ldns_status status = ldns_pkt2wire(&octets, packet.get(), &size);
    const Owned<std::uint8_t> owned(octets);
    if (status != LDNS_STATUS_OK)
        return fail(Code::internal, question.name, ldns_get_errorstr_by_id(status));
    std::vector<std::byte> message(size);
    std::memcpy(message.data(), octets, size);
    return message;
}

Result<Answer> readAnswer(Octets message, const Question& question) {
    if (message.size() > kMaxMessage)
        return malformed("longer than 65535 octets");
    const Reader reader(message);
    return Interpreter(reader, question).run();
}

}  // namespace muster::dns
