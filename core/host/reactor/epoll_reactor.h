/// The SDK's Reactor on epoll. One round: wait, tasks posted, ready descriptors, due timers, round-end hooks.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string_view>
#include <sys/epoll.h>
#include <vector>

#include "muster/reactor.h"

#include "host/reactor/timer_queue.h"

namespace muster::reactor {

class EpollReactor final : public Reactor {
public:
    /// Is told of an exception that came out of a task or a timer; the reactor goes on.
    using OnFault = std::function<void(std::string_view what)>;

    /// @error  throws Fault{internal} when the system gives no descriptor
    explicit EpollReactor(unsigned index = 0, OnFault onFault = {});
    ~EpollReactor() override;
    EpollReactor(const EpollReactor&) = delete;
    EpollReactor& operator=(const EpollReactor&) = delete;

    /// Rounds until stop(); tasks posted before stop() still run. The calling thread becomes the reactor's.
    void run();
    /// One round on the calling thread, which waits at most `atMost`: how unit tests drive a reactor.
    void turn(std::chrono::milliseconds atMost);
    /// @thread any
    void stop() noexcept;
    /// Rounds since the start; goes up while the loop turns. @thread any
    std::uint64_t rounds() const noexcept { return rounds_.load(std::memory_order_relaxed); }

    unsigned index() const noexcept override { return index_; }
    bool here() const noexcept override;
    Monotonic now() const noexcept override { return now_; }
    Timestamp wallNow() const noexcept override { return wallNow_; }

    Result<void> watch(int fd, std::uint32_t events, Watcher& watcher) override;
    /// A descriptor watched with EPOLLEXCLUSIVE is taken out and put in again: the kernel cannot change those.
    void rewatch(int fd, std::uint32_t events) noexcept override;
    void unwatch(int fd) noexcept override;

    TimerId after(std::chrono::milliseconds delay, std::function<void()> task) override;
    void cancel(TimerId timer) noexcept override;

    /// Asked for again before it has run: still once. Asked for by a hook: in the same round.
    void atRoundEnd(RoundEnd& hook) override;

    void post(std::function<void()> task) override;

private:
    struct Slot {
        Watcher* watcher = nullptr;
        std::uint32_t generation = 0;  ///< tells events of this watch from those of an earlier one of the same number
    };

    void round(int timeout);
    int timeoutFor(std::chrono::milliseconds atMost) const noexcept;
    void runPosted();
    void call(const std::function<void()>& task) noexcept;
    void readClocks() noexcept;

    const unsigned index_;
    OnFault onFault_;
    int epoll_ = -1;
    int wake_ = -1;
    Monotonic now_;
    Timestamp wallNow_;
    std::vector<Slot> slots_;  ///< by descriptor
    TimerQueue timers_;
    std::vector<RoundEnd*> hooks_;
    std::size_t hooksDone_ = 0;
    std::array<epoll_event, 256> ready_{};

    std::mutex mutex_;
    std::vector<std::function<void()>> posted_;   ///< under mutex_
    std::vector<std::function<void()>> running_;  ///< the other half of the swap
    std::atomic<bool> hasPosted_{false};
    std::atomic<bool> asleep_{false};  ///< a poster who finds it true writes the eventfd, and nobody else does
    std::atomic<bool> stopping_{false};
    std::atomic<std::uint64_t> rounds_{0};
};

}  // namespace muster::reactor
