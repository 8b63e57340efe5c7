#include "channel.h"

#include <algorithm>
#include <utility>

namespace muster::relay {

Channel::Channel(Reactor& reactor, Owner& owner, Entry entry, const ChannelTerms& terms)
    : reactor_(reactor), owner_(owner), entry_(std::move(entry)), terms_(terms) {}

Channel::~Channel() {
    const auto open = static_cast<std::uint32_t>(idle_.size() + busy_);
    entry_.member->associations.fetch_sub(open, std::memory_order_relaxed);
}

void Channel::adopt(Entry entry, const ChannelTerms& terms) {
    entry_ = std::move(entry);
    terms_ = terms;
    retired_ = false;
    preferred_ = 0;
    const auto unwanted = [this](const Association* association) {
        return entry_.upstream.duty != Duty::active || !stillListed(association->address());
    };
    for (std::size_t i = idle_.size(); i-- > 0;) {
        Association& association = *idle_[i];
        if (!unwanted(&association))
            continue;
        idle_.erase(idle_.begin() + static_cast<std::ptrdiff_t>(i));
        entry_.member->associations.fetch_sub(1, std::memory_order_relaxed);
        discard(association);
    }
}

void Channel::retire() noexcept {
    retired_ = true;
    closeIdle();
}

void Channel::closeIdle() noexcept {
    entry_.member->associations.fetch_sub(static_cast<std::uint32_t>(idle_.size()), std::memory_order_relaxed);
    for (Association* association : idle_)
        discard(*association);
    idle_.clear();
}

bool Channel::stillListed(const Address& address) const noexcept {
    return std::find(entry_.addresses.begin(), entry_.addresses.end(), address) != entry_.addresses.end();
}

std::size_t Channel::limit() const noexcept {
    const auto since =
        std::chrono::duration_cast<std::chrono::milliseconds>(reactor_.now() - entry_.member->health.returned());
    if (terms_.slowStart.count() == 0 || since >= terms_.slowStart || since.count() < 0)
        return terms_.associations;
    const auto share = terms_.associations * static_cast<std::size_t>(since.count()) /
                       static_cast<std::size_t>(terms_.slowStart.count());
    return std::max<std::size_t>(share, 1);
}

bool Channel::submit(Passage& passage) noexcept {
    if (entry_.addresses.empty() || retired_)
        return false;
    passage.channel = this;
    if (waiting_.empty() && !idle_.empty()) {
        Association& association = *idle_.back();
        idle_.pop_back();
        carry(association, passage);
        return true;
    }
    try {
        waiting_.push_back(&passage);
    } catch (...) {
        return false;
    }
    passage.state = Passage::State::waiting;
    pump();
    return true;
}

void Channel::pump() noexcept {
    while (!waiting_.empty() && !idle_.empty()) {
        Association& association = *idle_.back();
        idle_.pop_back();
        Passage& passage = *waiting_.front();
        waiting_.pop_front();
        carry(association, passage);
    }
    while (waiting_.size() > opening_.size() && alive() < limit())
        if (!openOne())
            return;
}

bool Channel::openOne() noexcept {
    Association* association = nullptr;
    try {
        if (spare_.empty()) {
            opening_.reserve(all_.size() + 1);  // what follows must not fail half-way
            idle_.reserve(all_.size() + 1);
            spare_.reserve(all_.size() + 1);
            all_.push_back(std::make_unique<Association>(reactor_, static_cast<Association::Owner&>(*this)));
            spare_.push_back(all_.back().get());
        }
        association = spare_.back();
        spare_.pop_back();
        opening_.push_back(association);
    } catch (...) {
        return false;
    }
    association->tries = 0;
    association->due = reactor_.now() + terms_.connect;
    const std::size_t before = spare_.size();
    association->open(entry_.addresses[preferred_ % entry_.addresses.size()]);
    return spare_.size() == before;  // it did not fail at once
}

void Channel::carry(Association& association, Passage& passage) noexcept {
    ++busy_;
    passage.state = Passage::State::calling;
    passage.association = &association;
    association.passenger = &passage;
    entry_.member->asked.fetch_add(1, std::memory_order_relaxed);
    association.call(passage.exchange->body());
}

void Channel::rest(Association& association) noexcept {
    association.due = reactor_.now() + kIdle;
    idle_.push_back(&association);
}

void Channel::discard(Association& association) noexcept {
    association.close();
    spare_.push_back(&association);
}

void Channel::forgetOpening(Association& association) noexcept {
    const auto found = std::find(opening_.begin(), opening_.end(), &association);
    if (found != opening_.end()) {
        *found = opening_.back();
        opening_.pop_back();
    }
}

void Channel::opened(Association& association) noexcept {
    forgetOpening(association);
    const auto listed = std::find(entry_.addresses.begin(), entry_.addresses.end(), association.address());
    if (listed != entry_.addresses.end())
        preferred_ = static_cast<std::size_t>(listed - entry_.addresses.begin());
    entry_.member->associations.fetch_add(1, std::memory_order_relaxed);
    entry_.member->opened.fetch_add(1, std::memory_order_relaxed);
    rest(association);
    owner_.reached(entry_);
    pump();
}

void Channel::notOpened(Association& association, const Association::Report& report) noexcept {
    if (++association.tries < entry_.addresses.size()) {
        association.due = reactor_.now() + terms_.connect;
        association.open(entry_.addresses[(preferred_ + association.tries) % entry_.addresses.size()]);
        return;
    }
    forgetOpening(association);
    discard(association);
    owner_.notReached(entry_, report);
    if (alive() != 0)
        return;  // others live, or are still tried: those who wait have a chance
    std::deque<Passage*> turned;
    turned.swap(waiting_);
    for (Passage* passage : turned) {
        passage->channel = nullptr;
        owner_.turnedAway(*passage, entry_, report);
    }
}

void Channel::ended(Association& association, const Association::Report& report) noexcept {
    Passage& passage = *static_cast<Passage*>(association.passenger);
    association.passenger = nullptr;
    --busy_;
    passage.channel = nullptr;
    passage.association = nullptr;
    const bool keep = owner_.ended(passage, entry_, report) && report.usable && !retired_ &&
                      entry_.upstream.duty == Duty::active && stillListed(association.address());
    if (keep) {
        rest(association);
    } else {
        entry_.member->associations.fetch_sub(1, std::memory_order_relaxed);
        discard(association);
    }
    pump();
}

void Channel::dropped(Association& association) noexcept {
    const auto found = std::find(idle_.begin(), idle_.end(), &association);
    if (found == idle_.end())
        return;
    idle_.erase(found);
    entry_.member->associations.fetch_sub(1, std::memory_order_relaxed);
    discard(association);
}

void Channel::abandon(Passage& passage) noexcept {
    if (passage.state == Passage::State::calling && passage.association != nullptr) {
        Association& association = *passage.association;
        --busy_;
        entry_.member->associations.fetch_sub(1, std::memory_order_relaxed);
        discard(association);
    } else if (passage.state == Passage::State::waiting) {
        const auto found = std::find(waiting_.begin(), waiting_.end(), &passage);
        if (found != waiting_.end())
            waiting_.erase(found);
    }
    passage.association = nullptr;
    passage.channel = nullptr;
}

void Channel::tick(Monotonic now) noexcept {
    for (std::size_t i = opening_.size(); i-- > 0 && i < opening_.size();) {
        Association& association = *opening_[i];
        if (association.due > now)
            continue;
        Association::Report report;
        report.ending = Ending::timedOut;
        report.detail = association.state() == Association::State::binding ? "the bind was not answered in time"
                                                                           : "no connection in time";
        association.close();
        notOpened(association, report);
    }
    while (!idle_.empty() && idle_.front()->due <= now) {
        Association& association = *idle_.front();
        idle_.erase(idle_.begin());
        entry_.member->associations.fetch_sub(1, std::memory_order_relaxed);
        discard(association);
    }
    pump();
}

}  // namespace muster::relay
