/// The host's event loops. One thread each; an exchange stays on its reactor from accept to close.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>

#include "muster/result.h"
#include "muster/types.h"

namespace muster {

/// Gets the events of one descriptor. Outlives the watch.
class Watcher {
public:
    virtual ~Watcher() = default;
    /// @param events  EPOLLIN, EPOLLOUT, EPOLLERR, EPOLLHUP, EPOLLRDHUP as epoll_wait gave them
    /// @thread        the reactor's
    virtual void ready(std::uint32_t events) noexcept = 0;
};

/// Is called once at the end of the round in which it was asked for: after all ready descriptors, before the next wait.
/// This is where a room hands over in one piece what a round has gathered.
class RoundEnd {
public:
    virtual ~RoundEnd() = default;
    virtual void roundEnd() noexcept = 0;
};

class Reactor {
public:
    using TimerId = std::uint64_t;  ///< 0 is no timer

    virtual ~Reactor() = default;

    virtual unsigned index() const noexcept = 0;
    /// True on this reactor's own thread. All but post() is called there.
    virtual bool here() const noexcept = 0;
    /// The time at which this round began.
    virtual Monotonic now() const noexcept = 0;
    virtual Timestamp wallNow() const noexcept = 0;

    /// Watches `fd`, level-triggered unless `events` says otherwise (EPOLLEXCLUSIVE is allowed).
    /// @error internal  epoll's own refusal, with errno's words
    virtual Result<void> watch(int fd, std::uint32_t events, Watcher& watcher) = 0;
    virtual void rewatch(int fd, std::uint32_t events) noexcept = 0;
    /// No event reaches the watcher afterwards, also none that this round still holds. Call it before close(fd).
    virtual void unwatch(int fd) noexcept = 0;

    /// Runs `task` once, not before `delay` has passed. Good for thousands, not for one per request.
    virtual TimerId after(std::chrono::milliseconds delay, std::function<void()> task) = 0;
    virtual void cancel(TimerId timer) noexcept = 0;

    virtual void atRoundEnd(RoundEnd& hook) = 0;

    /// Runs `task` on this reactor soon. @thread any
    virtual void post(std::function<void()> task) = 0;
};

}  // namespace muster
