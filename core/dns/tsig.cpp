#include "dns/tsig.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <utility>

#include "mbedtls/md.h"

#include "dns/message.h"
#include "dns/wire.h"

namespace muster::dns {

namespace {

using namespace wire;

constexpr std::uint64_t kTimeEnd = std::uint64_t{1} << 48U;
constexpr std::size_t kTimeSize = 6;
constexpr std::size_t kFields = 7;

using Kind = TsigVerdict::Kind;

/// Octets for a MAC, in the order of the network.
class Digested {
public:
    Digested& add(Octets octets) {
        all_.insert(all_.end(), octets.begin(), octets.end());
        return *this;
    }
    Digested& add(std::string_view octets) { return add(std::as_bytes(std::span(octets))); }
    Digested& number(std::uint64_t value, unsigned size) {
        for (unsigned i = size; i-- > 0;)
            all_.push_back(static_cast<std::byte>(value >> 8U * i & 0xFFU));
        return *this;
    }
    /// A message without its TSIG record, as it was before that was added (RFC 8945 4.3.2).
    Digested& message(Octets octets, std::uint16_t id, unsigned additional) {
        return number(id, 2).add(octets.subspan(2, 8)).number(additional, 2).add(octets.subspan(kHeader));
    }
    Octets octets() const noexcept { return all_; }

private:
    std::vector<std::byte> all_;
};

/// The fields of a TSIG record (RFC 8945 4.2), names as octets of the wire in lower case.
struct Signature {
    std::string key;
    std::string algorithm;
    std::uint64_t time = 0;  ///< seconds, 48 bits
    std::uint16_t fudge = 0;
    std::string mac;
    std::uint16_t originalId = 0;
    std::uint16_t error = 0;
    std::string other;

