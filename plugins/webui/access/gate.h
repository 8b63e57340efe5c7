/// Lets few in at once and few wait: what costs memory and seconds of the processor must not be had for the asking.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <utility>

namespace muster::webui {

/// @thread any
class Gate {
public:
    /// The right to be inside, until it is destroyed; not to outlive the gate.
    class Pass {
    public:
        explicit Pass(Gate& gate) noexcept : gate_(&gate) {}
        Pass(Pass&& other) noexcept : gate_(std::exchange(other.gate_, nullptr)) {}
        Pass& operator=(Pass&&) = delete;
        ~Pass() {
            if (gate_ != nullptr)
                gate_->leave();
        }

    private:
        Gate* gate_;
    };

    /// @param inside   at once, at least 1
    /// @param waiting  at once; whoever comes then is turned away without waiting
    /// @param patience how long one waits
    Gate(unsigned inside, unsigned waiting, std::chrono::milliseconds patience)
        : free_(inside), mayWait_(waiting), patience_(patience) {}

    /// Waits its turn. Nothing: too many wait already, or it lasted too long.
    std::optional<Pass> enter() {
        std::unique_lock lock(mutex_);
        if (free_ == 0) {
            if (mayWait_ == 0)
                return std::nullopt;
            --mayWait_;
            const bool came = freed_.wait_for(lock, patience_, [this] { return free_ > 0; });
            ++mayWait_;
            if (!came)
                return std::nullopt;
        }
        --free_;
        return std::optional<Pass>(std::in_place, *this);
    }

private:
    void leave() noexcept {
        {
            const std::lock_guard lock(mutex_);
            ++free_;
        }
        freed_.notify_one();
    }

    std::mutex mutex_;
    std::condition_variable freed_;
    unsigned free_;
    unsigned mayWait_;
    const std::chrono::milliseconds patience_;
};

}  // namespace muster::webui
