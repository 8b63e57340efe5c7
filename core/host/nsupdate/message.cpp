#include "host/nsupdate/message.h"

#include <algorithm>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "dns/message.h"
#include "kms/bytes.h"

namespace muster::nsupdate {

namespace {

constexpr std::uint32_t kRequest = 0x4d475531;  // what a packet begins with
constexpr std::uint32_t kAnswer = 0x4d474131;
constexpr std::int64_t kMaxTtl = 0x7fffffff;  // RFC 2181 8

using Record = SecureUpdate::Record;
using Prerequisite = SecureUpdate::Prerequisite;
using Type = SecureUpdate::Type;

tl::unexpected<Error> wrong(std::string detail) {
    return fail(Code::malformed, "secure update", std::move(detail));
}

bool isType(Type type) noexcept {
    return type == Type::a || type == Type::aaaa || type == Type::srv;
}

bool isName(std::string_view text) {
    return dns::plainName(text) == text;
}

bool inZone(std::string_view name, std::string_view zone) {
    return name == zone || (name.size() > zone.size() + 1 && name[name.size() - zone.size() - 1] == '.' &&
                            name.substr(name.size() - zone.size()) == zone);
}

/// Printable, without blanks, and nothing that a program takes for an option.
bool isWord(std::string_view text, std::size_t most) {
    return text.size() <= most && text.substr(0, 1) != "-" &&
           std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < '\x7f'; });
}

Result<void> checkRecord(const Record& record, const std::string& zone) {
    if (!isName(record.name) || !inZone(record.name, zone))
        return wrong("a record's name is no name in the zone");
    if (!isType(record.type))
        return wrong("a record is neither SRV nor A nor AAAA");
    if (record.ttl.count() < 0 || record.ttl.count() > kMaxTtl)
        return wrong("a TTL is not within 0 to 2^31 - 1 s");
    if (record.type == Type::srv) {
        if (!isName(record.target))
            return wrong("an SRV record's target is no host name");
        if (record.port == 0)
            return wrong("an SRV record's port is 0");
    } else if (record.address.isV4() != (record.type == Type::a) || record.address.scopeId != 0) {
        return wrong("an address is not of its record's type, or holds on one link only");
    }
    return {};
}

Result<void> checkPrerequisite(const Prerequisite& prerequisite, const std::string& zone) {
    if (!isName(prerequisite.name) || !inZone(prerequisite.name, zone) || !isType(prerequisite.type))
        return wrong("a prerequisite has no name in the zone, or another type than SRV, A and AAAA");
    if (prerequisite.kind == Prerequisite::Kind::rrsetMissing)
        return prerequisite.is.empty() ? Result<void>() : wrong("a prerequisite of absence names records");
    if (prerequisite.kind != Prerequisite::Kind::rrsetIs)
        return wrong("a prerequisite is of no kind");
    if (prerequisite.is.empty() || prerequisite.is.size() > kMaxRecords)
        return wrong("a prerequisite names no record, or more than " + std::to_string(kMaxRecords));
    for (const Record& record : prerequisite.is) {
        if (record.name != prerequisite.name || record.type != prerequisite.type)
            return wrong("a prerequisite's records have another name or type than itself");
        if (auto checked = checkRecord(record, zone); !checked)
            return checked;
    }
    return {};
}

// --- octets

class Out {
public:
    Out() : octets_(kMaxPacket), writer_(octets_) {}

    kms::Writer& numbers() noexcept { return writer_; }
    void text(std::string_view text, std::size_t most = kMaxPacket) {
        const std::string_view cut = text.substr(0, most);
        writer_.u16(static_cast<std::uint16_t>(std::min<std::size_t>(cut.size(), 0xffff)));
        writer_.octets(std::as_bytes(std::span(cut)));
    }
    void address(const Address& address) {
        writer_.octets(std::as_bytes(std::span(address.octets)));
        writer_.u16(address.port);
        writer_.u32(address.scopeId);
    }
    void record(const Record& record) {
        text(record.name);
        writer_.u16(static_cast<std::uint16_t>(record.type));
        writer_.u32(static_cast<std::uint32_t>(record.ttl.count()));
        writer_.u16(record.priority);
        writer_.u16(record.weight);
        writer_.u16(record.port);
        text(record.target);
        address(record.address);
    }
    void records(const std::vector<Record>& records) {
        writer_.u16(static_cast<std::uint16_t>(records.size()));
        for (const Record& one : records)
            record(one);
    }
    std::optional<std::vector<std::byte>> done() {
        if (!writer_.ok())
            return std::nullopt;
        octets_.resize(writer_.size());
        return std::move(octets_);
    }

private:
    std::vector<std::byte> octets_;
    kms::Writer writer_;
};

