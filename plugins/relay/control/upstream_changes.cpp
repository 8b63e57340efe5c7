#include "upstream_changes.h"

#include <algorithm>
#include <utility>

#include "settings.h"

namespace muster::relay {

namespace {

/// Members as operations call them, and as the settings do.
constexpr std::pair<const char*, const char*> kMembers[] = {
    {"address", "address"},   {"rename", "name"},       {"name", "name"},
    {"priority", "priority"}, {"weight", "weight"},     {"families", "families"},
    {"versions", "versions"}, {"networks", "networks"}, {"countsVirtual", "counts-virtual"},
    {"state", "state"},
};

const std::string* textOf(const Json& item, std::string_view key) {
    const Json* const member = item.find(key);
    return member != nullptr ? member->string() : nullptr;
}

bool isDefault(std::string_view member, const Json& value) {
    if (const Json::Array* const items = value.array())
        return items->empty();
    if (member == "priority")
        return value == Json(std::int64_t{0});
    if (member == "weight")
        return value == Json(std::int64_t{100});
    if (const std::string* const text = value.string())
        return (member == "counts-virtual" && *text == "unknown") || (member == "state" && *text == "active");
    return value.isNull();
}

/// What says no more than the default is left out: the file stays what a person would have written.
void tidy(UpstreamList& list) {
    for (Json& item : list)
        if (Json::Object* const members = item.object())
            std::erase_if(*members, [](const Json::Member& member) { return isDefault(member.first, member.second); });
}

UpstreamList::iterator find(UpstreamList& list, std::string_view name) {
    return std::find_if(list.begin(), list.end(), [&](const Json& item) { return nameOf(item) == name; });
}

tl::unexpected<Error> none(std::string_view name) {
    return fail(Code::missing, "upstream " + std::string(name),
                "the settings have none of that name (one that DNS names can only be drained or rested)");
}

Result<void> take(Json& item, const Call& call) {
    for (const auto& [given, kept] : kMembers)
        if (const Json* const value = call.body.find(given); value != nullptr && !value->isNull())
            item.set(kept, *value);
    // As the settings are read later: nothing is written that the relay would not take.
    if (auto read = readUpstream(item, "upstreams"); !read)
        return fail(Code::malformed, "upstream " + nameOf(item), read.error().detail);
    return {};
}

Result<void> unique(const UpstreamList& list, const Json& item) {
    const std::string name = nameOf(item);
    const auto same = [&](const Json& other) { return nameOf(other) == name; };
    if (std::count_if(list.begin(), list.end(), same) > 1)
        return fail(Code::duplicate, "upstream " + name, "there is one of that name; give this one another");
    return {};
}

}  // namespace

std::string nameOf(const Json& item) {
    if (const std::string* const name = textOf(item, "name"))
        return *name;
    const std::string* const address = textOf(item, "address");
    return address != nullptr ? address->substr(0, 64) : std::string();
}

Result<UpstreamList> withAdded(UpstreamList list, const Call& call) {
    Json item(Json::Object{});
    if (auto taken = take(item, call); !taken)
        return fail(taken.error());
    list.push_back(std::move(item));
    if (auto alone = unique(list, list.back()); !alone)
        return fail(alone.error());
    tidy(list);
    return list;
}

Result<UpstreamList> withChanged(UpstreamList list, std::string_view name, const Call& call) {
    const auto item = find(list, name);
    if (item == list.end())
        return none(name);
    if (auto taken = take(*item, call); !taken)
        return fail(taken.error());
    if (auto alone = unique(list, *item); !alone)
        return fail(alone.error());
    tidy(list);
    return list;
}

Result<UpstreamList> withRemoved(UpstreamList list, std::string_view name) {
    const auto item = find(list, name);
    if (item == list.end())
        return none(name);
    list.erase(item);
    tidy(list);
    return list;
}

}  // namespace muster::relay
