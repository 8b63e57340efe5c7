/// For this room's tests: an authority that signs whatever a test wants to see refused.
#pragma once

#include <string>
#include <vector>

#include "mbedtls/bignum.h"
#include "mbedtls/ecp.h"
#include "mbedtls/oid.h"
#include "mbedtls/rsa.h"

#include "tls/names.h"
#include "tls/x509.h"

namespace muster::tls::test {

struct Made {
    std::string subject;
    std::string key;          ///< PEM
    std::string certificate;  ///< PEM
};

struct Wish {
    std::string subject = "CN=muster.example.org";
    const Made* issuer = nullptr;  ///< none: itself
    Names names{"muster.example.org"};
    bool authority = false;
    int rsaBits = 0;  ///< 0: on `curve`
    mbedtls_ecp_group_id curve = MBEDTLS_ECP_DP_SECP256R1;
    mbedtls_md_type_t hash = MBEDTLS_MD_SHA256;
    std::string from = "20260101000000";
    std::string to = "20270101000000";
    unsigned usage = MBEDTLS_X509_KU_DIGITAL_SIGNATURE;
    bool forClients = false;   ///< extended key usage: client authentication alone
    std::string requestKey{};  ///< PEM; empty: a new one
};

inline Made make(const Wish& wish) {
    started();
    Key key;
    if (!wish.requestKey.empty()) {
        parseKey(*key.get(), wish.requestKey);
    } else if (wish.rsaBits != 0) {
        mbedtls_pk_setup(key.get(), mbedtls_pk_info_from_type(MBEDTLS_PK_RSA));
        mbedtls_rsa_gen_key(mbedtls_pk_rsa(*key.get()), random, nullptr, static_cast<unsigned>(wish.rsaBits), 65537);
    } else {
        mbedtls_pk_setup(key.get(), mbedtls_pk_info_from_type(MBEDTLS_PK_ECKEY));
        mbedtls_ecp_gen_key(wish.curve, mbedtls_pk_ec(*key.get()), random, nullptr);
    }
    Key issuerKey;
    if (wish.issuer != nullptr)
        parseKey(*issuerKey.get(), wish.issuer->key);
    Held<mbedtls_x509write_cert, mbedtls_x509write_crt_init, mbedtls_x509write_crt_free> writer;
    mbedtls_x509write_crt_set_version(writer.get(), MBEDTLS_X509_CRT_VERSION_3);
    mbedtls_x509write_crt_set_md_alg(writer.get(), wish.hash);
    mbedtls_x509write_crt_set_subject_key(writer.get(), key.get());
    mbedtls_x509write_crt_set_issuer_key(writer.get(), wish.issuer != nullptr ? issuerKey.get() : key.get());
    mbedtls_x509write_crt_set_subject_name(writer.get(), wish.subject.c_str());
    mbedtls_x509write_crt_set_issuer_name(writer.get(),
                                          (wish.issuer != nullptr ? wish.issuer->subject : wish.subject).c_str());
    const unsigned char one = 1;
#if MBEDTLS_VERSION_MAJOR >= 3
    unsigned char serial = one;
    mbedtls_x509write_crt_set_serial_raw(writer.get(), &serial, 1);
#else
    Held<mbedtls_mpi, mbedtls_mpi_init, mbedtls_mpi_free> serial;
    mbedtls_mpi_read_binary(serial.get(), &one, 1);
    mbedtls_x509write_crt_set_serial(writer.get(), serial.get());
#endif
    mbedtls_x509write_crt_set_validity(writer.get(), wish.from.c_str(), wish.to.c_str());
    mbedtls_x509write_crt_set_basic_constraints(writer.get(), wish.authority ? 1 : 0, -1);
    mbedtls_x509write_crt_set_key_usage(writer.get(), wish.authority ? MBEDTLS_X509_KU_KEY_CERT_SIGN : wish.usage);
    if (wish.forClients) {
        const unsigned char purpose[] = {0x30, 0x0A, 0x06, 0x08, 0x2B, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x02};
        mbedtls_x509write_crt_set_extension(writer.get(), MBEDTLS_OID_EXTENDED_KEY_USAGE,
                                            MBEDTLS_OID_SIZE(MBEDTLS_OID_EXTENDED_KEY_USAGE), 0, purpose,
                                            sizeof purpose);
    }
    if (!wish.names.empty() && !wish.authority) {
        const auto san = subjectAltName(wish.names);
        mbedtls_x509write_crt_set_extension(writer.get(), MBEDTLS_OID_SUBJECT_ALT_NAME,
                                            MBEDTLS_OID_SIZE(MBEDTLS_OID_SUBJECT_ALT_NAME), 0, san.data(), san.size());
    }
    std::vector<unsigned char> der(8192);
    const int size = mbedtls_x509write_crt_der(writer.get(), der.data(), der.size(), random, nullptr);
    if (size < 0)
        return {};
    return {wish.subject, toPem(*key.get()).value_or(""),
            toPem("CERTIFICATE", der.data() + der.size() - size, static_cast<std::size_t>(size)).value_or("")};
}

inline Timestamp day(int year, unsigned month, unsigned of) {
    return Timestamp(std::chrono::sys_days(std::chrono::year(year) / std::chrono::month(month) / std::chrono::day(of)));
}

}  // namespace muster::tls::test
