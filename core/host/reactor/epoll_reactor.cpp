#include "host/reactor/epoll_reactor.h"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <exception>
#include <string>
#include <sys/eventfd.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace muster::reactor {

namespace {

constexpr std::uint64_t kWakeKey = UINT64_MAX;
constexpr std::uint32_t kExclusive = EPOLLEXCLUSIVE;

thread_local const EpollReactor* current = nullptr;

/// Marks the calling thread as the reactor's for as long as a round lasts.
class OnThread {
public:
    explicit OnThread(const EpollReactor* reactor) noexcept : previous_(std::exchange(current, reactor)) {}
    ~OnThread() { current = previous_; }
    OnThread(const OnThread&) = delete;
    OnThread& operator=(const OnThread&) = delete;

private:
    const EpollReactor* previous_;
};

std::string systemText(int error) {
    return std::system_category().message(error);
}

}  // namespace

EpollReactor::EpollReactor(unsigned index, OnFault onFault)
    : index_(index), onFault_(std::move(onFault)), epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
    if (epoll_ < 0)
        throw Fault({Code::internal, "reactor", "epoll_create1: " + systemText(errno)});
    wake_ = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (wake_ < 0) {
        const int error = errno;
        ::close(epoll_);
        throw Fault({Code::internal, "reactor", "eventfd: " + systemText(error)});
    }
    // Edge-triggered: every write wakes once, and nobody has to read the counter back.
    epoll_event event{};
    event.events = EPOLLIN | EPOLLET;
    event.data.u64 = kWakeKey;
    if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, wake_, &event) != 0) {
        const int error = errno;
        ::close(wake_);
        ::close(epoll_);
        throw Fault({Code::internal, "reactor", "epoll_ctl: " + systemText(error)});
    }
    readClocks();
}

EpollReactor::~EpollReactor() {
    ::close(wake_);
    ::close(epoll_);
}

bool EpollReactor::here() const noexcept {
    return current == this;
}

void EpollReactor::run() {
    const OnThread mark(this);
    while (!stopping_.load(std::memory_order_acquire))
        round(timeoutFor(std::chrono::milliseconds::max()));
    runPosted();
}

void EpollReactor::turn(std::chrono::milliseconds atMost) {
    const OnThread mark(this);
    round(timeoutFor(atMost));
}

void EpollReactor::stop() noexcept {
    stopping_.store(true, std::memory_order_seq_cst);
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = ::write(wake_, &one, sizeof one);
}

int EpollReactor::timeoutFor(std::chrono::milliseconds atMost) const noexcept {
    auto wait = std::min(atMost, std::chrono::milliseconds(INT_MAX));
    const bool forEver = atMost == std::chrono::milliseconds::max();
    if (const auto due = timers_.next()) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(*due - std::chrono::steady_clock::now());
        wait = std::clamp(left, std::chrono::milliseconds(0), wait);
    } else if (forEver) {
        return -1;
    }
    return static_cast<int>(wait.count());
}

void EpollReactor::round(int timeout) {
    // The poster stores hasPosted_ and then looks at asleep_; this side stores asleep_ and then looks at hasPosted_.
    // In one total order at least one of the two sees the other.
    asleep_.store(true, std::memory_order_seq_cst);
    if (hasPosted_.load(std::memory_order_seq_cst))
        timeout = 0;
    const int count = ::epoll_wait(epoll_, ready_.data(), static_cast<int>(ready_.size()), timeout);
    asleep_.store(false, std::memory_order_seq_cst);
    readClocks();
    rounds_.fetch_add(1, std::memory_order_relaxed);

    runPosted();
    for (int i = 0; i < count; ++i) {
        const epoll_event& event = ready_[static_cast<std::size_t>(i)];
        if (event.data.u64 == kWakeKey)
            continue;
        const Slot& slot = slots_[static_cast<std::uint32_t>(event.data.u64)];
        if (slot.watcher != nullptr && slot.generation == static_cast<std::uint32_t>(event.data.u64 >> 32))
            slot.watcher->ready(event.events);
    }
    while (const auto task = timers_.takeDue(now_))
        call(task);
    while (hooksDone_ < hooks_.size())
        hooks_[hooksDone_++]->roundEnd();
    hooks_.clear();
    hooksDone_ = 0;
}

