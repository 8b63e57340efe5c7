#include "api/objects.h"

#include <algorithm>
#include <charconv>

#include "api/json_text.h"

namespace muster::api {

namespace {

constexpr std::size_t kMaxFindings = 100;

const Field* fieldOf(Fields fields, std::string_view name) noexcept {
    const auto found =
        std::find_if(fields.begin(), fields.end(), [&](const Field& field) { return name == field.name; });
    return found == fields.end() ? nullptr : &*found;
}

std::string namesOf(Fields fields) {
    std::string names;
    for (const Field& field : fields)
        names += (names.empty() ? "" : ", ") + std::string(field.name);
    return names;
}

/// What a word without quotes is for a field of that type.
Json bareValue(FieldType type, std::string_view word) {
    if (type == FieldType::boolean && (word == "true" || word == "false"))
        return word == "true";
    if (type == FieldType::integer || type == FieldType::integers) {
        std::int64_t number = 0;
        const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
        if (error == std::errc() && end == word.data() + word.size())
            return number;
    }
    return word;
}

/// Every function leaves `at_` where it went wrong.
class Reader {
public:
    explicit Reader(std::string_view text) noexcept : text_(text) {}

    std::size_t at() const noexcept { return at_; }

    bool objects(Fields fields, Json::Array& out) {
        const bool bracket = take('[');
        while (peek() == '{') {
            Json object{Json::Object()};
            if (!members(fields, object))
                return false;
            out.push_back(std::move(object));
            if (!take(','))
                break;
        }
        return (!bracket || take(']')) && peek() == '\0' && at_ == text_.size();
    }

private:
    static constexpr std::string_view kBlank = " \t\r\n";

    /// The next character that is no blank; NUL at the end.
    char peek() noexcept {
        at_ = std::min(text_.find_first_not_of(kBlank, at_), text_.size());
        return at_ < text_.size() ? text_[at_] : '\0';
    }
    bool take(char wanted) noexcept {
        if (peek() != wanted)
            return false;
        ++at_;
        return true;
    }

    bool members(Fields fields, Json& object) {
        if (!take('{'))
            return false;
        while (peek() != '}') {
            const std::size_t begin = at_;
            const auto key = isQuote(peek()) ? quoted() : bareKey();
            if (!key || object.find(*key) != nullptr) {
                at_ = begin;
                return false;
            }
            if (!take('=') && !take(':'))
                return false;
            auto given = value(fieldOf(fields, *key));
            if (!given)
                return false;
            object.set(*key, std::move(*given));
            if (!take(','))
                break;
        }
        return take('}');
    }

    std::optional<Json> value(const Field* field) {
        const FieldType type = field != nullptr ? field->type : FieldType::text;
        // For a field that is no list a bracket begins an IPv6 address.
        if (peek() == '[' && (field == nullptr || isList(type)))
            return list(type);
        if (isQuote(peek()))
            return scalar(quoted());
        const std::string_view word = bare(",}");
        return word.empty() ? std::nullopt : std::optional(bareValue(type, word));
    }

    std::optional<Json> list(FieldType type) {
        Json out{Json::Array()};
        take('[');
        while (peek() != ']') {
            std::optional<Json> item;
            if (isQuote(peek()))
                item = scalar(quoted());
            else if (const std::string_view word = bare(",]"); !word.empty())
                item = bareValue(type, word);
            if (!item)
                return std::nullopt;
            out.push(std::move(*item));
            if (!take(','))
                break;
        }
        return take(']') ? std::optional(std::move(out)) : std::nullopt;
    }

    static bool isQuote(char c) noexcept { return c == '"' || c == '\''; }

    static std::optional<Json> scalar(std::optional<std::string> text) {
        return text ? std::optional<Json>(std::move(*text)) : std::nullopt;
    }

    std::optional<std::string> bareKey() {
        constexpr std::string_view kKey = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
        const std::size_t begin = at_;
        at_ = std::min(text_.find_first_not_of(kKey, at_), text_.size());
        return at_ == begin ? std::nullopt : std::optional<std::string>(text_.substr(begin, at_ - begin));
    }

    /// Up to a blank or one of `ends`. Brackets of an address ("[::1]:1688") belong to it.
    std::string_view bare(std::string_view ends) noexcept {
        const std::size_t begin = at_;
        if (begin < text_.size() && text_[begin] == '[')
            at_ = std::min(text_.find(']', begin), text_.size() - 1) + 1;
        at_ = std::min(text_.find_first_of(std::string(ends) + "\"'{[ \t\r\n", at_), text_.size());
        return text_.substr(begin, at_ - begin);
    }

    /// '…' as it is, "…" with the escapes of JSON, which TOML has, too.
    std::optional<std::string> quoted() {
        const std::size_t begin = at_;
        const char quote = text_[begin];
        std::size_t end = begin + 1;
        while (end < text_.size() && text_[end] != quote)
            end += quote == '"' && text_[end] == '\\' ? 2 : 1;
        if (end >= text_.size())
            return std::nullopt;
        at_ = end + 1;
        if (quote == '\'')
            return std::string(text_.substr(begin + 1, end - begin - 1));
        const auto read = parseJson(text_.substr(begin, at_ - begin));
        if (!read || read->string() == nullptr) {
            at_ = begin;
            return std::nullopt;
        }
        return *read->string();
    }

