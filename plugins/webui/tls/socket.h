/// Sockets under POCO's HTTP server that speak TLS and know how much time and room is left.
/// @source what POCO asks of a StreamSocketImpl: Poco/Net/HTTPSession, HTTPServerSession (keep-alive), TCPServer
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "Poco/Net/ServerSocket.h"
#include "Poco/Net/SocketAddress.h"
#include "Poco/Net/StreamSocketImpl.h"

#include "tls/connections.h"
#include "tls/tls.h"

namespace muster::tls {

/// Which certificate new connections get; those inside keep theirs. @thread any
class CurrentContext {
public:
    explicit CurrentContext(std::shared_ptr<const Context> context) noexcept : context_(std::move(context)) {}

    std::shared_ptr<const Context> get() const {
        const std::lock_guard lock(mutex_);
        return context_;
    }
    void set(std::shared_ptr<const Context> context) {
        const std::lock_guard lock(mutex_);
        context_ = std::move(context);
    }

private:
    mutable std::mutex mutex_;
    std::shared_ptr<const Context> context_;
};

struct Limits {
    std::chrono::milliseconds headTime{
        10'000};  ///< from a thread's taking it up to the end of its head, with handshake
    std::size_t headRoom = std::size_t{24} * 1024;  ///< octets while the head comes: it, and what comes with it
    std::chrono::milliseconds idleTime{15'000};     ///< from an answer to the next request's first octet
    std::chrono::milliseconds sendTime{10'000};     ///< for each piece that is sent
    /// Whether HTTP in the clear may be read and answered; the handler asks isPlain() first and says nothing but where
    /// https is. False: such connections end without a word.
    bool plain = false;
};

/// One accepted connection. A handler finds it by dynamic_cast of its request's socket().impl().
/// @thread one at a time, the server's; but shutdown(), by which POCO ends connections when it stops, may come from
/// any,
///         and so says no goodbye
class TlsSocket final : public Poco::Net::StreamSocketImpl {
public:
    /// @param fd  closed by this socket @param ticket  left by it
    TlsSocket(int fd, const Poco::Net::SocketAddress& peer, std::shared_ptr<const Context> context,
              std::shared_ptr<Connections> connections, Connections::Ticket ticket, Limits limits);

    /// From now on so much time and so many octets are left: the head is read, the body comes.
    void allow(std::chrono::milliseconds time, std::size_t octets) noexcept;
    /// The answer is sent and the connection stays: idle until the next request's first octet, which starts the time
    /// and the room for its head. To be called after each answer that keeps the connection.
    void rest() noexcept;
    /// The request came in the clear: answer with a redirect to https and nothing else.
    bool isPlain() const noexcept;
    /// "TLSv1.3", "" before the handshake or in the clear.
    std::string protocol() const;

    /// Throws TimeoutException when the time for this part is over, however slowly octets drip in, NetException beyond
    /// the octets, and for what is no TLS. 0: the peer closed, or the connection gave way to another.
    int receiveBytes(void* buffer, int length, int flags) override;
    /// All of them. Throws TimeoutException when the peer does not take them in time; NetException when it is gone.
    int sendBytes(const void* buffer, int length, int flags) override;
    /// True at once for octets that are deciphered already. Does no handshake.
    bool poll(const Poco::Timespan& timeout, int mode) override;
    int available() override;
    void shutdownSend() override;
    void close() override;
    bool secure() const override;
    // POCO asks for both with every request.
    Poco::Net::SocketAddress address() override;
    Poco::Net::SocketAddress peerAddress() override { return peer_; }

    // Would pass TLS by: they throw InvalidAccessException.
    int sendBytes(const Poco::Net::SocketBufVec& buffers, int flags) override;
    int receiveBytes(Poco::Net::SocketBufVec& buffers, int flags) override;
    int receiveBytes(Poco::Buffer<char>& buffer, int flags, const Poco::Timespan& timeout) override;
    void sendUrgent(unsigned char data) override;

protected:
    ~TlsSocket() override;

private:
    enum class Part : std::uint8_t { first, request, rest };

    int take(const Io& io);
    bool awaitFirst(Monotonic until);
    void goodbye() noexcept;

    Poco::Net::SocketAddress peer_;
    std::optional<Poco::Net::SocketAddress> own_;
    Session session_;
    std::shared_ptr<Connections> connections_;
    Connections::Ticket ticket_;
    Limits limits_;
    Part part_ = Part::first;
    Monotonic deadline_;
    std::size_t room_;
};

/// A listening TCP socket in the form that POCO's server takes; several of them may share context and connections.
/// Without a descriptor to spare the oldest idle connection is ended and the next try waits 100 ms.
class TlsListener final : public Poco::Net::ServerSocket {
public:
    /// @param fd  listening; stays the caller's, outlives the server that takes this, and becomes non-blocking
    TlsListener(int fd, std::shared_ptr<const CurrentContext> context, std::shared_ptr<Connections> connections,
                Limits limits);
};

}  // namespace muster::tls
