#include "lane.h"

#include <algorithm>
#include <cstring>

namespace muster::relay {

namespace {

using namespace std::chrono_literals;

constexpr auto kTick = 25ms;        // the grain of all time limits here
constexpr auto kIdleTick = 1000ms;  // while only idle associations are there

std::uint32_t microseconds(Monotonic::duration span) noexcept {
    const auto count = std::chrono::duration_cast<std::chrono::microseconds>(span).count();
    return static_cast<std::uint32_t>(std::clamp<std::int64_t>(count, 0, UINT32_MAX));
}

/// The host is there and cannot serve anybody: its key is not activated, or its service not enabled.
bool servesNobody(HResult result) noexcept {
    return result == HResult::hostNotActivated || result == HResult::serviceNotEnabled;
}

/// The client's clock agrees with ours: a host that calls its time wrong does so for another reason.
bool clockIsRight(const Exchange& exchange) noexcept {
    const auto skew = exchange.request().clientTime.timestamp() - exchange.received();
    return skew < 4h && skew > -4h;
}

/// Whether another host may do better than one that refused so.
/// @source docs/kms.md, "What a host returns"
bool anotherMayServe(const Exchange& exchange, HResult result) noexcept {
    if (servesNobody(result) || result == HResult::groupNotCovered)
        return true;
    return result == HResult::invalidTimestamp && !exchange.request().isOpaque() && clockIsRight(exchange);
}

}  // namespace

Lane::Lane(Reactor& reactor, Policy& policy, Sentry& sentry) : reactor_(reactor), policy_(policy), sentry_(sentry) {}

Lane::~Lane() = default;

void Lane::adopt(RosterRef roster, const LaneTerms& terms) {
    terms_ = terms;
    roster_ = std::move(roster);
    stopped_ = false;
    for (const auto& channel : channels_) {
        const auto same = [&](const Entry& entry) { return entry.member == channel->entry().member; };
        const auto entry = std::find_if(roster_->begin(), roster_->end(), same);
        if (entry != roster_->end())
            channel->adopt(*entry, terms.channel);
        else
            channel->retire();
    }
    std::erase_if(channels_, [](const auto& channel) { return channel->gone(); });
    for (const Entry& entry : *roster_)
        if (channelOf(entry) == nullptr)
            channels_.push_back(
                std::make_unique<Channel>(reactor_, static_cast<Channel::Owner&>(*this), entry, terms.channel));
    arm();
}

Channel* Lane::channelOf(const Entry& entry) noexcept {
    for (const auto& channel : channels_)
        if (channel->entry().member == entry.member)
            return channel.get();
    return nullptr;
}

Passage* Lane::board(Exchange& exchange) {
    if (free_ == nullptr) {
        passages_.push_back(std::make_unique<Passage>());
        free_ = passages_.back().get();
        due_.reserve(passages_.size());
    }
    Passage& passage = *free_;
    free_ = passage.older;
    passage.again = false;
    passage.refused = false;
    passage.attempts = 0;
    passage.exchange = &exchange;
    passage.channel = nullptr;
    passage.association = nullptr;
    passage.newer = nullptr;
    passage.older = newest_;
    if (newest_ != nullptr)
        newest_->newer = &passage;
    newest_ = &passage;
    ++active_;
    return &passage;
}

void Lane::leave(Passage& passage) noexcept {
    (passage.newer != nullptr ? passage.newer->older : newest_) = passage.older;
    if (passage.older != nullptr)
        passage.older->newer = passage.newer;
    passage.state = Passage::State::free;
    passage.exchange = nullptr;
    passage.roster.reset();
    passage.older = free_;
    free_ = &passage;
    --active_;
}

void Lane::decide(Exchange& exchange) noexcept {
    if (stopped_ || !roster_) {
        exchange.complete(Outcome::fault(RpcStatus::serverUnavailable, "the relay is not in service"));
        return;
    }
    if (const Policy::Verdict verdict = policy_.judge(terms_.policy, exchange, reactor_.now()); !verdict.forward) {
        exchange.complete(Outcome::fault(verdict.status, verdict.reason));
        return;
    }
    if (isLoop(exchange)) {
        sentry_.loop(exchange);
        exchange.complete(Outcome::fault(RpcStatus::serverUnavailable, "an upstream has sent back what it was asked"));
        return;
    }
    if (active_ >= terms_.queue) {
        sentry_.queueFull();
        exchange.complete(Outcome::fault(RpcStatus::serverTooBusy, "too many requests wait for upstreams"));
        return;
    }
    Passage* passage = nullptr;
    try {
        passage = board(exchange);
    } catch (...) {
        exchange.complete(Outcome::fault(RpcStatus::serverTooBusy, "no memory for another request"));
        return;
    }
    passage->began = reactor_.now();
    passage->deadline = passage->began + terms_.exchange;
    begin(*passage);
    arm();
}

/// A request that an upstream sends, and that is under way to an upstream: two appliances that ask each other.
bool Lane::isLoop(const Exchange& exchange) const noexcept {
    const auto upstream = [&](const Entry& entry) {
        return std::any_of(entry.addresses.begin(), entry.addresses.end(),
                           [&](const Address& address) { return address.octets == exchange.source().octets; });
    };
    if (std::none_of(roster_->begin(), roster_->end(), upstream))
        return false;
    const Octets body = exchange.body();
    for (const Passage* other = newest_; other != nullptr; other = other->older) {
        const Octets theirs = other->exchange->body();
        if (theirs.size() == body.size() && std::memcmp(theirs.data(), body.data(), body.size()) == 0)
            return true;
    }
    return false;
}

void Lane::begin(Passage& passage) noexcept {
    const Exchange& exchange = *passage.exchange;
    const ActivationRequest& request = exchange.request();
    Question question;
    question.version = request.major;
    question.family = exchange.product().family != nullptr ? exchange.product().family->name : nullptr;
    question.counted = request.isOpaque() ? nullptr : &request.counted;
    question.source = &exchange.source();
    question.client = clientOf(request, exchange.source());
    question.now = reactor_.now();
    question.wall = reactor_.wallNow();
    passage.roster = roster_;
    passage.order = choose(*roster_, question, terms_.spread);
    passage.at = 0;
    attempt(passage);
}

void Lane::attempt(Passage& passage) noexcept {
    while (passage.at < passage.order.size) {
        const Monotonic now = reactor_.now();
        if (now >= passage.deadline)
            break;
        const bool last = passage.at + 1 >= passage.order.size;
        passage.attemptDue = last ? passage.deadline : std::min(passage.deadline, now + terms_.answer);
        if (passage.attempts < UINT8_MAX)
            ++passage.attempts;
        passage.again = false;
        Channel* const channel = channelOf(passage.entry());
        if (channel != nullptr && channel->submit(passage))
            return;
        ++passage.at;
    }
    roundOver(passage);
}

void Lane::next(Passage& passage, const Entry& entry) noexcept {
    entry.member->failures.fetch_add(1, std::memory_order_relaxed);
    sentry_.failedOver();
    ++passage.at;
    attempt(passage);
}

void Lane::roundOver(Passage& passage) noexcept {
    if (passage.refused) {
        Outcome outcome = Outcome::refuse(passage.refusal);
        finish(passage, outcome, passage.refusedBy);
        return;
    }
    const Monotonic now = reactor_.now();
    const auto mayReturn = [&](std::uint8_t index) {
        const Entry& entry = (*passage.roster)[index];
        return entry.member->health.recentlyUp(reactor_.wallNow(), kRecently);
    };
    const auto* const first = passage.order.entries.data();
    if (passage.order.size != 0 && now + kRest < passage.deadline &&
        std::any_of(first, first + passage.order.size, mayReturn)) {
        passage.state = Passage::State::resting;
        passage.attemptDue = now + kRest;
        return;
    }
    sentry_.nobody(*passage.exchange, passage.order.size != 0);
    Outcome outcome =
        Outcome::fault(RpcStatus::serverUnavailable,
                       passage.order.size != 0 ? "no upstream answered" : "no upstream may serve this request");
    finish(passage, outcome, "");
}

void Lane::finish(Passage& passage, Outcome& outcome, const char* upstream) noexcept {
    outcome.upstream = upstream;
    outcome.attempts = passage.attempts;
    outcome.waited = microseconds(reactor_.now() - passage.began);
    Exchange& exchange = *passage.exchange;
    leave(passage);
    exchange.complete(outcome);
}

bool Lane::ended(Passage& passage, const Entry& entry, const Association::Report& found) noexcept {
    Association::Report report = found;
    AnswerFacts facts;
    if (report.ending == Ending::answered) {
        const AnswerProblem problem = judgeAnswer(passage.exchange->body(), report.body, facts);
        if (problem != AnswerProblem::none) {
            report.ending = Ending::broken;
            report.detail = text(problem);
            sentry_.wrongAnswer(entry, *passage.exchange, text(problem));
        }
    }
    const Exchange& exchange = *passage.exchange;
    switch (report.ending) {
        case Ending::answered: {
            sentry_.succeeded(entry, reactor_.wallNow(), reactor_.now(), false);
            entry.member->answers.fetch_add(1, std::memory_order_relaxed);
            entry.member->health.answered(reactor_.wallNow(), facts.count, facts.clear);
            observe(passage, entry, report, facts);
            Outcome outcome;
            outcome.kind = Outcome::Kind::answered;
            outcome.setBody(report.body);
            outcome.count = facts.count;
            outcome.counted =
                facts.clear && !(exchange.request().isVirtual() && entry.upstream.countsVirtual == CountsVirtual::no);
            finish(passage, outcome, entry.member->label);
            return true;
        }
        case Ending::refused: {
            sentry_.succeeded(entry, reactor_.wallNow(), reactor_.now(), false);
            entry.member->answers.fetch_add(1, std::memory_order_relaxed);
            observe(passage, entry, report, facts);
            if (servesNobody(report.result))
                entry.member->unfitUntil.store((reactor_.now() + 1min).time_since_epoch().count(),
                                               std::memory_order_relaxed);
            if (!passage.refused) {
                passage.refused = true;
                passage.refusal = report.result;
                passage.refusedBy = entry.member->label;
            }
            if (anotherMayServe(exchange, report.result)) {
                next(passage, entry);
            } else {
                Outcome outcome = Outcome::refuse(report.result);
                finish(passage, outcome, entry.member->label);
            }
            return true;
        }
        case Ending::faulted:
            // The way to the host works. What it was given may be to blame, so this alone puts no host out of service.
            sentry_.succeeded(entry, reactor_.wallNow(), reactor_.now(), false);
            observe(passage, entry, report, facts);
            next(passage, entry);
            return true;
        case Ending::reset:
            if (report.stale && !passage.again) {
                // Closed by the host while it was idle, as Windows does: the request goes out once more, on another.
                passage.again = true;
                if (Channel* const channel = channelOf(entry); channel != nullptr && channel->submit(passage))
                    return false;
            }
            break;
        case Ending::broken:
        case Ending::unreachable:
        case Ending::timedOut:
            break;
    }
    sentry_.failed(entry, reactor_.wallNow(), report.ending, report.detail);
    observe(passage, entry, report, facts);
    next(passage, entry);
    return false;
}

void Lane::observe(const Passage& passage, const Entry& entry, const Association::Report& report,
                   const AnswerFacts& facts) noexcept {
    sentry_.observed(entry, *passage.exchange, report.ending, report.result, facts,
                     microseconds(reactor_.now() - passage.began));
}

void Lane::turnedAway(Passage& passage, const Entry& entry, const Association::Report& report) noexcept {
    AnswerFacts none;
    observe(passage, entry, report, none);
    next(passage, entry);
}

void Lane::reached(const Entry& entry) noexcept {
    sentry_.succeeded(entry, reactor_.wallNow(), reactor_.now(), false);
}

void Lane::notReached(const Entry& entry, const Association::Report& report) noexcept {
    sentry_.failed(entry, reactor_.wallNow(), report.ending, report.detail);
}

void Lane::arm() noexcept {
    if (stopped_)
        return;
    const bool busy = active_ != 0 || std::any_of(channels_.begin(), channels_.end(),
                                                  [](const auto& channel) { return channel->restless(); });
    const bool idle = std::any_of(channels_.begin(), channels_.end(),
                                  [](const auto& channel) { return channel->hasAssociations() || channel->gone(); });
    if (!busy && !idle)
        return;
    if (timer_ != 0) {
        if (soon_ || !busy)
            return;
        reactor_.cancel(timer_);
    }
    soon_ = busy;
    timer_ = reactor_.after(busy ? kTick : kIdleTick, [this] { tick(); });
}

void Lane::tick() noexcept {
    timer_ = 0;
    const Monotonic now = reactor_.now();
    for (std::size_t i = 0; i < channels_.size(); ++i)
        channels_[i]->tick(now);
    due_.clear();
    for (Passage* passage = newest_; passage != nullptr; passage = passage->older)
        if (passage->attemptDue <= now)
            due_.push_back(passage);
    // Handling one may end or move others: each is looked at again.
    for (Passage* passage : due_) {
        if (passage->state == Passage::State::free || passage->attemptDue > now)
            continue;
        if (passage->state == Passage::State::resting) {
            begin(*passage);
            continue;
        }
        const Entry entry = passage->entry();
        const bool sent = passage->state == Passage::State::calling;
        if (passage->channel != nullptr)
            passage->channel->abandon(*passage);
        Association::Report report;
        report.ending = Ending::timedOut;
        report.detail = sent ? "no answer in time" : "no association became free in time";
        if (sent)
            sentry_.failed(entry, reactor_.wallNow(), report.ending, report.detail);
        AnswerFacts none;
        observe(*passage, entry, report, none);
        next(*passage, entry);
    }
    std::erase_if(channels_, [](const auto& channel) { return channel->gone(); });
    arm();
}

void Lane::stop() noexcept {
    stopped_ = true;
    if (timer_ != 0)
        reactor_.cancel(timer_);
    timer_ = 0;
    while (newest_ != nullptr) {
        Passage& passage = *newest_;
        if (passage.channel != nullptr)
            passage.channel->abandon(passage);
        Outcome outcome = Outcome::fault(RpcStatus::serverUnavailable, "the relay is stopping");
        finish(passage, outcome, "");
    }
    channels_.clear();
}

}  // namespace muster::relay
