#include "host/plugins/roster.h"

#include <algorithm>
#include <utility>

namespace muster::plugins {

const char* name(State state) noexcept {
    switch (state) {
        case State::rejected:
            return "rejected";
        case State::quarantined:
            return "quarantined";
        case State::failed:
            return "failed";
        case State::started:
            return "started";
        case State::wedged:
            return "wedged";
        case State::stopped:
            return "stopped";
    }
    return "stopped";
}

Record& Roster::add(const Candidate& candidate) {
    auto record = std::make_unique<Record>();
    record->candidate = candidate;
    record->status.name = candidate.name;
    record->status.file = candidate.file;
    record->status.kind = candidate.isFamily() ? "family" : "";
    const std::lock_guard lock(mutex_);
    return *records_.emplace_back(std::move(record));
}

void Roster::remove(const Record& record) {
    const std::lock_guard lock(mutex_);
    records_.erase(std::remove_if(records_.begin(), records_.end(), [&](const auto& r) { return r.get() == &record; }),
                   records_.end());
}

Record* Roster::holder(std::string_view name) noexcept {
    for (const auto& record : records_)
        if (record->candidate.name == name && !record->duplicate && !record->gone)
            return record.get();
    return nullptr;
}

Record* Roster::byFile(std::string_view file) noexcept {
    for (const auto& record : records_)
        if (record->candidate.file == file)
            return record.get();
    return nullptr;
}

std::vector<Record*> Roster::all() {
    std::vector<Record*> out;
    for (const auto& record : records_)
        out.push_back(record.get());
    return out;
}

std::vector<Record*> Roster::dependents(std::string_view name) {
    std::vector<Record*> out;
    for (const auto& record : records_)
        if (record->instance && record->status.state == State::started) {
            const auto& needs = record->judged->needs;
            if (std::find(needs.begin(), needs.end(), name) != needs.end())
                out.push_back(record.get());
        }
    return out;
}

void Roster::set(Record& record, State state, std::string reason) {
    const std::lock_guard lock(mutex_);
    record.status.state = state;
    record.status.reason = std::move(reason);
}

void Roster::setReason(Record& record, std::string reason) {
    const std::lock_guard lock(mutex_);
    record.status.reason = std::move(reason);
}

void Roster::describe(Record& record, std::string version, std::string kind, std::string buildId) {
    const std::lock_guard lock(mutex_);
    record.status.version = std::move(version);
    record.status.kind = std::move(kind);
    record.status.buildId = std::move(buildId);
}

std::vector<PluginStatus> Roster::list() const {
    const std::lock_guard lock(mutex_);
    std::vector<const Record*> rows;
    rows.reserve(records_.size());
    for (const auto& record : records_)
        rows.push_back(&*record);
    std::stable_sort(rows.begin(), rows.end(), [](const Record* a, const Record* b) {
        const auto order = a->status.name.compare(b->status.name);
        return order != 0 ? order < 0 : (a->duplicate || a->gone) < (b->duplicate || b->gone);
    });
    std::vector<PluginStatus> out;
    out.reserve(rows.size());
    for (const Record* row : rows)
        out.push_back(row->status);
    return out;
}

}  // namespace muster::plugins
