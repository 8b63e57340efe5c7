#include "host_key.h"

#include <algorithm>
#include <array>
#include <sys/random.h>

#include "Poco/Checksum.h"

#include "muster/family.h"

#include "kms/epid.h"
#include "kms/hresult.h"

namespace muster::lab {

namespace {

constexpr std::string_view kPrefix = "LAB-";
constexpr std::string_view kAlphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";  // Crockford's base 32
constexpr std::size_t kRandomSize = 8;
constexpr std::size_t kCheckSize = 7;
constexpr std::size_t kMaxFamily = 40;
constexpr std::size_t kMaxTyped = 128;  // longer is no key, whatever it is

char upper(char c) noexcept {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
}

char lower(char c) noexcept {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

std::string mapped(std::string_view text, char (*map)(char) noexcept) {
    std::string out(text);
    std::transform(out.begin(), out.end(), out.begin(), map);
    return out;
}

char meant(char c) noexcept {
    c = upper(c);
    return c == 'O' ? '0' : c == 'I' || c == 'L' ? '1' : c;
}

std::uint32_t crc(std::string_view text) {
    Poco::Checksum checksum(Poco::Checksum::TYPE_CRC32);
    checksum.update(text.data(), static_cast<unsigned>(text.size()));
    return checksum.checksum();
}

/// `size` characters, five bits each, the highest first.
std::string base32(std::uint64_t value, std::size_t size) {
    std::string out(size, '0');
    for (std::size_t i = size; i-- > 0; value >>= 5)
        out[i] = kAlphabet[value & 31U];
    return out;
}

bool isFamilyName(std::string_view name) noexcept {
    if (name.empty() || name.size() > kMaxFamily || name.front() == '-' || name.back() == '-')
        return false;
    char before = 'a';
    for (const char c : name) {
        const bool dash = c == '-';
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && !dash)
            return false;
        if (dash && before == '-')
            return false;
        before = c;
    }
    return true;
}

tl::unexpected<Error> refuse(std::string_view why) {
    return fail(Code::malformed, "host key", invalidKeyText(why));
}

/// Takes the last part off `text`, with the dash before it.
std::string_view takeLast(std::string_view& text) noexcept {
    const std::size_t dash = text.rfind('-');
    const std::string_view last = dash == std::string_view::npos ? text : text.substr(dash + 1);
    text = dash == std::string_view::npos ? std::string_view() : text.substr(0, dash);
    return last;
}

}  // namespace

std::optional<std::uint8_t> groupOf(std::string_view name) noexcept {
    for (const std::uint8_t group : {MUSTER_GROUP_CLIENT, MUSTER_GROUP_A, MUSTER_GROUP_B, MUSTER_GROUP_C}) {
        const std::string_view known = kms::groupName(group);
        if (std::equal(name.begin(), name.end(), known.begin(), known.end(),
                       [](char a, char b) { return upper(a) == upper(b); }))
            return group;
    }
    return std::nullopt;
}

std::string invalidKeyText(std::string_view why) {
    std::string out = muster::text(HResult::invalidProductKey) + " ";
    if (const auto* info = kms::find(HResult::invalidProductKey))
        out += info->sentence;
    return out.append(" ").append(why);
}

Result<HostKey> HostKey::issue(std::string_view family, std::uint8_t group) {
    if (!isFamilyName(family) || kms::groupName(group).empty())
        return fail(Code::malformed, "family " + std::string(family.substr(0, kMaxFamily)),
                    "a family's name is 1 to 40 of a-z, 0-9 and single dashes, as \"musterctl plugin list\" shows it");
    std::uint64_t random = 0;
    if (getrandom(&random, sizeof random, 0) != static_cast<ssize_t>(sizeof random))
        return fail(Code::internal, "host key", "the system gives no random numbers");
    std::string text(kPrefix);
    text +=
        mapped(family, upper) + "-" + mapped(kms::groupName(group), upper) + "-" + base32(random, kRandomSize) + "-";
    text += base32(crc(text), kCheckSize);
    return HostKey(std::move(text), std::string(family), group);
}

Result<HostKey> HostKey::parse(std::string_view typed) {
    const auto isBlank = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; };
    while (!typed.empty() && isBlank(typed.front()))
        typed.remove_prefix(1);
    while (!typed.empty() && isBlank(typed.back()))
        typed.remove_suffix(1);
    if (typed.size() > kMaxTyped || mapped(typed.substr(0, kPrefix.size()), upper) != kPrefix)
        return refuse(
            "Not a lab host key: those begin with LAB- and come from \"musterctl lab issue-key\". Muster takes "
            "no key of Microsoft's.");
    std::string_view left = typed.substr(kPrefix.size());
    const std::string check = mapped(takeLast(left), meant);
    const std::string random = mapped(takeLast(left), meant);
    const auto group = groupOf(takeLast(left));
    const std::string family = mapped(left, lower);
    if (check.size() != kCheckSize || random.size() != kRandomSize || !group || !isFamilyName(family))
        return refuse("Not of the form LAB-FAMILY-GROUP-XXXXXXXX-XXXXXXX: compare it with the original.");
    std::string text(kPrefix);
    text += mapped(family, upper) + "-" + mapped(kms::groupName(*group), upper) + "-" + random + "-";
    if (base32(crc(text), kCheckSize) != check)
        return refuse("A character of it is wrong: compare it with the original.");
    return HostKey(text + check, family, *group);
}

std::uint32_t HostKey::number() const noexcept {
    std::uint64_t value = 0;
    for (const char c : std::string_view(text_).substr(text_.size() - kCheckSize - 1 - kRandomSize, kRandomSize))
        value = value * kAlphabet.size() + kAlphabet.find(c);
    return static_cast<std::uint32_t>(value % 1'000'000'000);
}

}  // namespace muster::lab
