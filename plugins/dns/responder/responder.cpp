#include "responder.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <netinet/in.h>
#include <new>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace muster::publisher {

namespace {

constexpr int kAtOnce = 64;  // datagrams or connections in one round: others have their turn as well
constexpr std::size_t kReadSize = 4096;

struct SocketAddress {
    sockaddr_storage storage{};
    socklen_t size = sizeof(sockaddr_storage);
    sockaddr* get() noexcept { return reinterpret_cast<sockaddr*>(&storage); }

    static SocketAddress from(const Address& address) noexcept {
        SocketAddress to;
        if (address.isV4()) {
            sockaddr_in v4{};
            v4.sin_family = AF_INET;
            v4.sin_port = htons(address.port);
            std::memcpy(&v4.sin_addr, address.octets.data() + 12, 4);
            std::memcpy(&to.storage, &v4, sizeof v4);
            to.size = sizeof v4;
        } else {
            sockaddr_in6 v6{};
            v6.sin6_family = AF_INET6;
            v6.sin6_port = htons(address.port);
            v6.sin6_scope_id = address.scopeId;
            std::memcpy(&v6.sin6_addr, address.octets.data(), 16);
            std::memcpy(&to.storage, &v6, sizeof v6);
            to.size = sizeof v6;
        }
        return to;
    }
    Address address() const noexcept {
        Address out;
        if (storage.ss_family == AF_INET) {
            sockaddr_in v4{};
            std::memcpy(&v4, &storage, sizeof v4);
            out.octets[10] = out.octets[11] = 0xFF;
            std::memcpy(out.octets.data() + 12, &v4.sin_addr, 4);
            out.port = ntohs(v4.sin_port);
        } else {
            sockaddr_in6 v6{};
            std::memcpy(&v6, &storage, sizeof v6);
            std::memcpy(out.octets.data(), &v6.sin6_addr, 16);
            out.port = ntohs(v6.sin6_port);
            out.scopeId = v6.sin6_scope_id;
        }
        return out;
    }
};

Error refusal(const Address& address, const char* what, int error) {
    const std::string words = std::string(what) + ": " + std::generic_category().message(error);
    if (error == EADDRINUSE)
        return {Code::duplicate, "responder " + address.text(),
                words + "; another name server runs here: stop it, or choose another address"};
    if (error == EACCES || error == EPERM)
        return {Code::denied, "responder " + address.text(),
                words + "; a port below 1024 needs the capability CAP_NET_BIND_SERVICE"};
    return {Code::internal, "responder " + address.text(), words};
}

/// A socket on that address. @param port  set to the one it got
Result<int> openOne(const Address& address, int type, std::uint16_t& port) {
    SocketAddress local = SocketAddress::from(address);
    const int family = local.storage.ss_family;
    const int fd = ::socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    const int on = 1;
    const auto set = [&](int level, int option) { return ::setsockopt(fd, level, option, &on, sizeof on) == 0; };
    bool good = fd >= 0;
    // The answer leaves from the address that was asked, also where the socket stands for all of them.
    if (good && type == SOCK_DGRAM)
        good = family == AF_INET ? set(IPPROTO_IP, IP_PKTINFO) : set(IPPROTO_IPV6, IPV6_RECVPKTINFO);
    if (good && type == SOCK_STREAM)
        good = set(SOL_SOCKET, SO_REUSEADDR);
    if (good && family == AF_INET6)
        good = set(IPPROTO_IPV6, IPV6_V6ONLY);
    good = good && ::bind(fd, local.get(), local.size) == 0;
    good = good && (type != SOCK_STREAM || ::listen(fd, 64) == 0);
    good = good && ::getsockname(fd, local.get(), &local.size) == 0;
    if (!good) {
        const int error = errno;
        if (fd >= 0)
            ::close(fd);
        return fail(refusal(address, type == SOCK_STREAM ? "TCP" : "UDP", error));
    }
    port = local.address().port;
    return fd;
}

}  // namespace

class NameResponder::Datagrams final : public Watcher {
public:
    Datagrams(NameResponder& owner, int fd) : owner_(owner), fd_(fd) {}
    ~Datagrams() override {
        owner_.reactor_.unwatch(fd_);
        ::close(fd_);
    }
    void ready(std::uint32_t) noexcept override { owner_.datagram(fd_); }

private:
    NameResponder& owner_;
    int fd_;
};

class NameResponder::Acceptor final : public Watcher {
public:
    Acceptor(NameResponder& owner, int fd) : owner_(owner), fd_(fd) {}
    ~Acceptor() override {
        owner_.reactor_.unwatch(fd_);
        ::close(fd_);
    }
    void ready(std::uint32_t) noexcept override { owner_.accept(fd_); }

private:
    NameResponder& owner_;
    int fd_;
};

