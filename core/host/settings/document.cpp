#include "host/settings/document.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <sstream>

// toml++ 3.3 asserts on some texts that are no TOML ("[[ = a]]"), and takes the assertion for granted where NDEBUG is
// set. Here a failed assertion is a refusal of the text.
namespace {
struct ParserGaveUp {};
[[noreturn]] void giveUp() {
    throw ParserGaveUp();
}
}  // namespace
#undef NDEBUG
#define TOML_ASSERT(condition) static_cast<bool>(condition) ? void() : giveUp()
#define TOML_EXCEPTIONS 0
#define TOML_ENABLE_WINDOWS_COMPAT 0
#define TOML_ENABLE_UNRELEASED_FEATURES 0
#include "api/text.h"
#include "api/values.h"
#include "toml++/toml.h"

namespace muster::settings {

namespace {

/// Turns toml++'s positions into octets: it counts lines and code points from 1.
class Places {
public:
    explicit Places(std::string_view text) : text_(text) {
        // toml++ skips a byte order mark without counting it.
        starts_.push_back(text.substr(0, 3) == "\xef\xbb\xbf" ? 3 : 0);
        for (std::size_t i = 0; i < text.size(); ++i)
            if (text[i] == '\n')
                starts_.push_back(i + 1);
    }
    std::size_t octet(const toml::source_position& position) const noexcept {
        if (position.line == 0 || position.line > starts_.size())
            return text_.size();
        std::size_t at = starts_[position.line - 1];
        for (auto column = position.column; column > 1 && at < text_.size(); --column) {
            ++at;
            while (at < text_.size() && (static_cast<unsigned char>(text_[at]) & 0xc0U) == 0x80)
                ++at;
        }
        return at;
    }

private:
    std::string_view text_;
    std::vector<std::size_t> starts_;
};

template <class Value>
std::string printed(const Value& value) {
    std::ostringstream out;
    out << value;
    return out.str();
}

/// toml++ 3.3 runs into __builtin_unreachable at some characters that stand where TOML knows none ("ü = 1"), and takes
/// U+0085, U+2028 and others for ends of lines. It never sees them: characters of the first plane go to plane 16 before
/// it reads, and come back in what it has read. One stays one, so positions stay right.
constexpr std::uint32_t kShift = 0x100000;

void append(std::string& out, std::uint32_t point) {
    if (point < 0x80) {
        out.push_back(static_cast<char>(point));
        return;
    }
    const unsigned more = point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;
    static constexpr std::array<std::uint32_t, 4> kFirst{0, 0xc0, 0xe0, 0xf0};
    out.push_back(static_cast<char>(kFirst[more] | point >> 6 * more));
    for (unsigned i = more; i-- > 0;)
        out.push_back(static_cast<char>(0x80U | (point >> 6 * i & 0x3fU)));
}

/// `text` is UTF-8. Calls `change` with each character that is not ASCII and writes what it returns.
template <class Change>
std::string mapped(std::string_view text, Change change) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size();) {
        const auto first = static_cast<unsigned char>(text[i++]);
        if (first < 0x80) {
            out.push_back(static_cast<char>(first));
            continue;
        }
        std::uint32_t point = first >= 0xf0 ? first & 7U : first >= 0xe0 ? first & 15U : first & 31U;
        while (i < text.size() && (static_cast<unsigned char>(text[i]) & 0xc0U) == 0x80)
            point = point << 6 | (static_cast<unsigned char>(text[i++]) & 0x3fU);
        append(out, change(point));
    }
    return out;
}

std::string shifted(std::string_view text) {
    constexpr std::string_view kMark = "\xef\xbb\xbf";
    const std::string_view mark = text.substr(0, 3) == kMark ? kMark : std::string_view();
    return std::string(mark) + mapped(text.substr(mark.size()),
                                      [](std::uint32_t point) { return point < 0x10000 ? point + kShift : point; });
}

std::string restored(std::string_view text) {
    return mapped(text, [](std::uint32_t point) { return point >= kShift ? point - kShift : point; });
}

/// Characters of plane 16 of its own, as such or escaped, could not be told from shifted ones.
bool hasPlane16(std::string_view text) noexcept {
    return text.find('\xf4') != std::string_view::npos || text.find("\\U0010") != std::string_view::npos;
}

