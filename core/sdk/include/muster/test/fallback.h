/// A field's default as a value, from the text in which schemas write it. The daemon reads settings with a TOML parser
/// and far better words; this is what tests need of it.
#pragma once

#include <charconv>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "muster/plugin.h"
#include "muster/schema.h"

namespace muster::test {

inline std::int64_t quantity(const Field& field, std::string_view text) {
    std::int64_t number = 0;
    const auto [rest, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
    const std::string_view unit(rest, static_cast<std::size_t>(text.data() + text.size() - rest));
    struct Unit {
        FieldType type;
        std::string_view name;
        std::int64_t factor;
    };
    constexpr FieldType none = FieldType::integer, time = FieldType::duration, size = FieldType::size;
    static constexpr Unit kUnits[] = {
        {none, "", 1},          {time, "ms", 1},         {time, "s", 1000},      {time, "m", 60'000},
        {time, "h", 3'600'000}, {time, "d", 86'400'000}, {size, "", 1},          {size, "B", 1},
        {size, "KiB", 1 << 10}, {size, "MiB", 1 << 20},  {size, "GiB", 1 << 30}, {time, "w", 604'800'000},
    };
    if (problem == std::errc())
        for (const Unit& candidate : kUnits)
            if (candidate.type == field.type && candidate.name == unit)
                return number * candidate.factor;
    throw Fault({Code::malformed, std::string("schema field ") + field.name,
                 "default \"" + std::string(text) + "\" is not of the field's type"});
}

/// The items of "[a, b]", quotes taken off.
inline std::vector<std::string> items(std::string_view text) {
    std::vector<std::string> out;
    if (text.size() < 2 || text.front() != '[' || text.back() != ']')
        return out;
    text = text.substr(1, text.size() - 2);
    while (!text.empty()) {
        const std::size_t comma = std::min(text.find(','), text.size());
        std::string_view item = text.substr(0, comma);
        while (!item.empty() && (item.front() == ' ' || item.front() == '"' || item.front() == '\''))
            item.remove_prefix(1);
        while (!item.empty() && (item.back() == ' ' || item.back() == '"' || item.back() == '\''))
            item.remove_suffix(1);
        if (!item.empty())
            out.emplace_back(item);
        text.remove_prefix(std::min(comma + 1, text.size()));
    }
    return out;
}

/// @error malformed  (Fault) the schema's own default does not fit its type: a mistake in the plugin
inline SettingValue fallbackValue(const Field& field) {
    const std::string_view text = field.fallback;
    switch (field.type) {
        case FieldType::integer:
        case FieldType::duration:
        case FieldType::size:
            return quantity(field, text);
        case FieldType::boolean:
            return text == "true";
        case FieldType::texts:
        case FieldType::addresses:
        case FieldType::networks:
            return items(text);
        case FieldType::integers: {
            std::vector<std::int64_t> numbers;
            for (const std::string& item : items(text))
                numbers.push_back(quantity({.name = field.name, .type = FieldType::integer}, item));
            return numbers;
        }
        case FieldType::objects:
            return std::vector<Json>();  // no schema has another default
        default:
            return std::string(text);
    }
}

}  // namespace muster::test
