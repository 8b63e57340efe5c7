#include "ctl/output.h"

#include <algorithm>
#include <cstdint>

#include "api/csv.h"
#include "api/json_text.h"
#include "api/text.h"

namespace muster::ctl {

namespace {

constexpr std::size_t kWidest = 60;  // columns of a cell that others are aligned to

/// The length of the character at `at` and its code point; length 0: no UTF-8.
struct Character {
    std::size_t length = 0;
    std::uint32_t point = 0;
};

Character characterAt(std::string_view text, std::size_t at) noexcept {
    const auto first = static_cast<unsigned char>(text[at]);
    const std::size_t length = first < 0x80 ? 1 : first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc0 ? 2 : 0;
    if (length == 0 || !api::isUtf8(text.substr(at, length)) || text.size() - at < length)
        return {};
    std::uint32_t point = length == 1 ? first : first & (0xffU >> (length + 1));
    for (std::size_t i = 1; i < length; ++i)
        point = point << 6U | (static_cast<unsigned char>(text[at + i]) & 0x3fU);
    return {length, point};
}

bool isOrder(std::uint32_t point) noexcept {
    return point < 0x20 || (point >= 0x7f && point <= 0x9f) || point == 0x061c || point == 0x200e || point == 0x200f ||
           (point >= 0x2028 && point <= 0x202e) || (point >= 0x2066 && point <= 0x2069) || point == 0xfeff;
}

std::string hex(std::uint32_t value, unsigned digits) {
    static constexpr std::string_view kHex = "0123456789abcdef";
    std::string out;
    for (unsigned shift = digits * 4; shift != 0;) {
        shift -= 4;
        out.push_back(kHex[value >> shift & 15U]);
    }
    return out;
}

std::string plain(const Json& value) {
    if (value.isNull())
        return {};
    if (const std::string* text = value.string())
        return *text;
    if (const Json::Array* items = value.array()) {
        const bool flat = std::none_of(items->begin(), items->end(), [](const Json& item) {
            return item.array() != nullptr || item.object() != nullptr;
        });
        if (flat) {
            std::string out;
            for (const Json& item : *items)
                out += (out.empty() ? "" : ", ") + plain(item);
            return out;
        }
    }
    return api::dumpJson(value);
}

std::string cell(const Json* value) {
    if (value == nullptr || value->isNull())
        return "-";
    if (const bool* flag = value->boolean())
        return *flag ? "yes" : "no";
    std::string out = harmless(plain(*value));
    return out.empty() ? "-" : out;
}

/// Characters, not octets.
std::size_t width(std::string_view text) noexcept {
    return static_cast<std::size_t>(std::count_if(
        text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0U) != 0x80; }));
}

/// "lastSeen" as a heading: "LAST SEEN".
std::string heading(std::string_view name) {
    std::string out;
    for (const char c : name) {
        if (c >= 'A' && c <= 'Z')
            out.push_back(' ');
        out.push_back(c == '-' || c == '_' ? ' ' : c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c);
    }
    return out;
}

std::vector<Parameter> shown(const std::vector<Parameter>& fields) {
    std::vector<Parameter> out;
    for (const Parameter& field : fields)
        if (field.column)
            out.push_back(field);
    return out.empty() ? fields : out;
}

bool isObjects(const Json& value) noexcept {
    const Json::Array* items = value.array();
    return items != nullptr && !items->empty() && items->front().object() != nullptr;
}

/// Fields that the schema does not name, for answers without one.
std::vector<Parameter> named(const Json& object) {
    std::vector<Parameter> out;
    if (const Json::Object* members = object.object())
        for (const Json::Member& member : *members) {
            Parameter field;
            field.name = member.first;
            out.push_back(std::move(field));
        }
    return out;
}

}  // namespace

std::string harmless(std::string_view text, bool lines) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size();) {
        const Character character = characterAt(text, i);
        if (character.length == 0) {
            out += "\\x" + hex(static_cast<unsigned char>(text[i++]), 2);
            continue;
        }
        const bool kept = !isOrder(character.point) || (lines && (text[i] == '\n' || text[i] == '\t'));
        if (kept)
            out += text.substr(i, character.length);
        else
            out += character.point < 0x100 ? "\\x" + hex(character.point, 2) : "\\u" + hex(character.point, 4);
        i += character.length;
    }
    return out;
}

