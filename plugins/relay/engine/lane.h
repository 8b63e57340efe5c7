/// One reactor's part of the relay: takes each exchange over the upstreams until one answers or time is up.
/// @thread its reactor's, but for what says otherwise
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "muster/exchange.h"
#include "muster/reactor.h"

#include "answer.h"
#include "channel.h"
#include "choice.h"
#include "passage.h"
#include "policy.h"
#include "sentry.h"

namespace muster::relay {

/// How exchanges are taken over the upstreams.
struct LaneTerms {
    ChannelTerms channel;
    Spread spread = Spread::primary;
    std::chrono::milliseconds answer{4000};    ///< one upstream has so long while another could be asked
    std::chrono::milliseconds exchange{9000};  ///< all of them together
    std::size_t queue = 2048;                  ///< exchanges under way at once on this reactor
    Policy::Rules policy;
};

class Lane final : private Channel::Owner {
public:
    /// @param policy, sentry  outlive this
    Lane(Reactor& reactor, Policy& policy, Sentry& sentry);
    ~Lane();
    Lane(const Lane&) = delete;
    Lane& operator=(const Lane&) = delete;

    void adopt(RosterRef roster, const LaneTerms& terms);
    /// Completes the exchange now or later.
    void decide(Exchange& exchange) noexcept;
    /// Ends all exchanges with a fault and closes all associations.
    void stop() noexcept;

    /// Between two rounds over all upstreams while some of them went down only now: a host that restarts is back soon.
    static constexpr std::chrono::milliseconds kRest{250};
    static constexpr std::chrono::seconds kRecently{10};

private:
    bool ended(Passage& passage, const Entry& entry, const Association::Report& report) noexcept override;
    void turnedAway(Passage& passage, const Entry& entry, const Association::Report& report) noexcept override;
    void reached(const Entry& entry) noexcept override;
    void notReached(const Entry& entry, const Association::Report& report) noexcept override;

    Passage* board(Exchange& exchange);
    void leave(Passage& passage) noexcept;
    void begin(Passage& passage) noexcept;
    void attempt(Passage& passage) noexcept;
    void next(Passage& passage, const Entry& entry) noexcept;
    void roundOver(Passage& passage) noexcept;
    void finish(Passage& passage, Outcome& outcome, const char* upstream) noexcept;
    void observe(const Passage& passage, const Entry& entry, const Association::Report& report,
                 const AnswerFacts& facts) noexcept;
    bool isLoop(const Exchange& exchange) const noexcept;
    Channel* channelOf(const Entry& entry) noexcept;

    void arm() noexcept;
    void tick() noexcept;

    Reactor& reactor_;
    Policy& policy_;
    Sentry& sentry_;
    LaneTerms terms_;
    RosterRef roster_;
    std::vector<std::unique_ptr<Channel>> channels_;
    std::vector<std::unique_ptr<Passage>> passages_;
    Passage* free_ = nullptr;
    Passage* newest_ = nullptr;
    std::size_t active_ = 0;
    std::vector<Passage*> due_;
    Reactor::TimerId timer_ = 0;
    bool soon_ = false;  // the timer was armed for the short tick
    bool stopped_ = false;
};

}  // namespace muster::relay
