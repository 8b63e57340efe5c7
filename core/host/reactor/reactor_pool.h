/// The threads that reactors run on.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string_view>
#include <thread>
#include <vector>

#include "muster/reactor.h"

#include "host/reactor/epoll_reactor.h"

namespace muster::reactor {

class ReactorPool {
public:
    /// Starts `count` threads, at least one, each with the signals blocked that the caller has blocked.
    /// @error  throws Fault{internal} when the system refuses a descriptor or a thread
    explicit ReactorPool(unsigned count, const EpollReactor::OnFault& onFault = {});
    /// stop()
    ~ReactorPool();
    ReactorPool(const ReactorPool&) = delete;
    ReactorPool& operator=(const ReactorPool&) = delete;

    unsigned count() const noexcept { return static_cast<unsigned>(members_.size()); }
    EpollReactor& at(unsigned index) noexcept { return members_[index]->reactor; }

    /// Runs `work` on each reactor and waits until all have done it. The first exception is thrown again here, after
    /// the others have ended. After stop() it does nothing.
    /// @error  throws Fault{internal} on a reactor's own thread, where it would wait for itself
    void onReactors(const std::function<void(Reactor&)>& work);

    /// True when every reactor has come round since the last call: what the watchdog wants to know. Asks them to come
    /// round again; never waits. @thread one
    bool turning();

    /// Ends the loops after the tasks that were posted before, and joins the threads. @thread not a reactor's
    void stop() noexcept;

private:
    struct Member {
        Member(unsigned index, EpollReactor::OnFault onFault) : reactor(index, std::move(onFault)) {}
        EpollReactor reactor;
        std::thread thread;
        std::atomic<bool> asked{false};
    };
    std::vector<std::unique_ptr<Member>> members_;
    bool stopped_ = false;
};

}  // namespace muster::reactor
