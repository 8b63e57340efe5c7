#include "dns/exchange.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <netinet/in.h>
#include <optional>
#include <poll.h>
#include <span>
#include <sys/random.h>
#include <sys/socket.h>
#include <system_error>
#include <unistd.h>

namespace muster::dns {

namespace {

constexpr std::uint16_t kDnsPort = 53;
constexpr std::chrono::milliseconds kGlance{100};  // how often `stopped` is asked
constexpr std::size_t kHeader = 12;
constexpr std::size_t kMaxMessage = 65535;
constexpr std::size_t kMaxDatagram = 512;  // without EDNS (RFC 1035 4.2.1)
constexpr unsigned kMaxStrangers = 256;    // datagrams that are no answer to the question, before it counts as broken

class Socket {
public:
    explicit Socket(int fd) noexcept : fd_(fd) {}
    ~Socket() {
        if (fd_ >= 0)
            ::close(fd_);
    }
    Socket(const Socket&) = delete;
    Socket& operator=(const Socket&) = delete;
    int fd() const noexcept { return fd_; }

private:
    int fd_;
};

struct SocketAddress {
    sockaddr_storage storage{};
    socklen_t size = 0;
    const sockaddr* get() const noexcept { return reinterpret_cast<const sockaddr*>(&storage); }
};

SocketAddress socketAddress(const Address& server) {
    SocketAddress to;
    const std::uint16_t port = htons(server.port == 0 ? kDnsPort : server.port);
    if (server.isV4()) {
        sockaddr_in v4{};
        v4.sin_family = AF_INET;
        v4.sin_port = port;
        std::memcpy(&v4.sin_addr, server.octets.data() + 12, 4);
        std::memcpy(&to.storage, &v4, sizeof v4);
        to.size = sizeof v4;
    } else {
        sockaddr_in6 v6{};
        v6.sin6_family = AF_INET6;
        v6.sin6_port = port;
        v6.sin6_scope_id = server.scopeId;
        std::memcpy(&v6.sin6_addr, server.octets.data(), 16);
        std::memcpy(&to.storage, &v6, sizeof v6);
        to.size = sizeof v6;
    }
    return to;
}

Transaction unreachable(int error) {
    return {Ending::unreachable, std::generic_category().message(error), {}};
}

/// TC (RFC 1035 4.1.1).
bool wasCut(Octets message) noexcept {
    return message.size() >= kHeader && (std::to_integer<unsigned>(message[2]) & 0x02U) != 0;
}

/// Waits for `events`. @return answered: there they are; timedOut, stopped
Ending await(int fd, short events, Monotonic until, const Stopped& stopped) {
    for (;;) {
        if (stopped())
            return Ending::stopped;
        const auto now = std::chrono::steady_clock::now();
        if (now >= until)
            return Ending::timedOut;
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - now);
        pollfd watched{fd, events, 0};
        if (::poll(&watched, 1, static_cast<int>(std::min(left, kGlance).count())) > 0)
            return Ending::answered;
    }
}

/// One message's way to one server and back.
class Exchange {
public:
    using Accept = std::function<bool(Octets)>;

    Exchange(const Address& server, Monotonic until, const Stopped& stopped)
        : to_(socketAddress(server)), until_(until), stopped_(stopped) {}