void EpollReactor::runPosted() {
    if (!hasPosted_.load(std::memory_order_acquire))
        return;
    {
        const std::lock_guard lock(mutex_);
        running_.swap(posted_);
        hasPosted_.store(false, std::memory_order_seq_cst);
    }
    for (std::function<void()>& task : running_) {
        call(task);
        task = nullptr;
    }
    running_.clear();
}

void EpollReactor::call(const std::function<void()>& task) noexcept {
    try {
        task();
    } catch (const std::exception& error) {
        if (onFault_)
            onFault_(error.what());
    } catch (...) {
        if (onFault_)
            onFault_("something that is no std::exception");
    }
}

void EpollReactor::readClocks() noexcept {
    now_ = std::chrono::steady_clock::now();
    wallNow_ = std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

Result<void> EpollReactor::watch(int fd, std::uint32_t events, Watcher& watcher) {
    if (fd < 0)
        return fail(Code::internal, "reactor", "descriptor " + std::to_string(fd) + " cannot be watched");
    const auto number = static_cast<std::size_t>(fd);
    if (number >= slots_.size())
        slots_.resize(std::max(number + 1, 2 * slots_.size()));
    Slot& slot = slots_[number];
    epoll_event event{};
    event.events = events;
    event.data.u64 = (static_cast<std::uint64_t>(slot.generation + 1) << 32) | number;
    if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) != 0)
        return fail(Code::internal, "reactor",
                    "epoll refuses descriptor " + std::to_string(fd) + ": " + systemText(errno));
    ++slot.generation;
    slot.watcher = &watcher;
    return {};
}

void EpollReactor::rewatch(int fd, std::uint32_t events) noexcept {
    const auto number = static_cast<std::size_t>(fd);
    if (fd < 0 || number >= slots_.size() || slots_[number].watcher == nullptr)
        return;
    epoll_event event{};
    event.events = events;
    event.data.u64 = (static_cast<std::uint64_t>(slots_[number].generation) << 32) | number;
    if ((events & kExclusive) == 0 && ::epoll_ctl(epoll_, EPOLL_CTL_MOD, fd, &event) == 0)
        return;
    ::epoll_ctl(epoll_, EPOLL_CTL_DEL, fd, nullptr);
    ::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
}

void EpollReactor::unwatch(int fd) noexcept {
    const auto number = static_cast<std::size_t>(fd);
    if (fd < 0 || number >= slots_.size() || slots_[number].watcher == nullptr)
        return;
    ::epoll_ctl(epoll_, EPOLL_CTL_DEL, fd, nullptr);
    slots_[number].watcher = nullptr;
    ++slots_[number].generation;
}

Reactor::TimerId EpollReactor::after(std::chrono::milliseconds delay, std::function<void()> task) {
    // From the clock and not from the round's begin: a long round must not make the timer early.
    return timers_.add(std::chrono::steady_clock::now() + delay, std::move(task));
}

void EpollReactor::cancel(TimerId timer) noexcept {
    timers_.cancel(timer);
}

void EpollReactor::atRoundEnd(RoundEnd& hook) {
    const auto waiting = hooks_.begin() + static_cast<std::ptrdiff_t>(hooksDone_);
    if (std::find(waiting, hooks_.end(), &hook) == hooks_.end())
        hooks_.push_back(&hook);
}

void EpollReactor::post(std::function<void()> task) {
    {
        const std::lock_guard lock(mutex_);
        posted_.push_back(std::move(task));
        hasPosted_.store(true, std::memory_order_seq_cst);
    }
    if (asleep_.exchange(false, std::memory_order_seq_cst)) {
        const std::uint64_t one = 1;
        [[maybe_unused]] const ssize_t written = ::write(wake_, &one, sizeof one);
    }
}

}  // namespace muster::reactor
