#include "api/json_text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "nlohmann/json.hpp"

#include "api/serve.h"

namespace muster::api {

namespace {

constexpr std::size_t kMaxMembers = 1024;  // of one object

/// Builds a muster::Json from nlohmann's events and stops at the first thing that is too deep, twice or too many.
class Builder final : public nlohmann::json_sax<nlohmann::json> {
public:
    bool null() override { return put(Json()); }
    bool boolean(bool value) override { return put(Json(value)); }
    bool number_integer(number_integer_t value) override { return put(Json(std::int64_t{value})); }
    bool number_unsigned(number_unsigned_t value) override {
        if (value <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
            return put(Json(static_cast<std::int64_t>(value)));
        return put(Json(std::uint64_t{value}));
    }
    bool number_float(number_float_t value, const string_t& /*text*/) override { return put(Json(value)); }
    bool string(string_t& value) override { return put(Json(std::move(value))); }
    bool binary(binary_t& /*value*/) override { return refuse("binary data"); }
    bool start_object(std::size_t /*elements*/) override { return open(Json(Json::Object())); }
    bool start_array(std::size_t /*elements*/) override { return open(Json(Json::Array())); }
    bool key(string_t& value) override {
        Level& level = levels_.back();
        if (level.keys.size() >= kMaxMembers)
            return refuse("an object has more than " + std::to_string(kMaxMembers) + " members");
        if (!level.keys.insert(value).second)
            return refuse("member \"" + value.substr(0, 60) + "\" is there twice");
        level.key = std::move(value);
        return true;
    }
    bool end_object() override { return close(); }
    bool end_array() override { return close(); }
    bool parse_error(std::size_t position, const std::string& /*token*/,
                     const nlohmann::detail::exception& /*error*/) override {
        return refuse("no JSON at octet " + std::to_string(position));
    }

    std::string takeError() { return std::move(error_); }
    Json take() { return std::move(root_); }

private:
    struct Level {
        Json value;
        std::string key;
        std::unordered_set<std::string> keys;
    };

    bool refuse(std::string why) {
        if (error_.empty())
            error_ = std::move(why);
        return false;
    }
    bool open(Json container) {
        if (levels_.size() >= kMaxDepth)
            return refuse("nested deeper than " + std::to_string(kMaxDepth) + " levels");
        levels_.push_back({std::move(container), {}, {}});
        return true;
    }
    bool close() {
        Json done = std::move(levels_.back().value);
        levels_.pop_back();
        return put(std::move(done));
    }
    bool put(Json value) {
        if (levels_.empty()) {
            root_ = std::move(value);
        } else if (Level& level = levels_.back(); Json::Object* members = level.value.object()) {
            members->emplace_back(std::move(level.key), std::move(value));
        } else {
            level.value.push(std::move(value));
        }
        return true;
    }

    Json root_;
    std::vector<Level> levels_;
    std::string error_;
};

/// The code point if `text` begins with one that a terminal or a reader would take as an order, and its length.
std::pair<unsigned, std::size_t> orderAt(std::string_view text) noexcept {
    const auto octet = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
    const unsigned first = octet(0);
    if (first == 0x7f)
        return {0x7f, 1};
    if (first == 0xc2 && octet(1) >= 0x80 && octet(1) <= 0x9f)
        return {octet(1), 2};
    if (first == 0xd8 && octet(1) == 0x9c)
        return {0x061c, 2};
    if (first == 0xe2 && (octet(1) == 0x80 || octet(1) == 0x81)) {
        const unsigned point = 0x2000U | (octet(1) & 1U) << 6U | (octet(2) & 0x3fU);
        if (point == 0x200e || point == 0x200f || (point >= 0x2028 && point <= 0x202e) ||
            (point >= 0x2066 && point <= 0x2069))
            return {point, 3};
    }
    return {0, 0};
}

bool isPlain(std::string_view text) noexcept {
    return std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c < 0x7f && c != '"' && c != '\\'; });
}

void writeText(std::string_view text, std::string& out) {
    if (isPlain(text)) {
        out.push_back('"');
        out += text;
        out.push_back('"');
        return;
    }
    const std::string raw = nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    static constexpr std::string_view kHex = "0123456789abcdef";
    for (std::size_t i = 0; i < raw.size();) {
        const auto [point, length] = orderAt(std::string_view(raw).substr(i));
        if (length == 0) {
            out.push_back(raw[i++]);
            continue;
        }
        out += "\\u";
        for (unsigned shift = 16; shift != 0;) {
            shift -= 4;
            out.push_back(kHex[point >> shift & 15U]);
        }
        i += length;
    }
}

template <class Number>
void writeNumber(Number number, std::string& out) {
    std::array<char, 24> digits{};
    out.append(digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr);
}

/// Straight from the value: making it the library's own first took a tenth of the time of a short answer.
void write(const Json& value, std::string& out) {
    if (const std::string* text = value.string()) {
        writeText(*text, out);
    } else if (const auto* integer = value.integer()) {
        writeNumber(*integer, out);
    } else if (const auto* natural = value.natural()) {
        writeNumber(*natural, out);
    } else if (const bool* flag = value.boolean()) {
        out += *flag ? "true" : "false";
    } else if (const double* real = value.real()) {
        out += nlohmann::json(*real).dump();  // null for what is no number
    } else if (const Json::Array* items = value.array()) {
        char before = '[';
        for (const Json& item : *items) {
            out.push_back(std::exchange(before, ','));
            write(item, out);
        }
        out += items->empty() ? "[]" : "]";
    } else if (const Json::Object* members = value.object()) {
        char before = '{';
        for (const Json::Member& member : *members) {
            out.push_back(std::exchange(before, ','));
            writeText(member.first, out);
            out.push_back(':');
            write(member.second, out);
        }
        out += members->empty() ? "{}" : "}";
    } else {
        out += "null";
    }
}

}  // namespace

Result<Json> parseJson(std::string_view text, std::size_t limit) {
    if (text.size() > limit)
        return fail(Code::malformed, "body",
                    std::to_string(text.size()) + " octets found, " + std::to_string(limit) + " allowed");
    Builder builder;
    if (!nlohmann::json::sax_parse(text.begin(), text.end(), &builder))
        return fail(Code::malformed, "body", builder.takeError());
    return builder.take();
}

Result<Json> parseJson(std::string_view text) {
    return parseJson(text, kMaxBody);
}

std::string dumpJson(const Json& value) {
    std::string out;
    write(value, out);
    return out;
}

}  // namespace muster::api
