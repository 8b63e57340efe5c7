#include "sentry.h"

#include "relay/events.h"

namespace muster::relay {

bool Sentry::Gate::opens(Timestamp now) noexcept {
    const std::int64_t time = now.time_since_epoch().count();
    std::int64_t last = last_.load(std::memory_order_relaxed);
    const std::int64_t span = std::chrono::milliseconds(kBetween).count();
    // A clock that was set back opens it as well.
    return (time - last >= span || time < last) && last_.compare_exchange_strong(last, time, std::memory_order_relaxed);
}

Sentry::Sentry(Host& host)
    : host_(host),
      answered_(&host.counter("relay_answered_total", "Requests that an upstream answered.")),
      refused_(&host.counter("relay_refused_total", "Refusals that upstreams gave.")),
      failovers_(&host.counter("relay_failovers_total", "Attempts that led to the next upstream.")),
      queueFull_(&host.counter("relay_queue_full_total", "Requests turned away because too many were under way.")),
      nobody_(&host.counter("relay_unanswered_total", "Requests that no upstream answered.")),
      wrong_(&host.counter("relay_wrong_answers_total", "Answers that were not to the request they came for.")),
      loops_(&host.counter("relay_loops_total", "Requests that came back from an upstream.")) {}

void Sentry::tell(std::uint32_t id, Json fields) noexcept {
    try {
        host_.event(id, std::move(fields));
    } catch (...) {
        // No memory for the event: the counters have it.
    }
}

void Sentry::succeeded(const Entry& entry, Timestamp wall, Monotonic now, bool probe) noexcept {
    try {
        const Health::Turn turn = entry.member->health.succeeded(wall, now, probe);
        if (!turn.changed || turn.why.empty())
            return;
        if (!failBack_.load(std::memory_order_relaxed))
            entry.member->standsBack.store(returns_.fetch_add(1, std::memory_order_relaxed) + 1,
                                           std::memory_order_relaxed);
        tell(kUpstreamBack, json({{"upstream", entry.upstream.name}, {"why", turn.why}}));
    } catch (...) {
        // As above.
    }
}

void Sentry::failed(const Entry& entry, Timestamp wall, Ending ending, std::string_view detail) noexcept {
    try {
        const Health::Turn turn = entry.member->health.failed(wall, ending, detail);
        if (turn.changed)
            tell(kUpstreamDown, json({{"upstream", entry.upstream.name}, {"why", turn.why}}));
    } catch (...) {
        // As above.
    }
}

void Sentry::observed(const Entry& entry, const Exchange& exchange, Ending ending, HResult result,
                      const AnswerFacts& facts, std::uint32_t waited) noexcept {
    if (ending == Ending::answered)
        ++*answered_;
    else if (ending == Ending::refused)
        ++*refused_;
    entry.member->learned->note({exchange.received(), exchange.source(), exchange.request(), exchange.product(), ending,
                                 result, facts.epid, facts.count, facts.activationInterval, facts.renewalInterval,
                                 waited});
}

void Sentry::wrongAnswer(const Entry& entry, const Exchange& exchange, const char* problem) noexcept {
    ++*wrong_;
    if (wrongGate_.opens(exchange.received()))
        tell(kWrongAnswer, json({{"upstream", entry.upstream.name},
                                 {"problem", problem},
                                 {"machine", exchange.request().machine.view()},
                                 {"address", exchange.source().host()}}));
}

void Sentry::nobody(const Exchange& exchange, bool asked) noexcept {
    ++*nobody_;
    if (!nobodyGate_.opens(exchange.received()))
        return;
    const Product& product = exchange.product();
    std::string what = exchange.request().isOpaque()
                           ? "a request of version " + std::to_string(exchange.request().major)
                       : product.counted != nullptr ? product.counted->name
                                                    : "product group " + exchange.request().counted.text();
    tell(kNobodyAnswered, json({{"product", std::move(what)},
                                {"machine", exchange.request().machine.view()},
                                {"address", exchange.source().host()},
                                {"why", asked ? "all that may serve it were tried" : "no upstream may serve it"}}));
}

void Sentry::loop(const Exchange& exchange) noexcept {
    ++*loops_;
    if (loopGate_.opens(exchange.received()))
        tell(kLoop, json({{"address", exchange.source().host()}}));
}

}  // namespace muster::relay
