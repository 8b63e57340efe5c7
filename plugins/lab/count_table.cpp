#include "count_table.h"

#include <algorithm>

namespace muster::lab {

std::uint32_t CountTable::count(const Guid& application, const Guid& cmid, const Guid& previous, std::uint32_t required,
                                Timestamp now) {
    Application& of = obtain(application);
    of.capacity = std::max(of.capacity, capacityFor(required));
    of.expire(now);
    if (!previous.isZero() && previous != cmid)
        of.erase(previous);
    of.touch(cmid, now);
    of.trim();
    return static_cast<std::uint32_t>(of.entries.size());
}

std::uint32_t CountTable::current(const Guid& application, Timestamp now) {
    Application* of = find(application);
    if (!of)
        return 0;
    of->expire(now);
    return static_cast<std::uint32_t>(of->entries.size());
}

bool CountTable::knows(const Guid& application) const noexcept {
    return std::any_of(applications_.begin(), applications_.end(),
                       [&](const Application& of) { return of.id == application; });
}

void CountTable::forget(const Guid& application, const Guid& cmid) noexcept {
    if (Application* of = find(application))
        of->erase(cmid);
}

void CountTable::restore(const Guid& application, std::uint32_t largestRequired,
                         std::span<const CountedClient> newestFirst) {
    Application& of = obtain(application);
    of.capacity = std::max(of.capacity, capacityFor(largestRequired));
    for (auto client = newestFirst.rbegin(); client != newestFirst.rend(); ++client)
        of.touch(client->cmid, client->counted);
    of.trim();
}

CountTable::Application* CountTable::find(const Guid& id) noexcept {
    const auto at =
        std::find_if(applications_.begin(), applications_.end(), [&](const Application& of) { return of.id == id; });
    return at == applications_.end() ? nullptr : &*at;
}

CountTable::Application& CountTable::obtain(const Guid& id) {
    if (Application* of = find(id))
        return *of;
    Application& made = applications_.emplace_back();
    made.id = id;
    return made;
}

void CountTable::Application::expire(Timestamp now) {
    // A clock that was set back leaves entries of the future: they count as fresh and go 30 days after their own time.
    while (!entries.empty() && now - entries.back().counted >= kLifetime) {
        byCmid.erase(entries.back().cmid);
        entries.pop_back();
    }
}

void CountTable::Application::trim() {
    while (entries.size() > capacity) {
        byCmid.erase(entries.back().cmid);
        entries.pop_back();
    }
}

void CountTable::Application::erase(const Guid& cmid) noexcept {
    const auto known = byCmid.find(cmid);
    if (known == byCmid.end())
        return;
    entries.erase(known->second);
    byCmid.erase(known);
}

void CountTable::Application::touch(const Guid& cmid, Timestamp now) {
    const auto known = byCmid.find(cmid);
    if (known != byCmid.end()) {
        known->second->counted = now;
        entries.splice(entries.begin(), entries, known->second);
        return;
    }
    entries.push_front({cmid, now});
    byCmid.emplace(cmid, entries.begin());
}

}  // namespace muster::lab
