#include "tls/names.h"

#include <algorithm>
#include <arpa/inet.h>
#include <iterator>

namespace muster::tls {

namespace {

constexpr std::uint8_t kDnsName = 0x82;    // [2] IMPLICIT IA5String
constexpr std::uint8_t kIpAddress = 0x87;  // [7] IMPLICIT OCTET STRING
constexpr std::uint8_t kSequence = 0x30;

bool isDigit(char c) noexcept {
    return c >= '0' && c <= '9';
}

bool isAlphanumeric(char c) noexcept {
    return isDigit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool isLabel(std::string_view label) noexcept {
    return !label.empty() && label.size() <= 63 && isAlphanumeric(label.front()) && isAlphanumeric(label.back()) &&
           std::all_of(label.begin(), label.end(), [](char c) { return isAlphanumeric(c) || c == '-'; });
}

char lower(char c) noexcept {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool sameText(std::string_view a, std::string_view b) noexcept {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return lower(x) == lower(y); });
}

/// Tag, length (X.690 8.1.3) and content.
void append(std::vector<std::uint8_t>& out, std::uint8_t tag, const std::vector<std::uint8_t>& content) {
    out.push_back(tag);
    const std::size_t size = content.size();
    if (size >= 0x100) {
        out.push_back(0x82);
        out.push_back(static_cast<std::uint8_t>(size >> 8U));
    } else if (size >= 0x80) {
        out.push_back(0x81);
    }
    out.push_back(static_cast<std::uint8_t>(size & 0xFFU));
    // g++ 14 takes insert(), inlined here, for an overflow (-Wstringop-overflow).
    std::copy(content.begin(), content.end(), std::back_inserter(out));
}

}  // namespace

std::optional<std::vector<std::uint8_t>> addressOctets(const std::string& text) {
    std::vector<std::uint8_t> octets(16);
    if (::inet_pton(AF_INET6, text.c_str(), octets.data()) == 1)
        return octets;
    octets.resize(4);
    if (::inet_pton(AF_INET, text.c_str(), octets.data()) == 1)
        return octets;
    return std::nullopt;
}

bool isHostName(std::string_view text) noexcept {
    if (text.empty() || text.size() > 253)
        return false;
    for (;;) {
        const std::size_t dot = text.find('.');
        const std::string_view label = text.substr(0, dot);
        if (!isLabel(label))
            return false;
        if (dot == std::string_view::npos)  // the last one is no number: that would be a wrong address
            return !std::all_of(label.begin(), label.end(), isDigit);
        text.remove_prefix(dot + 1);
    }
}

Result<void> checkNames(const Names& names) {
    if (names.empty() || names.size() > kMaxNames)
        return fail(Code::malformed, "names",
                    std::to_string(names.size()) + " found, 1 to " + std::to_string(kMaxNames) + " allowed");
    for (const std::string& name : names)
        if (!isHostName(name) && !addressOctets(name))
            return fail(Code::malformed, "name \"" + name.substr(0, 64) + "\"",
                        "is neither a host name (letters, digits, hyphens, dots) nor a numeric address");
    return {};
}

std::vector<std::uint8_t> subjectAltName(const Names& names) {
    std::vector<std::uint8_t> all;
    for (const std::string& name : names) {
        if (const auto address = addressOctets(name))
            append(all, kIpAddress, *address);
        else
            append(all, kDnsName, {name.begin(), name.end()});
    }
    std::vector<std::uint8_t> out;
    append(out, kSequence, all);
    return out;
}

bool covers(std::string_view pattern, std::string_view name) noexcept {
    if (sameText(pattern, name))
        return true;
    const std::size_t dot = name.find('.');
    return pattern.starts_with("*.") && dot != 0 && dot != std::string_view::npos && isHostName(name) &&
           sameText(pattern.substr(1), name.substr(dot));
}

}  // namespace muster::tls
