#include "tls/socket.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <netinet/in.h>
#include <span>
#include <sys/socket.h>
#include <system_error>
#include <thread>
#include <unistd.h>

#include "Poco/Exception.h"
#include "Poco/Net/NetException.h"
#include "Poco/Net/ServerSocketImpl.h"

#include "http/socket_use.h"

namespace muster::tls {

namespace {

Monotonic now() noexcept {
    return std::chrono::steady_clock::now();
}

Address addressOf(const sockaddr_storage& storage) noexcept {
    Address address;
    if (storage.ss_family == AF_INET) {
        const auto& v4 = reinterpret_cast<const sockaddr_in&>(storage);
        address.octets[10] = address.octets[11] = 0xFF;
        std::memcpy(address.octets.data() + 12, &v4.sin_addr, 4);
    } else if (storage.ss_family == AF_INET6) {
        const auto& v6 = reinterpret_cast<const sockaddr_in6&>(storage);
        std::memcpy(address.octets.data(), &v6.sin6_addr, 16);
    }
    return address;
}

[[noreturn]] void passesBy() {
    throw Poco::InvalidAccessException("this would pass TLS by");
}

class ListenImpl final : public Poco::Net::ServerSocketImpl {
public:
    ListenImpl(int fd, std::shared_ptr<const CurrentContext> context, std::shared_ptr<Connections> connections,
               Limits limits)
        : context_(std::move(context)), connections_(std::move(connections)), limits_(limits) {
        // Who was announced may be gone when accept() comes, and nobody may wait there for the next.
        ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
        reset(fd);
    }

    Poco::Net::SocketImpl* acceptConnection(Poco::Net::SocketAddress& client) override {
        sockaddr_storage from{};
        socklen_t size = sizeof from;
        const int fd = ::accept4(sockfd(), reinterpret_cast<sockaddr*>(&from), &size, SOCK_CLOEXEC);
        if (fd < 0)
            refuse(errno);
        std::optional<Connections::Ticket> ticket;
        try {
            ticket = connections_->enter(fd, addressOf(from), now());
            if (!ticket)
                throw Poco::Net::NetException("too many connections");
            client = Poco::Net::SocketAddress(reinterpret_cast<const sockaddr*>(&from), size);
            return new TlsSocket(fd, client, context_->get(), connections_, *ticket, limits_);
        } catch (...) {
            if (ticket)
                connections_->leave(*ticket);
            ::close(fd);
            throw;
        }
    }

    void close() override { reset(); }

protected:
    ~ListenImpl() override { reset(); }  // the descriptor is the caller's

private:
    [[noreturn]] void refuse(int error) {
        // Without a descriptor to spare the connection stays in the backlog and poll() reports it at once again.
        if (error == EMFILE || error == ENFILE || error == ENOMEM || error == ENOBUFS) {
            connections_->endOldestIdle();
            std::this_thread::sleep_for(std::chrono::milliseconds(100));
        }
        throw Poco::Net::NetException("accept", std::generic_category().message(error), error);
    }