/// Nothing where a failed assertion ended it.
std::optional<toml::parse_result> parseGuarded(std::string_view text) {
    try {
        return toml::parse(text);
    } catch (const ParserGaveUp&) {
        return std::nullopt;
    }
}

Json toJson(const toml::node& node) {
    if (const auto* table = node.as_table()) {
        Json out{Json::Object()};
        for (const auto& [key, value] : *table)
            out.object()->emplace_back(restored(key.str()), toJson(value));
        return out;
    }
    if (const auto* array = node.as_array()) {
        Json out{Json::Array()};
        for (const auto& value : *array)
            out.push(toJson(value));
        return out;
    }
    if (const auto* text = node.as_string())
        return restored(text->get());
    if (const auto* number = node.as_integer())
        return std::int64_t{number->get()};
    if (const auto* flag = node.as_boolean())
        return flag->get();
    if (const auto* number = node.as_floating_point()) {
        std::array<char, 40> text{};
        std::snprintf(text.data(), text.size(), "%a", number->get());  // exact, and NaN equals itself
        return json({{"float", text.data()}});
    }
    if (const auto* date = node.as_date())
        return json({{"date", printed(date->get())}});
    if (const auto* time = node.as_time())
        return json({{"date", printed(time->get())}});
    if (const auto* both = node.as_date_time())
        return json({{"date", printed(both->get())}});
    return {};
}

Element elementOf(const toml::table& table, const Places& places, std::string_view text);

/// @param outer  its elements are wanted, if it has some
Item itemOf(const toml::key& key, const toml::node& node, const Places& places, std::string_view text,
            bool outer = true) {
    Item item;
    item.key = restored(key.str());
    item.line = key.source().begin.line;
    item.keyBegin = places.octet(key.source().begin);
    item.begin = places.octet(node.source().begin);
    item.end = std::max(item.begin, places.octet(node.source().end));
    item.raw = std::string(text.substr(item.begin, item.end - item.begin));
    item.value = toJson(node);
    const bool braces = item.begin < text.size() && text[item.begin] == '{';
    const auto* array = node.as_array();
    const bool tables = array != nullptr && !array->empty() &&
                        std::all_of(array->begin(), array->end(), [](const auto& one) { return one.is_table(); });
    if (tables && outer)
        for (const auto& one : *array)
            item.elements.push_back(elementOf(*one.as_table(), places, text));
    item.isTable = (node.is_table() && !braces) || (tables && text.substr(item.begin, 2) == "[[");
    return item;
}

Element elementOf(const toml::table& table, const Places& places, std::string_view text) {
    Element element;
    element.line = table.source().begin.line;
    element.begin = places.octet(table.source().begin);
    element.end = std::max(element.begin, places.octet(table.source().end));
    for (const auto& [key, node] : table)
        element.items.push_back(itemOf(key, node, places, text, false));
    std::stable_sort(element.items.begin(), element.items.end(),
                     [](const Item& a, const Item& b) { return a.keyBegin < b.keyBegin; });
    return element;
}

bool lessByKey(const Json::Member& a, const Json::Member& b) {
    return a.first < b.first;
}

}  // namespace

void sortMembers(Json& value) {
    if (auto* items = value.array())
        for (Json& item : *items)
            sortMembers(item);
    if (auto* members = value.object()) {
        for (auto& member : *members)
            sortMembers(member.second);
        std::sort(members->begin(), members->end(), lessByKey);
    }
}

const Item* Element::find(std::string_view key) const noexcept {
    const auto found = std::find_if(items.begin(), items.end(), [&](const Item& item) { return item.key == key; });
    return found == items.end() ? nullptr : &*found;
}

unsigned lineOf(const Item& item, std::string_view path) noexcept {
    if (path.empty() || path.front() != '[')
        return item.line;
    std::size_t index = 0;
    const auto [end, error] = std::from_chars(path.data() + 1, path.data() + path.size(), index);
    if (error != std::errc() || index >= item.elements.size())
        return item.line;
    const Element& element = item.elements[index];
    path.remove_prefix(std::min(static_cast<std::size_t>(end - path.data()) + 2, path.size()));  // also "]."
    for (const Item& member : element.items)
        if (path.rfind(member.key, 0) == 0 || path.rfind(api::inQuotes(member.key), 0) == 0)
            return member.line;
    return element.line;
}

