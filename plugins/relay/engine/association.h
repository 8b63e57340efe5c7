/// One persistent RPC association with an upstream: bound once, then one call at a time, as many as the host lets it.
/// @source C706 chapter 12, [MS-RPCE] 3.3.2; docs/kms.md, "Transport"
/// @thread its reactor's
#pragma once

#include <cstdint>
#include <span>

#include "muster/exchange.h"
#include "muster/reactor.h"

#include "kms/rpc_client.h"
#include "relay/upstream.h"
#include "wire.h"

namespace muster::relay {

class Association final : private Wire::Owner {
public:
    /// How a call or an attempt to open ended.
    struct Report {
        Ending ending = Ending::reset;
        HResult result = HResult::ok;              ///< of answered and refused
        RpcStatus status = RpcStatus::callFailed;  ///< of faulted
        Octets body;                               ///< of answered: valid during the call
        std::string_view detail;                   ///< one clause; valid during the call
        bool stale = false;   ///< the host closed it before it can have seen the call, or just then
        bool usable = false;  ///< the association can take another call
    };
    class Owner {
    public:
        virtual void opened(Association& association) noexcept = 0;
        virtual void notOpened(Association& association, const Report& report) noexcept = 0;
        /// The call made by call() has ended.
        virtual void ended(Association& association, const Report& report) noexcept = 0;
        /// It was idle, and the host closed it.
        virtual void dropped(Association& association) noexcept = 0;

    protected:
        ~Owner() = default;
    };
    enum class State : std::uint8_t { closed, connecting, binding, idle, busy };

    Association(Reactor& reactor, Owner& owner) noexcept : owner_(owner), wire_(reactor, *this) {}

    /// What it is bound to.
    enum class Purpose : std::uint8_t { activation, management };

    /// Connects and binds; opened() or notOpened() follows, possibly before this returns.
    void open(const Address& address, Purpose purpose = Purpose::activation) noexcept;
    /// Only when idle. ended() follows, possibly before this returns. @param body  at most kMaxBody octets
    void call(Octets body) noexcept;
    /// Only when idle and bound to mgmt: asks whether the server listens. ended() follows: answered, or refused if not.
    void inquire() noexcept;
    /// Nothing is told any more.
    void close() noexcept;

    State state() const noexcept { return state_; }
    const Address& address() const noexcept { return address_; }

    static constexpr std::size_t kMaxBody = 4096;

    // --- of whoever has it; not touched here
    Monotonic due{};            ///< opening: by then it must be open. idle: closed then
    void* passenger = nullptr;  ///< busy: whose call it is
    std::size_t tries = 0;      ///< opening: addresses that were in vain

private:
    void connected() noexcept override;
    void arrived() noexcept override;
    void lost(int error) noexcept override;
    template <std::size_t Room>
    void callWith(Octets body) noexcept;
    template <std::size_t Room>
    void send(std::uint16_t opnum, Octets stub) noexcept;
    void answered(bool alone) noexcept;
    Report read() const noexcept;
    void end(const Report& report) noexcept;
    void notOpened(Ending ending, std::string_view detail) noexcept;

    Owner& owner_;
    Wire wire_;
    kms::ClientAssociation rpc_;
    Address address_;
    State state_ = State::closed;
    Purpose purpose_ = Purpose::activation;
    bool used_ = false;   // a call has come back on it
    bool heard_ = false;  // something came since the call went out
};

}  // namespace muster::relay
