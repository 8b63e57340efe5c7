#include "kms/utf16.h"

#include <cstdint>

#include "kms/octets.h"

namespace muster::kms {

namespace {

constexpr char32_t kReplacement = 0xFFFD;

constexpr bool isHighSurrogate(char32_t unit) noexcept {
    return unit >= 0xD800 && unit <= 0xDBFF;
}
constexpr bool isLowSurrogate(char32_t unit) noexcept {
    return unit >= 0xDC00 && unit <= 0xDFFF;
}

/// Writes one character. @return its octets, or 0 where it does not fit
std::size_t put(char32_t c, std::span<char> out) noexcept {
    const std::size_t size = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    if (size > out.size())
        return 0;
    if (size == 1) {
        out[0] = static_cast<char>(c);
        return size;
    }
    static constexpr unsigned kLead[] = {0, 0, 0xC0, 0xE0, 0xF0};
    out[0] = static_cast<char>(kLead[size] | (c >> (6 * (size - 1))));
    for (std::size_t i = 1; i < size; ++i)
        out[i] = static_cast<char>(0x80U | ((c >> (6 * (size - 1 - i))) & 0x3FU));
    return size;
}

struct Character {
    char32_t value;
    std::size_t octets;  // how many of the text it took
};

/// The first character of `text`, which is not empty.
Character first(std::string_view text) noexcept {
    const auto octet = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned lead = octet(0);
    if (lead < 0x80)
        return {lead, 1};
    const std::size_t size = lead >= 0xF0 && lead <= 0xF4  ? 4
                             : lead >= 0xE0 && lead < 0xF0 ? 3
                             : lead >= 0xC2 && lead < 0xE0 ? 2
                                                           : 0;
    if (size == 0 || size > text.size())
        return {kReplacement, 1};
    char32_t value = lead & (0xFFU >> (size + 1));
    for (std::size_t i = 1; i < size; ++i) {
        if ((octet(i) & 0xC0U) != 0x80U)
            return {kReplacement, 1};
        value = (value << 6) | (octet(i) & 0x3FU);
    }
    static constexpr char32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
    const bool surrogate = value >= 0xD800 && value <= 0xDFFF;
    if (value < kLeast[size] || value > 0x10FFFF || surrogate)
        return {kReplacement, 1};
    return {value, size};
}

}  // namespace

std::size_t utf16ToUtf8(Octets units, std::span<char> out) noexcept {
    std::size_t written = 0;
    const std::size_t count = units.size() / 2;
    const auto unit = [&](std::size_t i) { return char32_t{load<std::uint16_t>(units.data() + 2 * i)}; };
    for (std::size_t i = 0; i < count; ++i) {
        char32_t c = unit(i);
        if (c == 0)
            break;
        if (isHighSurrogate(c) && i + 1 < count && isLowSurrogate(unit(i + 1))) {
            c = 0x10000 + ((c - 0xD800) << 10) + (unit(i + 1) - 0xDC00);
            ++i;
        } else if (isHighSurrogate(c) || isLowSurrogate(c)) {
            c = kReplacement;
        }
        const std::size_t size = put(c, out.subspan(written));
        if (size == 0)
            break;
        written += size;
    }
    return written;
}

std::size_t utf8ToUtf16(std::string_view text, std::span<std::byte> out) noexcept {
    std::size_t written = 0;
    while (!text.empty()) {
        const Character c = first(text);
        text.remove_prefix(c.octets);
        const std::size_t size = c.value < 0x10000 ? 2 : 4;
        if (size > out.size() - written)
            break;
        if (size == 2) {
            store(out.data() + written, static_cast<std::uint16_t>(c.value));
        } else {
            const char32_t above = c.value - 0x10000;
            store(out.data() + written, static_cast<std::uint16_t>(0xD800 + (above >> 10)));
            store(out.data() + written + 2, static_cast<std::uint16_t>(0xDC00 + (above & 0x3FF)));
        }
        written += size;
    }
    return written;
}

std::size_t utf16Units(std::string_view text) noexcept {
    std::size_t units = 0;
    while (!text.empty()) {
        const Character c = first(text);
        text.remove_prefix(c.octets);
        units += c.value < 0x10000 ? 1 : 2;
    }
    return units;
}

}  // namespace muster::kms
