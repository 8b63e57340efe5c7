#include "canned.h"

#include <cstring>
#include <stdexcept>

#include "mbedtls/cipher.h"
#include "mbedtls/cmac.h"

namespace muster::bench {
namespace {

constexpr std::uint16_t kMaxFragment = 5840;
constexpr std::string_view kApplication = "55c92734-d682-4d71-983e-d6ec3f16059f";  // Windows
constexpr std::string_view kSku = "b92e9980-b9d5-4821-9c94-140f632f6312";          // Windows 7 Professional
constexpr std::string_view kCounted = "7fde5219-fbfa-484a-82c9-34d1ad53e856";      // Windows 7
constexpr std::size_t kNameUnits = 64;

/// Appends to a buffer that is known to be large enough: the sizes above are checked by canned_test.
class Writer {
public:
    explicit Writer(std::span<std::byte> out) : out_(out) {}
    void u8(std::uint8_t value) { out_[at_++] = std::byte{value}; }
    void u16(std::uint16_t value) {
        u8(static_cast<std::uint8_t>(value & 0xff));
        u8(static_cast<std::uint8_t>(value >> 8));
    }
    void u32(std::uint32_t value) {
        u16(static_cast<std::uint16_t>(value & 0xffff));
        u16(static_cast<std::uint16_t>(value >> 16));
    }
    void guid(std::string_view text) {
        const auto parsed = Guid::parse(text);
        if (!parsed)
            throw std::logic_error("not a GUID: " + std::string(text));
        for (const auto octet : parsed->octets)
            out_[at_++] = octet;
    }
    void zeros(std::size_t count) {
        for (std::size_t i = 0; i < count; ++i)
            u8(0);
    }
    void utf16(std::string_view ascii) {
        for (const char c : ascii)
            u16(static_cast<std::uint8_t>(c));
    }
    void header(PduType type, std::uint16_t size, std::uint32_t callId) {
        u8(5);
        u8(0);
        u8(static_cast<std::uint8_t>(type));
        u8(0x03);   // first and last fragment
        u32(0x10);  // little-endian, ASCII, IEEE
        u16(size);
        u16(0);
        u32(callId);
    }
    std::size_t at() const { return at_; }

private:
    std::span<std::byte> out_;
    std::size_t at_ = 0;
};

struct Syntax {
    std::string_view uuid;
    std::uint32_t version;
};
constexpr Syntax kNdr32{"8a885d04-1ceb-11c9-9fe8-08002b104860", 2};
constexpr Syntax kNdr64{"71710533-beba-4937-8319-b5dbef9ccc36", 1};
constexpr Syntax kFeatures{"6cb71c2c-9812-4540-0300-000000000000", 1};

std::uint64_t mix(std::uint64_t value) noexcept {  // splitmix64's finalizer
    value += 0x9e3779b97f4a7c15u;
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9u;
    value = (value ^ (value >> 27)) * 0x94d049bb133111ebu;
    return value ^ (value >> 31);
}

}  // namespace

std::uint16_t read16(const std::byte* at) noexcept {
    return static_cast<std::uint16_t>(std::to_integer<unsigned>(at[0]) | std::to_integer<unsigned>(at[1]) << 8);
}

std::uint32_t read32(const std::byte* at) noexcept {
    return static_cast<std::uint32_t>(read16(at)) | static_cast<std::uint32_t>(read16(at + 2)) << 16;
}

void write32(std::byte* at, std::uint32_t value) noexcept {
    for (unsigned i = 0; i < 4; ++i)
        at[i] = static_cast<std::byte>(value >> (8 * i) & 0xff);
}

std::array<std::byte, kBindSize> bindPdu() noexcept {
    std::array<std::byte, kBindSize> pdu{};
    Writer out(pdu);
    out.header(PduType::bind, kBindSize, 1);
    out.u16(kMaxFragment);
    out.u16(kMaxFragment);
    out.u32(0);  // a new association group
    out.u8(3);
    out.zeros(3);
    std::uint16_t context = 0;
    for (const auto& syntax : {kNdr32, kNdr64, kFeatures}) {
        out.u16(context++);
        out.u8(1);
        out.u8(0);
        out.guid("51c82175-844e-4750-b0d8-ec255555bc06");
        out.u32(1);
        out.guid(syntax.uuid);
        out.u32(syntax.version);
    }
    return pdu;
}

std::array<std::byte, kBindAckSize> bindAckPdu() noexcept {
    std::array<std::byte, kBindAckSize> pdu{};
    Writer out(pdu);
    out.header(PduType::bindAck, kBindAckSize, 1);
    out.u16(kMaxFragment);
    out.u16(kMaxFragment);
    out.u32(0x4d55);
    out.u16(5);
    for (const char c : {'1', '6', '8', '8', '\0'})
        out.u8(static_cast<std::uint8_t>(c));
    out.zeros(1);
    out.u8(3);
    out.zeros(3);
    out.u16(0);
    out.u16(0);
    out.guid(kNdr32.uuid);
    out.u32(kNdr32.version);
    out.u16(2);  // provider rejection
    out.u16(2);  // transfer syntaxes not supported
    out.zeros(20);
    out.u16(3);  // negotiate_ack
    out.u16(3);
    out.zeros(20);
    return pdu;
}

std::array<std::byte, kResponseSize> responsePdu() noexcept {
    constexpr std::string_view kEpid = "00000-00000-000-000000-03-1033-7601.0000-3262026";
    static_assert(kEpid.size() == 48);
    constexpr std::uint32_t kBody = 158;
    std::array<std::byte, kResponseSize> pdu{};
    Writer out(pdu);
    out.header(PduType::response, kResponseSize, 2);
    out.u32(kResponseSize - 24);
    out.u16(0);
    out.u16(0);
    out.u32(kBody);
    out.u32(0x00020000);
    out.u32(kBody);
    out.u32(0x00040000);  // version 4.0
    out.u32(98);
    out.utf16(kEpid);
    out.zeros(2 + 16 + 8);
    out.u32(50);
    out.u32(120);
    out.u32(10080);
    out.zeros(16 + 2 + 4);
    return pdu;
}

void answerTo(std::span<const std::byte> request, std::span<std::byte, kResponseSize> response) noexcept {
    constexpr std::size_t kCmid = 64;  // in a request's body; its time is four octets after it
    constexpr std::size_t kEcho = 36 + 8 + 98;
    std::memcpy(response.data() + 12, request.data() + 12, 4);
    if (request.size() < kBodyOffset + kCmid + 28)
        return;
    std::memcpy(response.data() + kEcho, request.data() + kBodyOffset + kCmid, 16);
    std::memcpy(response.data() + kEcho + 16, request.data() + kBodyOffset + kCmid + 20, 8);
}

struct Seal::Context {
    mbedtls_cipher_context_t cipher;
};

Seal::Seal(const Mac& key) : context_(std::make_unique<Context>()) {
    mbedtls_cipher_init(&context_->cipher);
    const auto* info = mbedtls_cipher_info_from_type(MBEDTLS_CIPHER_AES_128_ECB);
    if (info == nullptr || mbedtls_cipher_setup(&context_->cipher, info) != 0 ||
        mbedtls_cipher_cmac_starts(&context_->cipher, reinterpret_cast<const unsigned char*>(key.data()), 128) != 0)
        throw std::runtime_error("mbedTLS offers no AES-128-CMAC here");
}

Seal::~Seal() {
    mbedtls_cipher_free(&context_->cipher);
}

Seal::Mac Seal::over(std::span<const std::byte> octets) {
    Mac mac{};
    if (mbedtls_cipher_cmac_reset(&context_->cipher) != 0 ||
        mbedtls_cipher_cmac_update(&context_->cipher, reinterpret_cast<const unsigned char*>(octets.data()),
                                   octets.size()) != 0 ||
        mbedtls_cipher_cmac_finish(&context_->cipher, reinterpret_cast<unsigned char*>(mac.data())) != 0)
        throw std::runtime_error("AES-128-CMAC failed");
    return mac;
}

std::optional<Seal::Mac> Seal::sealingKey(std::string_view hexDigits) {
    while (!hexDigits.empty() && (hexDigits.back() == '\n' || hexDigits.back() == '\r' || hexDigits.back() == ' '))
        hexDigits.remove_suffix(1);
    Mac key{};
    if (hexDigits.size() != 2 * key.size())
        return std::nullopt;
    for (std::size_t i = 0; i < hexDigits.size(); ++i) {
        const char c = hexDigits[i];
        const int digit = c >= '0' && c <= '9'   ? c - '0'
                          : c >= 'a' && c <= 'f' ? c - 'a' + 10
                          : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                                 : -1;
        if (digit < 0)
            return std::nullopt;
        key[i / 2] = static_cast<std::byte>(std::to_integer<int>(key[i / 2]) << 4 | digit);
    }
    return Seal(key).over(std::as_bytes(std::span(std::string_view("muster-lab"))));
}

Guid cmidOf(std::uint64_t number) noexcept {
    Guid guid;
    const std::uint64_t halves[2] = {mix(number), mix(~number)};
    std::memcpy(guid.octets.data(), halves, sizeof halves);
    return guid;
}

RequestMaker::RequestMaker() : template_{} {
    Writer out(template_);
    out.header(PduType::request, kRequestSize, 2);
    out.u32(kRequestSize - 24);
    out.u16(0);
    out.u16(0);
    out.u32(252);
    out.u32(252);
    out.u32(0x00040000);
    out.u32(0);      // not a virtual machine
    out.u32(2);      // in its first grace
    out.u32(43200);  // minutes left
    out.guid(kApplication);
    out.guid(kSku);
    out.guid(kCounted);
    out.zeros(16);
    out.u32(25);
    out.zeros(8 + 16);
    out.utf16("pc-0000000000.bench.example");
    out.zeros(2 * (kNameUnits - std::string_view("pc-0000000000.bench.example").size()) + 16);
}

void RequestMaker::write(std::span<std::byte, kRequestSize> pdu, std::uint64_t number, std::uint32_t callId,
                         FileTime now, Seal* seal) const {
    std::memcpy(pdu.data(), template_.data(), kRequestSize);
    write32(pdu.data() + 12, callId);
    std::byte* body = pdu.data() + kBodyOffset;
    const Guid cmid = cmidOf(number);
    std::memcpy(body + 64, cmid.octets.data(), cmid.octets.size());
    write32(body + 84, static_cast<std::uint32_t>(now.ticks & 0xffffffff));
    write32(body + 88, static_cast<std::uint32_t>(now.ticks >> 32));
    std::byte* digit = body + 132;  // two octets a character from 108: the last digit of "pc-0000000000"
    for (int i = 0; i < 10; ++i, digit -= 2, number /= 10)
        *digit = static_cast<std::byte>('0' + number % 10);
    if (seal != nullptr) {
        const auto mac = seal->over({body, kSealedSize});
        std::memcpy(body + kSealedSize, mac.data(), mac.size());
    }
}

}  // namespace muster::bench
