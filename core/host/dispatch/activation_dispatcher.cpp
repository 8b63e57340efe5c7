#include "host/dispatch/activation_dispatcher.h"

#include <utility>

#include "host/dispatch/lane.h"

namespace muster::dispatch {

ActivationDispatcher::ActivationDispatcher(unsigned reactors, Families& families, const Limits& limits,
                                           OnDurability onDurability)
    : shared_(std::make_unique<Shared>(families, std::move(onDurability))) {
    lanes_.reserve(reactors);
    for (unsigned i = 0; i < reactors; ++i)
        lanes_.push_back(std::make_unique<Lane>(*shared_, limits));
}

ActivationDispatcher::~ActivationDispatcher() = default;

void ActivationDispatcher::serve(Reactor& reactor, const Service& service) noexcept {
    lanes_[reactor.index()]->serve(reactor, service);
}

void ActivationDispatcher::limit(Reactor& reactor, const Limits& limits) noexcept {
    lanes_[reactor.index()]->limit(limits);
}

void ActivationDispatcher::storeWorks() noexcept {
    shared_->setDurable(true);
}

std::size_t ActivationDispatcher::inFlight() const noexcept {
    std::size_t sum = 0;
    for (const auto& lane : lanes_)
        sum += lane->inFlight();
    return sum;
}

const Counters& ActivationDispatcher::counters() const noexcept {
    return shared_->counters;
}

void ActivationDispatcher::submit(Reactor& reactor, Responder& responder, std::uint64_t token, const Address& source,
                                  Octets body) noexcept {
    lanes_[reactor.index()]->submit(reactor, responder, token, source, body);
}

void ActivationDispatcher::detach(Reactor& reactor, Responder& responder) noexcept {
    lanes_[reactor.index()]->detach(responder);
}

bool ActivationDispatcher::isOwn(Reactor& reactor, const Address& source) noexcept {
    return lanes_[reactor.index()]->isOwn(source);
}

}  // namespace muster::dispatch
