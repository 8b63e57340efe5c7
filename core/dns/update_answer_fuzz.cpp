/// What a name server sends back for a signed update. The first octet says how the rest is taken: even, as the whole
/// answer with its id put right; odd, as an answer that the server signs rightly with the fields that follow, so that
/// the fuzzer gets behind the MAC.
#include <algorithm>
#include <span>
#include <vector>

#include "dns/test/test_signature.h"
#include "dns/update.h"
#include "dns/wire.h"

using namespace muster;
using namespace muster::dns;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

using Kind = TsigVerdict::Kind;

constexpr std::size_t kFront = 14;  // how; time 6, fudge 2, error 2, MAC size, original id or not, length of other data
constexpr const char* kSecret = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const Timestamp kNow{std::chrono::seconds(1700000000)};

struct Setting {
    TsigKey key{"muster-update", Algorithm::hmacSha256, *Secret::fromBase64(kSecret)};
    TsigKey other{"muster-update", Algorithm::hmacSha256, *Secret::fromBase64("MTIzNDU2Nzg5MDEyMzQ1Ng==")};
    SignedMessage request = *sign(
        *encodeUpdate(
            {"example.org",
             {},
             {},
             {{"_vlmcs._tcp.example.org", Type::srv, std::chrono::hours(1), {0, 100, 1688, "kms.corp.test"}, {}}}},
            0x1234),
        key, kNow);
    test::Signature server;

    Setting() {
        for (unsigned i = 0; i < 32; ++i)
            server.secret.push_back(static_cast<std::uint8_t>(i));
        for (const std::byte octet : request.mac)
            server.requestMac.push_back(std::to_integer<std::uint8_t>(octet));
    }
};

void expect(bool condition) {
    if (!condition)
        __builtin_trap();
}

void read(const Setting& setting, Octets answer, bool rightlySigned) {
    const auto verdict = verify(answer, setting.request, setting.key, kNow);
    expect((verdict.kind == Kind::good || verdict.kind == Kind::unsigned_) == verdict.words.empty());
    expect(!verdict.good() || (verdict.authentic && verdict.error == 0));
    expect(!verdict.authentic || verdict.hasMac);
    expect(!rightlySigned || verdict.authentic || verdict.kind == Kind::stranger || verdict.kind == Kind::malformed ||
           verdict.kind == Kind::unsigned_);
    expect(!verify(answer, setting.request, setting.other, kNow).authentic);
    const auto judged = readUpdateAnswer(answer, setting.request, setting.key, kNow);
    expect(judged.has_value() == (verdict.kind != Kind::stranger));
    expect(!judged || judged->isSigned == verdict.hasMac);
    expect(answersUpdate(answer, setting.request.octets) == judged.has_value());
    static_cast<void>(readUpdateAnswer(answer, setting.request.octets));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const Setting kSetting;
    if (size < 3)
        return 0;
    if (data[0] % 2 == 0) {
        std::vector<std::uint8_t> message(data + 1, data + size);
        message[0] = 0x12;
        message[1] = 0x34;
        read(kSetting, std::as_bytes(std::span(message)), false);
        return 0;
    }
    if (size < kFront + 12)
        return 0;
    const auto word = [&](std::size_t at) { return static_cast<unsigned>(data[at] << 8U | data[at + 1]); };
    test::Signature server = kSetting.server;
    server.time = std::uint64_t{word(1)} << 32U | std::uint64_t{word(3)} << 16U | word(5);
    server.fudge = word(7);
    server.error = word(9);
    server.macSize = data[11];
    if (data[12] != 0)
        server.originalId = data[12];
    const std::size_t other = std::min<std::size_t>(data[13], size - kFront - 12);
    server.other.assign(data + kFront, data + kFront + other);
    std::vector<std::uint8_t> message(data + kFront + other, data + size);
    message[0] = 0x12;
    message[1] = 0x34;
    const Octets octets = std::as_bytes(std::span(message));
    // Octets behind the last record would become part of the signature's.
    const bool whole = wire::signatureIn(wire::Reader(octets)).has_value();
    read(kSetting, server.on(octets), whole && server.macSize >= 32);
    return 0;
}
