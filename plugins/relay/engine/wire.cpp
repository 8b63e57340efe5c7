#include "wire.h"

#include <cerrno>
#include <cstring>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace muster::relay {

namespace {

constexpr std::size_t kFirstInput = 1024;  // every known answer fits
constexpr std::uint32_t kReading = EPOLLIN | EPOLLRDHUP;

socklen_t toSystem(const Address& address, sockaddr_storage& storage) noexcept {
    storage = {};
    if (address.isV4()) {
        auto* const v4 = reinterpret_cast<sockaddr_in*>(&storage);
        v4->sin_family = AF_INET;
        v4->sin_port = htons(address.port);
        std::memcpy(&v4->sin_addr, address.octets.data() + 12, sizeof v4->sin_addr);
        return sizeof *v4;
    }
    auto* const v6 = reinterpret_cast<sockaddr_in6*>(&storage);
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(address.port);
    v6->sin6_scope_id = address.scopeId;
    std::memcpy(&v6->sin6_addr, address.octets.data(), sizeof v6->sin6_addr);
    return sizeof *v6;
}

}  // namespace

int Wire::open(const Address& address) noexcept {
    close();
    fd_ = socket(address.isV4() ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd_ < 0)
        return errno;
    const int on = 1;
    setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    sockaddr_storage storage;
    const socklen_t size = toSystem(address, storage);
    int error = 0;
    if (connect(fd_, reinterpret_cast<const sockaddr*>(&storage), size) != 0 && errno != EINPROGRESS)
        error = errno;
    if (error == 0) {
        try {
            if (!reactor_.watch(fd_, EPOLLOUT, *this))
                error = ENOSPC;
        } catch (...) {
            error = ENOMEM;
        }
    }
    if (error != 0) {
        ::close(fd_);
        fd_ = -1;
        return error;
    }
    connecting_ = true;
    return 0;
}

void Wire::close() noexcept {
    if (fd_ < 0)
        return;
    reactor_.unwatch(fd_);
    ::close(fd_);
    fd_ = -1;
    connecting_ = false;
    writing_ = false;
    begin_ = end_ = 0;
    rest_.clear();
}

void Wire::fail(int error) noexcept {
    close();
    owner_.lost(error);
}

bool Wire::send(Octets octets) noexcept {
    if (fd_ < 0)
        return false;
    if (rest_.empty()) {
        const ssize_t sent = ::send(fd_, octets.data(), octets.size(), MSG_NOSIGNAL);
        if (sent < 0 && errno != EAGAIN && errno != EINTR)
            return false;
        octets = octets.subspan(sent > 0 ? static_cast<std::size_t>(sent) : 0);
        if (octets.empty())
            return true;
    }
    try {
        rest_.insert(rest_.end(), octets.begin(), octets.end());
    } catch (...) {
        return false;
    }
    if (!writing_) {
        writing_ = true;
        reactor_.rewatch(fd_, kReading | EPOLLOUT);
    }
    return true;
}

bool Wire::flush() noexcept {
    const ssize_t sent = ::send(fd_, rest_.data(), rest_.size(), MSG_NOSIGNAL);
    if (sent < 0)
        return errno == EAGAIN || errno == EINTR;
    rest_.erase(rest_.begin(), rest_.begin() + sent);
    if (rest_.empty()) {
        writing_ = false;
        reactor_.rewatch(fd_, kReading);
    }
    return true;
}

bool Wire::makeRoom() noexcept {
    if (begin_ == end_)
        begin_ = end_ = 0;
    if (end_ < input_.size())
        return true;
    if (begin_ > 0) {
        std::memmove(input_.data(), input_.data() + begin_, end_ - begin_);
        end_ -= begin_;
        begin_ = 0;
        return true;
    }
    if (input_.size() >= kMaxInput)
        return false;
    try {
        input_.resize(input_.empty() ? kFirstInput : input_.size() * 4);
    } catch (...) {
        return false;
    }
    return true;
}

void Wire::consume(std::size_t size) noexcept {
    begin_ += size;
    if (begin_ == end_)
        begin_ = end_ = 0;
}

void Wire::ready(std::uint32_t events) noexcept {
    if (connecting_) {
        int error = 0;
        socklen_t size = sizeof error;
        if (getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size) != 0)
            error = errno;
        if (error != 0) {
            fail(error);
            return;
        }
        connecting_ = false;
        reactor_.rewatch(fd_, kReading);
        owner_.connected();
        return;
    }
    if ((events & EPOLLOUT) != 0 && writing_ && !flush()) {
        fail(errno);
        return;
    }
    if ((events & ~static_cast<std::uint32_t>(EPOLLOUT)) == 0)
        return;
    if (!makeRoom()) {
        fail(EMSGSIZE);
        return;
    }
    const ssize_t size = recv(fd_, input_.data() + end_, input_.size() - end_, 0);
    if (size > 0) {
        end_ += static_cast<std::size_t>(size);
        owner_.arrived();
    } else if (size == 0) {
        fail(0);
    } else if (errno != EAGAIN && errno != EINTR) {
        fail(errno);
    }
}

}  // namespace muster::relay
