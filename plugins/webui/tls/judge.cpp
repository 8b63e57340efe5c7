#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include "mbedtls/oid.h"

#include "tls/certificate.h"
#include "tls/names.h"
#include "tls/pem.h"
#include "tls/x509.h"

namespace muster::tls {

namespace {

using Certificates = std::vector<std::unique_ptr<Crt>>;

tl::unexpected<Error> refuse(std::string subject, std::string detail) {
    return fail(Code::denied, std::move(subject), std::move(detail));
}

/// The text between quotes is the uploader's.
std::string called(const Description& one) {
    return "certificate \"" + one.subject + "\"";
}

bool sameOctets(const mbedtls_x509_buf& a, const mbedtls_x509_buf& b) noexcept {
    return std::equal(a.p, a.p + a.len, b.p, b.p + b.len);
}

/// What an upload is made of, sorted by kind.
struct Parts {
    std::vector<Block> certificates;
    std::vector<Block> keys;
};

Result<Parts> sorted(std::string_view upload) {
    const auto blocks = pemBlocks(upload);
    if (!blocks)
        return fail(blocks.error());
    Parts parts;
    for (const Block& block : *blocks) {
        const std::string label(block.label);
        if (label == "CERTIFICATE" || label == "X509 CERTIFICATE")
            parts.certificates.push_back(block);
        else if (label == "ENCRYPTED PRIVATE KEY" ||
                 block.text.find("Proc-Type: 4,ENCRYPTED") != std::string_view::npos)
            return refuse("private key",
                          "it is locked with a password; unlock it with \"openssl pkey -in FILE\" first");
        else if (label == "PRIVATE KEY" || label == "EC PRIVATE KEY" || label == "RSA PRIVATE KEY")
            parts.keys.push_back(block);
        else if (label == "CERTIFICATE REQUEST" || label == "NEW CERTIFICATE REQUEST")
            return refuse("upload", "this is a certificate request; have it signed, and upload what comes back");
        else if (label == "PKCS7")
            return refuse("upload",
                          "this is PKCS#7; convert it with \"openssl pkcs7 -in FILE -print_certs -out chain.pem\"");
        else if (label != "EC PARAMETERS")
            return refuse("upload", "a block \"" + label.substr(0, 64) +
                                        "\" was found; only certificates and their private key belong here");
    }
    if (parts.certificates.empty() && parts.keys.empty()) {
        const bool binary = !upload.empty() && upload.front() == '\x30';
        return fail(Code::malformed, "upload",
                    binary ? "this is binary (DER or PKCS#12), PEM is wanted; convert it with \"openssl x509 -inform "
                             "DER -in FILE\" or \"openssl pkcs12 -in FILE -nodes\""
                           : "no PEM was found in it; a line \"-----BEGIN CERTIFICATE-----\" is wanted");
    }
    if (parts.certificates.empty())
        return refuse("upload", "there is a private key and no certificate; add the certificate and its chain");
    if (parts.certificates.size() > kMaxChain)
        return refuse("upload", std::to_string(parts.certificates.size()) + " certificates were found, at most " +
                                    std::to_string(kMaxChain) + " are taken; leave out what is not its chain");
    if (parts.keys.size() > 1)
        return refuse("upload", std::to_string(parts.keys.size()) +
                                    " private keys were found; leave only the one that "
                                    "belongs to the certificate");
    return parts;
}

Result<Certificates> parsed(const std::vector<Block>& blocks) {
    Certificates out;
    for (const Block& block : blocks) {
        out.push_back(std::make_unique<Crt>());
        const std::string text(block.text);
        if (const int bad = mbedtls_x509_crt_parse(
                out.back()->get(), reinterpret_cast<const unsigned char*>(text.c_str()), text.size() + 1);
            bad != 0)
            return fail(Code::malformed, "certificate " + std::to_string(out.size()),
                        (bad < 0 ? wordsOf(bad) : "it cannot be read") + "; upload it as the authority sent it");
        // The library takes text that is no PEM, up to its NUL, for nothing at all.
        if (out.back()->get()->raw.p == nullptr)
            return fail(Code::malformed, "certificate " + std::to_string(out.size()), "there is nothing in it");
    }
    return out;
}

/// What verifying without looking at the clock says against `issuer` as the signer of `child`; empty: nothing.
std::string against(mbedtls_x509_crt& child, mbedtls_x509_crt& issuer) {
    std::uint32_t flags = 0;
    mbedtls_x509_crt_verify_with_profile(&child, &issuer, nullptr, &mbedtls_x509_crt_profile_next, nullptr, &flags,
                                         nullptr, nullptr);
    flags &= ~static_cast<std::uint32_t>(MBEDTLS_X509_BADCERT_EXPIRED | MBEDTLS_X509_BADCERT_FUTURE);
    if (flags == 0)
        return {};
    std::array<char, 512> words{};
    mbedtls_x509_crt_verify_info(words.data(), words.size(), "", flags);
    std::string text = words.data();
    std::replace(text.begin(), text.end(), '\n', ' ');
    return text.empty() ? "its signature is not good" : text.substr(0, text.size() - 1);
}

/// The server's own certificate first, then who signed it, and so on. Takes them out of `all`.
Result<Certificates> ordered(Certificates all, std::size_t own) {
    Certificates chain;
    const auto take = [&](std::size_t at) {
        chain.push_back(std::move(all[at]));
        all.erase(all.begin() + static_cast<std::ptrdiff_t>(at));
    };
    take(own);
    for (bool found = true; found;) {
        found = false;
        mbedtls_x509_crt& child = *chain.back()->get();
        if (sameOctets(child.subject_raw, child.issuer_raw))
            break;
        std::string words;
        for (std::size_t i = 0; i < all.size() && !found; ++i) {
            if (!sameOctets(child.issuer_raw, all[i]->get()->subject_raw))
                continue;
            words = against(child, *all[i]->get());
            if (words.empty()) {
                take(i);
                found = true;
            }
        }
        if (!found && !words.empty())
            return refuse(called(describe(child)), "the certificate of its issuer that came with it did not sign it: " +
                                                       words + "; upload the chain that the authority sent with it");
    }
    for (const auto& left : all) {
        const bool again = std::any_of(chain.begin(), chain.end(),
                                       [&](const auto& one) { return sameOctets(one->get()->raw, left->get()->raw); });
        if (!again)
            return refuse(called(describe(*left->get())),
                          "is no part of the chain of " + called(describe(*chain.front()->get())) + "; leave it out");
    }
    return chain;
}

Result<void> readKey(Key& key, const std::string& text) {
    if (const int bad = parseKey(*key.get(), text); bad != 0)
        return fail(Code::malformed, "private key", wordsOf(bad) + "; upload it in PEM and without a password");
    return {};
}

/// The text that is stored: everything written anew, so that nothing but key and chain is in it.
Result<Pair> pairOf(const Key& key, const Certificates& chain) {
    Pair pair;
    auto keyText = toPem(*key.get());
    if (!keyText)
        return fail(std::move(keyText.error()));
    pair.pem.reserve(2 * kMaxUpload);  // no copies left behind by growing
    pair.pem = *keyText;
    wipe(*keyText);
    for (const auto& one : chain) {
        const auto text = toPem("CERTIFICATE", one->get()->raw.p, one->get()->raw.len);
        if (!text)
            return fail(text.error());
        pair.pem += *text;
        pair.chain.push_back(describe(*one->get()));
    }
    return pair;
}

Result<std::size_t> ownOf(const Certificates& all, const Key& key) {
    for (std::size_t i = 0; i < all.size(); ++i)
        if (belongTogether(*all[i]->get(), *key.get()))
            return i;
    return fail(Code::denied, "", "");
}

/// Whether the certificate is one for a server.
Result<void> checkPurpose(mbedtls_x509_crt& own) {
    const std::string name = called(describe(own));
    const auto hash = own.MBEDTLS_PRIVATE(sig_md);
    if (hash != MBEDTLS_MD_SHA256 && hash != MBEDTLS_MD_SHA384 && hash != MBEDTLS_MD_SHA512)
        return refuse(name, "is signed over an outdated hash, which no browser takes; ask for one with SHA-256");
    if (mbedtls_x509_crt_check_key_usage(&own, MBEDTLS_X509_KU_DIGITAL_SIGNATURE) != 0)
        return refuse(name, "its key usage lacks \"digital signature\"; ask for one for a TLS server");
    if (mbedtls_x509_crt_check_extended_key_usage(&own, MBEDTLS_OID_SERVER_AUTH,
                                                  MBEDTLS_OID_SIZE(MBEDTLS_OID_SERVER_AUTH)) != 0)
        return refuse(name, "its extended key usage lacks \"server authentication\"; ask for one for a TLS server");
    return {};
}

Result<void> checkDates(Pair& pair, Timestamp now) {
    for (const Description& one : pair.chain) {
        if (one.notAfter < now)
            return refuse(called(one), "expired on " + dateOf(one.notAfter) + ", and this box has " + dateOf(now) +
                                           "; upload one that is valid, or set the clock");
        if (one.notBefore > now)
            pair.warnings.push_back(called(one) + " is valid only from " + dateOf(one.notBefore) +
                                    " on, and this box has " + dateOf(now) + ".");
    }
    return {};
}

void warnOfNames(Pair& pair, const Names& expected) {
    const Names& names = pair.chain.front().names;
    if (names.empty()) {
        pair.warnings.emplace_back("The certificate has no subject alternative name; browsers take it for no name.");
        return;
    }
    const bool covered = std::any_of(expected.begin(), expected.end(), [&](const std::string& name) {
        return std::any_of(names.begin(), names.end(), [&](const std::string& of) { return covers(of, name); });
    });
    if (!covered && !expected.empty())
        pair.warnings.push_back("The certificate is for " + names.front() + (names.size() > 1 ? " and others" : "") +
                                ", and this box is called " + expected.front() + ": browsers will warn.");
}

}  // namespace

Result<Pair> judge(std::string_view upload, const std::string& requestKey, const Names& expected, Timestamp now) {
    if (upload.size() > kMaxUpload)
        return fail(Code::malformed, "upload",
                    std::to_string(upload.size()) + " octets, at most " + std::to_string(kMaxUpload) +
                        "; only the certificate, its chain and its key belong in it");
    auto parts = sorted(upload);
    if (!parts)
        return fail(std::move(parts.error()));
    const bool answer = parts->keys.empty();
    if (answer && requestKey.empty())
        return refuse("private key",
                      "there is none in it, and no request waits for its certificate; add the key, or "
                      "make a request here and have it signed");
    auto all = parsed(parts->certificates);
    if (!all)
        return fail(std::move(all.error()));
    Key key;
    const Wiped keyText(answer ? requestKey : std::string(parts->keys.front().text));
    if (auto read = readKey(key, *keyText); !read)
        return fail(std::move(read.error()));
    if (!isFit(*key.get()))
        return refuse("private key", "it is " + kindOf(*key.get()) +
                                         "; ECDSA P-256, ECDSA P-384 or RSA of 2048 to 4096 bits is wanted");
    const auto own = ownOf(*all, key);
    if (!own)
        return refuse("private key",
                      answer ? "the certificate is not the answer to the request that was made here last; upload that "
                               "answer, or add the certificate's own key"
                             : "it belongs to none of the certificates, the first of which is " +
                                   called(describe(*all->front()->get())) + "; upload certificate and key of one pair");
    if (auto fit = checkPurpose(*(*all)[*own]->get()); !fit)
        return fail(std::move(fit.error()));
    auto chain = ordered(std::move(*all), *own);
    if (!chain)
        return fail(std::move(chain.error()));
    auto pair = pairOf(key, *chain);
    if (!pair)
        return pair;
    if (auto dated = checkDates(*pair, now); !dated)
        return fail(std::move(dated.error()));
    warnOfNames(*pair, expected);
    return pair;
}

Result<Pair> readPair(const std::string& pem) {
    auto parts = sorted(pem);
    if (!parts)
        return fail(std::move(parts.error()));
    if (parts->keys.empty())
        return fail(Code::malformed, "private key", "there is none in it");
    auto chain = parsed(parts->certificates);
    if (!chain)
        return fail(std::move(chain.error()));
    Key key;
    const Wiped keyText(std::string(parts->keys.front().text));
    if (auto read = readKey(key, *keyText); !read)
        return fail(std::move(read.error()));
    if (!belongTogether(*chain->front()->get(), *key.get()))
        return fail(Code::malformed, "private key", "it does not belong to the first certificate");
    return pairOf(key, *chain);
}

}  // namespace muster::tls
