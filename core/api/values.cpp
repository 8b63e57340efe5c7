#include "api/values.h"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <charconv>
#include <cstdio>
#include <limits>

#include "api/objects.h"
#include "api/text.h"

namespace muster::api {

namespace {

constexpr std::int64_t kLowest = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t kHighest = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kMaxText = 4096;  // octets of a text without a bound of its own

struct Unit {
    const char* name;
    std::int64_t factor;
};
// Largest first; "" is not among them: a bare number has no meaning as a duration.
constexpr std::array<Unit, 5> kTimes{{{"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1000}, {"ms", 1}}};
constexpr std::array<Unit, 6> kSizes{
    {{"TiB", 1LL << 40}, {"GiB", 1LL << 30}, {"MiB", 1LL << 20}, {"KiB", 1LL << 10}, {"B", 1}, {"", 1}}};

std::optional<std::int64_t> parseInteger(std::string_view text) noexcept {
    std::int64_t number = 0;
    if (!text.empty() && text.front() == '+')
        return std::nullopt;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size() || text.empty())
        return std::nullopt;
    return number;
}

template <std::size_t N>
std::optional<std::int64_t> parseUnits(std::string_view text, const std::array<Unit, N>& units) noexcept {
    const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
    const auto number = parseInteger(text.substr(0, digits));
    if (!number)
        return std::nullopt;
    const std::string_view unit = text.substr(digits);
    for (const Unit& candidate : units)
        if (unit == candidate.name)
            return *number > kHighest / candidate.factor ? std::nullopt : std::optional(*number * candidate.factor);
    return std::nullopt;
}

template <std::size_t N>
std::string unitText(std::int64_t value, const std::array<Unit, N>& units) {
    for (const Unit& unit : units)
        if (value != 0 && value % unit.factor == 0)
            return std::to_string(value / unit.factor) + unit.name;
    return std::to_string(value) + units[units.size() - 1].name;
}

std::string_view trim(std::string_view text) noexcept {
    constexpr std::string_view kBlank = " \t\r\n";
    const std::size_t begin = text.find_first_not_of(kBlank);
    if (begin == std::string_view::npos)
        return {};
    return text.substr(begin, text.find_last_not_of(kBlank) - begin + 1);
}

/// "[a, "b, c"]" or "a, b": the items. Nothing if brackets or quotes don't match.
std::optional<std::vector<std::string>> splitList(std::string_view text) {
    text = trim(text);
    if (text.size() >= 2 && text.front() == '[' && text.back() == ']')  // "[::1]:1688" alone is no list
        text = trim(text.substr(1, text.size() - 2));
    std::vector<std::string> items;
    if (text.empty())
        return items;
    std::string item;
    char quote = '\0';
    const auto finish = [&] {
        std::string_view trimmed = trim(item);
        if (trimmed.size() >= 2 && (trimmed.front() == '"' || trimmed.front() == '\'') &&
            trimmed.back() == trimmed.front())
            trimmed = trimmed.substr(1, trimmed.size() - 2);
        items.emplace_back(trimmed);
        item.clear();
    };
    for (const char c : text) {
        if (quote != '\0') {
            quote = c == quote ? '\0' : quote;
        } else if (c == '"' || c == '\'') {
            quote = c;
        } else if (c == ',') {
            finish();
            continue;
        }
        item.push_back(c);
    }
    if (quote != '\0')
        return std::nullopt;
    finish();
    return items;
}

FieldType itemType(FieldType list) noexcept {
    switch (list) {
        case FieldType::texts:
            return FieldType::text;
        case FieldType::integers:
            return FieldType::integer;
        case FieldType::addresses:
            return FieldType::address;
        case FieldType::networks:
            return FieldType::network;
        case FieldType::objects:
            return FieldType::object;
        default:
            return list;
    }
}

/// One item of a list as a field of its own: bounds of a list count items, so its items have none.
Field itemField(const Field& list) noexcept {
    Field item = list;
    item.type = itemType(list.type);
    item.minimum = kLowest;
    item.maximum = kHighest;
    return item;
}

bool hasForbiddenControl(std::string_view text) noexcept {
    return std::any_of(text.begin(), text.end(), [](char c) {
        const auto octet = static_cast<unsigned char>(c);
        return (octet < 0x20 && c != '\n' && c != '\t' && c != '\r') || octet == 0x7f;
    });
}

bool inBounds(const Field& field, std::int64_t value) noexcept {
    return value >= field.minimum && value <= field.maximum;
}

/// A text for any scalar type that is written as one. Nothing: not allowed.
std::optional<SettingValue> fromText(const Field& field, const std::string& text) {
    switch (field.type) {
        case FieldType::text: {
            const auto size = static_cast<std::int64_t>(text.size());
            const bool fits = inBounds(field, size) && (field.maximum != kHighest || size <= kMaxText);
            if (!fits || !isUtf8(text) || hasForbiddenControl(text))
                return std::nullopt;
            return text;
        }
        case FieldType::choice: {
            const auto known = choices(field);
            if (std::find(known.begin(), known.end(), text) == known.end())
                return std::nullopt;
            return text;
        }
        case FieldType::duration:
        case FieldType::size: {
            const auto number = field.type == FieldType::duration ? parseDuration(text) : parseSize(text);
            if (!number || !inBounds(field, *number))
                return std::nullopt;
            return *number;
        }
        case FieldType::address:
            if (const auto address = Address::parse(text))
                return address->text();
            return std::nullopt;
        case FieldType::network:
            if (auto network = parseNetwork(text))
                return std::move(*network);
            return std::nullopt;
        case FieldType::guid:
            if (const auto guid = Guid::parse(text))
                return guid->text();
            return std::nullopt;
        case FieldType::timestamp:
            if (const auto time = parseTimestamp(text))
                return isoTime(*time);
            return std::nullopt;
        default:
            return std::nullopt;
    }
}

std::optional<std::int64_t> wholeNumber(const Json& value) noexcept {
    if (const auto* number = value.integer())
        return *number;
    if (const auto* number = value.natural(); number && *number <= static_cast<std::uint64_t>(kHighest))
        return static_cast<std::int64_t>(*number);
    return std::nullopt;
}

std::optional<SettingValue> fromJson(const Field& field, const Json& value) {
    if (const std::string* text = value.string())
        return fromText(field, *text);
    if (const bool* flag = value.boolean())
        return field.type == FieldType::boolean ? std::optional<SettingValue>(*flag) : std::nullopt;
    if (const auto number = wholeNumber(value)) {
        const bool numeric = field.type == FieldType::integer || field.type == FieldType::size;
        if (!numeric || !inBounds(field, *number) || (field.type == FieldType::size && *number < 0))
            return std::nullopt;
        return *number;
    }
    const Json::Array* items = value.array();
    if (items == nullptr || !isList(field.type))
        return std::nullopt;
    const auto count = static_cast<std::int64_t>(items->size());
    if (!inBounds(field, count) || (field.maximum == kHighest && count > kMaxItems))
        return std::nullopt;
    const Field item = itemField(field);
    std::vector<std::string> texts;
    std::vector<std::int64_t> numbers;
    for (const Json& one : *items) {
        auto parsed = fromJson(item, one);
        if (!parsed)
            return std::nullopt;
        if (auto* text = std::get_if<std::string>(&*parsed))
            texts.push_back(std::move(*text));
        else if (const auto* number = std::get_if<std::int64_t>(&*parsed))
            numbers.push_back(*number);
    }
    if (field.type == FieldType::integers)
        return numbers;
    return texts;
}

std::string range(const Field& field, std::string (*show)(std::int64_t)) {
    const bool low = field.minimum != kLowest;
    const bool high = field.maximum != kHighest;
    if (low && high)
        return show(field.minimum) + " to " + show(field.maximum);
    if (low)
        return "at least " + show(field.minimum);
    return high ? "at most " + show(field.maximum) : "";
}

std::string plain(std::int64_t number) {
    return std::to_string(number);
}

std::string joined(std::string base, const std::string& bounds) {
    return bounds.empty() ? base : std::move(base) + ", " + bounds;
}

}  // namespace

std::optional<std::int64_t> parseDuration(std::string_view text) noexcept {
    return text == "0" ? 0 : parseUnits(text, kTimes);
}

std::string durationText(std::int64_t milliseconds) {
    return unitText(milliseconds, kTimes);
}

std::optional<std::int64_t> parseSize(std::string_view text) noexcept {
    return parseUnits(text, kSizes);
}

std::string sizeText(std::int64_t octets) {
    return unitText(octets, kSizes);
}

std::optional<std::string> parseNetwork(std::string_view text) {
    const std::size_t slash = text.find('/');
    const std::string host(text.substr(0, slash));
    std::array<std::uint8_t, 16> octets{};
    std::array<char, INET6_ADDRSTRLEN> shown{};
    if (host.size() >= shown.size())
        return std::nullopt;
    const bool v6 = host.find(':') != std::string::npos;
    const std::int64_t bits = v6 ? 128 : 32;
    if (inet_pton(v6 ? AF_INET6 : AF_INET, host.c_str(), octets.data()) != 1)
        return std::nullopt;
    std::int64_t prefix = bits;
    if (slash != std::string_view::npos) {
        const auto given = parseInteger(text.substr(slash + 1));
        if (!given || *given < 0 || *given > bits)
            return std::nullopt;
        prefix = *given;
    }
    for (std::int64_t bit = prefix; bit < bits; ++bit)
        if ((octets[static_cast<std::size_t>(bit / 8)] >> (7 - bit % 8) & 1) != 0)
            return std::nullopt;
    if (inet_ntop(v6 ? AF_INET6 : AF_INET, octets.data(), shown.data(), shown.size()) == nullptr)
        return std::nullopt;
    return std::string(shown.data()) + "/" + std::to_string(prefix);
}

std::optional<Timestamp> parseTimestamp(std::string_view text) noexcept {
    const auto number = [&](std::size_t at, std::size_t size) -> std::int64_t {
        std::int64_t value = -1;
        const auto [end, error] = std::from_chars(text.data() + at, text.data() + at + size, value);
        return error == std::errc() && end == text.data() + at + size ? value : -1;
    };
    constexpr std::string_view kShape = "0000-00-00T00:00:00Z";
    if (text.size() != kShape.size() && text.size() != kShape.size() + 4)
        return std::nullopt;
    for (std::size_t i = 0; i + 1 < kShape.size(); ++i)
        if (kShape[i] != '0' ? text[i] != kShape[i] : text[i] < '0' || text[i] > '9')
            return std::nullopt;
    std::int64_t milliseconds = 0;
    if (text.size() > kShape.size()) {
        milliseconds = number(20, 3);
        if (text[19] != '.' || milliseconds < 0)
            return std::nullopt;
    }
    if (text.back() != 'Z')
        return std::nullopt;
    const std::chrono::year_month_day date(std::chrono::year(static_cast<int>(number(0, 4))),
                                           std::chrono::month(static_cast<unsigned>(number(5, 2))),
                                           std::chrono::day(static_cast<unsigned>(number(8, 2))));
    const std::int64_t hour = number(11, 2);
    const std::int64_t minute = number(14, 2);
    const std::int64_t second = number(17, 2);
    if (!date.ok() || hour > 23 || minute > 59 || second > 59)
        return std::nullopt;
    return Timestamp(std::chrono::sys_days(date).time_since_epoch() + std::chrono::hours(hour) +
                     std::chrono::minutes(minute) + std::chrono::seconds(second) +
                     std::chrono::milliseconds(milliseconds));
}

const char* typeName(FieldType type) noexcept {
    switch (type) {
        case FieldType::text:
            return "text";
        case FieldType::integer:
            return "integer";
        case FieldType::boolean:
            return "boolean";
        case FieldType::choice:
            return "choice";
        case FieldType::duration:
            return "duration";
        case FieldType::size:
            return "size";
        case FieldType::address:
            return "address";
        case FieldType::network:
            return "network";
        case FieldType::guid:
            return "guid";
        case FieldType::timestamp:
            return "timestamp";
        case FieldType::number:
            return "number";
        case FieldType::object:
            return "object";
        case FieldType::texts:
            return "list of texts";
        case FieldType::integers:
            return "list of integers";
        case FieldType::addresses:
            return "list of addresses";
        case FieldType::networks:
            return "list of networks";
        case FieldType::objects:
            return "list of objects";
    }
    return "text";
}

bool isList(FieldType type) noexcept {
    return type >= FieldType::texts;
}

std::vector<std::string> choices(const Field& field) {
    std::vector<std::string> out;
    std::string_view rest = field.choices != nullptr ? field.choices : "";
    while (!rest.empty()) {
        const std::size_t end = rest.find('|');
        out.emplace_back(rest.substr(0, end));
        rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
    }
    return out;
}

std::string allowed(const Field& field) {
    switch (field.type) {
        case FieldType::text: {
            const std::string bounds = range(field, plain);
            return bounds.empty() ? "text" : "text of " + bounds + " octets";
        }
        case FieldType::integer: {
            const std::string bounds = range(field, plain);
            return bounds.empty() ? "a whole number" : bounds;
        }
        case FieldType::boolean:
            return "true or false";
        case FieldType::choice: {
            std::string out;
            for (const std::string& choice : choices(field))
                out += (out.empty() ? "one of " : ", ") + choice;
            return out;
        }
        case FieldType::duration:
            return joined("a duration such as \"30s\" (ms, s, m, h, d)", range(field, durationText));
        case FieldType::size:
            return joined("a size such as \"64KiB\" (B, KiB, MiB, GiB)", range(field, sizeText));
        case FieldType::address:
            return "an address with port such as \"127.0.0.1:1688\" or \"[::1]:1688\"";
        case FieldType::network:
            return "a network such as \"10.0.0.0/8\" or \"fe80::/10\"";
        case FieldType::guid:
            return "a GUID such as \"55c92734-d682-4d71-983e-d6ec3f16059f\"";
        case FieldType::timestamp:
            return "a time such as \"2026-11-22T15:12:02Z\"";
        case FieldType::number:
            return "a number";
        case FieldType::object:
            return "an object";
        case FieldType::objects: {
            const std::string bounds = range(field, plain);
            std::string out = "a list of " + (bounds.empty() ? "" : bounds + " ") + "objects";
            for (const Field& member : field.fields)
                out += (&member == field.fields.data() ? " with " : ", ") + std::string(member.name);
            return out;
        }
        default: {
            const std::string bounds = range(field, plain);
            return "a list of " + (bounds.empty() ? "" : bounds + " items, each ") + allowed(itemField(field));
        }
    }
}

tl::expected<SettingValue, Mismatch> parseValue(const Field& field, std::string_view text) {
    if (field.type == FieldType::objects) {
        auto objects = parseObjects(field, text);
        if (!objects)
            return tl::unexpected(std::move(objects.error()));
        return checkObjects(field, Json(std::move(*objects)));
    }
    std::optional<SettingValue> value;
    if (isList(field.type)) {
        if (const auto items = splitList(text)) {
            Json::Array array;
            for (const std::string& item : *items) {
                const auto number = field.type == FieldType::integers ? parseInteger(item) : std::nullopt;
                array.push_back(number ? Json(*number) : Json(item));
            }
            value = fromJson(field, Json(std::move(array)));
        }
    } else if (field.type == FieldType::integer) {
        if (const auto number = parseInteger(text))
            value = fromJson(field, Json(*number));
    } else if (field.type == FieldType::boolean) {
        if (text == "true" || text == "false")
            value = text == "true";
    } else {
        value = fromText(field, std::string(text));
    }
    if (!value)
        return tl::unexpected<Mismatch>({inQuotes(text), allowed(field), {}});
    return std::move(*value);
}

tl::expected<SettingValue, Mismatch> checkValue(const Field& field, const Json& value) {
    if (field.type == FieldType::objects)
        return checkObjects(field, value);
    auto parsed = fromJson(field, value);
    if (!parsed)
        return tl::unexpected<Mismatch>({shown(value), allowed(field), {}});
    return std::move(*parsed);
}

std::string valueText(const Field& field, const SettingValue& value) {
    if (const auto* text = std::get_if<std::string>(&value))
        return *text;
    if (const auto* flag = std::get_if<bool>(&value))
        return *flag ? "true" : "false";
    if (const auto* number = std::get_if<std::int64_t>(&value))
        return field.type == FieldType::duration ? durationText(*number)
               : field.type == FieldType::size   ? sizeText(*number)
                                                 : std::to_string(*number);
    if (const auto* objects = std::get_if<std::vector<Json>>(&value))
        return objectsText(field.fields, withoutDefaults(field.fields, *objects));
    std::string out;
    if (const auto* texts = std::get_if<std::vector<std::string>>(&value))
        for (const std::string& item : *texts) {
            const bool bare = item.find_first_of(",'\" \t[]") == std::string::npos && !item.empty();
            const char* quote = bare ? "" : item.find('"') == std::string::npos ? "\"" : "'";
            out += (out.empty() ? "" : ", ") + (quote + item) + quote;
        }
    else if (const auto* numbers = std::get_if<std::vector<std::int64_t>>(&value))
        for (const std::int64_t item : *numbers)
            out += (out.empty() ? "" : ", ") + std::to_string(item);
    return "[" + out + "]";
}

Json valueJson(const SettingValue& value) {
    return std::visit(
        [](const auto& held) -> Json {
            using Held = std::decay_t<decltype(held)>;
            if constexpr (std::is_same_v<Held, std::vector<std::string>> ||
                          std::is_same_v<Held, std::vector<std::int64_t>>) {
                Json::Array items;
                for (const auto& item : held)
                    items.emplace_back(item);
                return items;
            } else {
                return held;
            }
        },
        value);
}

std::string inQuotes(std::string_view text) {
    constexpr std::size_t kShown = 60;
    static constexpr std::string_view kHex = "0123456789abcdef";
    std::string out = "\"";
    std::string_view shown = text.substr(0, kShown);
    while (shown.size() < text.size() && !shown.empty() &&
           (static_cast<unsigned char>(text[shown.size()]) & 0xc0U) == 0x80)
        shown.remove_suffix(1);  // never half a character
    const bool whole = isUtf8(shown);
    for (const char c : shown) {
        const auto octet = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            out.push_back('\\');
            out.push_back(c);
        } else if (octet < 0x20 || octet == 0x7f || (octet >= 0x80 && !whole)) {
            out += "\\x";
            out.push_back(kHex[octet >> 4U]);
            out.push_back(kHex[octet & 15U]);
        } else {
            out.push_back(c);
        }
    }
    return out + (shown.size() < text.size() ? "…\"" : "\"");
}

std::string shown(const Json& value) {
    if (const std::string* text = value.string())
        return inQuotes(*text);
    if (const bool* flag = value.boolean())
        return *flag ? "true" : "false";
    if (const auto* number = value.integer())
        return std::to_string(*number);
    if (const auto* number = value.natural())
        return std::to_string(*number);
    if (const double* number = value.real()) {
        std::array<char, 32> out{};
        std::snprintf(out.data(), out.size(), "%.15g", *number);
        return out.data();
    }
    if (value.isNull())
        return "nothing";
    if (const Json::Array* items = value.array()) {
        std::string out;
        for (const Json& item : *items) {
            if (out.size() > 60 || item.array() != nullptr || item.object() != nullptr)
                return "a list of " + std::to_string(items->size()) + " items";
            out += (out.empty() ? "" : ", ") + shown(item);
        }
        return "[" + out + "]";
    }
    return "an object";
}

Json masked(Fields fields, const Json& object) {
    Json out = object;
    for (const Field& field : fields) {
        const Json* const given = object.find(field.name);
        if (given == nullptr || given->isNull())
            continue;
        if (field.secret) {
            out.set(field.name, "***");
        } else if (given->object() != nullptr) {
            out.set(field.name, masked(field.fields, *given));
        } else if (given->array() != nullptr && field.type == FieldType::objects) {
            Json items{Json::Array()};
            for (const Json& item : *given->array())
                items.push(masked(field.fields, item));
            out.set(field.name, std::move(items));
        }
    }
    return out;
}

}  // namespace muster::api
