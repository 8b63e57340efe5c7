/// Certificates between DER, PEM and people. Internal; for the .cpp files of this room alone, as mbed.h is.
#pragma once

#include <string>

#include "muster/result.h"
#include "muster/types.h"

#include "tls/certificate.h"
#include "tls/mbed.h"

namespace muster::tls {

/// @param label  "CERTIFICATE"
Result<std::string> toPem(std::string_view label, const unsigned char* der, std::size_t size);
/// "EC PRIVATE KEY" or "RSA PRIVATE KEY".
Result<std::string> toPem(const mbedtls_pk_context& key);

/// "ECDSA P-256", "RSA 3072", "RSA-PSS 2048", "of an unknown kind".
std::string kindOf(const mbedtls_pk_context& key);
/// EC P-256, P-384, RSA 2048 to 4096: what every browser takes and what a small processor can sign with.
bool isFit(const mbedtls_pk_context& key) noexcept;

Timestamp toTimestamp(const mbedtls_x509_time& time) noexcept;
/// "2026-11-22"
std::string dateOf(Timestamp time);
Description describe(const mbedtls_x509_crt& certificate);

}  // namespace muster::tls