/// Messages with their length in front (RFC 7766 8), answered in their order.
class NameResponder::Connection final : public Watcher {
public:
    Connection(NameResponder& owner, int fd, std::uint64_t network, Monotonic now)
        : owner_(owner), fd_(fd), network_(network), born_(now), active_(now) {}
    ~Connection() override {
        owner_.reactor_.unwatch(fd_);
        ::close(fd_);
    }
    int fd() const noexcept { return fd_; }
    std::uint64_t network() const noexcept { return network_; }
    Monotonic active() const noexcept { return active_; }
    bool over(Monotonic now) const noexcept { return now - active_ >= kIdle || now - born_ >= kLifetime; }

    void ready(std::uint32_t) noexcept override {
        if (!work())
            owner_.drop(*this);  // and this is no more
    }

private:
    bool work() noexcept {
        if (!output_.empty())
            return send() && answerAll();
        std::array<std::byte, kReadSize> room;  // NOLINT(cppcoreguidelines-pro-type-member-init): recv writes it
        const ssize_t got = ::recv(fd_, room.data(), room.size(), 0);
        if (got < 0)
            return errno == EAGAIN || errno == EINTR;
        if (got == 0)
            return false;
        try {
            input_.insert(input_.end(), room.begin(), room.begin() + got);
        } catch (const std::bad_alloc&) {
            return false;
        }
        return answerAll();
    }

    /// What lies whole in the input, as long as the peer takes the answers.
    bool answerAll() noexcept {
        for (;;) {
            const std::size_t at = answerSome();
            if (at == kBroken)
                return false;
            input_.erase(input_.begin(), input_.begin() + static_cast<std::ptrdiff_t>(at));
            if (!send() || (finished_ && output_.empty()))
                return false;
            if (at == 0 || !output_.empty())
                return true;
        }
    }
    /// @return  octets of the input that are answered; kBroken: close
    std::size_t answerSome() noexcept {
        std::size_t at = 0;
        while (!finished_ && output_.size() < kMaxWaiting && input_.size() - at >= 2) {
            const std::size_t size =
                std::to_integer<std::size_t>(input_[at]) << 8U | std::to_integer<std::size_t>(input_[at + 1]);
            if (size > kMaxQuery)
                return kBroken;
            if (input_.size() - at - 2 < size)
                break;
            try {
                const Response response = owner_.answer(Octets(input_).subspan(at + 2, size), Carriage::tcp);
                if (response.kind == Response::Kind::dropped)
                    return kBroken;
                output_.push_back(static_cast<std::byte>(response.octets.size() >> 8U));
                output_.push_back(static_cast<std::byte>(response.octets.size() & 0xFFU));
                output_.insert(output_.end(), response.octets.begin(), response.octets.end());
            } catch (const std::bad_alloc&) {
                return kBroken;
            }
            at += 2 + size;
            active_ = owner_.reactor_.now();
            finished_ = ++queries_ == kMaxOfConnection;
        }
        return at;
    }

    bool send() noexcept {
        while (!output_.empty()) {
            const ssize_t sent = ::send(fd_, output_.data(), output_.size(), MSG_NOSIGNAL);
            if (sent < 0 && errno == EINTR)
                continue;
            if (sent < 0 && errno == EAGAIN)
                break;
            if (sent <= 0)
                return false;
            output_.erase(output_.begin(), output_.begin() + sent);
        }
        // Nothing is read while answers wait: so the input holds no more than one reading beyond a message.
        owner_.reactor_.rewatch(fd_, output_.empty() ? EPOLLIN : EPOLLOUT);
        return true;
    }

    static constexpr std::size_t kBroken = ~std::size_t{0};

    NameResponder& owner_;
    int fd_;
    std::uint64_t network_;
    Monotonic born_;
    Monotonic active_;
    std::size_t queries_ = 0;
    bool finished_ = false;  // closes when its last answer is sent
    std::vector<std::byte> input_;
    std::vector<std::byte> output_;
};

Result<NameResponder::Sockets> NameResponder::open(const Address& address) {
    // The port that UDP gets is nearly always free for TCP; if not, another one.
    for (int tries = 0;; ++tries) {
        Sockets sockets;
        Address at = address;
        const auto udp = openOne(at, SOCK_DGRAM, at.port);
        if (!udp)
            return fail(udp.error());
        const auto tcp = openOne(at, SOCK_STREAM, at.port);
        if (tcp) {
            sockets.udp = *udp;
            sockets.tcp = *tcp;
            return sockets;
        }
        ::close(*udp);
        if (address.port != 0 || tries == 20)
            return fail(tcp.error());
    }
}

NameResponder::NameResponder(Reactor& reactor) : reactor_(reactor) {}

NameResponder::~NameResponder() {
    stop();
}

void NameResponder::apply(ResponderSettings settings) {
    settings_ = std::move(settings);
}

Result<void> NameResponder::listen(Sockets sockets) {
    // In their owners first: they close them, whatever comes.
    datagrams_.push_back(std::make_unique<Datagrams>(*this, sockets.udp));
    acceptors_.push_back(std::make_unique<Acceptor>(*this, sockets.tcp));
    if (auto watched = reactor_.watch(sockets.udp, EPOLLIN, *datagrams_.back()); !watched)
        return watched;
    if (auto watched = reactor_.watch(sockets.tcp, EPOLLIN, *acceptors_.back()); !watched)
        return watched;
    if (timer_ == 0)
        timer_ = reactor_.after(std::chrono::seconds(1), [this] { sweep(); });
    return {};
}

