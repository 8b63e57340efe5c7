#include "audit/entry.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <mbedtls/md.h>

#include "api/json_text.h"
#include "api/values.h"

namespace muster::audit {

namespace {

constexpr std::size_t kHash = 64;            // hex digits
constexpr std::size_t kMaxText = 256;        // octets of who, front, from, action, result
constexpr std::size_t kMaxDetail = 512;      // octets
constexpr std::size_t kMaxValue = 3000;      // octets of what, before, after, as JSON
constexpr std::size_t kShownOfValue = 1500;  // of one that is longer
constexpr std::size_t kMaxDepth = 16;        // of nested values
constexpr std::string_view kBegin = "{\"number\":";
constexpr std::string_view kHashMember = ",\"hash\":\"";
constexpr std::string_view kEnd = "\"}";
constexpr std::size_t kTail = kHashMember.size() + kHash + kEnd.size();

bool isHash(std::string_view text) noexcept {
    return text.size() == kHash && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

std::string sha256(std::string_view text) {
    std::array<unsigned char, kHash / 2> octets{};
    mbedtls_md(mbedtls_md_info_from_type(MBEDTLS_MD_SHA256), reinterpret_cast<const unsigned char*>(text.data()),
               text.size(), octets.data());
    static constexpr char kDigits[] = "0123456789abcdef";
    std::string out;
    for (const unsigned char octet : octets) {
        out += kDigits[octet >> 4];
        out += kDigits[octet & 15];
    }
    return out;
}

/// At most `size` octets as a JSON string without its quotes: what is escaped counts as it is written.
std::string cutText(std::string_view text, std::size_t size) {
    const auto written = [](std::string_view part) { return api::dumpJson(Json(part)).size() - 2; };
    if (written(text) <= size)
        return std::string(text);
    std::size_t length = std::min(text.size(), size);
    while (length > 0 && written(text.substr(0, length)) > size)
        length -= std::max<std::size_t>(1, length / 8);
    while (length > 0 && (static_cast<unsigned char>(text[length]) & 0xC0U) == 0x80U)
        --length;  // never half a character
    return std::string(text.substr(0, length)) + "…";
}

std::size_t depth(const Json& value) {
    std::size_t deepest = 0;
    if (const Json::Array* items = value.array())
        for (const Json& item : *items)
            deepest = std::max(deepest, depth(item));
    if (const Json::Object* members = value.object())
        for (const auto& [name, member] : *members)
            deepest = std::max(deepest, depth(member));
    return deepest + 1;
}

/// What is deeper than the reader of JSON goes is cut as well.
Json cutValue(Json value) {
    const std::string text = api::dumpJson(value);
    if (text.size() <= kMaxValue && depth(value) <= kMaxDepth)
        return value;
    return json({{"octets", static_cast<std::uint64_t>(text.size())}, {"begins", cutText(text, kShownOfValue)}});
}

}  // namespace

std::string_view origin() noexcept {
    return "0000000000000000000000000000000000000000000000000000000000000000";
}

Entry bounded(Entry entry) {
    for (std::string* text : {&entry.who, &entry.role, &entry.front, &entry.from, &entry.action, &entry.result})
        *text = cutText(*text, kMaxText);
    entry.detail = cutText(entry.detail, kMaxDetail);
    for (Json* value : {&entry.what, &entry.before, &entry.after})
        *value = cutValue(std::move(*value));
    return entry;
}

std::string writeLine(const Entry& entry, std::uint64_t number, std::string_view previous, std::string& hash) {
    std::string line = api::dumpJson(json({{"number", number},
                                           {"time", isoTime(entry.time)},
                                           {"who", entry.who},
                                           {"role", entry.role},
                                           {"front", entry.front},
                                           {"from", entry.from},
                                           {"action", entry.action},
                                           {"what", entry.what},
                                           {"before", entry.before},
                                           {"after", entry.after},
                                           {"result", entry.result},
                                           {"detail", entry.detail},
                                           {"count", entry.count},
                                           {"previous", previous}}));
    hash = sha256(line);
    line.pop_back();
    line += kHashMember;
    line += hash;
    line += kEnd;
    return line;
}

Result<Chained> readLine(std::string_view line) {
    const auto bad = [](const char* why) { return fail(Code::malformed, "entry", why); };
    if (line.size() > kMaxLine || line.size() < kTail || !line.ends_with(kEnd))
        return bad("is no entry as this log has them");
    Chained entry;
    const std::string_view tail = line.substr(line.size() - kTail);
    entry.hash = tail.substr(kHashMember.size(), kHash);
    if (!tail.starts_with(kHashMember) || !isHash(entry.hash))
        return bad("has no hash");
    const std::string hashed = std::string(line.substr(0, line.size() - kTail)) + '}';
    if (sha256(hashed) != entry.hash)
        return bad("was changed: its hash does not fit");
    const auto object = api::parseJson(hashed, kMaxLine);
    if (!object || object->object() == nullptr)
        return bad("is no JSON");
    bool good = object->object()->size() == 14;
    const auto natural = [&](const char* member) {
        const Json* value = object->find(member);
        const std::int64_t* number = value != nullptr ? value->integer() : nullptr;
        good = good && number != nullptr && *number > 0;
        return good ? static_cast<std::uint64_t>(*number) : 0;
    };
    const auto text = [&](const char* member) {
        const Json* value = object->find(member);
        good = good && value != nullptr && value->string() != nullptr;
        return good ? *value->string() : std::string();
    };
    const auto value = [&](const char* member) {
        const Json* found = object->find(member);
        good = good && found != nullptr;
        return good ? *found : Json();
    };
    entry.number = natural("number");
    const auto time = api::parseTimestamp(text("time"));
    entry.who = text("who");
    entry.role = text("role");
    entry.front = text("front");
    entry.from = text("from");
    entry.action = text("action");
    entry.what = value("what");
    entry.before = value("before");
    entry.after = value("after");
    entry.result = text("result");
    entry.detail = text("detail");
    entry.count = natural("count");
    entry.previous = text("previous");
    if (!good || !time || !isHash(entry.previous))
        return bad("lacks a member");
    entry.time = *time;
    return entry;
}

std::optional<std::uint64_t> numberOf(std::string_view line) noexcept {
    if (!line.starts_with(kBegin))
        return std::nullopt;
    std::uint64_t number = 0;
    const char* const end = line.data() + line.size();
    const auto [at, problem] = std::from_chars(line.data() + kBegin.size(), end, number);
    if (problem != std::errc() || at == end || *at != ',' || number == 0)
        return std::nullopt;
    return number;
}

}  // namespace muster::audit