    std::string_view text_;
    std::size_t at_ = 0;
};

Json checkField(const Field& field, const Json& value, const std::string& name, std::vector<Finding>& findings);

/// @param value  an array
Json::Array checkItems(const Field& field, const Json& value, const std::string& name, std::vector<Finding>& findings) {
    const auto count = static_cast<std::int64_t>(value.array()->size());
    const bool bounded = field.maximum != std::numeric_limits<std::int64_t>::max();
    if (count < field.minimum || count > (bounded ? field.maximum : kMaxItems))
        findings.push_back({name, std::to_string(count) + " items", allowed(field), ""});
    Json::Array items;
    for (const Json& item : *value.array()) {
        const std::string path = name + "[" + std::to_string(items.size()) + "]";
        if (item.object() == nullptr)
            findings.push_back({path, shown(item), "an object", ""});
        items.push_back(item.object() ? checkObject(field.fields, item, path + ".", findings) : Json());
        if (findings.size() > kMaxFindings)
            break;
    }
    return items;
}

Json checkField(const Field& field, const Json& value, const std::string& name, std::vector<Finding>& findings) {
    if (field.type == FieldType::object && value.object() != nullptr)
        return checkObject(field.fields, value, name + ".", findings);
    if (field.type == FieldType::objects && value.array() != nullptr)
        return checkItems(field, value, name, findings);
    if (field.type == FieldType::number && (value.real() || value.integer() || value.natural()))
        return value;
    auto checked = checkValue(field, value);
    if (!checked) {
        checked.error().reportTo(findings, name, "");
        return {};
    }
    return valueJson(*checked);
}

/// A member's value in TOML. Durations and sizes are numbers once they are checked, and texts before.
std::string memberText(const Field& field, const Json& value) {
    if (const Json::Array* items = value.array()) {
        std::string out;
        for (const Json& item : *items)
            out += (out.empty() ? "" : ", ") + dumpJson(item);
        return "[" + out + "]";
    }
    if (const std::int64_t* number = value.integer(); number != nullptr && field.type == FieldType::duration)
        return dumpJson(durationText(*number));
    return dumpJson(value);
}

}  // namespace

void Mismatch::reportTo(std::vector<Finding>& findings, const std::string& name, const std::string& where) const {
    if (inside.empty())
        findings.push_back({name, found, allowed, where});
    for (const Finding& one : inside)
        findings.push_back({name + one.name, one.found, one.allowed, where});
}

tl::expected<Json::Array, Mismatch> parseObjects(const Field& list, std::string_view text) {
    Json::Array out;
    Reader reader(text);
    if (reader.objects(list.fields, out))
        return out;
    return tl::unexpected<Mismatch>(
        {reader.at() < text.size() ? inQuotes(text.substr(reader.at())) + " at octet " + std::to_string(reader.at() + 1)
                                   : inQuotes(text) + " without its end",
         allowed(list),
         {}});
}

tl::expected<SettingValue, Mismatch> checkObjects(const Field& list, const Json& value) {
    if (value.array() == nullptr)
        return tl::unexpected<Mismatch>({shown(value), allowed(list), {}});
    std::vector<Finding> inside;
    Json::Array items = checkItems(list, value, "", inside);
    if (!inside.empty())
        return tl::unexpected<Mismatch>({shown(value), allowed(list), std::move(inside)});
    return items;
}

std::string objectText(Fields fields, const Json& object) {
    std::string out;
    for (const Field& field : fields)
        if (const Json* member = object.find(field.name))
            out += (out.empty() ? "" : ", ") + std::string(field.name) + " = " + memberText(field, *member);
    return "{" + out + "}";
}

std::string objectsText(Fields fields, const std::vector<Json>& objects) {
    std::string out;
    for (const Json& object : objects)
        out += (out.empty() ? "" : ", ") + objectText(fields, object);
    return "[" + out + "]";
}

std::vector<Json> withoutDefaults(Fields fields, std::vector<Json> objects) {
    for (Json& object : objects) {
        Json::Object* members = object.object();
        if (members == nullptr)
            continue;
        const auto same = [&](const Json::Member& member) {
            const Field* field = fieldOf(fields, member.first);
            if (field == nullptr || field->fallback == nullptr)
                return false;
            const auto fallback = parseValue(*field, field->fallback);
            return fallback && valueJson(*fallback) == member.second;
        };
        members->erase(std::remove_if(members->begin(), members->end(), same), members->end());
    }
    return objects;
}

Json checkObject(Fields fields, const Json& object, const std::string& prefix, std::vector<Finding>& findings) {
    Json out{Json::Object()};
    if (!object.isNull() && object.object() == nullptr) {
        findings.push_back(
            {prefix.empty() ? "body" : prefix.substr(0, prefix.size() - 1), shown(object), "an object", ""});
        return out;
    }
    for (const Field& field : fields) {
        const Json* given = object.find(field.name);
        if (given != nullptr && !given->isNull()) {
            out.set(field.name, checkField(field, *given, prefix + field.name, findings));
        } else if (field.required) {
            findings.push_back({prefix + field.name, "nothing", allowed(field), ""});
        } else if (field.fallback != nullptr) {
            if (auto value = parseValue(field, field.fallback))
                out.set(field.name, valueJson(*value));
        }
    }
    if (const Json::Object* members = object.object())
        for (const Json::Member& member : *members)
            if (fieldOf(fields, member.first) == nullptr)
                findings.push_back({prefix + inQuotes(member.first), "a member of that name",
                                    fields.empty() ? "nothing" : "only " + namesOf(fields), ""});
    return out;
}

}  // namespace muster::api