const Item* Section::find(std::string_view key) const noexcept {
    const auto found = std::find_if(items.begin(), items.end(), [&](const Item& item) { return item.key == key; });
    return found == items.end() ? nullptr : &*found;
}

Result<Document> Document::parse(std::string text, std::string_view name) {
    if (text.size() > kMaxFile)
        return fail(Code::malformed, std::string(name),
                    std::to_string(text.size()) + " octets found, " + std::to_string(kMaxFile) + " allowed");
    if (!api::isUtf8(text) || hasPlane16(text))
        return fail(Code::malformed, std::string(name),
                    "not UTF-8, or with characters of the private plane 16; save it as UTF-8");
    const auto result = parseGuarded(shifted(text));
    if (!result)
        return fail(Code::malformed, std::string(name), "no TOML; look at the headers in [] and [[]]");
    const toml::parse_result& parsed = *result;
    if (!parsed) {
        const auto& where = parsed.error().source().begin;
        return fail(Code::malformed,
                    std::string(name) + ":" + std::to_string(where.line) + ":" + std::to_string(where.column),
                    restored(parsed.error().description()));
    }
    Document document;
    document.name_ = std::string(name);
    document.text_ = std::move(text);
    const std::string_view all = document.text_;
    const Places places(all);
    for (const auto& [key, node] : parsed.table()) {
        const auto* table = node.as_table();
        Item item = itemOf(key, node, places, all);
        if (table == nullptr) {
            document.strays_.push_back(std::move(item));
            continue;
        }
        Section section;
        section.name = std::move(item.key);
        section.line = table->source().begin.line;
        section.begin = item.begin;
        section.end = item.end;
        const char first = item.begin < all.size() ? all[item.begin] : '\0';
        section.shape = first == '['   ? Section::Shape::header
                        : first == '{' ? Section::Shape::braces
                                       : Section::Shape::dotted;
        for (const auto& [inner, value] : *table)
            section.items.push_back(itemOf(inner, value, places, all));
        document.sections_.push_back(std::move(section));
    }
    const auto byLine = [](const auto& a, const auto& b) { return a.line < b.line; };
    std::stable_sort(document.sections_.begin(), document.sections_.end(), byLine);
    return document;
}

const Section* Document::find(std::string_view section) const noexcept {
    const auto found =
        std::find_if(sections_.begin(), sections_.end(), [&](const Section& one) { return one.name == section; });
    return found == sections_.end() ? nullptr : &*found;
}

const Item* Document::find(std::string_view section, std::string_view key) const noexcept {
    const Section* found = find(section);
    return found ? found->find(key) : nullptr;
}

Json Document::tree() const {
    Json out{Json::Object()};
    for (const Item& stray : strays_)
        out.object()->emplace_back(stray.key, stray.value);
    for (const Section& section : sections_) {
        Json members{Json::Object()};
        for (const Item& item : section.items)
            members.object()->emplace_back(item.key, item.value);
        out.object()->emplace_back(section.name, std::move(members));
    }
    sortMembers(out);
    return out;
}

std::string tomlString(std::string_view text, std::string_view like) {
    const bool plain = std::none_of(text.begin(), text.end(), [](char c) {
        const auto octet = static_cast<unsigned char>(c);
        return octet < 0x20 || octet == 0x7f || c == '\'';
    });
    if (!like.empty() && like.front() == '\'' && plain)
        return "'" + std::string(text) + "'";
    static constexpr std::string_view kHex = "0123456789ABCDEF";
    std::string out = "\"";
    for (const char c : text) {
        const auto octet = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            out.push_back('\\');
            out.push_back(c);
        } else if (octet < 0x20 || octet == 0x7f) {
            out += "\\u00";
            out.push_back(kHex[octet >> 4U]);
            out.push_back(kHex[octet & 15U]);
        } else {
            out.push_back(c);
        }
    }
    return out + "\"";
}

}  // namespace muster::settings
