#include "secrets.h"

#include <array>
#include <cerrno>
#include <cstdint>
#include <sys/random.h>

#include "mbedtls/md.h"
#include "mbedtls/platform_util.h"

#include "muster/result.h"

namespace muster::webui {

namespace {

constexpr std::string_view kHexDigits = "0123456789abcdef";
constexpr std::string_view kBase32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

const unsigned char* raw(std::string_view octets) noexcept {
    return reinterpret_cast<const unsigned char*>(octets.data());
}
unsigned char* raw(std::string& octets) noexcept {
    return reinterpret_cast<unsigned char*>(octets.data());
}

const mbedtls_md_info_t& digest(mbedtls_md_type_t type) {
    const mbedtls_md_info_t* const info = mbedtls_md_info_from_type(type);
    if (info == nullptr)
        throw Fault({Code::internal, "mbedTLS", "was built without a digest that the page needs"});
    return *info;
}

std::string hmac(mbedtls_md_type_t type, std::string_view key, std::string_view message) {
    const mbedtls_md_info_t& info = digest(type);
    std::string out(mbedtls_md_get_size(&info), '\0');
    if (mbedtls_md_hmac(&info, raw(key), key.size(), raw(message), message.size(), raw(out)) != 0)
        throw Fault({Code::internal, "mbedTLS", "cannot compute an HMAC: no memory"});
    return out;
}

int hexDigit(char c) noexcept {
    const std::size_t at = kHexDigits.find(c);
    return at == std::string_view::npos ? -1 : static_cast<int>(at);
}

}  // namespace

std::string randomOctets(std::size_t count) {
    std::string out(count, '\0');
    for (std::size_t have = 0; have < count;) {
        const ssize_t got = ::getrandom(out.data() + have, count - have, 0);
        if (got < 0 && errno != EINTR)
            throw Fault({Code::internal, "random numbers", "the system gives none"});
        if (got > 0)
            have += static_cast<std::size_t>(got);
    }
    return out;
}

std::string randomText(std::string_view alphabet, std::size_t count) {
    // What lies above the last whole multiple would favour the alphabet's beginning.
    const std::size_t limit = 256 - 256 % alphabet.size();
    std::string out;
    while (out.size() < count)
        for (const char octet : randomOctets(count)) {
            const std::size_t value = static_cast<unsigned char>(octet);
            if (value < limit && out.size() < count)
                out.push_back(alphabet[value % alphabet.size()]);
        }
    return out;
}

std::string sha256(std::string_view octets) {
    const mbedtls_md_info_t& info = digest(MBEDTLS_MD_SHA256);
    std::string out(mbedtls_md_get_size(&info), '\0');
    if (mbedtls_md(&info, raw(octets), octets.size(), raw(out)) != 0)
        throw Fault({Code::internal, "mbedTLS", "cannot compute SHA-256: no memory"});
    return out;
}

std::string hmacSha256(std::string_view key, std::string_view message) {
    return hmac(MBEDTLS_MD_SHA256, key, message);
}

std::string hmacSha1(std::string_view key, std::string_view message) {
    return hmac(MBEDTLS_MD_SHA1, key, message);
}

bool sameSecret(std::string_view a, std::string_view b) noexcept {
    if (a.size() != b.size())
        return false;
    volatile unsigned difference = 0;
    for (std::size_t i = 0; i < a.size(); ++i)
        difference = difference | (static_cast<unsigned char>(a[i]) ^ static_cast<unsigned>(raw(b)[i]));
    return difference == 0;
}

void wipe(std::string& secret) noexcept {
    mbedtls_platform_zeroize(secret.data(), secret.size());
    secret.clear();
}

std::string hex(std::string_view octets) {
    std::string out;
    out.reserve(octets.size() * 2);
    for (const char octet : octets) {
        const auto value = static_cast<unsigned char>(octet);
        out.push_back(kHexDigits[value >> 4U]);
        out.push_back(kHexDigits[value & 15U]);
    }
    return out;
}

std::optional<std::string> fromHex(std::string_view text) {
    if (text.size() % 2 != 0)
        return std::nullopt;
    std::string out;
    for (std::size_t i = 0; i < text.size(); i += 2) {
        const int high = hexDigit(text[i]);
        const int low = hexDigit(text[i + 1]);
        if (high < 0 || low < 0)
            return std::nullopt;
        out.push_back(static_cast<char>(high * 16 + low));
    }
    return out;
}

std::string base32(std::string_view octets) {
    std::string out;
    std::uint32_t bits = 0;
    unsigned have = 0;
    for (const char octet : octets) {
        bits = bits << 8U | static_cast<unsigned char>(octet);
        for (have += 8; have >= 5; have -= 5)
            out.push_back(kBase32[bits >> (have - 5) & 31U]);
        bits &= 31U;
    }
    if (have > 0)
        out.push_back(kBase32[bits << (5 - have) & 31U]);
    return out;
}

std::string lowerAscii(std::string_view text) {
    std::string out(text);
    for (char& c : out)
        if (c >= 'A' && c <= 'Z')
            c = static_cast<char>(c - 'A' + 'a');
    return out;
}

}  // namespace muster::webui
