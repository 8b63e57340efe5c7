#include "system/slots.h"

#include <algorithm>
#include <charconv>

#include "muster/json.h"

#include "api/json_text.h"

namespace muster::system {

namespace {

constexpr std::size_t kMaxText = std::size_t{64} * 1024;

std::string text(const Json* object, std::string_view member) {
    const Json* const found = object != nullptr ? object->find(member) : nullptr;
    return found != nullptr && found->string() != nullptr ? plain(*found->string(), kMaxName) : std::string();
}

}  // namespace

Result<SlotsState> readSlots(std::string_view words) {
    auto parsed = api::parseJson(words, kMaxText);
    if (!parsed)
        return fail(Code::malformed, "rauc status", parsed.error().text());
    const Json* const list = parsed->find("slots");
    if (list == nullptr || list->array() == nullptr)
        return fail(Code::malformed, "rauc status", "names no slots");
    SlotsState state;
    state.compatible = text(&*parsed, "compatible");
    state.booted = text(&*parsed, "booted");
    state.primary = text(&*parsed, "boot_primary");
    for (const Json& entry : *list->array()) {
        if (entry.object() == nullptr || entry.object()->size() != 1 || state.slots.size() == kMaxSlots)
            continue;
        const auto& [name, facts] = entry.object()->front();
        const Json* const status = facts.find("slot_status");
        const Json* const bundle = status != nullptr ? status->find("bundle") : nullptr;
        const Json* const installed = status != nullptr ? status->find("installed") : nullptr;
        state.slots.push_back({plain(name, kMaxName), text(&facts, "bootname"), text(&facts, "state"),
                               text(&facts, "boot_status"), text(bundle, "version"), text(installed, "timestamp")});
    }
    std::sort(state.slots.begin(), state.slots.end(),
              [](const Slot& a, const Slot& b) { return a.name < b.name; });  // RAUC has them in no order
    return state;
}

void readProgress(std::string_view line, UpdateState& state) {
    while (!line.empty() && (line.front() == ' ' || line.front() == '\t'))
        line.remove_prefix(1);
    while (!line.empty() && (line.back() == ' ' || line.back() == '\r' || line.back() == '\n'))
        line.remove_suffix(1);
    unsigned percent = 0;
    const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), percent);
    if (error == std::errc() && end != line.data() + line.size() && *end == '%' && percent <= 100) {
        state.percent = static_cast<std::uint8_t>(percent);
        line.remove_prefix(static_cast<std::size_t>(end - line.data()) + 1);
        while (!line.empty() && line.front() == ' ')
            line.remove_prefix(1);
    }
    if (!line.empty())
        state.words = plain(line, kMaxWords);
}

}  // namespace muster::system
