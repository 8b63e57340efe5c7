#include "health.h"

#include <ctime>

namespace muster::relay {

namespace {

constexpr std::uint64_t kCountKnown = std::uint64_t{1} << 32U;

std::tm local(Timestamp time) {
    const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
    std::tm parts{};
    localtime_r(&seconds, &parts);
    return parts;
}

std::string clock(Timestamp time, Timestamp now) {
    const std::tm parts = local(time);
    const std::tm today = local(now);
    const bool sameDay = parts.tm_year == today.tm_year && parts.tm_yday == today.tm_yday;
    char text[32];
    return {text, std::strftime(text, sizeof text, sameDay ? "%H:%M" : "%Y-%m-%d %H:%M", &parts)};
}

Timestamp stamp(std::int64_t milliseconds) {
    return Timestamp(std::chrono::milliseconds(milliseconds));
}

/// "binds timed out", "calls were reset"
const char* failures(Ending ending) noexcept {
    switch (ending) {
        case Ending::unreachable:
            return "could not be reached";
        case Ending::reset:
            return "broke off in the middle of an answer";
        case Ending::timedOut:
            return "did not answer in time";
        case Ending::broken:
            return "answered what is no answer";
        case Ending::answered:
        case Ending::refused:
        case Ending::faulted:
            break;
    }
    return "failed";
}

}  // namespace

void Health::setRules(const HealthRules& rules) {
    const std::lock_guard lock(mutex_);
    rules_ = rules;
}

Health::Turn Health::succeeded(Timestamp wall, Monotonic now, bool probe) {
    lastSuccess_.store(wall.time_since_epoch().count(), std::memory_order_relaxed);
    if (clean_.load(std::memory_order_relaxed))
        return {};
    const std::lock_guard lock(mutex_);
    Turn turn;
    if (picture_.condition == Condition::down) {
        // What a client's request finds is one sight of it; a host comes back when it was looked at, too.
        if (++picture_.successes < rules_.returnAfter && !(probe && rules_.returnAfter <= 1))
            return {};
        turn = {true, Condition::up, explainLocked()};
        returned_.store(now.time_since_epoch().count(), std::memory_order_relaxed);
    } else if (picture_.condition == Condition::untried) {
        turn = {true, Condition::up, {}};
    }
    if (picture_.condition != Condition::up)
        picture_.since = wall;
    picture_.condition = Condition::up;
    picture_.failures = 0;
    picture_.successes = 0;
    picture_.firstFailure = {};
    picture_.detail.clear();
    condition_.store(Condition::up, std::memory_order_relaxed);
    clean_.store(true, std::memory_order_relaxed);
    return turn;
}

Health::Turn Health::failed(Timestamp wall, Ending ending, std::string_view detail) {
    const std::lock_guard lock(mutex_);
    clean_.store(false, std::memory_order_relaxed);
    picture_.successes = 0;
    if (picture_.failures++ == 0)
        picture_.firstFailure = wall;
    picture_.failedBy = ending;
    picture_.detail = detail;
    if (picture_.condition == Condition::down || picture_.failures < rules_.ejectAfter)
        return {};
    picture_.condition = Condition::down;
    picture_.since = wall;
    condition_.store(Condition::down, std::memory_order_relaxed);
    downSince_.store(wall.time_since_epoch().count(), std::memory_order_relaxed);
    return {true, Condition::down, explainLocked()};
}

void Health::answered(Timestamp wall, std::uint32_t count, bool countKnown) noexcept {
    lastAnswer_.store(wall.time_since_epoch().count(), std::memory_order_relaxed);
    if (countKnown)
        lastCount_.store(kCountKnown | count, std::memory_order_relaxed);
}

bool Health::recentlyUp(Timestamp wall, std::chrono::milliseconds span) const noexcept {
    if (condition() != Condition::down)
        return true;
    return wall - stamp(downSince_.load(std::memory_order_relaxed)) <= span;
}

std::string Health::explainLocked() const {
    Picture now = picture_;
    now.lastAnswer = stamp(lastAnswer_.load(std::memory_order_relaxed));
    const std::uint64_t count = lastCount_.load(std::memory_order_relaxed);
    now.lastCountKnown = (count & kCountKnown) != 0;
    now.lastCount = static_cast<std::uint32_t>(count);
    return explain(now, std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now()));
}

Health::Picture Health::picture() const {
    const std::lock_guard lock(mutex_);
    Picture now = picture_;
    now.lastSuccess = stamp(lastSuccess_.load(std::memory_order_relaxed));
    now.lastAnswer = stamp(lastAnswer_.load(std::memory_order_relaxed));
    const std::uint64_t count = lastCount_.load(std::memory_order_relaxed);
    now.lastCountKnown = (count & kCountKnown) != 0;
    now.lastCount = static_cast<std::uint32_t>(count);
    return now;
}

std::string explain(const Health::Picture& picture, Timestamp now) {
    std::string text;
    if (picture.failures > 0) {
        const std::string row = std::to_string(picture.failures);
        text = row + " of " + row + (picture.failures == 1 ? " try " : " tries ") + failures(picture.failedBy) +
               " since " + clock(picture.firstFailure, now);
        if (!picture.detail.empty())
            text += " (" + picture.detail + ")";
    } else if (picture.condition == Condition::untried) {
        text = "not tried yet";
    } else {
        text = "answers since " + clock(picture.since, now);
    }
    if (picture.lastAnswer == Timestamp{})
        text += "; no client was answered since the start";
    else
        text += "; last answer " + clock(picture.lastAnswer, now);
    if (picture.lastCountKnown)
        text += ", count " + std::to_string(picture.lastCount);
    return text;
}

}  // namespace muster::relay