    /// RFC 8945 4.3.3.
    void digest(Digested& into) const {
        into.add(key).number(kAny, 2).number(0, 4).add(algorithm);
        into.number(time, kTimeSize).number(fudge, 2).number(error, 2).number(other.size(), 2).add(other);
    }
};

const mbedtls_md_info_t* digestOf(Algorithm algorithm) noexcept {
    return mbedtls_md_info_from_type(algorithm == Algorithm::hmacSha256 ? MBEDTLS_MD_SHA256 : MBEDTLS_MD_SHA512);
}

std::string algorithmName(Algorithm algorithm) {
    return wireOf(name(algorithm));
}

/// @error internal  mbedTLS has no such digest
Result<std::vector<std::byte>> macOf(const TsigKey& key, Octets digested) {
    std::array<unsigned char, MBEDTLS_MD_MAX_SIZE> mac{};
    const mbedtls_md_info_t* const digest = digestOf(key.algorithm);
    const Octets secret = key.secret.octets();
    if (digest == nullptr ||
        mbedtls_md_hmac(digest, reinterpret_cast<const unsigned char*>(secret.data()), secret.size(),
                        reinterpret_cast<const unsigned char*>(digested.data()), digested.size(), mac.data()) != 0)
        return fail(Code::internal, "TSIG", std::string("mbedTLS has no ") + name(key.algorithm));
    return copied(mac.data(), mbedtls_md_get_size(digest));
}

Owned<ldns_rdf> timeField(std::uint64_t seconds) {
    Digested octets;
    octets.number(seconds, kTimeSize);
    return Owned<ldns_rdf>(ldns_rdf_new_frm_data(LDNS_RDF_TYPE_TSIGTIME, kTimeSize, octets.octets().data()));
}

/// With its length in front.
Owned<ldns_rdf> dataField(Octets data) {
    Digested octets;
    octets.number(data.size(), 2).add(data);
    return Owned<ldns_rdf>(
        ldns_rdf_new_frm_data(LDNS_RDF_TYPE_INT16_DATA, octets.octets().size(), octets.octets().data()));
}

std::vector<std::byte> recordOf(const TsigKey& key, const Signature& signature, Octets mac) {
    const Owned<ldns_rr> rr = emptyRecord(key.name, kTsig, kAny, 0);
    const bool whole = rr && push(*rr, nameField(name(key.algorithm))) && push(*rr, timeField(signature.time)) &&
                       push(*rr, numberField(signature.fudge)) && push(*rr, dataField(mac)) &&
                       push(*rr, numberField(signature.originalId)) && push(*rr, numberField(signature.error)) &&
                       push(*rr, dataField({}));
    std::uint8_t* octets = nullptr;
    std::size_t size = 0;
    if (!whole || ldns_rr2wire(&octets, rr.get(), LDNS_SECTION_ADDITIONAL, &size) != LDNS_STATUS_OK)
        return {};
    const Owned<std::uint8_t> owned(octets);
    return copied(octets, size);
}

std::uint64_t secondsIn(std::string_view octets) noexcept {
    std::uint64_t value = 0;
    for (const char octet : octets)
        value = value << 8U | static_cast<unsigned char>(octet);
    return value;
}

Timestamp timeFrom(std::uint64_t seconds) noexcept {
    return Timestamp(std::chrono::seconds(seconds));
}

std::uint64_t secondsOf(Timestamp time) noexcept {
    return static_cast<std::uint64_t>(std::chrono::floor<std::chrono::seconds>(time.time_since_epoch()).count());
}

bool carries(Timestamp time) noexcept {
    return time.time_since_epoch().count() >= 0 && secondsOf(time) < kTimeEnd;
}

/// Nothing if the record cannot be read, or is not of class ANY and TTL 0 (RFC 8945 4.2).
std::optional<Signature> signatureFrom(const Reader& reader, const RawRecord& record) {
    const auto rr = record.of == kAny && record.ttl == 0 ? reader.data(record, kFields) : nullptr;
    if (!rr)
        return std::nullopt;
    const auto field = [&](std::size_t i) { return octetsOf(ldns_rr_rdf(rr.get(), i)); };
    const auto number = [&](std::size_t i) { return static_cast<std::uint16_t>(secondsIn(field(i))); };
    Signature signature;
    signature.key = record.owner;
    signature.algorithm = lowered(field(0));
    signature.time = secondsIn(field(1));
    signature.fudge = number(2);
    signature.mac = field(3).substr(2);
    signature.originalId = number(4);
    signature.error = number(5);
    signature.other = field(6).substr(2);
    return signature;
}

std::string clockWords(Timestamp theirs, Timestamp ours) {
    const auto off = std::chrono::round<std::chrono::seconds>(theirs - ours).count();
    return "its clock is " + std::to_string(std::abs(off)) + " s " + (off < 0 ? "behind" : "ahead of") + " ours";
}

std::string errorWords(const Signature& signature, const TsigKey& key, const std::optional<Timestamp>& serverTime,
                       Timestamp now) {
    switch (static_cast<TsigError>(signature.error)) {
        case TsigError::badSig:
            return "the server says BADSIG: its secret of the key " + key.name + " is another one";
        case TsigError::badKey:
            return "the server says BADKEY: it has no key " + key.name + " of " + name(key.algorithm) +
                   ", or does not let that key do this";
        case TsigError::badTime:
            return "the server says BADTIME: " +
                   (serverTime ? clockWords(*serverTime, now) : std::string("its clock and ours differ too much"));
        case TsigError::badTrunc:
            return "the server says BADTRUNC: it wants a longer MAC than it got";
        case TsigError::none:
            break;
    }
    return "the server says TSIG error " + std::to_string(signature.error);
}

/// In a time that does not tell where they differ. Both of one length
bool same(std::string_view found, Octets expected) noexcept {
    std::byte difference{0};
    for (std::size_t i = 0; i < expected.size(); ++i)
        difference |= expected[i] ^ static_cast<std::byte>(found[i]);
    return difference == std::byte{0};
}

class Verifier {
public:
    Verifier(Octets answer, const SignedMessage& request, const TsigKey& key, Timestamp now)
        : answer_(answer), request_(request), key_(key), now_(now), reader_(answer) {}