class In {
public:
    explicit In(Octets octets) : reader_(octets) {}

    kms::Reader& numbers() noexcept { return reader_; }
    std::string text() {
        const Octets taken = reader_.take(reader_.u16());
        return {reinterpret_cast<const char*>(taken.data()), taken.size()};
    }
    Address address() {
        Address address;
        const Octets taken = reader_.take(address.octets.size());
        std::transform(taken.begin(), taken.end(), address.octets.begin(),
                       [](std::byte octet) { return std::to_integer<std::uint8_t>(octet); });
        address.port = reader_.u16();
        address.scopeId = reader_.u32();
        return address;
    }
    Record record() {
        Record record;
        record.name = text();
        record.type = static_cast<Type>(reader_.u16());
        record.ttl = std::chrono::seconds(reader_.u32());
        record.priority = reader_.u16();
        record.weight = reader_.u16();
        record.port = reader_.u16();
        record.target = text();
        record.address = address();
        return record;
    }
    std::vector<Record> records() {
        std::vector<Record> all;
        for (std::size_t count = reader_.u16(); count > 0 && reader_.ok() && all.size() <= kMaxRecords; --count)
            all.push_back(record());
        return all;
    }
    bool whole() const noexcept { return reader_.ok() && reader_.left() == 0; }

private:
    kms::Reader reader_;
};

}  // namespace

Result<void> check(const SecureUpdate& update) {
    if (!isName(update.zone))
        return wrong("the zone is no name");
    if (update.server == Address{.octets = {}, .port = update.server.port, .scopeId = 0})
        return wrong("no server is named");
    if (!isWord(update.realm, kMaxPrincipal))
        return wrong("the realm is not up to " + std::to_string(kMaxPrincipal) +
                     " printable characters, or begins with a dash");
    if (!isWord(update.principal, kMaxPrincipal))
        return wrong("the principal is not up to " + std::to_string(kMaxPrincipal) +
                     " printable characters, or begins with a dash");
    if (!isWord(update.keytab, kMaxPath) || update.keytab.substr(0, 1) != "/")
        return wrong("the keytab is no absolute path of up to " + std::to_string(kMaxPath) +
                     " printable characters without blanks");
    if (update.limit < kMinLimit || update.limit > kMaxLimit)
        return wrong("the limit is not within " + std::to_string(kMinLimit.count()) + " to " +
                     std::to_string(kMaxLimit.count()) + " ms");
    if (update.prerequisites.size() > kMaxPrerequisites || update.remove.size() > kMaxRecords ||
        update.add.size() > kMaxRecords)
        return wrong("more than " + std::to_string(kMaxPrerequisites) + " prerequisites, or " +
                     std::to_string(kMaxRecords) + " records");
    if (update.remove.empty() && update.add.empty())
        return wrong("nothing is to be changed");
    for (const Prerequisite& prerequisite : update.prerequisites)
        if (auto checked = checkPrerequisite(prerequisite, update.zone); !checked)
            return checked;
    for (const auto* records : {&update.remove, &update.add})
        for (const Record& record : *records)
            if (auto checked = checkRecord(record, update.zone); !checked)
                return checked;
    return {};
}

