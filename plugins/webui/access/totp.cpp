#include "totp.h"

#include <algorithm>
#include <chrono>

#include "api/text.h"
#include "secrets.h"

namespace muster::webui {

namespace {

constexpr std::chrono::seconds kStep{30};
constexpr std::uint64_t kDrift = 1;  // steps to either side
constexpr std::size_t kDigits = 6;

}  // namespace

std::uint64_t totpStep(Timestamp time) noexcept {
    const auto step = time.time_since_epoch() / kStep;
    return step < 0 ? 0 : static_cast<std::uint64_t>(step);
}

std::string hotp(std::string_view secret, std::uint64_t counter, unsigned digits) {
    std::string message(sizeof counter, '\0');
    for (std::size_t i = 0; i < message.size(); ++i)
        message[i] = static_cast<char>(counter >> (56 - 8 * i) & 0xffU);
    const std::string mac = hmacSha1(secret, message);
    const auto octet = [&](std::size_t i) { return static_cast<std::uint32_t>(static_cast<unsigned char>(mac[i])); };
    const std::size_t offset = octet(mac.size() - 1) & 15U;
    std::uint32_t value =
        (octet(offset) & 0x7fU) << 24U | octet(offset + 1) << 16U | octet(offset + 2) << 8U | octet(offset + 3);
    std::string code(digits, '0');
    for (std::size_t i = code.size(); i > 0; value /= 10)
        code[--i] = static_cast<char>('0' + value % 10);
    return code;
}

std::optional<std::uint64_t> totpMatch(std::string_view secret, std::string_view code, Timestamp now,
                                       std::uint64_t last) {
    std::string digits(code.substr(0, 2 * kDigits));
    digits.erase(std::remove(digits.begin(), digits.end(), ' '), digits.end());
    const std::uint64_t present = totpStep(now);
    std::optional<std::uint64_t> match;
    // All are computed, whichever it is.
    for (std::uint64_t step = present < kDrift ? 0 : present - kDrift; step <= present + kDrift; ++step)
        if (sameSecret(hotp(secret, step), digits) && step > last && !match)
            match = step;
    return match;
}

std::string otpauthUri(std::string_view issuer, std::string_view account, std::string_view secret) {
    const std::string from = api::percentEncode(issuer);
    return "otpauth://totp/" + from + ":" + api::percentEncode(account) + "?secret=" + base32(secret) +
           "&issuer=" + from + "&algorithm=SHA1&digits=6&period=30";
}

}  // namespace muster::webui