void NameResponder::stop() noexcept {
    if (timer_ != 0)
        reactor_.cancel(timer_);
    timer_ = 0;
    connections_.clear();
    acceptors_.clear();
    datagrams_.clear();
}

Response NameResponder::answer(Octets query, Carriage carriage) {
    ++counts_.queries;
    Response response = respond(query, settings_.zones, carriage);
    switch (response.kind) {
        case Response::Kind::answered:
            ++counts_.answered;
            break;
        case Response::Kind::refused:
            ++counts_.refused;
            break;
        case Response::Kind::malformed:
        case Response::Kind::other:
            ++counts_.malformed;
            break;
        case Response::Kind::dropped:
            ++counts_.dropped;
    }
    return response;
}

void NameResponder::datagram(int fd) noexcept {
    for (int i = 0; i < kAtOnce; ++i) {
        std::array<std::byte, kMaxQuery + 1> room;  // NOLINT(cppcoreguidelines-pro-type-member-init): recvmsg writes it
        alignas(cmsghdr) std::array<std::byte, CMSG_SPACE(sizeof(in6_pktinfo))> control{};
        SocketAddress source;
        iovec part{room.data(), room.size()};
        msghdr message{};
        message.msg_name = source.get();
        message.msg_namelen = source.size;
        message.msg_iov = &part;
        message.msg_iovlen = 1;
        message.msg_control = control.data();
        message.msg_controllen = control.size();
        const ssize_t got = ::recvmsg(fd, &message, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return;
        const Address from = source.address();
        const auto verdict = rate_.take(from, settings_.rate, reactor_.now());
        if (verdict == ResponseRate::Verdict::drop) {
            ++counts_.queries;
            ++counts_.limited;
            continue;
        }
        try {
            const bool slip = verdict == ResponseRate::Verdict::slip;
            const Response response =
                answer(Octets(room).first(static_cast<std::size_t>(got)), slip ? Carriage::cut : Carriage::udp);
            if (response.kind == Response::Kind::dropped)
                continue;
            if (slip)
                ++counts_.slipped;
            // From the address that was asked: the control data goes back as it came, but for the interface, which is
            // the routing's to choose.
            for (cmsghdr* one = CMSG_FIRSTHDR(&message); one != nullptr; one = CMSG_NXTHDR(&message, one)) {
                if (one->cmsg_level == IPPROTO_IP && one->cmsg_type == IP_PKTINFO) {
                    in_pktinfo info{};
                    std::memcpy(&info, CMSG_DATA(one), sizeof info);
                    info.ipi_ifindex = 0;
                    std::memcpy(CMSG_DATA(one), &info, sizeof info);
                }
            }
            part = {const_cast<std::byte*>(response.octets.data()), response.octets.size()};  // NOLINT: sendmsg reads
            if (message.msg_controllen == 0)
                message.msg_control = nullptr;
            if (::sendmsg(fd, &message, MSG_NOSIGNAL) < 0)
                ++counts_.dropped;
        } catch (const std::bad_alloc&) {
            ++counts_.dropped;
        }
    }
}

void NameResponder::accept(int fd) noexcept {
    for (int i = 0; i < kAtOnce; ++i) {
        SocketAddress source;
        const int peer = ::accept4(fd, source.get(), &source.size, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (peer < 0 && errno == EINTR)
            continue;
        if (peer < 0)
            return;
        ++counts_.connections;
        const std::uint64_t network = ResponseRate::networkOf(source.address());
        const auto same = std::count_if(connections_.begin(), connections_.end(),
                                        [&](const auto& one) { return one->network() == network; });
        if (static_cast<std::size_t>(same) >= kMaxOfNetwork) {
            ++counts_.shed;
            ::close(peer);
            continue;
        }
        if (connections_.size() >= kMaxConnections) {
            // Room: the one that has been idle longest.
            ++counts_.shed;
            connections_.erase(
                std::min_element(connections_.begin(), connections_.end(),
                                 [](const auto& a, const auto& b) { return a->active() < b->active(); }));
        }
        try {
            connections_.reserve(connections_.size() + 1);
            auto connection = std::make_unique<Connection>(*this, peer, network, reactor_.now());
            if (reactor_.watch(peer, EPOLLIN, *connection))
                connections_.push_back(std::move(connection));
        } catch (const std::bad_alloc&) {
            ::close(peer);
        }
    }
}

void NameResponder::drop(Connection& connection) noexcept {
    std::erase_if(connections_, [&](const auto& one) { return one.get() == &connection; });
}

void NameResponder::sweep() noexcept {
    const Monotonic now = reactor_.now();
    std::erase_if(connections_, [&](const auto& one) { return one->over(now); });
    timer_ = reactor_.after(std::chrono::seconds(1), [this] { sweep(); });
}

}  // namespace muster::publisher
