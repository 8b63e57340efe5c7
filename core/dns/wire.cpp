#include "dns/wire.h"

#include <cstring>

#include "dns/message.h"

namespace muster::dns::wire {

namespace {

constexpr std::size_t kFixed = 10;  // type, class, TTL, length of one record
constexpr unsigned kQr = 0x80;      // in the third octet of the header
constexpr unsigned kOpcode = 0x78;

char lower(char c) noexcept {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

}  // namespace

// Two octets more than there are: ldns 1.8 looks at the octet behind a name's last label before it checks.
Reader::Reader(Octets message) : wire_(message.size() + 2), size_(message.size()) {
    std::transform(message.begin(), message.end(), wire_.begin(),
                   [](std::byte octet) { return std::to_integer<std::uint8_t>(octet); });
}

std::optional<std::string> Reader::name(std::size_t& at) const {
    ldns_rdf* read = nullptr;
    if (ldns_wire2dname(&read, wire_.data(), size_, &at) != LDNS_STATUS_OK)
        return std::nullopt;
    const Owned<ldns_rdf> owned(read);
    return lowered(octetsOf(read));
}

std::optional<RawRecord> Reader::record(std::size_t at) const {
    RawRecord record;
    record.at = at;
    auto owner = name(at);
    if (!owner || left(at) < kFixed)
        return std::nullopt;
    record.owner = std::move(*owner);
    record.type = word(at);
    record.of = word(at + 2);
    record.ttl = ldns_read_uint32(wire_.data() + at + 4);
    const std::size_t length = word(at + 8);
    at += kFixed;
    if (left(at) < length)
        return std::nullopt;
    record.next = at + length;
    return record;
}

Owned<ldns_rr> Reader::data(const RawRecord& record, std::size_t fields) const {
    ldns_rr* read = nullptr;
    std::size_t at = record.at;
    if (ldns_wire2rr(&read, wire_.data(), size_, &at, LDNS_SECTION_ANSWER) != LDNS_STATUS_OK)
        return nullptr;
    Owned<ldns_rr> owned(read);
    return at == record.next && ldns_rr_rd_count(read) == fields ? std::move(owned) : nullptr;
}

std::string_view octetsOf(const ldns_rdf* rdf) noexcept {
    return {reinterpret_cast<const char*>(ldns_rdf_data(rdf)), ldns_rdf_size(rdf)};
}

std::string lowered(std::string_view octets) {
    std::string out(octets);
    std::transform(out.begin(), out.end(), out.begin(), lower);
    return out;
}

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

bool within(std::string_view name, std::string_view zone) noexcept {
    while (name != zone) {
        const std::size_t label = name.empty() ? 0 : static_cast<unsigned char>(name.front());
        if (label == 0 || name.size() <= label)
            return false;
        name.remove_prefix(label + 1);
    }
    return true;
}

std::optional<Address> addressOf(const Reader& reader, const RawRecord& record) {
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

std::string strangeness(const Reader& answer, const Reader& request) {
    if (answer.left(0) < kHeader || request.left(0) < kHeader)
        return "shorter than a header";
    if (answer.word(0) != request.word(0))
        return "another id than the request's";
    if ((answer.octet(2) & kQr) == 0 || (answer.octet(2) & kOpcode) != (request.octet(2) & kOpcode))
        return "not an answer to a message of that kind";
    const std::uint16_t questions = answer.word(4);
    const unsigned rcode = answer.octet(3) & 0x0FU;
    if (questions == 0 && ((answer.octet(2) & kOpcode) != 0 || rcode == static_cast<unsigned>(Rcode::formatError) ||
                           rcode == static_cast<unsigned>(Rcode::notImplemented)))
        return {};
    std::size_t here = kHeader;
    std::size_t there = kHeader;
    const auto ours = request.name(there);
    const auto theirs = questions == 1 ? answer.name(here) : std::nullopt;
    const bool same = ours && theirs && *ours == *theirs && request.left(there) >= 4 && answer.left(here) >= 4 &&
                      answer.word(here) == request.word(there) && answer.word(here + 2) == request.word(there + 2);
    return same ? "" : "another question or zone than the request's";
}

Result<std::optional<RawRecord>> signatureIn(const Reader& message) {
    const auto malformed = [](std::string why) { return fail(Code::malformed, "DNS message", std::move(why)); };
    if (message.left(0) < kHeader)
        return malformed("shorter than a header");
    std::size_t at = kHeader;
    for (unsigned i = 0; i < message.word(4); ++i) {
        if (!message.name(at) || message.left(at) < 4)
            return malformed("question " + std::to_string(i + 1) + " cannot be read");
        at += 4;
    }
    const std::size_t additional = message.word(10);
    const std::size_t count = std::size_t{message.word(6)} + message.word(8) + additional;
    std::optional<RawRecord> signature;
    for (std::size_t i = 0; i < count; ++i) {
        auto record = message.record(at);
        if (!record)
            return malformed("record " + std::to_string(i + 1) + " cannot be read");
        at = record->next;
        if (signature)
            return malformed("a record behind the TSIG record, which is to be the last");
        if (record->type == kTsig && additional == 0)
            return malformed("a TSIG record outside the additional section");
        if (record->type == kTsig)
            signature = std::move(record);
    }
    if (message.left(at) > 0)
        return malformed("octets behind its last record");
    return signature;
}

Owned<ldns_rdf> nameField(std::string_view text) {
    return Owned<ldns_rdf>(ldns_dname_new_frm_str((std::string(text) + ".").c_str()));
}

Owned<ldns_rdf> numberField(std::uint16_t value) {
    return Owned<ldns_rdf>(ldns_native2rdf_int16(LDNS_RDF_TYPE_INT16, value));
}

bool push(ldns_rr& rr, Owned<ldns_rdf> field) {
    if (!field || !ldns_rr_push_rdf(&rr, field.get()))
        return false;
    static_cast<void>(field.release());
    return true;
}

Owned<ldns_rr> emptyRecord(std::string_view name, std::uint16_t type, std::uint16_t of, std::uint32_t ttl) {
    Owned<ldns_rr> rr(ldns_rr_new());
    Owned<ldns_rdf> owner = nameField(name);
    if (!rr || !owner)
        return nullptr;
    ldns_rr_set_owner(rr.get(), owner.release());
    ldns_rr_set_type(rr.get(), static_cast<ldns_rr_type>(type));
    ldns_rr_set_class(rr.get(), static_cast<ldns_rr_class>(of));
    ldns_rr_set_ttl(rr.get(), ttl);
    return rr;
}

std::vector<std::byte> copied(const std::uint8_t* octets, std::size_t size) {
    std::vector<std::byte> out(size);
    if (size > 0)
        std::memcpy(out.data(), octets, size);
    return out;
}

}  // namespace muster::dns::wire
