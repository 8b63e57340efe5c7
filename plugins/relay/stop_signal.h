/// Sleeps that a stop ends at once.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>

namespace muster::relay {

/// @thread any
class StopSignal {
public:
    /// False: it is time to stop. @param stopping  as Host::thread() gives it
    bool sleep(std::chrono::steady_clock::duration span, const std::atomic<bool>& stopping) {
        using Clock = std::chrono::steady_clock;
        const auto until = Clock::now() + span;
        std::unique_lock lock(mutex_);
        while (!stopped_ && !stopping.load()) {
            const auto now = Clock::now();
            if (now >= until)
                return true;
            wake_.wait_for(lock, std::min<Clock::duration>(kGlance, until - now));
        }
        return false;
    }
    void stop() noexcept {
        {
            const std::lock_guard lock(mutex_);
            stopped_ = true;
        }
        wake_.notify_all();
    }

private:
    /// Where nobody calls stop(), `stopping` alone says it.
    static constexpr std::chrono::seconds kGlance{1};

    std::mutex mutex_;
    std::condition_variable wake_;
    bool stopped_ = false;
};

}  // namespace muster::relay
