#include "tls/mbed.h"

#include <array>
#include <cerrno>
#include <cstdio>
#include <sys/random.h>
#include <utility>

#include "mbedtls/entropy.h"
#include "mbedtls/error.h"
#include "mbedtls/platform_util.h"

#if MBEDTLS_VERSION_MAJOR >= 3
#    include "psa/crypto.h"
#endif

namespace muster::tls {

Wiped::~Wiped() {
    wipe(text_);
}

void wipe(std::string& text) noexcept {
    mbedtls_platform_zeroize(text.data(), text.size());
}

int random(void* /*unused*/, unsigned char* out, std::size_t size) noexcept {
    while (size > 0) {
        const ssize_t got = ::getrandom(out, size, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return MBEDTLS_ERR_ENTROPY_SOURCE_FAILED;
        out += got;
        size -= static_cast<std::size_t>(got);
    }
    return 0;
}

bool started() noexcept {
#if MBEDTLS_VERSION_MAJOR >= 3
    static const bool done = psa_crypto_init() == PSA_SUCCESS;
    return done;
#else
    return true;
#endif
}

std::string wordsOf(int error) {
    std::array<char, 160> words{};
    mbedtls_strerror(error, words.data(), words.size());
    std::array<char, 16> number{};
    std::snprintf(number.data(), number.size(), " (-0x%04x)", static_cast<unsigned>(-error));
    return std::string(words.data()) + number.data();
}

int parseKey(mbedtls_pk_context& key, const std::string& pem) noexcept {
    if (!started())
        return MBEDTLS_ERR_PK_ALLOC_FAILED;
    const auto* text = reinterpret_cast<const unsigned char*>(pem.c_str());
#if MBEDTLS_VERSION_MAJOR >= 3
    return mbedtls_pk_parse_key(&key, text, pem.size() + 1, nullptr, 0, random, nullptr);
#else
    return mbedtls_pk_parse_key(&key, text, pem.size() + 1, nullptr, 0);
#endif
}

bool belongTogether(const mbedtls_x509_crt& certificate, const mbedtls_pk_context& key) noexcept {
#if MBEDTLS_VERSION_MAJOR >= 3
    return mbedtls_pk_check_pair(&certificate.pk, &key, random, nullptr) == 0;
#else
    return mbedtls_pk_check_pair(&certificate.pk, &key) == 0;
#endif
}

}  // namespace muster::tls
