#include "dns/update.h"

#include <utility>

#include "dns/wire.h"

namespace muster::dns {

namespace {

using namespace wire;

constexpr std::chrono::seconds kMaxTtl{0x7FFFFFFF};  // RFC 2181 8
constexpr unsigned kOpcodeUpdate = 5;

Result<std::uint16_t> checked(const std::string& zone, const std::string& name, Type type) {
    const auto bad = [&](const std::string& why) { return fail(Code::malformed, name, why); };
    if (plainName(name) != name)
        return bad("is no name for a record: labels of letters, digits, '-' and '_' in lower case, without a last dot");
    if (!within(wireOf(name), wireOf(zone)))
        return bad("lies outside the zone " + zone);
    if (type != Type::srv && type != Type::a && type != Type::aaaa)
        return bad(std::string("records of type ") + dns::name(type) + " are not Muster's to change");
    return static_cast<std::uint16_t>(type);
}

/// With its data. @error malformed  as encodeUpdate() says
Result<Owned<ldns_rr>> fullRecord(const std::string& zone, const Record& record, std::uint16_t of, std::uint32_t ttl) {
    const auto bad = [&](const std::string& why) { return fail(Code::malformed, record.name, why); };
    const auto type = checked(zone, record.name, record.type);
    if (!type)
        return fail(type.error());
    Owned<ldns_rr> rr = emptyRecord(record.name, *type, of, ttl);
    bool whole = rr != nullptr;
    if (record.type == Type::srv) {
        const Service& service = record.service;
        if (service.port == 0)
            return bad("an SRV record with port 0 leads nowhere");
        if (plainName(service.target) != service.target)
            return bad("the target \"" + service.target + "\" is no host's name in lower case, without a last dot");
        whole = whole && push(*rr, numberField(service.priority)) && push(*rr, numberField(service.weight)) &&
                push(*rr, numberField(service.port)) && push(*rr, nameField(service.target));
    } else {
        const bool v4 = record.type == Type::a;
        const Address& address = record.address;
        if (address.isV4() != v4)
            return bad(address.host() + " does not fit a record of type " + dns::name(record.type));
        const std::size_t size = v4 ? 4 : 16;
        whole = whole && push(*rr, Owned<ldns_rdf>(ldns_rdf_new_frm_data(v4 ? LDNS_RDF_TYPE_A : LDNS_RDF_TYPE_AAAA,
                                                                         size, address.octets.data() + 16 - size)));
    }
    if (!whole)
        return fail(Code::internal, record.name, "ldns makes no record of it");
    return rr;
}

class Sections {
public:
    explicit Sections(const std::string& zone) : zone_(zone) {}

    Result<void> require(const Update::Prerequisite& wanted) {
        using Kind = Update::Prerequisite::Kind;
        if (wanted.kind == Kind::rrsetIs)
            return requireExactly(wanted);
        const bool aboutName = wanted.kind == Kind::nameInUse || wanted.kind == Kind::nameNotInUse;
        const bool there = wanted.kind == Kind::nameInUse || wanted.kind == Kind::rrsetExists;
        const auto type = checked(zone_, wanted.name, aboutName ? Type::srv : wanted.type);
        if (!type)
            return fail(type.error());
        return keep(*prerequisites_, emptyRecord(wanted.name, aboutName ? kAny : *type, there ? kAny : kNone, 0));
    }

    Result<void> remove(const Record& record) {
        auto rr = fullRecord(zone_, record, kNone, 0);  // RFC 2136 2.5.4
        return rr ? keep(*changes_, std::move(*rr)) : fail(rr.error());
    }

    Result<void> add(const Record& record) {
        if (record.ttl.count() < 0 || record.ttl > kMaxTtl)
            return fail(Code::malformed, record.name,
                        "a TTL of " + std::to_string(record.ttl.count()) + " s is out of range: 0 to 2147483647 s");
        auto rr = fullRecord(zone_, record, kIn, static_cast<std::uint32_t>(record.ttl.count()));  // 2.5.1
        return rr ? keep(*changes_, std::move(*rr)) : fail(rr.error());
    }

