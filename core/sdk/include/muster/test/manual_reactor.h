/// An event loop that a test turns by hand. Real epoll, real descriptors; time goes on by itself and jumps when told.
#pragma once

#include <algorithm>
#include <cstring>
#include <map>
#include <mutex>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <system_error>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

#include "muster/reactor.h"

namespace muster::test {

class ManualReactor final : public Reactor {
public:
    /// The thread that makes it is the reactor's thread: it calls turn() and runUntil().
    explicit ManualReactor(unsigned index = 0)
        : index_(index),
          owner_(std::this_thread::get_id()),
          epoll_(epoll_create1(EPOLL_CLOEXEC)),
          wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
        epoll_event event{};
        event.events = EPOLLIN;
        event.data.u64 = kWake;
        if (epoll_ < 0 || wake_ < 0 || epoll_ctl(epoll_, EPOLL_CTL_ADD, wake_, &event) != 0)
            throw Fault({Code::internal, "manual reactor", std::generic_category().message(errno)});
        readClocks();
    }
    ~ManualReactor() override {
        close(wake_);
        close(epoll_);
    }
    ManualReactor(const ManualReactor&) = delete;
    ManualReactor& operator=(const ManualReactor&) = delete;

    // --- the test's side

    /// One round: tasks posted, ready descriptors (waits for one at most `atMost`), due timers, round-end hooks.
    void turn(std::chrono::milliseconds atMost = std::chrono::milliseconds(0)) {
        const bool busy = runPosted();
        epoll_event events[64];
        const int wait = busy || timerDue() ? 0 : static_cast<int>(waitFor(atMost).count());
        const int count = epoll_wait(epoll_, events, 64, wait);
        readClocks();
        runPosted();
        for (int i = 0; i < count; ++i) {
            if (events[i].data.u64 == kWake) {
                std::uint64_t drained = 0;
                [[maybe_unused]] const auto ignored = read(wake_, &drained, sizeof drained);
                continue;
            }
            const auto fd = static_cast<int>(events[i].data.u64 & 0xffffffffU);
            const auto watch = watches_.find(fd);
            if (watch != watches_.end() && watch->second.generation == events[i].data.u64 >> 32)
                watch->second.watcher->ready(events[i].events);
        }
        runTimers();
        for (std::size_t i = 0; i < hooks_.size(); ++i)
            hooks_[i]->roundEnd();
        hooks_.clear();
    }

    /// Turns until `condition` holds. False: it did not within `limit`, which is generous and no measure of speed.
    template <class Condition>
    bool runUntil(Condition&& condition, std::chrono::milliseconds limit = std::chrono::seconds(20)) {
        const auto end = std::chrono::steady_clock::now() + limit;
        while (!condition()) {
            if (std::chrono::steady_clock::now() > end)
                return false;
            turn(std::chrono::milliseconds(5));
        }
        return true;
    }

    /// Both clocks jump ahead; timers that are due then run in the next turn.
    void advance(std::chrono::milliseconds by) {
        ahead_ += by;
        readClocks();
    }
    /// The wall clock stands at `time` from now on, whatever the other one does.
    void setWall(Timestamp time) {
        wall_ = time;
        fixedWall_ = true;
    }
    std::size_t watching() const noexcept { return watches_.size(); }
    std::size_t timers() const noexcept { return timers_.size(); }

    // --- the plugin's side

    unsigned index() const noexcept override { return index_; }
    bool here() const noexcept override { return std::this_thread::get_id() == owner_; }
    Monotonic now() const noexcept override { return now_; }
    Timestamp wallNow() const noexcept override { return wall_; }

    Result<void> watch(int fd, std::uint32_t events, Watcher& watcher) override {
        epoll_event event = eventFor(fd, events, nextGeneration_);
        if (epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) != 0)
            return fail(Code::internal, "epoll descriptor " + std::to_string(fd),
                        std::generic_category().message(errno));
        watches_[fd] = {&watcher, nextGeneration_++};
        return {};
    }
    void rewatch(int fd, std::uint32_t events) noexcept override {
        if (const auto watch = watches_.find(fd); watch != watches_.end()) {
            epoll_event event = eventFor(fd, events, watch->second.generation);
            epoll_ctl(epoll_, EPOLL_CTL_MOD, fd, &event);
        }
    }
    void unwatch(int fd) noexcept override {
        if (watches_.erase(fd) > 0)
            epoll_ctl(epoll_, EPOLL_CTL_DEL, fd, nullptr);
    }

    TimerId after(std::chrono::milliseconds delay, std::function<void()> task) override {
        timers_.emplace(std::pair{now_ + delay, ++lastTimer_}, std::move(task));
        return lastTimer_;
    }
    void cancel(TimerId timer) noexcept override {
        for (auto it = timers_.begin(); it != timers_.end(); ++it)
            if (it->first.second == timer) {
                timers_.erase(it);
                return;
            }
    }

    void atRoundEnd(RoundEnd& hook) override {
        for (const RoundEnd* known : hooks_)
            if (known == &hook)
                return;
        hooks_.push_back(&hook);
    }

    void post(std::function<void()> task) override {
        {
            const std::lock_guard lock(mutex_);
            posted_.push_back(std::move(task));
        }
        const std::uint64_t one = 1;
        [[maybe_unused]] const auto ignored = write(wake_, &one, sizeof one);
    }

private:
    struct Watch {
        Watcher* watcher = nullptr;
        std::uint32_t generation = 0;  // tells events of an earlier watch of the same descriptor
    };
    static constexpr std::uint64_t kWake = ~std::uint64_t{0};

    static epoll_event eventFor(int fd, std::uint32_t events, std::uint32_t generation) noexcept {
        epoll_event event{};
        event.events = events;
        event.data.u64 = std::uint64_t{generation} << 32 | static_cast<std::uint32_t>(fd);
        return event;
    }
    void readClocks() {
        now_ = std::chrono::steady_clock::now() + ahead_;
        if (!fixedWall_)
            wall_ = std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now()) + ahead_;
    }
    bool timerDue() const { return !timers_.empty() && timers_.begin()->first.first <= now_; }
    std::chrono::milliseconds waitFor(std::chrono::milliseconds atMost) const {
        if (timers_.empty())
            return atMost;
        const auto until = std::chrono::ceil<std::chrono::milliseconds>(timers_.begin()->first.first - now_);
        return std::clamp(until, std::chrono::milliseconds(0), atMost);
    }
    bool runPosted() {
        std::vector<std::function<void()>> tasks;
        {
            const std::lock_guard lock(mutex_);
            tasks.swap(posted_);
        }
        for (const auto& task : tasks)
            task();
        return !tasks.empty();
    }
    void runTimers() {
        while (timerDue()) {
            const auto task = std::move(timers_.begin()->second);
            timers_.erase(timers_.begin());
            task();
        }
    }

    const unsigned index_;
    const std::thread::id owner_;
    int epoll_;
    int wake_;
    Monotonic now_;
    Timestamp wall_;
    std::chrono::milliseconds ahead_{0};
    bool fixedWall_ = false;
    std::map<int, Watch> watches_;
    std::uint32_t nextGeneration_ = 0;
    std::map<std::pair<Monotonic, TimerId>, std::function<void()>> timers_;
    TimerId lastTimer_ = 0;
    std::vector<RoundEnd*> hooks_;
    std::mutex mutex_;
    std::vector<std::function<void()>> posted_;  // under mutex_
};

}  // namespace muster::test
