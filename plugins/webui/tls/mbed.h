/// mbedTLS as the .cpp files of this room see it: owners for its structures, its errors in words, and what differs
/// between 2.28 and 3.6. Internal: no public header of the room includes it.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "mbedtls/pk.h"
#include "mbedtls/version.h"
#include "mbedtls/x509_crt.h"

#if MBEDTLS_VERSION_MAJOR < 3
#    define MBEDTLS_PRIVATE(member) member
#elif !defined(MBEDTLS_THREADING_C)
#    error \
        "mbedTLS 3 keeps keys in a table of the process: threads need a library that is built with MBEDTLS_THREADING_C"
#endif

namespace muster::tls {

/// A structure of the library, from its init to its free.
template <class T, void (*init)(T*), void (*release)(T*)>
class Held {
public:
    Held() noexcept { init(&value_); }
    ~Held() { release(&value_); }
    Held(const Held&) = delete;
    Held& operator=(const Held&) = delete;
    T* get() noexcept { return &value_; }
    const T* get() const noexcept { return &value_; }
    T* operator->() noexcept { return &value_; }
    const T* operator->() const noexcept { return &value_; }

private:
    T value_{};
};

using Key = Held<mbedtls_pk_context, mbedtls_pk_init, mbedtls_pk_free>;
using Crt = Held<mbedtls_x509_crt, mbedtls_x509_crt_init, mbedtls_x509_crt_free>;

/// Text that is overwritten when it goes: private keys.
class Wiped {
public:
    explicit Wiped(std::string text) noexcept : text_(std::move(text)) {}
    ~Wiped();
    Wiped(const Wiped&) = delete;
    Wiped& operator=(const Wiped&) = delete;
    const std::string& operator*() const noexcept { return text_; }
    std::string& operator*() noexcept { return text_; }

private:
    std::string text_;
};

void wipe(std::string& text) noexcept;

/// What the library calls for random octets: the kernel's, which has no state of ours that threads could share or a
/// fork could copy. @return 0, or an error of the library
int random(void* unused, unsigned char* out, std::size_t size) noexcept;

/// Once per process, before anything else: mbedTLS 3 does TLS 1.3 through PSA, which wants to be started.
bool started() noexcept;

/// The library's words for its number: "X509 - The CRT/CRL/CSR format is invalid (-0x2180)".
std::string wordsOf(int error);

/// A private key in PEM, not encrypted. @return 0, or an error of the library
int parseKey(mbedtls_pk_context& key, const std::string& pem) noexcept;

/// Whether the private key belongs to the certificate.
bool belongTogether(const mbedtls_x509_crt& certificate, const mbedtls_pk_context& key) noexcept;

}  // namespace muster::tls