    TsigVerdict run() {
        if (auto why = strangeness(reader_, Reader(request_.octets)); !why.empty())
            return as(Kind::stranger, std::move(why));
        const auto record = signatureIn(reader_);
        if (!record)
            return as(Kind::malformed, record.error().detail);
        if (!*record)
            return verdict_;
        const auto signature = signatureFrom(reader_, **record);
        if (!signature)
            return as(Kind::malformed, "its TSIG record cannot be read, or is not of class ANY with a TTL of 0");
        verdict_.error = signature->error;
        verdict_.hasMac = !signature->mac.empty();
        if (static_cast<TsigError>(signature->error) == TsigError::badTime && signature->other.size() == kTimeSize)
            verdict_.serverTime = timeFrom(secondsIn(signature->other));
        if (signature->key != wireOf(key_.name))
            return as(Kind::badKeyName,
                      "it is signed with the key " + textOf(signature->key).value_or("?") + ", not with " + key_.name);
        if (signature->algorithm != algorithmName(key_.algorithm))
            return as(Kind::badAlgorithm, "it is signed by " + textOf(signature->algorithm).value_or("?") +
                                              ", not by " + name(key_.algorithm));
        if (signature->mac.empty() && signature->error != 0)
            return as(Kind::serverError, errorWords(*signature, key_, verdict_.serverTime, now_));
        return judgeMac(*signature, **record);
    }

private:
    TsigVerdict judgeMac(const Signature& signature, const RawRecord& record) {
        Digested digested;
        digested.number(request_.mac.size(), 2).add(request_.mac);
        digested.message(answer_.first(record.at), signature.originalId, reader_.word(10) - 1U);
        signature.digest(digested);
        const auto expected = macOf(key_, digested.octets());
        if (!expected)
            return as(Kind::badMac, expected.error().detail);
        if (signature.mac.size() != expected->size())
            return as(Kind::badMac, "its MAC has " + std::to_string(signature.mac.size()) + " octets, " +
                                        name(key_.algorithm) + " makes " + std::to_string(expected->size()));
        if (!same(signature.mac, *expected))
            return as(Kind::badMac,
                      "its MAC is not that of the key " + key_.name +
                          " over this answer to our request: another secret, or it was changed on its way");
        verdict_.authentic = true;
        if (signature.error != 0)
            return as(Kind::serverError, errorWords(signature, key_, verdict_.serverTime, now_));
        const Timestamp time = timeFrom(signature.time);
        const Timestamp now = std::chrono::floor<std::chrono::seconds>(now_);
        const auto off = time > now ? time - now : now - time;
        if (off > std::min(std::chrono::seconds(signature.fudge), std::max(request_.fudge, kFudge))) {
            verdict_.serverTime = time;
            return as(Kind::outsideFudge,
                      "it was not signed just now: " + clockWords(time, now_) + ", or it is an old answer");
        }
        verdict_.kind = Kind::good;
        return verdict_;
    }

    TsigVerdict as(Kind kind, std::string words) {
        verdict_.kind = kind;
        verdict_.words = std::move(words);
        return verdict_;
    }

    Octets answer_;
    const SignedMessage& request_;
    const TsigKey& key_;
    Timestamp now_;
    Reader reader_;
    TsigVerdict verdict_;
};

}  // namespace

std::optional<Algorithm> algorithmFrom(std::string_view text) {
    const auto plain = plainName(text);
    for (const Algorithm algorithm : {Algorithm::hmacSha256, Algorithm::hmacSha512})
        if (plain == name(algorithm))
            return algorithm;
    return std::nullopt;
}

Result<SignedMessage> sign(Octets message, const TsigKey& key, Timestamp now, std::chrono::seconds fudge) {
    const auto bad = [](const std::string& why) { return fail(Code::malformed, "TSIG", why); };
    if (message.size() < kHeader || message.size() > kMaxMessage)
        return bad("a message of " + std::to_string(message.size()) + " octets");
    if (plainName(key.name) != key.name || key.secret.empty())
        return bad("a key without a name in lower case or without its secret");
    if (!carries(now) || fudge.count() < 1 || fudge.count() > 65535)
        return bad("a time before 1970 or a fudge outside 1 to 65535 s; set the clock");
    const unsigned additional = std::to_integer<unsigned>(message[10]) << 8U | std::to_integer<unsigned>(message[11]);
    if (additional == 65535)
        return bad("a message with 65535 additional records");
    Signature signature;
    signature.key = wireOf(key.name);
    signature.algorithm = algorithmName(key.algorithm);
    signature.time = secondsOf(now);
    signature.fudge = static_cast<std::uint16_t>(fudge.count());
    signature.originalId =
        static_cast<std::uint16_t>(std::to_integer<unsigned>(message[0]) << 8U | std::to_integer<unsigned>(message[1]));
    Digested digested;
    digested.add(message);
    signature.digest(digested);
    auto mac = macOf(key, digested.octets());
    if (!mac)
        return fail(mac.error());
    const auto record = recordOf(key, signature, *mac);
    if (record.empty())
        return fail(Code::internal, "TSIG", "ldns makes no record of the signature");
    SignedMessage out;
    out.octets.assign(message.begin(), message.end());
    out.octets[10] = static_cast<std::byte>((additional + 1) >> 8U);
    out.octets[11] = static_cast<std::byte>((additional + 1) & 0xFFU);
    out.octets.insert(out.octets.end(), record.begin(), record.end());
    if (out.octets.size() > kMaxMessage)
        return bad("the message gets longer than 65535 octets with its signature");
    out.mac = std::move(*mac);
    out.timeSigned = timeFrom(signature.time);
    out.fudge = fudge;
    return out;
}

TsigVerdict verify(Octets answer, const SignedMessage& request, const TsigKey& key, Timestamp now) {
    if (answer.size() > kMaxMessage) {
        TsigVerdict verdict;
        verdict.kind = Kind::malformed;
        verdict.words = "longer than 65535 octets";
        return verdict;
    }
    return Verifier(answer, request, key, now).run();
}

}  // namespace muster::dns