    Transaction byUdp(Octets message, Monotonic until, const Accept& accept) const {
        until = std::min(until, until_);
        // Connected: the kernel passes on what comes from that server's port alone, and says when nobody is there.
        const Socket socket(::socket(to_.storage.ss_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        if (socket.fd() < 0 || ::connect(socket.fd(), to_.get(), to_.size) != 0 ||
            ::send(socket.fd(), message.data(), message.size(), MSG_NOSIGNAL) < 0)
            return unreachable(errno);
        std::vector<std::byte> buffer(kMaxMessage);
        for (unsigned strangers = 0; strangers < kMaxStrangers;) {
            if (const Ending ending = await(socket.fd(), POLLIN, until, stopped_); ending != Ending::answered)
                return {ending, {}, {}};
            const ssize_t got = ::recv(socket.fd(), buffer.data(), buffer.size(), 0);
            if (got < 0 && (errno == EINTR || errno == EAGAIN))
                continue;
            if (got < 0)
                return unreachable(errno);
            const Octets datagram = Octets(buffer).first(static_cast<std::size_t>(got));
            if (accept(datagram))
                return {Ending::answered, {}, {datagram.begin(), datagram.end()}};
            ++strangers;
        }
        return {Ending::broken, "it sends answers to questions that were not asked", {}};
    }

    Transaction byTcp(Octets message, const Accept& accept) const {
        const Socket socket(::socket(to_.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        if (socket.fd() < 0)
            return unreachable(errno);
        if (::connect(socket.fd(), to_.get(), to_.size) != 0) {
            if (errno != EINPROGRESS)
                return unreachable(errno);
            if (const Ending ending = await(socket.fd(), POLLOUT, until_, stopped_); ending != Ending::answered)
                return {ending, "TCP connection", {}};
            int error = 0;
            socklen_t size = sizeof error;
            if (::getsockopt(socket.fd(), SOL_SOCKET, SO_ERROR, &error, &size) != 0 || error != 0)
                return unreachable(error);
        }
        std::vector<std::byte> framed{static_cast<std::byte>(message.size() >> 8U),
                                      static_cast<std::byte>(message.size() & 0xFFU)};
        framed.insert(framed.end(), message.begin(), message.end());
        if (Transaction sent = move(socket.fd(), framed, POLLOUT); sent.ending != Ending::answered)
            return sent;
        std::vector<std::byte> length(2);
        if (Transaction got = move(socket.fd(), length, POLLIN); got.ending != Ending::answered)
            return got;
        std::vector<std::byte> body(std::to_integer<std::size_t>(length[0]) << 8U |
                                    std::to_integer<std::size_t>(length[1]));
        if (Transaction got = move(socket.fd(), body, POLLIN); got.ending != Ending::answered)
            return got;
        if (!accept(body))
            return {Ending::broken, "what it sends by TCP is no answer to what it was sent", {}};
        if (wasCut(body))
            return {Ending::broken, "it says by TCP as well that its answer is too long", {}};
        return {Ending::answered, {}, std::move(body)};
    }

private:
    /// All of `octets`, to the socket or from it.
    Transaction move(int fd, std::span<std::byte> octets, short direction) const {
        while (!octets.empty()) {
            const ssize_t moved = direction == POLLOUT ? ::send(fd, octets.data(), octets.size(), MSG_NOSIGNAL)
                                                       : ::recv(fd, octets.data(), octets.size(), 0);
            if (moved > 0) {
                octets = octets.subspan(static_cast<std::size_t>(moved));
                continue;
            }
            if (moved == 0)
                return {Ending::broken, "it closed the TCP connection before its answer was whole", {}};
            if (errno != EAGAIN && errno != EINTR)
                return unreachable(errno);
            if (const Ending ending = await(fd, direction, until_, stopped_); ending != Ending::answered)
                return {ending, {}, {}};
        }
        return {Ending::answered, {}, {}};
    }

    SocketAddress to_;
    Monotonic until_;
    const Stopped& stopped_;
};

/// A question with an id of its own each time it is sent, and the answer to it read as it comes in.
class Asker {
public:
    Asker(const Address& server, Question question, Monotonic until, const Stopped& stopped)
        : exchange_(server, until, stopped), question_(std::move(question)) {}

    Reply byUdp(bool edns, std::chrono::milliseconds attempt) {
        return send(edns, [&](Octets message) {
            return exchange_.byUdp(message, std::chrono::steady_clock::now() + attempt,
                                   [this](Octets octets) { return take(octets); });
        });
    }

    Reply byTcp() {
        return send(true, [&](Octets message) {
            return exchange_.byTcp(message, [this](Octets octets) { return take(octets); });
        });
    }

private:
    template <class Send>
    Reply send(bool edns, const Send& send) {
        question_.id = randomId();
        answer_.reset();
        const auto message = encodeQuestion(question_, edns);
        if (!message)
            return {Ending::broken, message.error().text(), {}};
        Transaction done = send(*message);
        if (done.ending != Ending::answered)
            return {done.ending, std::move(done.words), {}};
        if (!*answer_)
            return {Ending::broken, answer_->error().detail, {}};
        return {Ending::answered, {}, std::move(**answer_)};
    }

    bool take(Octets octets) {
        answer_ = readAnswer(octets, question_);
        return *answer_ || answer_->error().code != Code::conflict;
    }

    Exchange exchange_;
    Question question_;
    std::optional<Result<Answer>> answer_;
};

}  // namespace

std::uint16_t randomId() {
    std::uint16_t id = 0;
    while (::getrandom(&id, sizeof id, 0) != static_cast<ssize_t>(sizeof id)) {
    }
    return id;
}

Reply ask(const Address& server, const std::string& name, Type type, std::chrono::milliseconds attempt, Monotonic until,
          const Stopped& stopped, bool recursion) {
    Asker asker(server, {name, type, 0, recursion}, until, stopped);
    Reply reply = asker.byUdp(true, attempt);
    if (reply.ending == Ending::answered &&
        (reply.answer.rcode == Rcode::formatError || reply.answer.rcode == Rcode::notImplemented ||
         reply.answer.rcode == Rcode::badVersion))
        reply = asker.byUdp(false, attempt);
    if (reply.ending == Ending::answered && reply.answer.truncated)
        reply = asker.byTcp();
    return reply;
}

Transaction transact(const Address& server, Octets message, std::chrono::milliseconds attempt, Monotonic until,
                     const Stopped& stopped, const std::function<bool(Octets)>& accept, Carrier carrier) {
    if (message.size() < kHeader || message.size() > kMaxMessage)
        return {Ending::broken, "a message of " + std::to_string(message.size()) + " octets cannot be sent", {}};
    const Exchange exchange(server, until, stopped);
    if (carrier == Carrier::udpFirst && message.size() <= kMaxDatagram) {
        Transaction done = exchange.byUdp(message, std::chrono::steady_clock::now() + attempt, accept);
        if (done.ending != Ending::answered || !wasCut(done.answer))
            return done;
    }
    return exchange.byTcp(message, accept);
}

}  // namespace muster::dns
