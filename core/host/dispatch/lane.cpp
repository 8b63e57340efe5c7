#include "host/dispatch/lane.h"

#include <algorithm>
#include <exception>
#include <utility>

#include "kms/body.h"

namespace muster::dispatch {

Reactor& LiveExchange::reactor() noexcept {
    return lane_.reactor();
}

void LiveExchange::complete(const Outcome& outcome) noexcept {
    lane_.complete(*this, outcome);
}

Lane::~Lane() = default;

void Lane::bind(Reactor& reactor) noexcept {
    if (reactor_ == nullptr)  // written once: the store's thread reads it
        reactor_ = &reactor;
}

void Lane::serve(Reactor& reactor, const Service& service) noexcept {
    bind(reactor);
    if (decided_ != nullptr && service.store != service_.store)
        leave();  // for the store that was there when it was decided
    service_ = service;
}

void Lane::submit(Reactor& reactor, Responder& responder, std::uint64_t token, const Address& source,
                  Octets body) noexcept {
    bind(reactor);
    LiveExchange* exchange = nullptr;
    try {
        exchange = take(body);
    } catch (const std::exception&) {
        // No memory for this one; those under way have theirs.
    }
    if (exchange == nullptr) {
        ++shared_.counters.requests;
        ++shared_.counters.faulted;
        responder.respond(token, Outcome::fault(RpcStatus::serverTooBusy, "no room for another request"));
        return;
    }
    inFlight_.fetch_add(1, std::memory_order_relaxed);
    ++movements_;
    exchange->state_ = LiveExchange::State::deciding;
    exchange->responder_ = &responder;
    exchange->token_ = token;
    exchange->source_ = source;
    exchange->received_ = reactor.wallNow();
    exchange->wellFormed_ = kms::decodeRequest(exchange->body(), exchange->request_).has_value();
    exchange->overLimit_ = false;
    exchange->product_ = {};
    exchange->own_ = service_.own != nullptr && exchange->wellFormed_ && !exchange->request_.isOpaque() &&
                     service_.own->isOwn(exchange->request_.cmid);
    if (exchange->own_) {
        exchange->authority_ = nullptr;
        exchange->leavesWithoutRecord_ = false;
        exchange->deadline_ = reactor.now() + limits_.exchange;
        link(*exchange);
        service_.own->decide(*exchange);
        if (oldestDeciding_ != nullptr)
            armFor(oldestDeciding_->deadline_);
        return;
    }
    ++shared_.counters.requests;
    if (!exchange->wellFormed_) {
        ++shared_.counters.malformed;
    } else if (!exchange->request_.isOpaque()) {
        const ActivationRequest& request = exchange->request_;
        exchange->product_ = shared_.families.find(request.counted, request.sku);
        if (service_.newClients != nullptr &&
            service_.newClients->overLimit(source, request.application, request.cmid)) {
            exchange->overLimit_ = true;
            ++shared_.counters.newOverLimit;
        }
    }

    exchange->authority_ = service_.authority;
    if (service_.authority == nullptr) {
        exchange->leavesWithoutRecord_ = true;
        ++shared_.counters.withoutAuthority;
        link(*exchange);
        complete(*exchange,
                 Outcome::fault(RpcStatus::serverUnavailable, "no mode is chosen, or its authority has stopped"));
        return;
    }
    exchange->leavesWithoutRecord_ = service_.authority->answersWithoutRecord();
    exchange->deadline_ = reactor.now() + limits_.exchange;
    link(*exchange);
    service_.authority->decide(*exchange);
    if (oldestDeciding_ != nullptr)
        armFor(oldestDeciding_->deadline_);
}

LiveExchange* Lane::take(Octets body) {
    const bool isLong = body.size() > LiveExchange::kShortBody;
    if (isLong && longOctets_ + body.size() > limits_.longBodies)
        return nullptr;
    if (freeExchanges_ == nullptr) {
        exchanges_.push_back(std::make_unique<LiveExchange>(*this));
        freeExchanges_ = exchanges_.back().get();
    }
    LiveExchange& exchange = *freeExchanges_;
    if (isLong) {
        exchange.long_.assign(body.begin(), body.end());
        longOctets_ += body.size();
    } else {
        std::copy(body.begin(), body.end(), exchange.short_.begin());
        exchange.size_ = static_cast<std::uint16_t>(body.size());
    }
    freeExchanges_ = exchange.next_;
    exchange.next_ = nullptr;
    return &exchange;
}

void Lane::recycle(LiveExchange& exchange) noexcept {
    exchange.state_ = LiveExchange::State::free;
    exchange.responder_ = nullptr;
    exchange.authority_ = nullptr;
    if (!exchange.long_.empty()) {
        longOctets_ -= exchange.long_.size();
        std::vector<std::byte>().swap(exchange.long_);
    }
    exchange.next_ = freeExchanges_;
    freeExchanges_ = &exchange;
}

void Lane::link(LiveExchange& exchange) noexcept {
    exchange.younger_ = nullptr;
    exchange.older_ = youngestDeciding_;
    (youngestDeciding_ != nullptr ? youngestDeciding_->younger_ : oldestDeciding_) = &exchange;
    youngestDeciding_ = &exchange;
}

void Lane::unlink(LiveExchange& exchange) noexcept {
    (exchange.older_ != nullptr ? exchange.older_->younger_ : oldestDeciding_) = exchange.younger_;
    (exchange.younger_ != nullptr ? exchange.younger_->older_ : youngestDeciding_) = exchange.older_;
}

void Lane::complete(LiveExchange& exchange, const Outcome& outcome) noexcept {
    switch (exchange.state_) {
        case LiveExchange::State::deciding:
            break;
        case LiveExchange::State::abandoned:
            recycle(exchange);  // too late for the client: that was counted then
            return;
        case LiveExchange::State::free:
        case LiveExchange::State::decided:
            ++shared_.counters.completedTwice;
            return;
    }
    unlink(exchange);
    exchange.state_ = LiveExchange::State::decided;
    exchange.outcome_ = outcome;
    exchange.next_ = nullptr;
    if (exchange.own_) {
        leaveOwn(exchange);
        return;
    }
    *decidedEnd_ = &exchange;
    decidedEnd_ = &exchange.next_;
    if (decidedCount_++ == 0)
        decidedSince_ = reactor_->now();
    ++movements_;
    reactor_->atRoundEnd(*this);
}

void Lane::roundEnd() noexcept {
    if (decided_ == nullptr)
        return;
    if (!gathers())
        leave();
    else if (groupsWaited_ == 0)
        lookOnce();
    // Else it leaves when the group before it has come back.
}

bool Lane::gathers() const noexcept {
    if (service_.store == nullptr || !shared_.durable.load(std::memory_order_relaxed))
        return false;
    return groupsWaited_ > 0 || reactor_->now() < std::max(decidedSince_, storeFree_) + limits_.gather;
}

void Lane::lookOnce() noexcept {
    if (looking_)
        return;
    movementsSeen_ = movements_;
    try {
        // The round of a timer that is due does not wait, and comes to it after all that is ready.
        reactor_->after(std::chrono::milliseconds(0), [this] { looked(); });
        looking_ = true;
    } catch (const std::exception&) {
        leave();  // no memory for a timer: without more company then
    }
}

void Lane::looked() noexcept {
    looking_ = false;
    if (decided_ == nullptr)
        return;
    if (groupsWaited_ == 0 && movements_ == movementsSeen_)
        leave();
    else
        roundEnd();  // there was more, and more may follow it
}

void Lane::leave() noexcept {
    LiveExchange* const first = std::exchange(decided_, nullptr);
    decidedEnd_ = &decided_;
    const std::size_t count = std::exchange(decidedCount_, 0);
    leave(first, count, decidedSince_);
}

void Lane::leaveOwn(LiveExchange& exchange) noexcept {
    leave(&exchange, 1, reactor_->now());
}

void Lane::leave(LiveExchange* first, std::size_t count, Monotonic since) noexcept {
    if (service_.store == nullptr) {
        release(first, true);  // nothing is to be recorded
        return;
    }
    Batch* batch = freeBatches_;
    if (batch != nullptr) {
        freeBatches_ = batch->next;
    } else {
        try {
            batches_.push_back(std::make_unique<Batch>(*this));
        } catch (const std::exception&) {
            release(first, false);  // no memory for the records: as if the disk had refused them
            return;
        }
        batch = batches_.back().get();
    }
    batch->first = first;
    batch->next = nullptr;
    batch->deadline = since + limits_.commit;
    batch->younger = nullptr;
    batch->older = youngestBatch_;
    (youngestBatch_ != nullptr ? youngestBatch_->younger : oldestBatch_) = batch;
    youngestBatch_ = batch;
    ++groupsWaited_;

    if (!send(*batch, count)) {
        arrived(*batch, pool::Durability::notDurable);
    } else if (!shared_.durable.load(std::memory_order_relaxed) && nobodyWaits(*batch)) {
        // The disk is known to be gone: the record is kept, and tells when it is back.
        releaseEarly(*batch);
    } else {
        armFor(oldestBatch_->deadline);
    }
}

void Lane::releaseEarly(Batch& batch) noexcept {
    --groupsWaited_;
    release(std::exchange(batch.first, nullptr), false);
}

bool Lane::nobodyWaits(const Batch& batch) noexcept {
    const LiveExchange* exchange = batch.first;
    while (exchange != nullptr && exchange->leavesWithoutRecord_)
        exchange = exchange->next_;
    return exchange == nullptr;
}

bool Lane::send(Batch& batch, std::size_t count) const noexcept {
    const auto arrived = [&batch](pool::Durability durability) { batch.lane.arrived(batch, durability); };
    if (batch.first->own_) {
        try {
            service_.store->appendOwn(batch.first->request_.cmid, arrived);
            return true;
        } catch (const std::exception&) {
            return false;
        }
    }
    std::vector<pool::RequestRecord> records;
    try {
        records.reserve(count);
        for (const LiveExchange* exchange = batch.first; exchange != nullptr; exchange = exchange->next_)
            records.push_back(record(*exchange));
    } catch (const std::exception&) {
        return false;
    }
    service_.store->append(std::move(records), arrived);
    return true;
}

void Lane::recordAlone(const LiveExchange& exchange) const noexcept {
    if (service_.store == nullptr || exchange.own_)
        return;
    try {
        std::vector<pool::RequestRecord> records;
        records.push_back(record(exchange));
        service_.store->append(std::move(records), [](pool::Durability) {});
    } catch (const std::exception&) {
        // Nobody waits for this one.
    }
}

pool::RequestRecord Lane::record(const LiveExchange& exchange) {
    const Outcome& outcome = exchange.outcome_;
    pool::RequestRecord record;
    record.received = exchange.received_;
    record.source = exchange.source_;
    record.request = exchange.request_;
    record.wellFormed = exchange.wellFormed_;
    record.counted = outcome.counted;
    // A row of its own has who speaks for itself and was heard: not a source beyond its bound, not a body that nobody
    // could read, not one whose seal was not ours.
    const bool heard = outcome.kind == Outcome::Kind::answered ||
                       (outcome.kind == Outcome::Kind::refused && outcome.code != HResult::invalidData);
    record.fresh = heard && exchange.wellFormed_ && !exchange.request_.isOpaque() && !exchange.overLimit_;
    record.result = outcome.kind == Outcome::Kind::refused ? outcome.code : HResult::ok;
    record.fault = outcome.kind == Outcome::Kind::faulted ? static_cast<std::uint32_t>(outcome.status) : 0;
    record.count = outcome.count;
    record.reason = outcome.reason;
    record.upstream = outcome.upstream;
    record.waited = outcome.waited;
    record.attempts = outcome.attempts;
    return record;
}

void Lane::arrived(Batch& batch, pool::Durability durability) noexcept {
    batch.durability = durability;
    Batch* head = arrived_.load(std::memory_order_relaxed);
    do {
        batch.next = head;
    } while (!arrived_.compare_exchange_weak(head, &batch, std::memory_order_acq_rel, std::memory_order_relaxed));
    if (head == nullptr)  // whoever finds the list empty wakes the reactor: once per burst
        reactor_->post([this] { takeArrived(); });
}

void Lane::takeArrived() noexcept {
    Batch* reversed = arrived_.exchange(nullptr, std::memory_order_acquire);
    Batch* batch = nullptr;
    while (reversed != nullptr) {
        Batch* const rest = std::exchange(reversed->next, batch);
        batch = std::exchange(reversed, rest);
    }
    while (batch != nullptr) {
        Batch* const rest = batch->next;
        const bool durable = batch->durability == pool::Durability::durable;
        shared_.setDurable(durable);
        if (batch->first != nullptr) {
            --groupsWaited_;
            release(std::exchange(batch->first, nullptr), durable);
        }
        (batch->older != nullptr ? batch->older->younger : oldestBatch_) = batch->younger;
        (batch->younger != nullptr ? batch->younger->older : youngestBatch_) = batch->older;
        batch->next = freeBatches_;
        freeBatches_ = batch;
        batch = rest;
    }
    storeFree_ = reactor_->now();
    if (decided_ != nullptr)
        reactor_->atRoundEnd(*this);
}

void Lane::release(LiveExchange* exchange, bool durable) noexcept {
    while (exchange != nullptr) {
        LiveExchange* const rest = exchange->next_;
        if (durable || exchange->outcome_.kind != Outcome::Kind::answered) {
            respond(*exchange, exchange->outcome_);
        } else if (exchange->leavesWithoutRecord_) {
            ++shared_.counters.notDurable;
            respond(*exchange, exchange->outcome_);
        } else {
            if (!exchange->own_)
                ++shared_.counters.withheld;
            respond(*exchange, Outcome::fault(RpcStatus::serverTooBusy, "the record is not on disk"));
        }
        recycle(*exchange);
        exchange = rest;
    }
}

void Lane::respond(LiveExchange& exchange, const Outcome& outcome) noexcept {
    if (!exchange.own_)
        count(outcome.kind);
    inFlight_.fetch_sub(1, std::memory_order_relaxed);
    if (Responder* const responder = std::exchange(exchange.responder_, nullptr))
        responder->respond(exchange.token_, outcome);
}

void Lane::count(Outcome::Kind kind) noexcept {
    switch (kind) {
        case Outcome::Kind::answered:
            ++shared_.counters.answered;
            break;
        case Outcome::Kind::refused:
            ++shared_.counters.refused;
            break;
        case Outcome::Kind::faulted:
            ++shared_.counters.faulted;
            break;
        case Outcome::Kind::dropped:
            ++shared_.counters.dropped;
            break;
    }
}

void Lane::detach(const Responder& responder) noexcept {
    for (const auto& exchange : exchanges_)
        if (exchange->responder_ == &responder)
            exchange->responder_ = nullptr;
}

void Lane::armFor(Monotonic due) noexcept {
    if (timer_ != 0) {
        if (timerDue_ <= due)
            return;
        reactor_->cancel(timer_);
    }
    timerDue_ = due;
    const auto delay = std::chrono::ceil<std::chrono::milliseconds>(due - reactor_->now());
    timer_ = reactor_->after(std::max(delay, std::chrono::milliseconds(0)), [this] { expire(); });
}

void Lane::expire() noexcept {
    timer_ = 0;
    const Monotonic now = reactor_->now();
    // Batches that are late stay in their list until the store has spoken; their exchanges do not wait for that.
    const Batch* waiting = nullptr;
    for (Batch* batch = oldestBatch_; batch != nullptr && waiting == nullptr; batch = batch->younger) {
        if (batch->first == nullptr)
            continue;
        if (batch->deadline > now) {
            waiting = batch;
        } else {
            shared_.setDurable(false);
            releaseEarly(*batch);
        }
    }
    while (oldestDeciding_ != nullptr && oldestDeciding_->deadline_ <= now) {
        LiveExchange& exchange = *oldestDeciding_;
        unlink(exchange);
        if (!exchange.own_)
            ++shared_.counters.overdue;
        exchange.outcome_ = Outcome::fault(RpcStatus::serverTooBusy, "not decided in time");
        recordAlone(exchange);
        respond(exchange, exchange.outcome_);
        if (exchange.authority_ == service_.authority)
            exchange.state_ = LiveExchange::State::abandoned;
        else
            recycle(exchange);  // the authority that had it is gone
    }
    if (decided_ != nullptr)
        reactor_->atRoundEnd(*this);  // it waited for a group that is given up
    if (waiting != nullptr)
        armFor(waiting->deadline);
    if (oldestDeciding_ != nullptr)
        armFor(oldestDeciding_->deadline_);
}

}  // namespace muster::dispatch
