#include "api/text.h"

#include <cstdint>

namespace muster::api {

namespace {

constexpr std::string_view kHex = "0123456789ABCDEF";
constexpr std::string_view kBase64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

int hexDigit(char c) noexcept {
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

bool isUnreserved(char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
           c == '_' || c == '~';
}

}  // namespace

bool isUtf8(std::string_view text) noexcept {
    for (std::size_t i = 0; i < text.size();) {
        const auto first = static_cast<unsigned char>(text[i]);
        std::size_t length = 0;
        std::uint32_t point = 0;
        if (first < 0x80) {
            ++i;
            continue;
        }
        if (first >= 0xc2 && first <= 0xdf) {
            length = 2;
            point = first & 0x1fU;
        } else if (first >= 0xe0 && first <= 0xef) {
            length = 3;
            point = first & 0x0fU;
        } else if (first >= 0xf0 && first <= 0xf4) {
            length = 4;
            point = first & 0x07U;
        } else {
            return false;
        }
        if (text.size() - i < length)
            return false;
        for (std::size_t k = 1; k < length; ++k) {
            const auto next = static_cast<unsigned char>(text[i + k]);
            if ((next & 0xc0U) != 0x80)
                return false;
            point = point << 6 | (next & 0x3fU);
        }
        if ((length == 3 && point < 0x800) || (length == 4 && (point < 0x10000 || point > 0x10ffff)) ||
            (point >= 0xd800 && point <= 0xdfff))
            return false;
        i += length;
    }
    return true;
}

std::optional<std::string> percentDecode(std::string_view text, bool plusIsSpace) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        char c = text[i];
        if (c == '%') {
            if (text.size() - i < 3)
                return std::nullopt;
            const int high = hexDigit(text[i + 1]);
            const int low = hexDigit(text[i + 2]);
            if (high < 0 || low < 0)
                return std::nullopt;
            c = static_cast<char>(high * 16 + low);
            i += 2;
        } else if (c == '+' && plusIsSpace) {
            c = ' ';
        }
        if (c == '\0')
            return std::nullopt;
        out.push_back(c);
    }
    if (!isUtf8(out))
        return std::nullopt;
    return out;
}

std::string percentEncode(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (isUnreserved(c)) {
            out.push_back(c);
            continue;
        }
        const auto octet = static_cast<unsigned char>(c);
        out.push_back('%');
        out.push_back(kHex[octet >> 4U]);
        out.push_back(kHex[octet & 15U]);
    }
    return out;
}

std::string base64Url(std::string_view octets) {
    std::string out;
    std::uint32_t held = 0;
    unsigned bits = 0;
    for (const char c : octets) {
        held = held << 8U | static_cast<unsigned char>(c);
        bits += 8;
        while (bits >= 6) {
            bits -= 6;
            out.push_back(kBase64[held >> bits & 63U]);
        }
    }
    if (bits != 0)
        out.push_back(kBase64[held << (6 - bits) & 63U]);
    return out;
}

std::optional<std::string> fromBase64Url(std::string_view text) {
    std::string out;
    std::uint32_t held = 0;
    unsigned bits = 0;
    for (const char c : text) {
        const std::size_t digit = kBase64.find(c);
        if (digit == std::string_view::npos)
            return std::nullopt;
        held = held << 6U | static_cast<std::uint32_t>(digit);
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            out.push_back(static_cast<char>(held >> bits & 255U));
        }
    }
    if (bits == 6 || (held & ((1U << bits) - 1)) != 0)
        return std::nullopt;
    return out;
}

}  // namespace muster::api
