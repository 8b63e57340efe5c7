/// One DCE/RPC association over one TCP connection, blocking: connect, bind, call. For who asks a host as a client
/// does.
/// @source docs/kms.md, "Transport"
/// @thread one at a time
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "Poco/Exception.h"
#include "Poco/Net/SocketAddress.h"
#include "Poco/Net/StreamSocket.h"
#include "tl/expected.hpp"

#include "muster/exchange.h"
#include "muster/types.h"

#include "kms/octets.h"
#include "kms/rpc_client.h"

namespace muster::client {

/// What the client's RPC run time makes of a fault: the HRESULT of the Win32 error that the status stands for.
/// @source C706 appendix E; [MS-ERREF] 2.2
HResult hresultOf(RpcStatus status) noexcept;

/// "Connection refused", "no answer in time": POCO's own words without its class names.
std::string why(const Poco::Exception& error);

struct RpcFailure {
    HResult code = HResult::rpcServerUnavailable;
    std::string detail;  ///< a clause for people, without the address
};

class RpcConnection {
public:
    template <class T>
    using Expected = tl::expected<T, RpcFailure>;
    struct Answer {
        Octets stub;  ///< valid until the next call
        kms::ByteOrder order = kms::ByteOrder::little;
    };

    /// A second try begins with a new socket.
    Expected<void> connect(const Poco::Net::SocketAddress& address, Monotonic until);
    /// For the next connect(): come from that address of this machine, at a port that the system chooses.
    /// @return  with the port
    Expected<Poco::Net::SocketAddress> comeFrom(const Poco::Net::IPAddress& address);
    /// @param service  what the interface is called where it is not offered: "key management service"
    Expected<void> bind(const kms::BindOffer& offer, const char* service, Monotonic until);
    /// In the association that was bound. @param stub  at most 512 octets
    Expected<Answer> call(std::uint16_t opnum, Octets stub, Monotonic until);

private:
    using Step = kms::ClientAssociation::Step;
    static constexpr std::size_t kSendRoom = 1024;  // a bind with three contexts, or a request, fits
    static constexpr std::size_t kReceiveRoom = 2 * kms::kMaxFragment;

    void send(Octets octets, Monotonic until);
    /// Reads until the association has something to say. @return  `starved` when the host closed
    Step next(Monotonic until);
    void discard() noexcept;

    Poco::Net::StreamSocket socket_;
    bool placed_ = false;  ///< by comeFrom()
    kms::ClientAssociation association_;
    std::array<std::byte, kSendRoom> room_{};
    std::array<std::byte, kReceiveRoom> buffer_{};
    std::size_t size_ = 0;
    std::size_t taken_ = 0;
};

}  // namespace muster::client
