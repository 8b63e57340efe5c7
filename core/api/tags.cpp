#include "api/tags.h"

#include <algorithm>
#include <array>
#include <mbedtls/md.h>
#include <set>

#include "api/json_text.h"

namespace muster::api {

namespace {

constexpr std::size_t kTagOctets = 16;  // of the digest: no two versions of a setting share them

std::string digest(std::string_view text) {
    std::array<unsigned char, 32> whole{};
    if (mbedtls_md(mbedtls_md_info_from_type(MBEDTLS_MD_SHA256), reinterpret_cast<const unsigned char*>(text.data()),
                   text.size(), whole.data()) != 0)
        throw Fault({Code::internal, "entity tag", "SHA-256 is not in this build of mbedTLS"});
    static constexpr char kDigits[] = "0123456789abcdef";
    std::string out;
    for (std::size_t i = 0; i < kTagOctets; ++i) {
        out.push_back(kDigits[whole[i] >> 4U]);
        out.push_back(kDigits[whole[i] & 15U]);
    }
    return out;
}

}  // namespace

std::optional<std::string> tagOf(const OperationTable& table, const Registered& row, const Json& answer) {
    std::set<std::string_view> changeable;
    for (const std::string_view method : {"PUT", "PATCH"})
        if (const auto other = table.sibling(row, method))
            for (const Field& field : other->operation().body)
                changeable.insert(field.name);
    if (changeable.empty() || answer.object() == nullptr)
        return std::nullopt;
    Json seen{Json::Object()};
    for (const std::string_view name : changeable)
        if (const Json* value = answer.find(name))
            seen.set(name, *value);
    return '"' + digest(dumpJson(seen)) + '"';
}

bool matches(std::string_view header, std::string_view tag, bool weak) noexcept {
    while (!header.empty()) {
        std::size_t end = std::min(header.find(','), header.size());
        std::string_view one = header.substr(0, end);
        header.remove_prefix(std::min(end + 1, header.size()));
        while (!one.empty() && (one.front() == ' ' || one.front() == '\t'))
            one.remove_prefix(1);
        while (!one.empty() && (one.back() == ' ' || one.back() == '\t'))
            one.remove_suffix(1);
        if (weak && one.substr(0, 2) == "W/")
            one.remove_prefix(2);
        if (one == "*" || one == tag)
            return true;
    }
    return false;
}

}  // namespace muster::api