    Result<std::vector<std::byte>> message(std::uint16_t id) const {
        Owned<ldns_rdf> zone = nameField(zone_);
        const auto failed = [&](const char* why) { return fail(Code::internal, "update of " + zone_, why); };
        if (!zone || !prerequisites_ || !changes_)
            return failed("out of memory");
        const Owned<ldns_pkt> packet(
            ldns_update_pkt_new(zone.get(), LDNS_RR_CLASS_IN, prerequisites_.get(), changes_.get(), nullptr));
        if (!packet)
            return failed("ldns makes no message of it");
        static_cast<void>(zone.release());  // the packet's now
        ldns_pkt_set_id(packet.get(), id);
        ldns_pkt_set_rd(packet.get(), false);  // ldns sets it; in an update the bit has to be zero (RFC 2136 2.2)
        std::uint8_t* octets = nullptr;
        std::size_t size = 0;
        const ldns_status status = ldns_pkt2wire(&octets, packet.get(), &size);
        const Owned<std::uint8_t> owned(octets);
        if (status != LDNS_STATUS_OK)
            return failed(ldns_get_errorstr_by_id(status));
        if (size > kMaxMessage)
            return fail(Code::malformed, "update of " + zone_, "longer than 65535 octets; change less at a time");
        return copied(octets, size);
    }

private:
    Result<void> requireExactly(const Update::Prerequisite& wanted) {
        if (wanted.is.empty())
            return fail(Code::malformed, wanted.name, "a set that shall be exactly nothing: require rrsetMissing");
        for (const Record& record : wanted.is) {
            if (record.name != wanted.name || record.type != wanted.type)
                return fail(Code::malformed, wanted.name, "the records of one set have its name and its type");
            auto rr = fullRecord(zone_, record, kIn, 0);  // RFC 2136 2.4.2
            if (!rr)
                return fail(rr.error());
            if (auto kept = keep(*prerequisites_, std::move(*rr)); !kept)
                return kept;
        }
        return {};
    }

    Result<void> keep(ldns_rr_list& list, Owned<ldns_rr> rr) const {
        if (!rr || !ldns_rr_list_push_rr(&list, rr.get()))
            return fail(Code::internal, "update of " + zone_, "out of memory");
        static_cast<void>(rr.release());
        return {};
    }

    const std::string& zone_;
    Owned<ldns_rr_list> prerequisites_{ldns_rr_list_new()};
    Owned<ldns_rr_list> changes_{ldns_rr_list_new()};
};

std::size_t recordsIn(const Update& update) {
    std::size_t count = update.remove.size() + update.add.size();
    for (const auto& wanted : update.prerequisites)
        count += std::max<std::size_t>(wanted.is.size(), 1);
    return count;
}

Result<UpdateAnswer> answerFrom(Octets answer, TsigVerdict tsig) {
    if (tsig.kind == TsigVerdict::Kind::stranger)
        return fail(Code::conflict, "answer to an update", std::move(tsig.words));
    UpdateAnswer out;
    out.rcode = static_cast<Rcode>(std::to_integer<unsigned>(answer[3]) & 0x0FU);
    out.isSigned = tsig.hasMac;
    out.tsig = std::move(tsig);
    return out;
}

}  // namespace

Result<std::vector<std::byte>> encodeUpdate(const Update& update, std::uint16_t id) {
    if (plainName(update.zone) != update.zone)
        return fail(Code::malformed, update.zone, "is no zone: its name in lower case, without a last dot");
    if (update.remove.empty() && update.add.empty())
        return fail(Code::malformed, "update of " + update.zone, "nothing to change");
    if (const std::size_t count = recordsIn(update); count > kMaxUpdateRecords)
        return fail(Code::malformed, "update of " + update.zone,
                    std::to_string(count) + " records, at most " + std::to_string(kMaxUpdateRecords));
    Sections sections(update.zone);
    for (const auto& wanted : update.prerequisites)
        if (auto step = sections.require(wanted); !step)
            return fail(step.error());
    for (const Record& record : update.remove)
        if (auto step = sections.remove(record); !step)
            return fail(step.error());
    for (const Record& record : update.add)
        if (auto step = sections.add(record); !step)
            return fail(step.error());
    return sections.message(id);
}

bool answersUpdate(Octets answer, Octets request) {
    const Reader asked(request);
    return asked.left(0) >= kHeader && (asked.octet(2) >> 3U & 0x0FU) == kOpcodeUpdate &&
           strangeness(Reader(answer), asked).empty();
}

Result<UpdateAnswer> readUpdateAnswer(Octets answer, Octets request) {
    TsigVerdict verdict;
    if (answer.size() > kMaxMessage)
        return fail(Code::malformed, "answer to an update", "longer than 65535 octets");
    const Reader reader(answer);
    if (auto why = strangeness(reader, Reader(request)); !why.empty())
        return fail(Code::conflict, "answer to an update", std::move(why));
    const auto signature = signatureIn(reader);
    if (!signature)
        return fail(signature.error());
    if (*signature) {
        verdict.kind = TsigVerdict::Kind::malformed;
        verdict.words = "it is signed, in answer to a request that was not";
    }
    return answerFrom(answer, std::move(verdict));
}

Result<UpdateAnswer> readUpdateAnswer(Octets answer, const SignedMessage& request, const TsigKey& key, Timestamp now) {
    if (answer.size() > kMaxMessage)
        return fail(Code::malformed, "answer to an update", "longer than 65535 octets");
    return answerFrom(answer, verify(answer, request, key, now));
}

}  // namespace muster::dns
