/// Changes to a Document: the text of one value, and nothing else.
#include <algorithm>

#include "host/settings/document.h"
#include "host/settings/table_list.h"
#include "host/settings/text_lines.h"

namespace muster::settings {

namespace {

/// A line put in behind the line that holds `at`.
std::string lineAdded(std::string_view text, std::size_t at, const std::string& line) {
    const std::size_t place = lineEnd(text, at);
    const std::string newline(newlineOf(text));
    const bool open = place == text.size() && (text.empty() || text.back() != '\n');
    return spliced(text, place, place, open ? newline + line + newline : line + newline);
}

}  // namespace

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

Error Document::byHand(std::string_view section, const Item& item) const {
    return {Code::incompatible, std::string(section) + "." + item.key,
            "is a table in " + name_ + " line " + std::to_string(item.line) + "; edit the file by hand"};
}

Result<Document> Document::with(std::string_view section, std::string_view key, std::string_view value) const {
    const Item* present = find(section, key);
    auto probe = parse("v = " + std::string(value), "value");
    if (!probe || probe->strays().size() != 1 || !probe->sections().empty())
        return fail(Code::malformed, std::string(section) + "." + std::string(key), "not a TOML value");
    const Item& wanted = probe->strays().front();
    if (present != nullptr)
        return replacedIn(section, *present, wanted);
    const Section* holder = find(section);
    return addedTo(section, key, listText(text_, wanted, holder != nullptr && holder->shape == Section::Shape::braces),
                   wanted.value);
}

Result<Document> Document::addedTo(std::string_view section, std::string_view key, std::string_view value,
                                   const Json& wanted) const {
    auto added = checked(inserted(section, key, value), section, key, &wanted);
    const Section* holder = find(section);
    if (added || holder == nullptr || holder->shape != Section::Shape::header)
        return added;
    // The section is there by the headers of its tables alone ([section.table]): it gets one of its own.
    const std::string newline(newlineOf(text_));
    const bool open = !text_.empty() && text_.back() != '\n';
    auto headed = checked(text_ + (open ? newline : "") + newline + "[" + std::string(section) + "]" + newline +
                              std::string(key) + " = " + std::string(value) + newline,
                          section, key, &wanted);
    return headed ? std::move(headed) : std::move(added);
}

Result<Document> Document::replacedIn(std::string_view section, const Item& present, const Item& wanted) const {
    const std::string& key = present.key;
    const bool list = wanted.value.array() != nullptr && (!wanted.elements.empty() || wanted.value.array()->empty());
    if (present.isTable) {
        if (!list || present.elements.empty())
            return fail(byHand(section, present));
        if (wanted.elements.empty()) {
            // The tables go, and "key = []" says that there are to be none.
            const auto bare = without(section, key);
            return bare ? bare->addedTo(section, key, wanted.raw, wanted.value) : bare;
        }
        const auto text = headersChanged(text_, std::string(section) + "." + key, present, &wanted);
        return text ? checked(*text, section, key, &wanted.value) : fail(byHand(section, present));
    }
    if (list)
        if (const auto text = linesChanged(text_, present, wanted))
            if (auto changed = checked(*text, section, key, &wanted.value))
                return changed;
    const bool braces = find(section)->shape == Section::Shape::braces;
    return checked(spliced(text_, present.begin, present.end, listText(text_, wanted, braces)), section, key,
                   &wanted.value);
}

Result<Document> Document::without(std::string_view section, std::string_view key) const {
    const Section* holder = find(section);
    const Item* present = find(section, key);
    if (present == nullptr)
        return *this;
    if (present->isTable) {
        const auto text = present->elements.empty()
                              ? std::nullopt
                              : headersChanged(text_, std::string(section) + "." + present->key, *present, nullptr);
        return text ? checked(*text, section, key, nullptr) : fail(byHand(section, *present));
    }
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
    const auto refused = [&](const std::string& why) {
        return fail(Code::incompatible, std::string(section) + "." + std::string(key),
                    why + " the way " + name_ + " is written; edit the file by hand");
    };
    auto changed = parse(std::move(text), name_);
    if (!changed)
        return refused("cannot be changed alone in");
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
    sortMembers(expected);
    Json got = changed->tree();
    // A section whose last dotted key went is no longer there: that is the same as an empty one.
    if (value == nullptr && got.find(section) == nullptr)
        got.set(section, Json(Json::Object()));
    sortMembers(got);
    if (got != expected)
        return refused("cannot be changed without touching others in");
    return changed;
}

}  // namespace muster::settings
