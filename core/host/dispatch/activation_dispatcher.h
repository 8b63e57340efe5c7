/// The SDK's Dispatcher: decode, product, authority, record, answer.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "muster/exchange.h"
#include "muster/plugin.h"

#include "host/dispatch/service.h"

namespace muster::dispatch {

class Lane;

/// Lives longer than any store that it was given: a store calls back until it is closed.
class ActivationDispatcher final : public Dispatcher {
public:
    /// @param reactors  those of indexes 0 to count - 1; each is served by nobody until serve()
    ActivationDispatcher(unsigned reactors, Families& families, const Limits& limits, OnDurability onDurability);
    ~ActivationDispatcher();
    ActivationDispatcher(const ActivationDispatcher&) = delete;
    ActivationDispatcher& operator=(const ActivationDispatcher&) = delete;

    /// From now on requests of this reactor go there. Exchanges under way stay with the authority that has them, as
    /// long as it completes them. @thread the reactor's
    void serve(Reactor& reactor, const Service& service) noexcept;
    /// For new requests and commits. @thread the reactor's
    void limit(Reactor& reactor, const Limits& limits) noexcept;

    /// The store says of itself that it works again: without a request no record would tell. @thread any
    void storeWorks() noexcept;

    /// Exchanges that have been submitted and not yet responded to. @thread any
    std::size_t inFlight() const noexcept;
    const Counters& counters() const noexcept;

    void submit(Reactor& reactor, Responder& responder, std::uint64_t token, const Address& source,
                Octets body) noexcept override;
    void detach(Reactor& reactor, Responder& responder) noexcept override;
    bool isOwn(Reactor& reactor, const Address& source) noexcept override;

    struct Shared;  ///< what the lanes have in common

private:
    std::unique_ptr<Shared> shared_;
    std::vector<std::unique_ptr<Lane>> lanes_;
};

}  // namespace muster::dispatch
