/// Any octets as a settings file: reading is bounded and says where it failed; an edit touches its own value alone, and
/// the diff between before and after names it. The same for lists of tables; and any octets as a list of objects on one
/// line.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "api/values.h"
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

constexpr muster::Field kMembers[] = {{.name = "name", .minimum = 1, .maximum = 20, .required = true},
                                      {.name = "a", .type = muster::FieldType::address},
                                      {.name = "i", .type = muster::FieldType::integer, .fallback = "0"},
                                      {.name = "d", .type = muster::FieldType::duration, .fallback = "30s"},
                                      {.name = "b", .type = muster::FieldType::boolean},
                                      {.name = "t", .type = muster::FieldType::texts, .fallback = "[]"},
                                      {.name = "n", .type = muster::FieldType::networks}};
constexpr muster::Field kObjects{.name = "v", .type = muster::FieldType::objects, .fields = kMembers};

/// What is read is written as TOML that means the same, and as text that reads back.
void readObjects(std::string_view text) {
    const auto value = muster::api::parseValue(kObjects, text);
    if (!value)
        return;
    const std::string written = muster::api::valueText(kObjects, *value);
    const auto again = muster::api::parseValue(kObjects, written);
    require(again && *again == *value);
    const auto document = Document::parse("[s]\nv = " + written, "written");
    if (document)  // a character of plane 16 is no TOML of ours
        require(muster::api::checkValue(kObjects, document->find("s", "v")->value) == *value);
    else
        require(written.find('\xf4') != std::string::npos);
}

/// Lists of tables: what comes out is the list that was wanted, whatever was written around it.
void changeList(const Document& document, const std::string& section, const Item& item) {
    std::vector<std::string> tables;
    for (const auto& element : item.elements) {
        std::string out;
        for (const Item& member : element.items)
            if (member.key.find_first_not_of("abcdefghijklmnopqrstuvwxyz") == std::string::npos && !member.isTable)
                out += (out.empty() ? "" : ", ") + member.key + " = " + member.raw;
        tables.push_back("{" + out + "}");
    }
    const auto become = [&](const std::vector<std::string>& wanted) {
        std::string value;
        for (const std::string& table : wanted)
            value += (value.empty() ? "" : ", ") + table;
        const auto probe = Document::parse("[a]\nv = [" + value + "]", "probe");
        const auto changed = probe ? document.with(section, item.key, "[" + value + "]") : probe;
        if (changed)
            require(changed->find(section, item.key)->value == probe->find("a", "v")->value);
    };
    become(tables);
    become({tables.rbegin(), tables.rend()});
    tables.insert(tables.begin() + static_cast<std::ptrdiff_t>(tables.size() / 2), "{zz = 'new', a = [1]}");
    become(tables);
    tables.erase(tables.begin());
    become(tables);
    become({});
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size > std::size_t{16} * 1024)
        return 0;
    readObjects(std::string_view(reinterpret_cast<const char*>(data), size));
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
            if (!item.elements.empty())
                changeList(*document, section.name, item);
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