    std::shared_ptr<const CurrentContext> context_;
    std::shared_ptr<Connections> connections_;
    Limits limits_;
};

}  // namespace

TlsSocket::TlsSocket(int fd, const Poco::Net::SocketAddress& peer, std::shared_ptr<const Context> context,
                     std::shared_ptr<Connections> connections, Connections::Ticket ticket, Limits limits)
    : StreamSocketImpl(fd),
      peer_(peer),
      session_(std::move(context), fd),
      connections_(std::move(connections)),
      ticket_(ticket),
      limits_(limits),
      deadline_(now() + limits.headTime),
      room_(limits.headRoom) {}

TlsSocket::~TlsSocket() {
    http::endOfUses(this);
    connections_->leave(ticket_);
}

void TlsSocket::allow(std::chrono::milliseconds time, std::size_t octets) noexcept {
    deadline_ = now() + time;
    room_ = octets;
}

void TlsSocket::rest() noexcept {
    part_ = Part::rest;
    deadline_ = now() + limits_.idleTime;
    room_ = limits_.headRoom;
    connections_->resting(ticket_, now());
}

bool TlsSocket::isPlain() const noexcept {
    return session_.isPlain();
}

std::string TlsSocket::protocol() const {
    return session_.protocol();
}

int TlsSocket::receiveBytes(void* buffer, int length, int /*flags*/) {
    const http::SocketUse use(this);
    if (room_ == 0)
        throw Poco::Net::NetException("more octets than allowed");
    if (part_ == Part::first) {
        switch (session_.awaitFirst(deadline_)) {
            case Outcome::done:
                break;
            case Outcome::timeout:
                throw Poco::TimeoutException();
            default:
                return 0;
        }
        if (limits_.plain)
            session_.speakPlain();
        if (!connections_->busy(ticket_))
            return 0;
        part_ = Part::request;
    }
    const std::size_t size = std::min(static_cast<std::size_t>(std::max(length, 0)), room_);
    const int got = take(session_.read({static_cast<std::byte*>(buffer), size}, deadline_));
    if (got == 0)
        return 0;
    room_ -= static_cast<std::size_t>(got);
    if (part_ == Part::rest) {
        if (!connections_->busy(ticket_))
            return 0;
        part_ = Part::request;
        deadline_ = now() + limits_.headTime;
    }
    return got;
}

int TlsSocket::sendBytes(const void* buffer, int length, int /*flags*/) {
    const http::SocketUse use(this);
    const auto size = static_cast<std::size_t>(std::max(length, 0));
    const Io sent = session_.write({static_cast<const std::byte*>(buffer), size}, now() + limits_.sendTime);
    if (sent.outcome == Outcome::closed)
        throw Poco::Net::ConnectionResetException("the peer is gone");
    return take(sent);
}

int TlsSocket::take(const Io& io) {
    switch (io.outcome) {
        case Outcome::done:
            return static_cast<int>(io.octets);
        case Outcome::closed:
            return 0;
        case Outcome::timeout:
            throw Poco::TimeoutException();
        case Outcome::failed:
            break;
    }
    throw Poco::Net::NetException("TLS", session_.words());
}

bool TlsSocket::poll(const Poco::Timespan& timeout, int mode) {
    const http::SocketUse use(this);
    if (mode != SELECT_READ)
        return StreamSocketImpl::poll(timeout, mode);
    const Monotonic until = now() + std::chrono::microseconds(timeout.totalMicroseconds());
    if (part_ == Part::first)
        return awaitFirst(until);
    return session_.awaitReadable(std::min(deadline_, until));
}

/// Its time begins here and not when it was accepted: others that said nothing may have kept it waiting for a thread.
bool TlsSocket::awaitFirst(Monotonic until) {
    const Monotonic begun = now();
    connections_->waiting(ticket_, begun);
    deadline_ = begun + limits_.headTime;
    until = std::min(deadline_, until);
    for (Monotonic next = begun + kFirstOctet; next < until; next += kFirstOctet) {
        if (session_.awaitReadable(next))
            return true;
        if (connections_->yield(ticket_))
            return false;
    }
    return session_.awaitReadable(until);
}

int TlsSocket::available() {
    return session_.isPlain() ? StreamSocketImpl::available() : static_cast<int>(session_.pending());
}

void TlsSocket::goodbye() noexcept {
    if (initialized())
        session_.closeNotify();
}

void TlsSocket::shutdownSend() {
    goodbye();
    StreamSocketImpl::shutdownSend();
}

void TlsSocket::close() {
    const http::SocketUse use(this);
    goodbye();
    // The number must not be another connection's while it can still be ended by it.
    connections_->leave(ticket_);
    StreamSocketImpl::close();
}

Poco::Net::SocketAddress TlsSocket::address() {
    if (!own_)
        own_ = StreamSocketImpl::address();
    return *own_;
}

bool TlsSocket::secure() const {
    return !session_.isPlain();
}

int TlsSocket::sendBytes(const Poco::Net::SocketBufVec& /*buffers*/, int /*flags*/) {
    passesBy();
}

int TlsSocket::receiveBytes(Poco::Net::SocketBufVec& /*buffers*/, int /*flags*/) {
    passesBy();
}

int TlsSocket::receiveBytes(Poco::Buffer<char>& /*buffer*/, int /*flags*/, const Poco::Timespan& /*timeout*/) {
    passesBy();
}

void TlsSocket::sendUrgent(unsigned char /*data*/) {
    passesBy();
}

TlsListener::TlsListener(int fd, std::shared_ptr<const CurrentContext> context,
                         std::shared_ptr<Connections> connections, Limits limits)
    : ServerSocket(new ListenImpl(fd, std::move(context), std::move(connections), limits), true) {}

}  // namespace muster::tls
