/// Any octets as a settings file: reading is bounded and says where it failed; an edit touches its own value alone, and
/// the diff between before and after names it.
#include <cstdint>
#include <cstdlib>

#include "host/settings/diff.h"
#include "host/settings/document.h"

namespace {

using muster::settings::Document;
using muster::settings::Item;

void require(bool holds) {
    if (!holds)
        std::abort();
}

void replace(const Document& document, const std::string& section, const Item& item, std::string_view value) {
    const auto changed = document.with(section, item.key, value);
    if (!changed)
        return;  // said that it cannot; nothing is written then
    const std::string& before = document.text();
    require(changed->text() == before.substr(0, item.begin) + std::string(value) + before.substr(item.end));
    require(changed->find(section, item.key) != nullptr && changed->find(section, item.key)->raw == value);
    require(muster::settings::unifiedDiff(before, changed->text(), "a", "b").empty() == (before == changed->text()));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size > std::size_t{16} * 1024)
        return 0;
    const auto document = Document::parse(std::string(reinterpret_cast<const char*>(data), size), "fuzz");
    if (!document) {
        require(document.error().subject.rfind("fuzz", 0) == 0);
        return 0;
    }
    int edits = 0;
    for (const auto& section : document->sections()) {
        for (const Item& item : section.items) {
            if (++edits > 6)
                return 0;
            if (!item.isTable)
                replace(*document, section.name, item, "\"größer\"");
            if (const auto gone = document->without(section.name, item.key))
                require(gone->find(section.name, item.key) == nullptr);
        }
        if (const auto added = document->with(section.name, "zz-new-zz", "[1, 2]"))
            require(added->find(section.name, "zz-new-zz") != nullptr &&
                    added->text().size() > document->text().size());
    }
    if (const auto added = document->with("zz-section-zz", "key", "true"))
        require(added->text().compare(0, size, document->text()) == 0);
    return 0;
}
