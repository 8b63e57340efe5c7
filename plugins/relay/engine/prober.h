/// Looks after upstreams that nobody asks just now: an RPC bind at an interval, and mgmt where it answers. Never a KMS
/// request of its own making.
/// @source docs/kms.md, "Transport"; C706 appendix Q
/// @thread its reactor's
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <random>
#include <vector>

#include "muster/reactor.h"

#include "association.h"
#include "roster.h"
#include "sentry.h"

namespace muster::relay {

struct ProbeTerms {
    std::chrono::milliseconds interval{10'000};  ///< between two probes of one upstream, a fifth more or less
    std::chrono::milliseconds connect{2000};     ///< for each step of a probe
};

class Prober {
public:
    Prober(Reactor& reactor, Sentry& sentry);
    ~Prober();
    Prober(const Prober&) = delete;
    Prober& operator=(const Prober&) = delete;

    void adopt(RosterRef roster, const ProbeTerms& terms);
    /// Probes it now. @param over  called when that probe, or the one that is under way, has ended, or will not: on
    /// this reactor's thread, once; at once where there is none of that name
    void probeNow(const std::string& name, std::function<void()> over);
    void stop() noexcept;

    /// A host that has just gone is looked at again after this, then after twice as long, up to the interval.
    static constexpr std::chrono::milliseconds kFirstRetry{500};

private:
    class Probe;
    void tick() noexcept;
    void arm() noexcept;

    Reactor& reactor_;
    Sentry& sentry_;
    ProbeTerms terms_;
    RosterRef roster_;
    std::vector<std::unique_ptr<Probe>> probes_;
    std::minstd_rand random_;
    Reactor::TimerId timer_ = 0;
};

}  // namespace muster::relay
