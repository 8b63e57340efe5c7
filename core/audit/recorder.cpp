#include "audit/recorder.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "muster/types.h"

#include "api/operations.h"

namespace muster::audit {

namespace {

using Time = std::chrono::steady_clock::time_point;

constexpr std::chrono::seconds kRefill = std::chrono::seconds(3600) / Recorder::kEachHour;

/// Of an IPv6 address its /64: one machine has as many addresses in it as it likes.
std::string sourceOf(const Entry& entry) {
    // A port is another one each time: "192.0.2.7:50123", "192.0.2.7", "fe80::7".
    auto address = Address::parse(entry.from);
    if (!address)
        address = Address::parse(entry.from + ":0");
    if (!address)
        address = Address::parse("[" + entry.from + "]:0");
    if (!address)
        return entry.from.empty() ? entry.front : entry.from;
    if (!address->isV4())
        std::fill(address->octets.begin() + 8, address->octets.end(), std::uint8_t{0});
    return address->host();
}

}  // namespace

Recorder::Recorder(LogOptions options, Clock clock)
    : log_(std::move(options)),
      clock_(clock ? std::move(clock) : Clock([] { return std::chrono::steady_clock::now(); })),
      filled_(clock_()) {}

Recorder::~Recorder() {
    try {
        const std::lock_guard lock(mutex_);
        for (auto& [key, window] : windows_)
            close(window, clock_(), true);
        close(others_, clock_(), true);
    } catch (const std::exception&) {  // no memory: what was counted is not said
        return;
    }
}

void Recorder::observe(api::Observed observed) noexcept try {
    Entry entry;
    entry.who = observed.caller.name;
    entry.role = observed.caller.role == Role::none ? "" : api::roleName(observed.caller.role);
    entry.front = observed.caller.front;
    entry.from = observed.caller.source;
    entry.action = std::string(observed.operation.method) + " " + std::string(observed.operation.path);
    entry.what = std::move(observed.what);
    entry.before = std::move(observed.before);
    entry.after = std::move(observed.after);
    entry.result = std::move(observed.result);
    entry.detail = std::move(observed.detail);
    record(std::move(entry));
} catch (const std::exception&) {
    return;  // no memory
}

void Recorder::note(std::string_view front, AuditNote note) noexcept try {
    Entry entry;
    entry.who = std::move(note.who);
    entry.front = front;
    entry.from = std::move(note.from);
    entry.action = std::move(note.action);
    entry.what = std::move(note.what);
    entry.result = std::move(note.result);
    entry.detail = std::move(note.detail);
    record(std::move(entry));
} catch (const std::exception&) {
    return;  // no memory
}

void Recorder::record(Entry entry) noexcept try {
    entry.time = std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now());
    if (entry.result == "done")
        log_.append(std::move(entry));
    else
        refused(bounded(std::move(entry)));
} catch (const std::exception&) {
    return;  // no memory
}

bool Recorder::mayWrite(Time now) noexcept {
    if (now >= filled_ + kRefill) {
        const auto fresh = (now - filled_) / kRefill;
        budget_ = static_cast<std::uint32_t>(std::min<std::int64_t>(kAtFirst, budget_ + fresh));
        filled_ += fresh * kRefill;
    }
    if (budget_ == 0)
        return false;
    --budget_;
    return true;
}

void Recorder::refused(Entry entry) {
    const std::lock_guard lock(mutex_);
    const Time now = clock_();
    const std::string source = sourceOf(entry);
    Key key{source, entry.who, entry.front, entry.action, entry.result};
    if (const auto known = windows_.find(key); known != windows_.end()) {
        Window& window = known->second;
        ++window.counted;
        window.latest = std::move(entry);
        if (now >= window.end)
            close(window, now, false);
        return;
    }
    std::size_t ofSource = 0;
    for (auto it = windows_.lower_bound({source, "", "", "", ""});
         it != windows_.end() && std::get<0>(it->first) == source; ++it)
        ++ofSource;
    if (ofSource < kOfOneSource && windows_.size() < kAtOnce && mayWrite(now)) {
        windows_.emplace(std::move(key), Window{entry, 0, kWindow, now + kWindow});
        log_.append(std::move(entry));
        return;
    }
    ++others_.counted;
    if (others_.length == std::chrono::seconds::zero()) {
        others_.length = kLongestWindow;
        others_.end = now + kLongestWindow;
    }
    Entry several;
    several.who = "several";
    several.front = entry.front;
    several.from = entry.from;
    several.action = "several";
    several.result = entry.result;
    several.detail = "so many different ones were refused that they were only counted; the last one was " +
                     entry.action + " by " + entry.who;
    several.time = entry.time;
    others_.latest = bounded(std::move(several));
}

/// The window's end: its count is written, and the next is twice as long. False: it stays open.
bool Recorder::close(Window& window, Time now, bool anyway) {
    if (window.counted == 0)
        return true;
    if (!anyway && &window != &others_ && !mayWrite(now))
        return false;
    Entry entry = window.latest;
    entry.count = window.counted;
    if (&window != &others_)
        entry.detail = entry.detail.empty() ? "as before" : "as before: " + entry.detail;
    log_.append(std::move(entry));
    window.counted = 0;
    window.length = std::min(window.length * 2, kLongestWindow);
    window.end = now + window.length;
    return true;
}

void Recorder::tick() noexcept try {
    {
        const std::lock_guard lock(mutex_);
        const Time now = clock_();
        for (auto it = windows_.begin(); it != windows_.end();) {
            const bool over = now >= it->second.end;
            const bool quiet = over && it->second.counted == 0;
            if (over && !quiet)
                close(it->second, now, false);
            it = quiet ? windows_.erase(it) : std::next(it);
        }
        if (others_.counted != 0 && now >= others_.end) {
            close(others_, now, true);
            others_.length = std::chrono::seconds::zero();
        }
    }
    log_.retry();
} catch (const std::exception&) {
    return;  // no memory: the next time
}

}  // namespace muster::audit
