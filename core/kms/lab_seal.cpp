#include "kms/lab_seal.h"

#include <algorithm>

#include "mbedtls/cipher.h"
#include "mbedtls/cmac.h"
#include "mbedtls/platform_util.h"

namespace muster::kms {

namespace {

constexpr std::string_view kDerivationText = "muster-lab";
constexpr unsigned kKeyBits = 128;

const unsigned char* raw(const std::byte* octets) noexcept {
    return reinterpret_cast<const unsigned char*>(octets);
}

unsigned char* raw(std::byte* octets) noexcept {
    return reinterpret_cast<unsigned char*>(octets);
}

const mbedtls_cipher_info_t* aes() noexcept {
    return mbedtls_cipher_info_from_type(MBEDTLS_CIPHER_AES_128_ECB);
}

}  // namespace

struct LabSeal::Context {
    mbedtls_cipher_context_t cipher{};

    Context() noexcept { mbedtls_cipher_init(&cipher); }
    ~Context() { mbedtls_cipher_free(&cipher); }
    Context(const Context&) = delete;
    Context& operator=(const Context&) = delete;
};

LabSeal::LabSeal(std::unique_ptr<Context> context) noexcept : context_(std::move(context)) {}
LabSeal::LabSeal(LabSeal&&) noexcept = default;
LabSeal& LabSeal::operator=(LabSeal&&) noexcept = default;
LabSeal::~LabSeal() = default;

Result<LabSeal> LabSeal::make(const SealFileKey& key) {
    std::array<unsigned char, SealFileKey::kSize> sealingKey{};
    const mbedtls_cipher_info_t* const info = aes();
    int problem = info ? mbedtls_cipher_cmac(info, raw(key.octets().data()), kKeyBits,
                                             reinterpret_cast<const unsigned char*>(kDerivationText.data()),
                                             kDerivationText.size(), sealingKey.data())
                       : MBEDTLS_ERR_CIPHER_FEATURE_UNAVAILABLE;
    auto context = std::make_unique<Context>();
    if (problem == 0)
        problem = mbedtls_cipher_setup(&context->cipher, info);
    if (problem == 0)
        problem = mbedtls_cipher_cmac_starts(&context->cipher, sealingKey.data(), kKeyBits);
    mbedtls_platform_zeroize(sealingKey.data(), sealingKey.size());
    if (problem != 0)
        return fail(Code::internal, "lab seal",
                    "mbedTLS has no AES-128-CMAC (error " + std::to_string(problem) + "); use a build that has it");
    return LabSeal(std::move(context));
}

bool LabSeal::compute(Octets covered, Seal& out) noexcept {
    mbedtls_cipher_context_t* const cipher = &context_->cipher;
    return mbedtls_cipher_cmac_reset(cipher) == 0 &&
           mbedtls_cipher_cmac_update(cipher, raw(covered.data()), covered.size()) == 0 &&
           mbedtls_cipher_cmac_finish(cipher, raw(out.data())) == 0;
}

bool LabSeal::seal(std::span<std::byte> body) noexcept {
    Seal seal;
    if (body.size() <= kSealSize || !compute(sealedPart(body), seal))
        return false;
    std::copy(seal.begin(), seal.end(), body.end() - static_cast<std::ptrdiff_t>(kSealSize));
    return true;
}

bool LabSeal::isSealed(Octets body) noexcept {
    Seal expected;
    if (body.size() <= kSealSize || !compute(sealedPart(body), expected))
        return false;
    const Octets found = sealPart(body);
    std::byte difference{0};
    for (std::size_t i = 0; i < kSealSize; ++i)
        difference |= expected[i] ^ found[i];
    return difference == std::byte{0};
}

}  // namespace muster::kms
