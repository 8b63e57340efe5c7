#include "host/settings/table_list.h"

#include <utility>

#include "host/settings/text_lines.h"

namespace muster::settings {

namespace {

constexpr std::size_t kLongLine = 100;  // octets of a list that are still shown on one line

/// What becomes of each table: which old one goes with which new one.
struct Pairing {
    static constexpr std::size_t kNone = static_cast<std::size_t>(-1);
    std::size_t old = kNone;    ///< none: `fresh` is added
    std::size_t fresh = kNone;  ///< none: `old` goes
};

/// The first member of a table says which one it is: in a schema that is its name.
bool sameOne(const Element& old, const Element& fresh) {
    if (fresh.items.empty())
        return old.items.empty();
    const Item* member = old.find(fresh.items.front().key);
    return member != nullptr && member->value == fresh.items.front().value;
}

/// In the order of the new list. Those that are the same go together; what stands between them, one by one.
std::vector<Pairing> paired(const std::vector<Element>& old, const std::vector<Element>& fresh) {
    std::vector<Pairing> out;
    std::size_t i = 0;
    std::size_t k = 0;
    const auto gap = [&](std::size_t oldEnd, std::size_t freshEnd) {
        while (i < oldEnd || k < freshEnd) {
            Pairing pairing;
            if (i < oldEnd)
                pairing.old = i++;
            if (k < freshEnd)
                pairing.fresh = k++;
            out.push_back(pairing);
        }
    };
    for (std::size_t next = 0; next < fresh.size(); ++next)
        for (std::size_t candidate = i; candidate < old.size(); ++candidate)
            if (sameOne(old[candidate], fresh[next])) {
                gap(candidate, next);
                gap(candidate + 1, next + 1);
                break;
            }
    gap(old.size(), fresh.size());
    return out;
}

bool isBlank(std::string_view text) noexcept {
    return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

/// The line that holds `at`, up to there.
std::string_view indentOf(std::string_view text, std::size_t at) noexcept {
    const std::size_t begin = lineBegin(text, at);
    const std::string_view before = text.substr(begin, at - begin);
    return isBlank(before) ? before : std::string_view();
}

struct Region {
    std::size_t begin;
    std::size_t end;
};

/// From its header to the end of its last value, in whole lines.
Region blockOf(std::string_view text, const Element& element) noexcept {
    std::size_t last = element.end;
    for (const Item& item : element.items)
        last = std::max(last, item.end);
    return {lineBegin(text, element.begin), lineEnd(text, last)};
}

/// With one of the empty lines around it, so that no two are left where one was.
Region withBlankLine(std::string_view text, Region block) noexcept {
    const std::size_t before = block.begin == 0 ? 0 : lineBegin(text, block.begin - 1);
    const bool blankBefore = block.begin == 0 || isBlank(text.substr(before, block.begin - before));
    const std::size_t behind = lineEnd(text, block.end);
    const bool blankBehind = isBlank(text.substr(block.end, behind - block.end));
    if (blankBefore && block.end == text.size())
        return {before, block.end};
    return blankBefore && blankBehind ? Region{block.begin, behind} : block;
}

/// Before the comment lines that stand right above the line at `begin`.
std::size_t aboveComments(std::string_view text, std::size_t begin) noexcept {
    while (begin > 0) {
        const std::size_t before = lineBegin(text, begin - 1);
        const std::string_view line = text.substr(before, begin - before);
        const std::size_t first = line.find_first_not_of(" \t");
        if (first == std::string_view::npos || line[first] != '#')
            break;
        begin = before;
    }
    return begin;
}

std::string memberLine(const Item& item) {
    return item.key + " = " + item.raw;
}

/// One table of its own header gets the members of another.
void changeBlock(std::string_view text, const Element& old, const Element& fresh, std::vector<Patch>& patches) {
    const std::string_view newline = newlineOf(text);
    const std::string_view indent =
        old.items.empty() ? indentOf(text, old.begin) : indentOf(text, old.items.front().keyBegin);
    std::string added;
    for (const Item& member : fresh.items) {
        const Item* present = old.find(member.key);
        if (present == nullptr)
            added.append(indent).append(memberLine(member)).append(newline);
        else if (present->value != member.value)
            patches.push_back({present->begin, present->end, member.raw});
    }
    for (const Item& present : old.items)
        if (fresh.find(present.key) == nullptr)
            patches.push_back({lineBegin(text, present.keyBegin), lineEnd(text, present.end), ""});
    const std::size_t end = blockOf(text, old).end;
    if (!added.empty())
        patches.push_back({end, end, std::move(added)});
}

}  // namespace

std::optional<std::string> headersChanged(std::string_view text, std::string_view name, const Item& present,
                                          const Item* wanted) {
    for (const Element& element : present.elements)
        for (const Item& item : element.items)
            if (item.isTable)
                return std::nullopt;
    static const std::vector<Element> kEmpty;
    const std::vector<Element>& old = present.elements;
    const std::vector<Element>& fresh = wanted != nullptr ? wanted->elements : kEmpty;
    const std::string newline(newlineOf(text));
    // Every line has an end here, so that lines can be added behind any.
    const std::string whole = text.empty() || text.back() == '\n' ? std::string(text) : std::string(text) + newline;
    std::vector<Patch> patches;
    std::optional<std::size_t> anchor;  // behind the last table that stays
    for (const Pairing& pairing : paired(old, fresh)) {
        if (pairing.fresh == Pairing::kNone) {
            const Region gone = withBlankLine(whole, blockOf(whole, old[pairing.old]));
            patches.push_back({gone.begin, gone.end, ""});
            continue;
        }
        const Element& table = fresh[pairing.fresh];
        if (pairing.old != Pairing::kNone) {
            changeBlock(whole, old[pairing.old], table, patches);
            anchor = blockOf(whole, old[pairing.old]).end;
            continue;
        }
        std::string block = "[[" + std::string(name) + "]]" + newline;
        for (const Item& member : table.items)
            block += memberLine(member) + newline;
        const std::size_t first = aboveComments(whole, blockOf(whole, old.front()).begin);
        if (anchor)
            patches.push_back({*anchor, *anchor, newline + block});
        else
            patches.push_back({first, first, block + newline});
    }
    return patched(whole, std::move(patches));
}

std::optional<std::string> linesChanged(std::string_view text, const Item& present, const Item& wanted) {
    const std::vector<Element>& old = present.elements;
    if (old.empty() || wanted.elements.empty())
        return std::nullopt;
    std::vector<Patch> patches;
    for (const Element& element : old) {
        const std::size_t begin = lineBegin(text, element.begin);
        const std::size_t behind = lineEnd(text, element.end);
        std::string_view rest = text.substr(element.end, behind - element.end);
        const std::size_t comma = rest.find_first_not_of(" \t");
        if (comma != std::string_view::npos && rest[comma] == ',')
            rest.remove_prefix(comma + 1);
        const std::size_t next = std::min(rest.find_first_not_of(" \t\r\n"), rest.size());
        const bool alone = begin > present.begin && isBlank(text.substr(begin, element.begin - begin)) &&
                           behind <= present.end && (next == rest.size() || rest[next] == '#');
        if (!alone)
            return std::nullopt;
    }
    const std::string newline(newlineOf(text));
    const std::string indent(indentOf(text, old.front().begin));
    const auto raw = [&](const Element& element) {
        return wanted.raw.substr(element.begin - wanted.begin, element.end - element.begin);
    };
    const std::size_t firstLine = lineBegin(text, old.front().begin);
    std::optional<std::size_t> anchor;  // the last table that stays
    std::string added;
    const auto flush = [&] {
        if (added.empty())
            return;
        const std::size_t place = anchor ? lineEnd(text, old[*anchor].end) : firstLine;
        patches.push_back({place, place, std::exchange(added, "")});
    };
    for (const Pairing& pairing : paired(old, wanted.elements)) {
        if (pairing.fresh == Pairing::kNone) {
            const Element& gone = old[pairing.old];
            patches.push_back({lineBegin(text, gone.begin), lineEnd(text, gone.end), ""});
        } else if (pairing.old == Pairing::kNone) {
            added.append(indent).append(raw(wanted.elements[pairing.fresh])).append(",").append(newline);
        } else {
            flush();
            anchor = pairing.old;
            const Element& stays = old[pairing.old];
            if ((*present.value.array())[pairing.old] != (*wanted.value.array())[pairing.fresh])
                patches.push_back({stays.begin, stays.end, raw(wanted.elements[pairing.fresh])});
        }
    }
    if (!added.empty() && anchor) {
        // What comes behind the last one needs a comma before it.
        const std::size_t end = old[*anchor].end;
        const std::size_t comma = text.find_first_not_of(" \t", end);
        if (comma == std::string_view::npos || text[comma] != ',')
            patches.push_back({end, end, ","});
    }
    flush();
    return patched(text, std::move(patches));
}

std::string listText(std::string_view text, const Item& wanted, bool oneLine) {
    if (oneLine || wanted.elements.size() < 2 || wanted.raw.size() <= kLongLine)
        return wanted.raw;
    const std::string newline(newlineOf(text));
    std::string out = "[" + newline;
    for (const Element& element : wanted.elements)
        out += "    " + wanted.raw.substr(element.begin - wanted.begin, element.end - element.begin) + "," + newline;
    return out + "]";
}

}  // namespace muster::settings
