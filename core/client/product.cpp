#include "client/product.h"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <optional>

namespace muster::client {

namespace {

Guid guid(const muster_guid& from) noexcept {
    Guid to;
    std::memcpy(to.octets.data(), from.octets, to.octets.size());
    return to;
}

std::string lower(std::string_view text) {
    std::string out(text);
    std::transform(out.begin(), out.end(), out.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    return out;
}

std::string wordFor(std::string_view generation) {
    constexpr std::string_view kLong = "windows";
    if (generation.starts_with(kLong))
        return "win" + std::string(generation.substr(kLong.size()));
    return std::string(generation);
}

std::string join(const std::vector<std::string>& words) {
    std::string out;
    for (const std::string& word : words)
        out += (out.empty() ? "" : ", ") + word;
    return out;
}

/// Every edition of every family whose generation has this word.
std::vector<Edition> editionsOf(std::string_view word) {
    std::vector<Edition> found;
    for (const muster_family* family : families())
        for (const muster_counted& counted : std::span(family->counted, family->counted_count))
            if (word == counted.generation || word == wordFor(counted.generation))
                for (const muster_sku& sku : std::span(counted.skus, counted.sku_count))
                    found.push_back({sku.name, counted.generation, guid(family->application), guid(counted.id),
                                     guid(sku.id), counted.threshold});
    return found;
}

}  // namespace

std::vector<std::string> generationWords() {
    std::vector<std::string> words;
    for (const muster_family* family : families())
        for (const muster_counted& counted : std::span(family->counted, family->counted_count))
            if (std::string word = wordFor(counted.generation);
                std::find(words.begin(), words.end(), word) == words.end())
                words.push_back(std::move(word));
    return words;
}

Result<std::vector<Edition>> products(std::string_view word, std::span<const std::string> editions) {
    const std::vector<Edition> all = editionsOf(word);
    if (all.empty())
        return fail(Code::missing, "--family " + std::string(word), "not known; there are " + join(generationWords()));
    std::vector<Edition> chosen;
    if (editions.empty()) {
        const auto enterprise =
            std::find_if(all.begin(), all.end(), [](const Edition& p) { return p.name.ends_with(" Enterprise"); });
        chosen.push_back(enterprise == all.end() ? all.front() : *enterprise);
    }
    for (const std::string& edition : editions) {
        const std::optional<Guid> id = Guid::parse(edition);
        const auto product = std::find_if(all.begin(), all.end(), [&](const Edition& p) {
            return id ? p.sku == *id : lower(p.name) == lower(edition);
        });
        if (product == all.end()) {
            std::vector<std::string> names;
            std::transform(all.begin(), all.end(), std::back_inserter(names), [](const Edition& p) { return p.name; });
            return fail(Code::missing, "--edition " + edition,
                        "not one of " + std::string(word) + "; there are " + join(names));
        }
        chosen.push_back(*product);
    }
    return chosen;
}

std::chrono::duration<std::int64_t, std::ratio<60>> initialGrace(const Edition& product) noexcept {
    return std::chrono::hours(24 * (product.generation == "server2008" ? 60 : 30));
}

}  // namespace muster::client
