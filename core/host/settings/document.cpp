#include "host/settings/document.h"

#include <algorithm>
#include <array>
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

Item itemOf(const toml::key& key, const toml::node& node, const Places& places, std::string_view text) {
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
    // An array of tables written as [[name]] has no region that could be replaced.
    const bool headers =
        array != nullptr && text.substr(item.begin, 2) == "[[" && !array->empty() && array->front().is_table();
    item.isTable = (node.is_table() && !braces) || headers;
    return item;
}

/// Where the line that holds `at` ends: behind its newline, or at the end of the text.
std::size_t lineEnd(std::string_view text, std::size_t at) noexcept {
    const std::size_t newline = text.find('\n', at);
    return newline == std::string_view::npos ? text.size() : newline + 1;
}

std::size_t lineBegin(std::string_view text, std::size_t at) noexcept {
    const std::size_t newline = at == 0 ? std::string_view::npos : text.rfind('\n', at - 1);
    return newline == std::string_view::npos ? 0 : newline + 1;
}

std::string_view newlineOf(std::string_view text) noexcept {
    const std::size_t first = text.find('\n');
    return first != std::string_view::npos && first > 0 && text[first - 1] == '\r' ? "\r\n" : "\n";
}

std::string spliced(std::string_view text, std::size_t begin, std::size_t end, std::string_view replacement) {
    return std::string(text.substr(0, begin)) + std::string(replacement) + std::string(text.substr(end));
}

/// A line put in behind the line that holds `at`.
std::string lineAdded(std::string_view text, std::size_t at, const std::string& line) {
    const std::size_t place = lineEnd(text, at);
    const std::string newline(newlineOf(text));
    const bool open = place == text.size() && (text.empty() || text.back() != '\n');
    return spliced(text, place, place, open ? newline + line + newline : line + newline);
}

bool lessByKey(const Json::Member& a, const Json::Member& b) {
    return a.first < b.first;
}

/// Members in the order of their names, at every level: two trees are equal if they hold the same.
void sort(Json& value) {
    if (auto* items = value.array())
        for (Json& item : *items)
            sort(item);
    if (auto* members = value.object()) {
        for (auto& member : *members)
            sort(member.second);
        std::sort(members->begin(), members->end(), lessByKey);
    }
}

}  // namespace

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
    sort(out);
    return out;
}

std::string Document::inserted(std::string_view section, std::string_view key, std::string_view value) const {
    const Section* present = find(section);
    const std::string line = std::string(key) + " = " + std::string(value);
    if (present == nullptr) {
        const std::string newline(newlineOf(text_));
        std::string out = text_;
        if (!out.empty() && out.back() != '\n')
            out += newline;
        if (!out.empty())
            out += newline;
        return out + "[" + std::string(section) + "]" + newline + line + newline;
    }
    const Item* last = nullptr;
    for (const Item& item : present->items)
        if (!item.isTable && (last == nullptr || item.end > last->end))
            last = &item;
    if (present->shape == Section::Shape::braces)
        return last ? spliced(text_, last->end, last->end, ", " + line)
                    : spliced(text_, present->begin, present->end, "{ " + line + " }");
    const std::size_t after = last ? last->end : present->begin;
    return lineAdded(text_, after, present->shape == Section::Shape::dotted ? std::string(section) + "." + line : line);
}

Result<Document> Document::with(std::string_view section, std::string_view key, std::string_view value) const {
    const Item* present = find(section, key);
    auto probe = parse("v = " + std::string(value), "value");
    if (!probe || probe->strays().size() != 1)
        return fail(Code::malformed, std::string(section) + "." + std::string(key), "not a TOML value");
    const Json wanted = probe->strays().front().value;
    if (present != nullptr && present->isTable)
        return fail(Code::incompatible, std::string(section) + "." + std::string(key),
                    "is a table in " + name_ + " line " + std::to_string(present->line) + "; edit the file by hand");
    return checked(present ? spliced(text_, present->begin, present->end, value) : inserted(section, key, value),
                   section, key, &wanted);
}

Result<Document> Document::without(std::string_view section, std::string_view key) const {
    const Section* holder = find(section);
    const Item* present = find(section, key);
    if (present == nullptr)
        return *this;
    if (present->isTable)
        return fail(Code::incompatible, std::string(section) + "." + std::string(key),
                    "is a table in " + name_ + " line " + std::to_string(present->line) + "; edit the file by hand");
    if (holder->shape != Section::Shape::braces)
        return checked(spliced(text_, lineBegin(text_, present->keyBegin), lineEnd(text_, present->end), ""), section,
                       key, nullptr);
    // Between braces: with the comma behind it, or, for the last one, the comma before it.
    std::size_t begin = present->keyBegin;
    std::size_t end = present->end;
    const std::size_t next = text_.find_first_not_of(" \t", end);
    if (next != std::string::npos && text_[next] == ',') {
        end = std::min(text_.find_first_not_of(" \t", next + 1), text_.size());
    } else if (begin > 0) {
        const std::size_t before = text_.find_last_not_of(" \t", begin - 1);
        if (before != std::string::npos && text_[before] == ',')
            begin = before;
    }
    return checked(spliced(text_, begin, end, ""), section, key, nullptr);
}

Result<Document> Document::checked(std::string text, std::string_view section, std::string_view key,
                                   const Json* value) const {
    const auto byHand = [&](const std::string& why) {
        return fail(Code::incompatible, std::string(section) + "." + std::string(key),
                    why + " the way " + name_ + " is written; edit the file by hand");
    };
    auto changed = parse(std::move(text), name_);
    if (!changed)
        return byHand("cannot be changed alone in");
    Json expected = tree();
    Json* members = nullptr;
    for (Json::Member& member : *expected.object())
        if (member.first == section)
            members = &member.second;
    if (members == nullptr)
        members = &expected.set(section, Json(Json::Object()));
    if (value != nullptr)
        members->set(key, *value);
    else if (auto* list = members->object())
        list->erase(std::remove_if(list->begin(), list->end(), [&](const auto& member) { return member.first == key; }),
                    list->end());
    sort(expected);
    Json got = changed->tree();
    // A section whose last dotted key went is no longer there: that is the same as an empty one.
    if (value == nullptr && got.find(section) == nullptr)
        got.set(section, Json(Json::Object()));
    sort(got);
    if (got != expected)
        return byHand("cannot be changed without touching others in");
    return changed;
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