Result<std::vector<std::byte>> encodeRequest(std::uint32_t number, const SecureUpdate& update) {
    if (auto checked = check(update); !checked)
        return fail(checked.error());
    Out out;
    out.numbers().u32(kRequest);
    out.numbers().u32(number);
    out.text(update.zone);
    out.address(update.server);
    out.text(update.realm);
    out.text(update.principal);
    out.text(update.keytab);
    out.numbers().u32(static_cast<std::uint32_t>(update.limit.count()));
    out.numbers().u16(static_cast<std::uint16_t>(update.prerequisites.size()));
    for (const Prerequisite& prerequisite : update.prerequisites) {
        out.numbers().u8(static_cast<std::uint8_t>(prerequisite.kind));
        out.text(prerequisite.name);
        out.numbers().u16(static_cast<std::uint16_t>(prerequisite.type));
        out.records(prerequisite.is);
    }
    out.records(update.remove);
    out.records(update.add);
    auto octets = out.done();
    if (!octets)
        return wrong("longer than " + std::to_string(kMaxPacket) + " octets");
    return std::move(*octets);
}

Result<std::pair<std::uint32_t, SecureUpdate>> decodeRequest(Octets packet) {
    In in(packet);
    if (in.numbers().u32() != kRequest)
        return wrong("no request");
    const std::uint32_t number = in.numbers().u32();
    SecureUpdate update;
    update.zone = in.text();
    update.server = in.address();
    update.realm = in.text();
    update.principal = in.text();
    update.keytab = in.text();
    update.limit = std::chrono::milliseconds(in.numbers().u32());
    for (std::size_t count = in.numbers().u16();
         count > 0 && in.numbers().ok() && update.prerequisites.size() <= kMaxPrerequisites; --count) {
        Prerequisite prerequisite;
        prerequisite.kind = static_cast<Prerequisite::Kind>(in.numbers().u8());
        prerequisite.name = in.text();
        prerequisite.type = static_cast<Type>(in.numbers().u16());
        prerequisite.is = in.records();
        update.prerequisites.push_back(std::move(prerequisite));
    }
    update.remove = in.records();
    update.add = in.records();
    if (!in.whole())
        return wrong("a request that ends early or late");
    if (auto checked = check(update); !checked)
        return fail(checked.error());
    return std::pair(number, std::move(update));
}

std::vector<std::byte> encodeAnswer(std::uint32_t number, const Result<SecureUpdateOutcome>& answer) {
    Out out;
    out.numbers().u32(kAnswer);
    out.numbers().u32(number);
    if (answer) {
        out.numbers().u8(0);
        out.numbers().u32(static_cast<std::uint32_t>(answer->exit));
        out.numbers().u8(answer->ticket ? 1 : 0);
        out.numbers().u8(answer->timedOut ? 1 : 0);
        out.text(answer->words, kMaxWords);
    } else {
        out.numbers().u8(static_cast<std::uint8_t>(answer.error().code));
        out.text(answer.error().subject, kMaxWords);
        out.text(answer.error().detail, kMaxWords);
    }
    return *out.done();  // far below kMaxPacket
}

Result<std::pair<std::uint32_t, Result<SecureUpdateOutcome>>> decodeAnswer(Octets packet) {
    In in(packet);
    if (in.numbers().u32() != kAnswer)
        return wrong("the helper's packet is no answer");
    const std::uint32_t number = in.numbers().u32();
    const std::uint8_t code = in.numbers().u8();
    Result<SecureUpdateOutcome> answer;
    if (code == 0) {
        SecureUpdateOutcome outcome;
        outcome.exit = static_cast<int>(in.numbers().u32() & 0xffU);
        outcome.ticket = in.numbers().u8() != 0;
        outcome.timedOut = in.numbers().u8() != 0;
        outcome.words = in.text().substr(0, kMaxWords);
        answer = std::move(outcome);
    } else {
        std::string subject = in.text().substr(0, kMaxWords);
        std::string detail = in.text().substr(0, kMaxWords);
        if (code > static_cast<std::uint8_t>(Code::conflict))
            return wrong("the helper's error is none that we know");
        answer = fail(static_cast<Code>(code), std::move(subject), std::move(detail));
    }
    if (!in.whole())
        return wrong("the helper's answer ends early or late");
    return std::pair(number, std::move(answer));
}

}  // namespace muster::nsupdate
