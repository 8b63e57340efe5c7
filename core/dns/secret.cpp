#include "dns/secret.h"

#include <array>
#include <string>
#include <utility>

#include "mbedtls/base64.h"
#include "mbedtls/platform_util.h"

namespace muster::dns {

namespace {

constexpr std::size_t kMaxText = (Secret::kMax + 2) / 3 * 4;
constexpr std::string_view kSpace = " \t\r\n";

}  // namespace

Result<Secret> Secret::fromBase64(std::string_view text) {
    const auto bad = [](const std::string& why) { return fail(Code::malformed, "secret", why); };
    const std::size_t begin = text.find_first_not_of(kSpace);
    if (begin == std::string_view::npos)
        return bad("is empty; give the base64 text of the key's \"secret\"");
    text = text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
    if (text.size() > kMaxText)
        return bad("longer than " + std::to_string(kMax) + " octets");
    // mbedTLS passes over line ends; a key's text is one word.
    if (text.find_first_of(kSpace) != std::string_view::npos)
        return bad("has white space inside; give the base64 text of the key's \"secret\" in one piece");
    std::array<unsigned char, kMaxText> octets{};
    std::size_t size = 0;
    Secret secret;
    const bool decoded = mbedtls_base64_decode(octets.data(), octets.size(), &size,
                                               reinterpret_cast<const unsigned char*>(text.data()), text.size()) == 0;
    if (decoded && size >= kMin && size <= kMax) {
        const auto* first = reinterpret_cast<const std::byte*>(octets.data());
        secret.octets_.assign(first, first + size);
    }
    mbedtls_platform_zeroize(octets.data(), octets.size());
    if (!decoded)
        return bad("is no base64; give the base64 text of the key's \"secret\"");
    if (secret.empty())
        return bad(std::to_string(size) + " octets, where " + std::to_string(kMin) + " to " + std::to_string(kMax) +
                   " are taken; make a key with tsig-keygen or keymgr");
    return secret;
}

Secret::Secret(Secret&& other) noexcept : octets_(std::exchange(other.octets_, {})) {}

Secret& Secret::operator=(Secret&& other) noexcept {
    if (this != &other) {
        wipe();
        octets_ = std::exchange(other.octets_, {});
    }
    return *this;
}

Secret::~Secret() {
    wipe();
}

void Secret::wipe() noexcept {
    if (!octets_.empty())
        mbedtls_platform_zeroize(octets_.data(), octets_.size());
    octets_.clear();
}

}  // namespace muster::dns
