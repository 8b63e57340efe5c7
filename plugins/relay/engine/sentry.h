/// What happens to upstreams, told to all who want to know: their health, what is learnt of them, events, metrics.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string_view>

#include "muster/exchange.h"
#include "muster/plugin.h"

#include "answer.h"
#include "roster.h"

namespace muster::relay {

/// @thread any, but for the constructor
class Sentry {
public:
    /// @thread start() of the plugin
    explicit Sentry(Host& host);

    void setFailBack(bool on) noexcept { failBack_.store(on, std::memory_order_relaxed); }

    // --- the way to an upstream
    void succeeded(const Entry& entry, Timestamp wall, Monotonic now, bool probe) noexcept;
    void failed(const Entry& entry, Timestamp wall, Ending ending, std::string_view detail) noexcept;

    // --- what an exchange ended in
    void observed(const Entry& entry, const Exchange& exchange, Ending ending, HResult result, const AnswerFacts& facts,
                  std::uint32_t waited) noexcept;
    void failedOver() noexcept { ++*failovers_; }
    void queueFull() noexcept { ++*queueFull_; }
    void wrongAnswer(const Entry& entry, const Exchange& exchange, const char* problem) noexcept;
    /// @param asked  false: none of the upstreams may serve it
    void nobody(const Exchange& exchange, bool asked) noexcept;
    void loop(const Exchange& exchange) noexcept;

private:
    /// At most one event of its kind in that time: a flood is a number, not a thousand lines.
    class Gate {
    public:
        bool opens(Timestamp now) noexcept;

    private:
        std::atomic<std::int64_t> last_{0};
    };
    static constexpr std::chrono::minutes kBetween{5};

    void tell(std::uint32_t id, Json fields) noexcept;

    Host& host_;
    Counter* answered_;
    Counter* refused_;
    Counter* failovers_;
    Counter* queueFull_;
    Counter* nobody_;
    Counter* wrong_;
    Counter* loops_;
    std::atomic<bool> failBack_{true};
    std::atomic<std::uint64_t> returns_{0};  ///< of hosts while fail-back was off
    Gate nobodyGate_;
    Gate wrongGate_;
    Gate loopGate_;
};

}  // namespace muster::relay
