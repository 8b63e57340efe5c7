#include "prober.h"

#include <algorithm>
#include <utility>

namespace muster::relay {

namespace {

constexpr std::chrono::milliseconds kLeast{20};       // between two looks at what is due
constexpr std::chrono::milliseconds kLongest{5'000};  // until the next look, whatever is due
constexpr unsigned kBetweenMgmt = 6;                  // binds between two questions to mgmt

}  // namespace

/// One upstream's. Steps: bind KMS, and at times bind mgmt and ask whether it listens.
class Prober::Probe final : private Association::Owner {
public:
    Probe(Prober& prober, Entry entry)
        : entry(std::move(entry)), prober_(prober), association_(prober.reactor_, *this) {}

    ~Probe() { tellWaiting(); }
    Probe(const Probe&) = delete;
    Probe& operator=(const Probe&) = delete;

    void begin(Monotonic now) noexcept {
        address_ = 0;
        ++count_;
        open(now, Association::Purpose::activation);
    }
    void tick(Monotonic now) noexcept {
        if (running_) {
            if (now >= due_)
                fail(Ending::timedOut, association_.state() == Association::State::connecting
                                           ? "no connection in time"
                                           : "the bind was not answered in time");
        } else if (now >= due_ && entry.upstream.duty != Duty::maintenance && !entry.addresses.empty()) {
            begin(now);
        }
    }
    void scheduleNow(std::function<void()> over) {
        waiting_.push_back(std::move(over));
        if (!running_)
            due_ = prober_.reactor_.now();
    }

    /// When tick() has something to do; far off for one that is not probed.
    Monotonic due() const noexcept {
        const bool rests = entry.upstream.duty == Duty::maintenance || entry.addresses.empty();
        return rests && !running_ ? Monotonic::max() : due_;
    }

    Entry entry;

private:
    void open(Monotonic now, Association::Purpose purpose) noexcept {
        running_ = true;
        purpose_ = purpose;
        due_ = now + prober_.terms_.connect;
        association_.open(entry.addresses[address_ % entry.addresses.size()], purpose);
    }
    void opened(Association&) noexcept override {
        const Monotonic now = prober_.reactor_.now();
        if (purpose_ == Association::Purpose::management) {
            due_ = now + prober_.terms_.connect;
            association_.inquire();
        } else if (entry.member->hasMgmt.load(std::memory_order_relaxed) && count_ % kBetweenMgmt == 1) {
            association_.close();
            open(now, Association::Purpose::management);
        } else {
            succeed();
        }
    }
    void notOpened(Association&, const Association::Report& report) noexcept override {
        if (purpose_ == Association::Purpose::management) {
            entry.member->hasMgmt.store(false, std::memory_order_relaxed);  // it has none: the bind has to do
            succeed();
        } else if (++address_ < entry.addresses.size()) {
            open(prober_.reactor_.now(), purpose_);
        } else {
            fail(report.ending, report.detail);
        }
    }
    void ended(Association&, const Association::Report& report) noexcept override {
        switch (report.ending) {
            case Ending::answered:
                succeed();
                return;
            case Ending::refused:
                fail(Ending::faulted, report.detail);
                return;
            default:
                entry.member->hasMgmt.store(false, std::memory_order_relaxed);
                succeed();
        }
    }
    void dropped(Association&) noexcept override {}

    void succeed() noexcept {
        association_.close();
        running_ = false;
        failures_ = 0;
        prober_.sentry_.succeeded(entry, prober_.reactor_.wallNow(), prober_.reactor_.now(), true);
        wait();
        tellWaiting();
    }
    void fail(Ending ending, std::string_view detail) noexcept {
        association_.close();
        running_ = false;
        ++failures_;
        prober_.sentry_.failed(entry, prober_.reactor_.wallNow(), ending, detail);
        wait();
        tellWaiting();
    }
    void tellWaiting() noexcept {
        for (const auto& over : std::exchange(waiting_, {}))
            over();
    }
    void wait() noexcept {
        // Up and steady: the interval. Else more often, so that its return is noticed soon.
        auto interval = prober_.terms_.interval;
        const bool settled = failures_ == 0 && entry.member->health.condition() == Condition::up;
        if (!settled) {
            const auto soon = kFirstRetry * (1U << std::min(failures_, 10U));
            interval = std::min<std::chrono::milliseconds>(interval, soon);
        }
        std::uniform_real_distribution<double> jitter(0.8, 1.2);
        due_ = prober_.reactor_.now() + std::chrono::milliseconds(static_cast<std::int64_t>(
                                            static_cast<double>(interval.count()) * jitter(prober_.random_)));
    }

    Prober& prober_;
    std::vector<std::function<void()>> waiting_;
    Association association_;
    Association::Purpose purpose_ = Association::Purpose::activation;
    bool running_ = false;
    std::size_t address_ = 0;
    unsigned count_ = 0;
    unsigned failures_ = 0;
    Monotonic due_{};
};

Prober::Prober(Reactor& reactor, Sentry& sentry)
    : reactor_(reactor), sentry_(sentry), random_(std::random_device()()) {}

Prober::~Prober() = default;

void Prober::adopt(RosterRef roster, const ProbeTerms& terms) {
    terms_ = terms;
    roster_ = std::move(roster);
    std::vector<std::unique_ptr<Probe>> probes;
    for (const Entry& entry : *roster_) {
        const auto same = [&](const auto& probe) { return probe && probe->entry.member == entry.member; };
        const auto kept = std::find_if(probes_.begin(), probes_.end(), same);
        if (kept != probes_.end() && (*kept)->entry.addresses == entry.addresses) {
            (*kept)->entry = entry;
            probes.push_back(std::move(*kept));
        } else {
            probes.push_back(std::make_unique<Probe>(*this, entry));
        }
    }
    probes_ = std::move(probes);
    arm();
}

void Prober::probeNow(const std::string& name, std::function<void()> over) {
    const auto probe =
        std::find_if(probes_.begin(), probes_.end(), [&](const auto& one) { return one->entry.upstream.name == name; });
    if (probe == probes_.end()) {
        over();
        return;
    }
    (*probe)->scheduleNow(std::move(over));
    tick();
}

void Prober::arm() noexcept {
    if (probes_.empty())
        return;
    if (timer_ != 0)
        reactor_.cancel(timer_);
    Monotonic due = reactor_.now() + kLongest;
    for (const auto& probe : probes_)
        due = std::min(due, probe->due());
    const auto delay = std::chrono::ceil<std::chrono::milliseconds>(due - reactor_.now());
    timer_ = reactor_.after(std::max<std::chrono::milliseconds>(delay, kLeast), [this] {
        timer_ = 0;
        tick();
    });
}

void Prober::tick() noexcept {
    const Monotonic now = reactor_.now();
    for (const auto& probe : probes_)
        probe->tick(now);
    arm();
}

void Prober::stop() noexcept {
    if (timer_ != 0)
        reactor_.cancel(timer_);
    timer_ = 0;
    probes_.clear();
}

}  // namespace muster::relay
