/// Every number of the daemon by its name: who owns it, what it means, what it is now.
#pragma once

#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "muster/plugin.h"
#include "muster/result.h"

namespace muster::plugins {

/// Counters and gauges are never freed: a reference that was given out stays good after its owner is gone, also for the
/// thread that is late. Names are fixed in code, so that their number is bounded. @thread any
class Metrics {
public:
    struct Sample {
        std::string name;  ///< without the prefix muster_
        std::string help;
        std::string owner;
        bool counter = true;
        std::int64_t value = 0;
    };

    Metrics() = default;
    Metrics(const Metrics&) = delete;
    Metrics& operator=(const Metrics&) = delete;

    /// The counter of that name, made on the first call. An owner that asks again gets the same one, and so does its
    /// successor: the number goes on.
    /// @param owner  "core" or a plugin's name
    /// @param name   snake_case, at most 96 octets: a-z, 0-9, _, a letter first
    /// @error duplicate  (Fault) another owner has that name, or it is a gauge; the text names the owner
    /// @error malformed  (Fault) no such name
    Counter& counter(std::string_view owner, std::string_view name, std::string_view help);
    Gauge& gauge(std::string_view owner, std::string_view name, std::string_view help);

    /// No longer shown, and free for another owner.
    void retire(std::string_view owner, std::string_view name) noexcept;

    /// What is shown, ordered by name.
    std::vector<Sample> samples() const;
    /// The value of one, or 0 if nothing of that name is shown.
    std::int64_t value(std::string_view name) const;

private:
    struct Entry {
        std::string name;
        std::string help;
        std::string owner;
        bool isCounter = true;
        bool shown = true;
        Counter counter;
        Gauge gauge;
    };
    Entry& entry(std::string_view owner, std::string_view name, std::string_view help, bool isCounter);

    mutable std::mutex mutex_;
    std::deque<Entry> entries_;  // a deque: elements never move
};

}  // namespace muster::plugins
