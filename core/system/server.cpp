#include "system/server.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <poll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <system_error>
#include <unistd.h>
#include <vector>

namespace muster::system {

namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

constexpr int kBacklog = 16;
constexpr std::size_t kMaxConnections = 16;  // more than musterd has threads that ask
constexpr milliseconds kIdle = 60s;
constexpr milliseconds kLongest = 1h;  // between two looks at the clock

std::string words(int error) {
    return std::system_category().message(error);
}

struct Connection {
    int fd;
    milliseconds until;  ///< on the box's clock
};

class Server {
public:
    Server(int listening, int signals, uid_t peer, Box& box, const Log& log)
        : listening_(listening), signals_(signals), peer_(peer), box_(box), log_(log) {}
    ~Server() {
        for (const Connection& one : connections_)
            ::close(one.fd);
    }
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    Result<void> run();

private:
    int patience() const;
    void accept();
    bool converse(int fd);

    const int listening_;
    const int signals_;
    const uid_t peer_;
    Box& box_;
    const Log& log_;
    std::vector<Connection> connections_;
};

/// Milliseconds until something is due.
int Server::patience() const {
    milliseconds until = box_.now() + kLongest;
    if (const auto due = box_.due())
        until = std::min(until, *due);
    for (const Connection& one : connections_)
        until = std::min(until, one.until);
    return static_cast<int>(std::clamp(until - box_.now(), milliseconds(0), kLongest).count());
}

void Server::accept() {
    const int fd = ::accept4(listening_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0)
        return;
    ucred who{};
    socklen_t size = sizeof who;
    if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size) != 0 || who.uid != peer_) {
        log_(true, "refused a connection of user " + std::to_string(who.uid) + ", process " + std::to_string(who.pid));
        ::close(fd);
        return;
    }
    if (connections_.size() == kMaxConnections) {
        ::close(connections_.front().fd);  // the one that has waited longest
        connections_.erase(connections_.begin());
    }
    connections_.push_back({fd, box_.now() + kIdle});
}

/// @return  false: this connection is over
bool Server::converse(int fd) {
    std::vector<std::byte> packet(kMaxPacket + 1);
    const ssize_t size = ::recv(fd, packet.data(), packet.size(), MSG_DONTWAIT);
    if (size < 0 && (errno == EAGAIN || errno == EINTR))
        return true;
    if (size <= 0)
        return false;
    auto request = static_cast<std::size_t>(size) > kMaxPacket
                       ? fail(Code::malformed, "request", "longer than " + std::to_string(kMaxPacket) + " octets")
                       : decodeRequest(Octets(packet).first(static_cast<std::size_t>(size)));
    const std::uint32_t number = request ? request->first : 0;
    const Verb verb = request ? request->second.verb : Verb::hello;
    const Result<Answer> answer = request ? box_.answer(request->second) : fail(request.error());
    if (!answer)
        log_(!request, (request ? std::string(name(verb)) + ": " : std::string("refused: ")) + answer.error().text());
    auto octets = encodeAnswer(number, verb, answer);
    if (!octets)
        octets = encodeAnswer(number, verb, fail(octets.error()));
    return octets && ::send(fd, octets->data(), octets->size(), MSG_NOSIGNAL | MSG_DONTWAIT) >= 0;
}

Result<void> Server::run() {
    for (;;) {
        std::vector<pollfd> waits{{signals_, POLLIN, 0}, {listening_, POLLIN, 0}, {box_.updater().output(), POLLIN, 0}};
        for (const Connection& one : connections_)
            waits.push_back({one.fd, POLLIN, 0});
        if (::poll(waits.data(), waits.size(), patience()) < 0 && errno != EINTR)
            return fail(Code::internal, "musterd-system", "poll: " + words(errno));
        if (waits[0].revents != 0)
            return {};
        box_.tick();
        if (waits[2].fd >= 0 && waits[2].revents != 0)
            box_.updater().readable();
        std::vector<Connection> kept;
        for (std::size_t i = 0; i < connections_.size(); ++i) {
            Connection one = connections_[i];
            const bool asked = waits[3 + i].revents != 0;
            if (asked ? converse(one.fd) : one.until > box_.now()) {
                if (asked)
                    one.until = box_.now() + kIdle;
                kept.push_back(one);
            } else {
                ::close(one.fd);
            }
        }
        connections_ = std::move(kept);
        if ((waits[1].revents & POLLIN) != 0)
            accept();
        else if (waits[1].revents != 0)
            return fail(Code::internal, "musterd-system", "the listening socket is gone");
    }
}

}  // namespace

Result<int> listenAt(const std::string& path, uid_t owner) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.empty() || path.size() >= sizeof address.sun_path)
        return fail(Code::malformed, "--socket " + path,
                    "1 to " + std::to_string(sizeof address.sun_path - 1) + " octets are allowed; choose another path");
    std::memcpy(address.sun_path, path.data(), path.size());
    struct stat entry {};
    if (::lstat(path.c_str(), &entry) == 0 && S_ISSOCK(entry.st_mode))
        ::unlink(path.c_str());
    const int fd = ::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    const auto refused = [&](const char* step) {
        const int error = errno;
        if (fd >= 0)
            ::close(fd);
        return fail(Code::storage, path, std::string(step) + ": " + words(error));
    };
    if (fd < 0)
        return refused("socket");
    // Nobody can connect before listen(), so the mode that bind() gave it does not matter.
    if (::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        return refused("bind");
    if (::chmod(path.c_str(), 0600) != 0)
        return refused("chmod");
    if (owner != ::geteuid() && ::chown(path.c_str(), owner, static_cast<gid_t>(-1)) != 0)
        return refused("chown");
    if (::listen(fd, kBacklog) != 0)
        return refused("listen");
    return fd;
}

Result<void> checkListening(int fd) {
    int type = 0;
    int domain = 0;
    int listening = 0;
    socklen_t size = sizeof type;
    const bool known = ::getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 &&
                       ::getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 &&
                       ::getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) == 0;
    if (!known || type != SOCK_SEQPACKET || domain != AF_UNIX || listening == 0)
        return fail(Code::malformed, "socket of systemd",
                    "it is no listening SOCK_SEQPACKET socket; use ListenSequentialPacket= in the unit");
    return {};
}

Result<void> serve(int listening, uid_t peer, Box& box, const Log& log) {
    sigset_t wanted;
    ::sigemptyset(&wanted);
    ::sigaddset(&wanted, SIGTERM);
    ::sigaddset(&wanted, SIGINT);
    const int signals = ::signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK);
    if (signals < 0)
        return fail(Code::internal, "musterd-system", "signalfd: " + words(errno));
    auto result = Server(listening, signals, peer, box, log).run();
    ::close(signals);
    return result;
}

}  // namespace muster::system
