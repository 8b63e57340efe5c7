#include "publish/publisher.h"

#include <algorithm>
#include <set>
#include <thread>
#include <utility>

namespace muster::publisher {

namespace {

using namespace std::chrono_literals;

constexpr auto kFirstBackOff = 1000ms;
constexpr std::chrono::milliseconds kLongestBackOff = 1h;
constexpr auto kLagPatience = 15min;  // then a secondary that does not follow is told of
constexpr auto kFirstLagLook = 2s;
constexpr auto kLongestLagLook = 60s;
constexpr auto kIdle = 250ms;
constexpr auto kRetell = 24h;
constexpr std::size_t kLastHands = 8;

std::string agoText(std::size_t count, const char* one, const char* many) {
    return std::to_string(count) + ' ' + (count == 1 ? one : many);
}

}  // namespace

const char* name(State state) noexcept {
    switch (state) {
        case State::resting:
            return "resting";
        case State::waiting:
            return "waiting";
        case State::published:
            return "published";
        case State::lagging:
            return "lagging";
        case State::failed:
            return "failed";
        case State::withdrawing:
            return "withdrawing";
        case State::withdrawn:
            return "withdrawn";
        case State::manual:
            return "manual";
        case State::manualDiffers:
            return "manual-differs";
    }
    return "?";
}

Publisher::Publisher(Outside& outside, Ledger& ledger, Hooks hooks, std::uint64_t seed)
    : outside_(outside), ledger_(ledger), hooks_(std::move(hooks)), random_(seed) {}

// --- what is wanted

void Publisher::apply(Orders orders) {
    const std::lock_guard lock(mutex_);
    if (ordered_ && orders == orders_)
        return;
    orders_ = std::move(orders);
    ordered_ = true;
    takeStockLocked();
    changed_.notify_all();
}

void Publisher::takeStockLocked() {
    std::map<std::string, std::optional<Wish>> wanted;
    for (const Wish& wish : orders_.wishes)
        wanted.emplace(wish.domain, wish);
    for (const Published& one : ledger_.published())
        wanted.emplace(one.domain, std::nullopt);
    for (auto it = domains_.begin(); it != domains_.end();)
        it = wanted.contains(it->first) || it->second.status.busy ? std::next(it) : domains_.erase(it);
    for (const auto& [name, wish] : wanted) {
        Domain& domain = domains_[name];
        domain.status.domain = name;
        const auto withdrawn = ledger_.withdrawn(name);
        domain.status.withdrawnBy = withdrawn ? withdrawn->by : std::string();
        if (withdrawn)
            setGoalLocked(domain, Goal::absent,
                          "withdrawn by " + withdrawn->by + "; \"musterctl dns publish\" brings it back", wish);
        else if (!orders_.rest.empty())
            setGoalLocked(domain, Goal::rest, orders_.rest, wish);
        else if (!wish)
            setGoalLocked(domain, Goal::absent, "the domain is in setting dns.domains no more", wish);
        else if (orders_.early)
            setGoalLocked(domain, Goal::wait, "waiting for the listener", wish);
        else if (!orders_.unserved.empty())
            setGoalLocked(domain, Goal::absent, orders_.unserved, wish);
        else
            setGoalLocked(domain, Goal::present, "", wish);
    }
}

void Publisher::setGoalLocked(Domain& domain, Goal goal, std::string why, const std::optional<Wish>& wish) const {
    const bool fresh = domain.edition == 0;
    const bool changed = fresh || domain.goal != goal || domain.status.wish != wish;
    domain.goalWhy = std::move(why);
    DomainStatus& status = domain.status;
    if (!changed) {
        if (goal == Goal::rest || goal == Goal::wait)
            status.why = domain.goalWhy;
        return;
    }
    ++domain.edition;
    domain.goal = goal;
    status.wish = wish;
    status.failures = 0;
    domain.lagRounds = 0;
    domain.laggingSince = {};
    domain.verifyOnly = false;
    if (goal == Goal::rest || goal == Goal::wait) {
        domain.due.reset();
        status.state = goal == Goal::rest ? State::resting : State::waiting;
        status.why = domain.goalWhy;
        return;
    }
    domain.due = hooks_.now();
    status.state = goal == Goal::absent ? State::withdrawing : State::waiting;
    status.why = goal == Goal::absent ? domain.goalWhy : "not tried yet";
}

bool Publisher::existsLocked(const std::string& domain) const {
    return domains_.contains(domain);
}

Result<void> Publisher::publish(const std::string& domain) {
    const std::lock_guard lock(mutex_);
    if (!domain.empty() && !existsLocked(domain))
        return fail(Code::missing, "domain " + domain,
                    "is not in setting dns.domains; \"musterctl dns list\" shows those that are");
    std::vector<std::string> others;
    for (const auto& [name, one] : domains_)
        if (name != domain)
            others.push_back(name);
    auto kept = ledger_.allow(domain.empty() ? Ledger::kAll : domain, others);
    takeStockLocked();
    for (auto& [name, one] : domains_)
        if ((domain.empty() || name == domain) && (one.goal == Goal::present || one.goal == Goal::absent)) {
            one.due = hooks_.now();
            one.verifyOnly = false;
            one.status.failures = 0;
        }
    changed_.notify_all();
    return kept;
}

void Publisher::retry(const std::string& domain) {
    const std::lock_guard lock(mutex_);
    const auto found = domains_.find(domain);
    if (found == domains_.end() || !found->second.due)
        return;
    found->second.due = hooks_.now();
    changed_.notify_all();
}

Result<void> Publisher::withdraw(const std::string& domain, const std::string& by) {
    const std::lock_guard lock(mutex_);
    if (!domain.empty() && !existsLocked(domain))
        return fail(Code::missing, "domain " + domain,
                    "is not in setting dns.domains; \"musterctl dns list\" shows those that are");
    auto kept = ledger_.withdraw(domain.empty() ? Ledger::kAll : domain, {by, hooks_.wall()});
    takeStockLocked();
    changed_.notify_all();
    return kept;
}

// --- doing it

Task Publisher::taskLocked(const Domain& domain, bool refresh) const {
    Task task;
    task.domain = domain.status.domain;
    task.refresh = refresh;
    task.wish = domain.status.wish;
    task.absent = domain.goal == Goal::absent;
    for (const auto& [name, other] : domains_)
        if (name != task.domain && other.goal == Goal::present && other.status.wish)
            for (const Address& address : other.status.wish->addresses)
                task.shared.push_back({other.status.wish->target, address.isV4() ? dns::Type::a : dns::Type::aaaa,
                                       other.status.wish->ttl, dns::Service(), address});
    return task;
}

Publisher::Domain* Publisher::pickLocked(Monotonic now) {
    Domain* best = nullptr;
    if (closing_)
        return nullptr;
    for (auto& [name, domain] : domains_) {
        if (domain.status.busy || !domain.due || *domain.due > now)
            continue;
        // Those that never failed go first: whoever waits for a dead server can wait for the others, too.
        if (best == nullptr ||
            std::pair(domain.status.failures, *domain.due) < std::pair(best->status.failures, *best->due))
            best = &domain;
    }
    return best;
}

bool Publisher::step(const dns::Stopped& stopped) {
    std::unique_lock lock(mutex_);
    Domain* const domain = pickLocked(hooks_.now());
    if (domain == nullptr)
        return false;
    const bool manual =
        domain->status.wish && domain->status.wish->auth == Auth::manual && domain->goal == Goal::present;
    const bool verify = domain->verifyOnly || manual;
    const Task task = taskLocked(*domain, domain->goal == Goal::present && !verify);
    const std::uint64_t edition = domain->edition;
    domain->status.busy = true;
    domain->due.reset();
    lock.unlock();

    Attempt attempt(outside_, ledger_, stopped);
    Report report = verify ? attempt.verify(task) : attempt.carryOut(task);
    if (report.sent() && hooks_.attempted)
        hooks_.attempted(report);

    lock.lock();
    domain->status.busy = false;
    const bool again = domain->due.has_value();  // a person asked for it meanwhile
    if (stopped() || edition != domain->edition) {
        // Stopped in the middle, or the orders have changed meanwhile: what came of it says nothing of what is wanted.
        if (!domain->due && edition == domain->edition)
            domain->due = hooks_.now();
        takeStockLocked();
        changed_.notify_all();
        return true;
    }
    finishLocked(*domain, std::move(report), verify);
    if (again) {
        domain->due = hooks_.now();
        domain->verifyOnly = false;
    }
    const std::optional<News> news = newsLocked(*domain);
    if (domain->goal == Goal::absent && !domain->status.wish && domain->status.state == State::withdrawn)
        takeStockLocked();  // cleaned up: forgotten
    changed_.notify_all();
    lock.unlock();
    if (news && hooks_.news)
        hooks_.news(*news);
    return true;
}

void Publisher::finishLocked(Domain& domain, Report report, bool verified) {
    DomainStatus& status = domain.status;
    const Monotonic now = hooks_.now();
    status.lastAttempt = hooks_.wall();
    ++status.attempts;
    status.report = std::move(report);
    if (const ZoneReport* failed = status.report.failed()) {
        failLocked(domain, *failed);
        return;
    }
    const bool manual = status.wish && status.wish->auth == Auth::manual && domain.goal == Goal::present;
    if (manual) {
        status.state =
            status.report.changes() || !status.report.behind().empty() ? State::manualDiffers : State::manual;
        status.why = status.state == State::manual
                         ? "written by hand, and as it should be"
                         : "written by hand, and not as it should be; \"musterctl dns plan\" shows what differs";
        status.failures = 0;
        domain.due = now + orders_.verifyInterval;
        return;
    }
    if (verified && status.report.changes()) {
        domain.verifyOnly = false;  // somebody changed it: put right at once
        domain.due = now;
        return;
    }
    status.failures = 0;
    status.hresult = 0;
    status.code = "applied";
    for (const ZoneReport& zone : status.report.zones)
        if (zone.verdict)
            status.triple = zone.verdict->triple;
    if (domain.goal == Goal::absent) {
        status.state = State::withdrawn;
        status.why = domain.goalWhy;
        domain.due.reset();
        return;
    }
    if (!verified) {
        status.lastPublished = hooks_.wall();
        const auto spread =
            std::uniform_int_distribution<std::int64_t>(0, orders_.refreshInterval.count() / 10)(random_);
        domain.refreshDue = now + orders_.refreshInterval - std::chrono::seconds(spread);
    }
    settleLocked(domain, status.report);
}

/// The primary has it. Have the others?
void Publisher::settleLocked(Domain& domain, const Report& report) const {
    DomainStatus& status = domain.status;
    const Monotonic now = hooks_.now();
    const auto behind = report.behind();
    std::string remark;
    for (const ZoneReport& zone : report.zones)
        for (const std::string* one : {&zone.remark, &zone.note})
            if (!one->empty())
                remark += (remark.empty() ? "" : "; ") + *one;
    if (behind.empty()) {
        std::size_t servers = 0;
        for (const ZoneReport& zone : report.zones)
            servers += zone.views.size();
        status.state = State::published;
        status.why = "read back from " + agoText(servers, "name server", "name servers");
        domain.lagRounds = 0;
        domain.laggingSince = {};
        domain.due = std::min<Monotonic>(now + orders_.verifyInterval, domain.refreshDue);
    } else {
        if (domain.laggingSince == Monotonic{})
            domain.laggingSince = now;
        const bool late = now - domain.laggingSince > kLagPatience;
        status.state = State::lagging;
        status.why = late ? "name servers do not follow the primary: " : "waiting for ";
        for (std::size_t i = 0; i < behind.size(); ++i)
            status.why += (i == 0 ? "" : "; ") + behind[i]->server + ": " + behind[i]->problem;
        std::chrono::milliseconds pause = kFirstLagLook;
        for (unsigned i = 0; i < std::min(domain.lagRounds, 10U) && pause < kLongestLagLook; ++i)
            pause *= 2;
        ++domain.lagRounds;
        domain.due = now + (late ? std::chrono::milliseconds(orders_.verifyInterval)
                                 : std::min<std::chrono::milliseconds>(pause, kLongestLagLook));
    }
    if (!remark.empty())
        status.why += "; " + remark;
    domain.verifyOnly = *domain.due < domain.refreshDue;
}

void Publisher::failLocked(Domain& domain, const ZoneReport& zone) {
    DomainStatus& status = domain.status;
    ++status.failures;
    status.state = domain.goal == Goal::absent ? State::withdrawing : State::failed;
    status.hresult = zone.trouble->hresult;
    status.code = zone.trouble->code;
    status.triple = zone.trouble->triple;
    status.why = zone.trouble->sentence;
    domain.verifyOnly = false;
    domain.due = hooks_.now() + backOffLocked(status.failures);
}

std::chrono::milliseconds Publisher::backOffLocked(std::uint64_t failures) {
    std::chrono::milliseconds pause = kFirstBackOff;
    for (std::uint64_t i = 1; i < failures && pause < kLongestBackOff; ++i)
        pause *= 2;
    pause = std::min(pause, kLongestBackOff);
    // A quarter less at most: many appliances that lost one server do not come back all at once.
    return pause -
           std::chrono::milliseconds(std::uniform_int_distribution<std::int64_t>(0, pause.count() / 4)(random_));
}

/// Told once for each state and reason, and once a day as long as it lasts.
std::optional<News> Publisher::newsLocked(Domain& domain) {
    const DomainStatus& status = domain.status;
    const bool published = status.state == State::published || status.state == State::lagging;
    const bool failed = status.state == State::failed || (status.state == State::withdrawing && status.failures > 0);
    const Monotonic now = hooks_.now();
    if (!published && !failed) {
        domain.told.clear();
        return std::nullopt;
    }
    const bool refreshed = published && status.lastAttempt == status.lastPublished;
    const std::string key = published ? "published" : "failed " + status.code + ' ' + std::to_string(status.hresult);
    if (key == domain.told && !(refreshed && now - domain.toldAt > 1min) && now - domain.toldAt < kRetell)
        return std::nullopt;
    if (key == domain.told && published && !refreshed)
        return std::nullopt;
    domain.told = key;
    domain.toldAt = now;
    return News{status.domain,
                published,
                status.hresult,
                status.code,
                published                     ? std::string()
                : domain.goal == Goal::absent ? "The records were to be withdrawn. " + status.why
                                              : status.why,
                orders_.lab};
}

void Publisher::run(const std::atomic<bool>& stopping) {
    const dns::Stopped stopped = [&stopping] { return stopping.load(std::memory_order_relaxed); };
    while (!stopping) {
        if (step(stopped))
            continue;
        std::unique_lock lock(mutex_);
        changed_.wait_for(lock, kIdle);
    }
}

// --- asking and telling

std::vector<std::pair<DomainStatus, Report>> Publisher::preview(const std::string& domain,
                                                                const dns::Stopped& stopped) {
    std::vector<std::pair<DomainStatus, Task>> tasks;
    {
        const std::lock_guard lock(mutex_);
        for (const auto& [name, one] : domains_)
            if (domain.empty() || name == domain)
                tasks.emplace_back(copyLocked(one), taskLocked(one, false));
    }
    std::vector<std::pair<DomainStatus, Report>> out;
    out.reserve(tasks.size());
    for (auto& [status, task] : tasks)
        out.emplace_back(std::move(status), Attempt(outside_, ledger_, stopped).preview(task));
    return out;
}

void Publisher::verify(const std::string& domain) {
    {
        const std::lock_guard lock(mutex_);
        for (auto& [name, one] : domains_)
            if ((domain.empty() || name == domain) && one.goal == Goal::present && !one.status.busy) {
                one.verifyOnly = one.status.state == State::published || one.status.state == State::lagging ||
                                 one.status.state == State::manual || one.status.state == State::manualDiffers;
                one.due = hooks_.now();
            }
        changed_.notify_all();
    }
    waitIdle(domain, hooks_.now() + 30s);
}

bool Publisher::waitIdle(const std::string& domain, Monotonic until) const {
    std::unique_lock lock(mutex_);
    while (true) {
        const Monotonic now = hooks_.now();
        const bool idle = std::none_of(domains_.begin(), domains_.end(), [&](const auto& entry) {
            return (domain.empty() || entry.first == domain) &&
                   (entry.second.status.busy || (entry.second.due && *entry.second.due <= now));
        });
        if (idle || now >= until)
            return idle;
        changed_.wait_for(lock, 50ms);
    }
}

DomainStatus Publisher::copyLocked(const Domain& domain) const {
    DomainStatus out = domain.status;
    if (domain.due && !domain.status.busy) {
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(*domain.due - hooks_.now());
        out.nextAttempt = hooks_.wall() + std::max(left, std::chrono::milliseconds(0));
    }
    return out;
}

std::vector<DomainStatus> Publisher::status() const {
    const std::lock_guard lock(mutex_);
    std::vector<DomainStatus> out;
    for (const auto& [name, domain] : domains_)
        out.push_back(copyLocked(domain));
    return out;
}

std::optional<DomainStatus> Publisher::status(const std::string& domain) const {
    const std::lock_guard lock(mutex_);
    const auto found = domains_.find(domain);
    return found == domains_.end() ? std::nullopt : std::optional(copyLocked(found->second));
}

void Publisher::withdrawAll(Monotonic until) {
    std::vector<Task> tasks;
    {
        std::unique_lock lock(mutex_);
        closing_ = true;  // an attempt that is under way must not put back what goes now
        while (hooks_.now() < until && std::any_of(domains_.begin(), domains_.end(),
                                                   [](const auto& entry) { return entry.second.status.busy; }))
            changed_.wait_for(lock, kIdle);
        std::set<std::string> ours;
        for (const Published& one : ledger_.published())
            ours.insert(one.domain);
        for (const auto& [name, domain] : domains_)
            if (ours.contains(name) && domain.goal != Goal::rest)
                tasks.push_back({name, domain.status.wish, true, {}, false});
    }
    std::atomic<std::size_t> next{0};
    const dns::Stopped stopped = [&] { return hooks_.now() >= until; };
    std::vector<std::thread> hands;
    for (std::size_t i = 0; i < std::min(tasks.size(), kLastHands); ++i)
        hands.emplace_back([&] {
            for (std::size_t at = next++; at < tasks.size() && !stopped(); at = next++)
                Attempt(outside_, ledger_, stopped).carryOut(tasks[at]);
        });
    for (std::thread& hand : hands)
        hand.join();
}

}  // namespace muster::publisher
