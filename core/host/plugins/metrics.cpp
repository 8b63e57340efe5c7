#include "host/plugins/metrics.h"

#include <algorithm>

namespace muster::plugins {

namespace {

constexpr std::size_t kMaxName = 96;

bool isName(std::string_view name) noexcept {
    const auto lower = [](char c) { return c >= 'a' && c <= 'z'; };
    const auto inside = [&](char c) { return lower(c) || (c >= '0' && c <= '9') || c == '_'; };
    return !name.empty() && name.size() <= kMaxName && lower(name.front()) &&
           std::all_of(name.begin(), name.end(), inside);
}

}  // namespace

Metrics::Entry& Metrics::entry(std::string_view owner, std::string_view name, std::string_view help, bool isCounter) {
    if (!isName(name))
        throw Fault({Code::malformed, "metric " + std::string(name),
                     "a metric's name is snake_case: a-z, 0-9 and _, a letter first, at most 96 octets"});
    Entry* own = nullptr;
    for (Entry& entry : entries_) {
        if (entry.name != name)
            continue;
        const bool same = entry.owner == owner && entry.isCounter == isCounter;
        if (same)
            own = &entry;
        else if (entry.shown)
            throw Fault({Code::duplicate, "metric " + entry.name,
                         "is a " + std::string(entry.isCounter ? "counter" : "gauge") + " of " + entry.owner +
                             "; choose another name"});
    }
    if (!own) {
        own = &entries_.emplace_back();
        own->name = name;
        own->owner = owner;
        own->isCounter = isCounter;
    }
    own->help = help;
    own->shown = true;
    return *own;
}

Counter& Metrics::counter(std::string_view owner, std::string_view name, std::string_view help) {
    const std::lock_guard lock(mutex_);
    return entry(owner, name, help, true).counter;
}

Gauge& Metrics::gauge(std::string_view owner, std::string_view name, std::string_view help) {
    const std::lock_guard lock(mutex_);
    return entry(owner, name, help, false).gauge;
}

void Metrics::retire(std::string_view owner, std::string_view name) noexcept {
    const std::lock_guard lock(mutex_);
    for (Entry& entry : entries_)
        if (entry.name == name && entry.owner == owner)
            entry.shown = false;
}

std::vector<Metrics::Sample> Metrics::samples() const {
    std::vector<Sample> out;
    {
        const std::lock_guard lock(mutex_);
        for (const Entry& entry : entries_)
            if (entry.shown)
                out.push_back(
                    {entry.name, entry.help, entry.owner, entry.isCounter,
                     entry.isCounter ? static_cast<std::int64_t>(entry.counter.value()) : entry.gauge.value()});
    }
    std::sort(out.begin(), out.end(), [](const Sample& a, const Sample& b) { return a.name < b.name; });
    return out;
}

std::int64_t Metrics::value(std::string_view name) const {
    const std::lock_guard lock(mutex_);
    for (const Entry& entry : entries_)
        if (entry.shown && entry.name == name)
            return entry.isCounter ? static_cast<std::int64_t>(entry.counter.value()) : entry.gauge.value();
    return 0;
}

}  // namespace muster::plugins
