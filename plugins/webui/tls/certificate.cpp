#include "tls/certificate.h"

#include <array>
#include <cstdio>
#include <utility>

#include "mbedtls/asn1.h"
#include "mbedtls/bignum.h"
#include "mbedtls/ecp.h"
#include "mbedtls/oid.h"
#include "mbedtls/x509_csr.h"

#include "tls/names.h"
#include "tls/x509.h"

namespace muster::tls {

namespace {

using CrtWriter = Held<mbedtls_x509write_cert, mbedtls_x509write_crt_init, mbedtls_x509write_crt_free>;
using CsrWriter = Held<mbedtls_x509write_csr, mbedtls_x509write_csr_init, mbedtls_x509write_csr_free>;

constexpr std::size_t kMaxDer = std::size_t{24} * 1024;  // 64 names of 253 octets and the rest
constexpr std::size_t kMaxCommonName = 64;               // RFC 5280, upper bounds

// SEQUENCE of one OID, id-kp-serverAuth (RFC 5280 4.2.1.12).
constexpr std::array<unsigned char, 12> kServerAuth = {0x30, 0x0A, 0x06, 0x08, 0x2B, 0x06,
                                                       0x01, 0x05, 0x05, 0x07, 0x03, 0x01};

Result<void> makeKey(Key& key) {
    int bad = started() ? 0 : MBEDTLS_ERR_PK_ALLOC_FAILED;
    if (bad == 0)
        bad = mbedtls_pk_setup(key.get(), mbedtls_pk_info_from_type(MBEDTLS_PK_ECKEY));
    if (bad == 0)
        bad = mbedtls_ecp_gen_key(MBEDTLS_ECP_DP_SECP256R1, mbedtls_pk_ec(*key.get()), random, nullptr);
    if (bad != 0)
        return fail(Code::internal, "private key", "cannot be made: " + wordsOf(bad));
    return {};
}

Result<void> readKey(Key& key, const std::string& pem) {
    if (const int bad = parseKey(*key.get(), pem); bad != 0)
        return fail(Code::malformed, "private key", wordsOf(bad));
    return {};
}

/// "CN=" and the first name; of one that is too long for it, its first label. All names are in the other place.
std::string subjectOf(const Names& names) {
    const std::string& name = names.front();
    return "CN=" + (name.size() <= kMaxCommonName ? name : name.substr(0, name.find('.')));
}

/// As the library wants it: "20261122000000".
std::string written(Timestamp time) {
    std::string out;
    for (const char c : isoTime(time).substr(0, 19))
        if (c >= '0' && c <= '9')
            out += c;
    return out;
}

int setSerial(mbedtls_x509write_cert* writer) {
    std::array<unsigned char, 16> serial{};
    if (const int bad = random(nullptr, serial.data(), serial.size()); bad != 0)
        return bad;
    serial[0] = static_cast<unsigned char>((serial[0] & 0x7FU) | 0x40U);  // positive, and always of one length
#if MBEDTLS_VERSION_MAJOR >= 3
    return mbedtls_x509write_crt_set_serial_raw(writer, serial.data(), serial.size());
#else
    Held<mbedtls_mpi, mbedtls_mpi_init, mbedtls_mpi_free> number;
    const int bad = mbedtls_mpi_read_binary(number.get(), serial.data(), serial.size());
    return bad != 0 ? bad : mbedtls_x509write_crt_set_serial(writer, number.get());
#endif
}

int setNames(mbedtls_x509write_cert* writer, const std::vector<std::uint8_t>& san) {
    return mbedtls_x509write_crt_set_extension(writer, MBEDTLS_OID_SUBJECT_ALT_NAME,
                                               MBEDTLS_OID_SIZE(MBEDTLS_OID_SUBJECT_ALT_NAME), 0, san.data(),
                                               san.size());
}

int setNames(mbedtls_x509write_csr* writer, const std::vector<std::uint8_t>& san) {
    return mbedtls_x509write_csr_set_extension(writer, MBEDTLS_OID_SUBJECT_ALT_NAME,
                                               MBEDTLS_OID_SIZE(MBEDTLS_OID_SUBJECT_ALT_NAME),
#if MBEDTLS_VERSION_MAJOR >= 3
                                               0,
#endif
                                               san.data(), san.size());
}

/// What the library wrote to the end of a buffer, as PEM.
template <class Write>
Result<std::string> encoded(const char* label, Write write) {
    std::vector<unsigned char> der(kMaxDer);
    const int size = write(der.data(), der.size());
    if (size < 0)
        return fail(Code::internal, label, wordsOf(size));
    return toPem(label, der.data() + der.size() - size, static_cast<std::size_t>(size));
}

}  // namespace

Timestamp beginOfOwn(Timestamp built, Timestamp now) {
    if (now - built <= kOwnLifetime / 2)
        return built;
    return std::chrono::floor<std::chrono::days>(now) - std::chrono::days(1);
}

bool isDue(const Description& own, Timestamp built, Timestamp now) {
    return now >= built && (now < own.notBefore || own.notAfter - now < kRenewBefore);
}

Result<Pair> makeOwn(const Names& names, Timestamp notBefore, const std::string& keyText) {
    if (auto checked = checkNames(names); !checked)
        return fail(std::move(checked.error()));
    Key key;
    if (auto made = keyText.empty() ? makeKey(key) : readKey(key, keyText); !made)
        return fail(std::move(made.error()));
    const std::string subject = subjectOf(names);
    const std::vector<std::uint8_t> san = subjectAltName(names);
    CrtWriter writer;
    mbedtls_x509write_crt_set_version(writer.get(), MBEDTLS_X509_CRT_VERSION_3);
    mbedtls_x509write_crt_set_md_alg(writer.get(), MBEDTLS_MD_SHA256);
    mbedtls_x509write_crt_set_subject_key(writer.get(), key.get());
    mbedtls_x509write_crt_set_issuer_key(writer.get(), key.get());
    int bad = mbedtls_x509write_crt_set_subject_name(writer.get(), subject.c_str());
    const auto then = [&](auto step) { bad = bad == 0 ? step() : bad; };
    then([&] { return mbedtls_x509write_crt_set_issuer_name(writer.get(), subject.c_str()); });
    then([&] { return setSerial(writer.get()); });
    then([&] {
        return mbedtls_x509write_crt_set_validity(writer.get(), written(notBefore).c_str(),
                                                  written(notBefore + kOwnLifetime).c_str());
    });
    then([&] { return mbedtls_x509write_crt_set_basic_constraints(writer.get(), 0, -1); });
    then([&] { return mbedtls_x509write_crt_set_key_usage(writer.get(), MBEDTLS_X509_KU_DIGITAL_SIGNATURE); });
    then([&] {
        return mbedtls_x509write_crt_set_extension(writer.get(), MBEDTLS_OID_EXTENDED_KEY_USAGE,
                                                   MBEDTLS_OID_SIZE(MBEDTLS_OID_EXTENDED_KEY_USAGE), 0,
                                                   kServerAuth.data(), kServerAuth.size());
    });
    then([&] { return mbedtls_x509write_crt_set_subject_key_identifier(writer.get()); });
    then([&] { return setNames(writer.get(), san); });
    if (bad != 0)
        return fail(Code::internal, "certificate", wordsOf(bad));
    const auto certificate = encoded("CERTIFICATE", [&](unsigned char* into, std::size_t size) {
        return mbedtls_x509write_crt_der(writer.get(), into, size, random, nullptr);
    });
    if (!certificate)
        return fail(certificate.error());
    auto keyPem = toPem(*key.get());
    if (!keyPem)
        return fail(std::move(keyPem.error()));
    const Wiped text(std::move(*keyPem));
    auto pair = readPair(*text + *certificate);
    if (pair)
        pair->own = true;
    return pair;
}

Result<Request> makeRequest(const Names& names) {
    if (auto checked = checkNames(names); !checked)
        return fail(std::move(checked.error()));
    Key key;
    if (auto made = makeKey(key); !made)
        return fail(std::move(made.error()));
    const std::vector<std::uint8_t> san = subjectAltName(names);
    CsrWriter writer;
    mbedtls_x509write_csr_set_md_alg(writer.get(), MBEDTLS_MD_SHA256);
    mbedtls_x509write_csr_set_key(writer.get(), key.get());
    int bad = mbedtls_x509write_csr_set_subject_name(writer.get(), subjectOf(names).c_str());
    if (bad == 0)
        bad = mbedtls_x509write_csr_set_key_usage(writer.get(), MBEDTLS_X509_KU_DIGITAL_SIGNATURE);
    if (bad == 0)
        bad = setNames(writer.get(), san);
    if (bad != 0)
        return fail(Code::internal, "certificate request", wordsOf(bad));
    auto request = encoded("CERTIFICATE REQUEST", [&](unsigned char* into, std::size_t size) {
        return mbedtls_x509write_csr_der(writer.get(), into, size, random, nullptr);
    });
    if (!request)
        return fail(std::move(request.error()));
    auto keyText = toPem(*key.get());
    if (!keyText)
        return fail(std::move(keyText.error()));
    return Request{std::move(*request), std::move(*keyText)};
}

}  // namespace muster::tls
