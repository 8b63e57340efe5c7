/// The signals that a person or systemd sends, as events of a reactor.
#pragma once

#include <functional>

#include "muster/reactor.h"

namespace muster::supervise {

/// Blocks SIGTERM, SIGINT and SIGHUP for this thread and those that it will start, and lets a broken pipe be an error
/// code. First of all in main(), before any thread.
void blockSignals();

class SignalWatch final : private Watcher {
public:
    struct Handlers {
        std::function<void(int signal)> stop;  ///< SIGTERM, SIGINT
        std::function<void()> reload;          ///< SIGHUP
    };

    /// @error  throws Fault{internal} when the system gives no descriptor
    SignalWatch(Reactor& reactor, Handlers handlers);
    ~SignalWatch() override;
    SignalWatch(const SignalWatch&) = delete;
    SignalWatch& operator=(const SignalWatch&) = delete;

private:
    void ready(std::uint32_t events) noexcept override;

    Reactor& reactor_;
    Handlers handlers_;
    int fd_ = -1;
};

}  // namespace muster::supervise
