#include "api/csv.h"

#include <algorithm>

#include "api/json_text.h"

namespace muster::api {

namespace {

std::string inCsvQuotes(std::string_view text) {
    if (text.find_first_of(",\"\r\n") == std::string_view::npos)
        return std::string(text);
    std::string out = "\"";
    for (const char c : text) {
        out.push_back(c);
        if (c == '"')
            out.push_back('"');
    }
    return out + "\"";
}

bool isPlain(const Json& value) noexcept {
    return value.object() == nullptr && value.array() == nullptr;
}

/// As a person reads it.
std::string plain(const Json& value) {
    if (value.isNull())
        return "";
    if (const std::string* text = value.string())
        return *text;
    const Json::Array* items = value.array();
    if (items == nullptr || !std::all_of(items->begin(), items->end(), isPlain))
        return dumpJson(value);
    std::string out;
    for (const Json& item : *items)
        out += (out.empty() ? "" : ", ") + plain(item);
    return out;
}

}  // namespace

std::string csvText(std::string_view text) {
    if (text.empty() || std::string_view("=+-@\t\r").find(text.front()) == std::string_view::npos)
        return inCsvQuotes(text);
    return inCsvQuotes("'" + std::string(text));
}

std::string csvCell(const Json& value) {
    // A negative number is no formula.
    return value.string() == nullptr && isPlain(value) ? inCsvQuotes(plain(value)) : csvText(plain(value));
}

}  // namespace muster::api