Writer::Writer(std::ostream& out, Format format, const Command& command)
    : out_(out),
      format_(format),
      columns_(format == Format::table ? shown(command.answer) : command.answer),
      all_(command.answer) {}

void Writer::begin() {
    if (format_ == Format::json)
        out_ << "{\"items\":[";
}

void Writer::tableRow(const std::vector<std::string>& cells) {
    std::string line;
    for (std::size_t i = 0; i < cells.size(); ++i) {
        line += cells[i];
        const std::size_t taken = width(cells[i]);
        if (i + 1 < cells.size())
            line.append(widths_[i] > taken ? widths_[i] - taken : 0, ' ').append("  ");
    }
    out_ << line << '\n';
}

void Writer::row(const Json& item) {
    if (format_ == Format::json) {
        out_ << (first_ ? "" : ",") << api::dumpJson(item);
    } else if (format_ == Format::csv) {
        for (std::size_t i = 0; i < columns_.size(); ++i) {
            const Json* value = item.find(columns_[i].name);
            out_ << (i == 0 ? "" : ",") << (value != nullptr ? api::csvCell(*value) : "");
        }
        out_ << "\r\n";
    } else {
        std::vector<std::string> cells;
        for (const Parameter& column : columns_)
            cells.push_back(cell(item.find(column.name)));
        tableRow(cells);
    }
    first_ = false;
}

void Writer::items(const Json::Array& page) {
    if (columns_.empty() && !page.empty())
        columns_ = named(page.front());
    if (widths_.empty() && !columns_.empty() && format_ == Format::csv) {
        for (std::size_t i = 0; i < columns_.size(); ++i)
            out_ << (i == 0 ? "" : ",") << columns_[i].name;
        out_ << "\r\n";
        widths_.assign(columns_.size(), 0);
    }
    if (widths_.empty() && format_ == Format::table && !page.empty()) {
        std::vector<std::string> headings;
        for (const Parameter& column : columns_) {
            headings.push_back(heading(column.name));
            std::size_t widest = width(headings.back());
            for (const Json& item : page)
                widest = std::max(widest, std::min(kWidest, width(cell(item.find(column.name)))));
            widths_.push_back(widest);
        }
        tableRow(headings);
    }
    for (const Json& item : page)
        row(item);
}

void Writer::end() {
    if (format_ == Format::json)
        out_ << "],\"next\":null}\n";
    out_ << std::flush;
}

void Writer::details(const Json& object, const std::vector<Parameter>& fields, const std::string& indent) {
    std::size_t widest = 0;
    for (const Parameter& field : fields)
        widest = std::max(widest, width(field.name) + 1);
    for (const Parameter& field : fields) {
        const Json* value = object.find(field.name);
        if (value != nullptr && isObjects(*value)) {
            out_ << indent << harmless(field.name) << ":\n";
            Command inner;
            inner.answer = field.fields.empty() ? named(value->array()->front()) : field.fields;
            std::vector<Parameter> columns = shown(inner.answer);
            for (const Json& item : *value->array()) {
                details(item, columns, indent + "  ");
                if (&item != &value->array()->back())
                    out_ << '\n';
            }
            continue;
        }
        if (value != nullptr && value->object() != nullptr) {
            out_ << indent << harmless(field.name) << ":\n";
            details(*value, field.fields.empty() ? named(*value) : shown(field.fields), indent + "  ");
            continue;
        }
        const std::string label = harmless(field.name) + ":";
        out_ << indent << label << std::string(widest + 1 > label.size() ? widest + 1 - label.size() : 1, ' ')
             << cell(value) << '\n';
    }
}

void Writer::object(const Json& object) {
    if (format_ == Format::json) {
        out_ << api::dumpJson(object) << '\n' << std::flush;
    } else if (format_ == Format::csv) {
        items({object});
        out_ << std::flush;
    } else {
        details(object, columns_.empty() ? named(object) : columns_, "");
        out_ << std::flush;
    }
}

void Writer::line(const Json& object) {
    if (format_ == Format::json) {
        out_ << api::dumpJson(object) << '\n' << std::flush;
        return;
    }
    if (format_ == Format::csv) {
        items({object});
        out_ << std::flush;
        return;
    }
    // Nobody knows how wide the lines to come are: no headings, two blanks between.
    std::string text;
    for (const Parameter& column : columns_.empty() ? named(object) : columns_)
        text += (text.empty() ? "" : "  ") + cell(object.find(column.name));
    out_ << text << '\n' << std::flush;
}

}  // namespace muster::ctl
