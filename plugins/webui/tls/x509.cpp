#include "tls/x509.h"

#include <arpa/inet.h>
#include <array>
#include <cstdio>
#include <vector>

#include "mbedtls/asn1.h"
#include "mbedtls/ecp.h"
#include "mbedtls/pem.h"
#include "mbedtls/rsa.h"
#include "mbedtls/sha256.h"

namespace muster::tls {

namespace {

constexpr std::size_t kMaxShown = 2048;      // octets of a distinguished name
constexpr std::size_t kMaxShownNames = 256;  // names of one certificate
constexpr int kContext = 0x1F;               // the number in a context-specific tag
constexpr int kDnsName = 2;
constexpr int kIpAddress = 7;

mbedtls_ecp_group_id curveOf(const mbedtls_pk_context& key) noexcept {
    const auto type = mbedtls_pk_get_type(&key);
    if (type != MBEDTLS_PK_ECKEY && type != MBEDTLS_PK_ECDSA)
        return MBEDTLS_ECP_DP_NONE;
    return mbedtls_pk_ec(key)->MBEDTLS_PRIVATE(grp).id;
}

bool isRsa(const mbedtls_pk_context& key) noexcept {
    return mbedtls_pk_get_type(&key) == MBEDTLS_PK_RSA;
}

std::string printable(const unsigned char* from, std::size_t size) {
    std::string out(reinterpret_cast<const char*>(from), size);
    for (char& c : out)
        if (c <= ' ' || c > '~')
            c = '?';
    return out;
}

std::string distinguished(const mbedtls_x509_name& name) {
    std::vector<char> text(kMaxShown);
    const int size = mbedtls_x509_dn_gets(text.data(), text.size(), &name);
    if (size < 0)
        return "(too long to be shown)";
    return printable(reinterpret_cast<const unsigned char*>(text.data()), static_cast<std::size_t>(size));
}

std::string nameFrom(const mbedtls_x509_buf& name) {
    const int number = name.tag & kContext;
    if (number == kDnsName)
        return printable(name.p, name.len);
    if (number != kIpAddress || (name.len != 4 && name.len != 16))
        return {};
    std::array<char, INET6_ADDRSTRLEN> text{};
    ::inet_ntop(name.len == 4 ? AF_INET : AF_INET6, name.p, text.data(), text.size());
    return text.data();
}

bool same(const mbedtls_x509_buf& a, const mbedtls_x509_buf& b) noexcept {
    return std::string_view(reinterpret_cast<const char*>(a.p), a.len) ==
           std::string_view(reinterpret_cast<const char*>(b.p), b.len);
}

std::string fingerprintOf(const mbedtls_x509_buf& der) {
    std::array<unsigned char, 32> hash{};
#if MBEDTLS_VERSION_MAJOR >= 3
    mbedtls_sha256(der.p, der.len, hash.data(), 0);
#else
    mbedtls_sha256_ret(der.p, der.len, hash.data(), 0);
#endif
    std::string out;
    for (const unsigned char octet : hash) {
        std::array<char, 4> digits{};
        std::snprintf(digits.data(), digits.size(), out.empty() ? "%02X" : ":%02X", unsigned{octet});
        out += digits.data();
    }
    return out;
}

}  // namespace

Result<std::string> toPem(std::string_view label, const unsigned char* der, std::size_t size) {
    const std::string begin = "-----BEGIN " + std::string(label) + "-----\n";
    const std::string end = "-----END " + std::string(label) + "-----\n";
    std::vector<unsigned char> text(size * 2 + 256);
    std::size_t written = 0;
    if (const int bad =
            mbedtls_pem_write_buffer(begin.c_str(), end.c_str(), der, size, text.data(), text.size(), &written);
        bad != 0)
        return fail(Code::internal, "PEM", wordsOf(bad));
    return std::string(reinterpret_cast<const char*>(text.data()), written - 1);  // its end is counted
}

Result<std::string> toPem(const mbedtls_pk_context& key) {
    Wiped text(std::string(std::size_t{16} * 1024, '\0'));
    auto* out = reinterpret_cast<unsigned char*>((*text).data());
#if MBEDTLS_VERSION_MAJOR >= 3
    const int bad = mbedtls_pk_write_key_pem(&key, out, (*text).size());
#else
    mbedtls_pk_context copy = key;  // the library writes nothing there, it only forgot to say so
    const int bad = mbedtls_pk_write_key_pem(&copy, out, (*text).size());
#endif
    if (bad != 0)
        return fail(Code::internal, "private key", wordsOf(bad));
    return (*text).substr(0, (*text).find('\0'));
}

std::string kindOf(const mbedtls_pk_context& key) {
    if (isRsa(key))
        return "RSA " + std::to_string(mbedtls_pk_get_bitlen(&key));
    switch (curveOf(key)) {
        case MBEDTLS_ECP_DP_SECP256R1:
            return "ECDSA P-256";
        case MBEDTLS_ECP_DP_SECP384R1:
            return "ECDSA P-384";
        case MBEDTLS_ECP_DP_SECP521R1:
            return "ECDSA P-521";
        case MBEDTLS_ECP_DP_NONE:
            return "of an unknown kind";
        default:
            return "elliptic, on an uncommon curve of " + std::to_string(mbedtls_pk_get_bitlen(&key)) + " bits";
    }
}

bool isFit(const mbedtls_pk_context& key) noexcept {
    if (isRsa(key))
        return mbedtls_pk_get_bitlen(&key) >= 2048 && mbedtls_pk_get_bitlen(&key) <= 4096;
    const auto curve = curveOf(key);
    return curve == MBEDTLS_ECP_DP_SECP256R1 || curve == MBEDTLS_ECP_DP_SECP384R1;
}

Timestamp toTimestamp(const mbedtls_x509_time& time) noexcept {
    using namespace std::chrono;
    const sys_days day =
        year(time.year) / month(static_cast<unsigned>(time.mon)) / std::chrono::day(static_cast<unsigned>(time.day));
    return day + hours(time.hour) + minutes(time.min) + seconds(time.sec);
}

std::string dateOf(Timestamp time) {
    return isoTime(time).substr(0, 10);
}

Description describe(const mbedtls_x509_crt& certificate) {
    Description out;
    out.subject = distinguished(certificate.subject);
    out.issuer = distinguished(certificate.issuer);
    for (const mbedtls_x509_sequence* at = &certificate.subject_alt_names;
         at != nullptr && at->buf.p != nullptr && out.names.size() < kMaxShownNames; at = at->next)
        if (std::string name = nameFrom(at->buf); !name.empty())
            out.names.push_back(std::move(name));
    out.notBefore = toTimestamp(certificate.valid_from);
    out.notAfter = toTimestamp(certificate.valid_to);
    out.fingerprint = fingerprintOf(certificate.raw);
    out.key = kindOf(certificate.pk);
    out.selfSigned = same(certificate.subject_raw, certificate.issuer_raw);
    return out;
}

}  // namespace muster::tls
