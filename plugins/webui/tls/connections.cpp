#include "tls/connections.h"

#include <algorithm>
#include <sys/socket.h>

namespace muster::tls {

namespace {

/// Ended connections whose threads have not yet noticed: more of them than this, and newcomers wait their turn.
constexpr std::size_t kMaxLeaving = 64;

constexpr bool isIdle(auto state) noexcept {
    using State = decltype(state);
    return state == State::queued || state == State::waiting || state == State::resting;
}

}  // namespace

std::optional<Connections::Ticket> Connections::enter(int fd, const Address& from, Monotonic now) {
    const std::lock_guard lock(mutex_);
    const auto& address = from.octets;
    const bool fits = entries_.size() - connected_ < kMaxLeaving &&
                      (this->from(address) < bounds_.perAddress ||
                       endOldest([&](const Entry& one) { return one.address == address; }));
    std::size_t most = 0;
    if (fits && connected_ >= bounds_.connections) {
        for (const auto& [ticket, one] : entries_)
            if (isIdle(one.state))
                most = std::max(most, this->from(one.address));
        endOldest([&](const Entry& one) { return this->from(one.address) == most; });
    }
    if (!fits || connected_ >= bounds_.connections) {
        ++refused_;
        return std::nullopt;
    }
    if (bounds_.threads > 0 && connected_ >= bounds_.threads)
        endOldest([&](const Entry& one) {
            return one.state == State::resting || (one.state == State::waiting && now - one.since >= kFirstOctet);
        });
    const Ticket ticket = next_++;
    ++perAddress_[address];
    ++connected_;
    entries_.emplace(ticket, Entry{fd, address, State::queued, now});
    return ticket;
}

void Connections::waiting(Ticket ticket, Monotonic now) noexcept {
    set(ticket, State::waiting, now);
}

void Connections::resting(Ticket ticket, Monotonic now) noexcept {
    set(ticket, State::resting, now);
}

bool Connections::yield(Ticket ticket) noexcept {
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(ticket);
    if (found == entries_.end() || found->second.state != State::waiting || bounds_.threads == 0 ||
        connected_ <= bounds_.threads)
        return false;
    end(found->second);
    return true;
}

bool Connections::busy(Ticket ticket) noexcept {
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(ticket);
    if (found == entries_.end() || found->second.state == State::ended)
        return false;
    found->second.state = State::busy;
    return true;
}

void Connections::leave(Ticket ticket) noexcept {
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(ticket);
    if (found == entries_.end())
        return;
    if (found->second.state != State::ended) {
        end(found->second);
        --ended_;
    }
    entries_.erase(found);
}

void Connections::endAll() noexcept {
    const std::lock_guard lock(mutex_);
    for (auto& [ticket, entry] : entries_)
        if (entry.state != State::ended) {
            end(entry);
            ::shutdown(entry.fd, SHUT_RDWR);
        }
}

bool Connections::endOldestIdle() noexcept {
    const std::lock_guard lock(mutex_);
    return endOldest([](const Entry&) { return true; });
}

Connections::Counts Connections::counts() const noexcept {
    const std::lock_guard lock(mutex_);
    return {connected_, refused_, ended_};
}

template <class Fits>
bool Connections::endOldest(Fits fits) noexcept {
    Entry* oldest = nullptr;
    for (auto& [ticket, one] : entries_)
        if (isIdle(one.state) && fits(one) && (oldest == nullptr || one.since < oldest->since))
            oldest = &one;
    if (oldest == nullptr)
        return false;
    ::shutdown(oldest->fd, SHUT_RDWR);
    end(*oldest);
    return true;
}

void Connections::end(Entry& entry) noexcept {
    entry.state = State::ended;
    --connected_;
    ++ended_;
    if (const auto count = perAddress_.find(entry.address); --count->second == 0)
        perAddress_.erase(count);
}

std::size_t Connections::from(const std::array<std::uint8_t, 16>& address) const noexcept {
    const auto found = perAddress_.find(address);
    return found != perAddress_.end() ? found->second : 0;
}

void Connections::set(Ticket ticket, State state, Monotonic now) noexcept {
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(ticket);
    if (found == entries_.end() || found->second.state == State::ended)
        return;
    found->second.state = state;
    found->second.since = now;
}

}  // namespace muster::tls
