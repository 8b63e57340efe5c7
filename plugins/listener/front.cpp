#include "front.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace muster::listener {

namespace {

using std::chrono::milliseconds;

constexpr unsigned kAcceptBatch = 64;
constexpr milliseconds kLingerTime{2'000};  // for the peer to take the last word before the socket goes
constexpr milliseconds kAcceptPause{100};   // without a descriptor to spare
constexpr milliseconds kSweepLimit{1'000};
constexpr std::size_t kAnswerRoom = 512;

static_assert(kms::kCallHeaderSize + kms::kFaultSize + Outcome::kMaxBody + 20 <= kAnswerRoom);

Address addressOf(const sockaddr_storage& storage) noexcept {
    Address address;
    if (storage.ss_family == AF_INET) {
        sockaddr_in v4{};
        std::memcpy(&v4, &storage, sizeof v4);
        address.octets[10] = address.octets[11] = 0xFF;
        std::memcpy(address.octets.data() + 12, &v4.sin_addr, 4);
        address.port = ntohs(v4.sin_port);
    } else {
        sockaddr_in6 v6{};
        std::memcpy(&v6, &storage, sizeof v6);
        std::memcpy(address.octets.data(), &v6.sin6_addr, 16);
        address.port = ntohs(v6.sin6_port);
        address.scopeId = v6.sin6_scope_id;
    }
    return address;
}

bool somebodyWaits(int socket) noexcept {
    pollfd waiting{socket, POLLIN, 0};
    return poll(&waiting, 1, 0) > 0;
}

int openSpare() noexcept {
    return ::open("/dev/null", O_RDONLY | O_CLOEXEC);
}

}  // namespace

Shared::Shared(Host& host, std::size_t connections)
    : sources(connections),
      open(host.gauge("listener_connections", "Connections open now.")),
      accepted(host.counter("listener_accepted_total", "Connections accepted.")),
      requests(host.counter("listener_requests_total", "Activation requests received.")),
      evicted(host.counter("listener_evicted_total", "Idle connections closed to make room for new ones.")),
      notAllowed(host.counter("listener_not_allowed_total", "Connections closed because of their network.")),
      idleClosed(host.counter("listener_idle_total", "Connections closed because they sent nothing whole in time.")),
      aged(host.counter("listener_aged_total", "Associations closed because of their age.")),
      rateLimited(host.counter("listener_rate_limited_total", "Requests refused because their source sent too many.")),
      exhausted(host.counter("listener_exhausted_total", "Times that the system had no descriptor for a connection.")),
      stopped(host.counter("listener_unread_total", "Times that a peer did not take its answers and was not read.")) {
    for (std::size_t i = 1; i < rejects.size(); ++i)
        rejects[i] =
            &host.counter("listener_rejected_" + std::string(kms::name(static_cast<kms::Reject>(i))) + "_total",
                          "PDUs, calls or offers refused for this reason.");
}

Front::Front(Reactor& reactor, Dispatcher& dispatcher, Shared& shared, std::vector<Front*>& all)
    : reactor_(reactor),
      dispatcher_(dispatcher),
      shared_(shared),
      all_(all),
      scratch_(std::make_unique<std::array<std::byte, kScratch>>()),
      outputRoom_(std::make_unique<std::array<std::byte, kOutput>>()),
      output_(*outputRoom_) {
    static_assert(kms::ServerAssociation::kMaxOutput <= kOutput);
    spare_ = openSpare();
}

Front::~Front() {
    if (spare_ >= 0)
        ::close(spare_);
}

void Front::apply(std::shared_ptr<const Limits> limits) {
    limits_ = std::move(limits);
    if (sweepTimer_ != 0)
        reactor_.cancel(sweepTimer_);
    armSweep();
}

Result<void> Front::listen(int socket, std::uint16_t port, bool exclusive) {
    exclusive_ = exclusive;
    auto acceptor = std::make_unique<Acceptor>(*this, socket, port);
    if (!acceptingPaused_)
        if (auto watched = reactor_.watch(socket, EPOLLIN | (exclusive ? EPOLLEXCLUSIVE : 0U), *acceptor); !watched)
            return watched;
    acceptors_.push_back(std::move(acceptor));
    return {};
}

void Front::unlisten(int socket) noexcept {
    for (auto it = acceptors_.begin(); it != acceptors_.end(); ++it)
        if ((*it)->socket == socket) {
            if (!acceptingPaused_)
                reactor_.unwatch(socket);
            acceptors_.erase(it);
            return;
        }
}

void Front::stop() noexcept {
    stopped_ = true;
    dispatcher_.detach(reactor_, *this);
    while (!acceptors_.empty())
        unlisten(acceptors_.back()->socket);
    for (const Reactor::TimerId timer : {sweepTimer_, acceptTimer_})
        if (timer != 0)
            reactor_.cancel(timer);
    while (Connection* connection = byAge_.first())
        close(*connection);
}

// --- accepting

void Front::accept(Acceptor& acceptor) noexcept {
    for (unsigned i = 0; i < kAcceptBatch; ++i) {
        switch (acceptOne(acceptor)) {
            case Accepted::one:
                break;
            case Accepted::none:
                return;
            case Accepted::exhausted:
                ++shared_.exhausted;
                // The oldest idle connection gives its descriptor; only where there is none the new one goes.
                if (!evict(nullptr)) {
                    shed(acceptor);
                    return;
                }
                break;
        }
    }
}

Front::Accepted Front::acceptOne(Acceptor& acceptor) noexcept {
    sockaddr_storage storage{};
    socklen_t size = sizeof storage;
    const int fd = accept4(acceptor.socket, reinterpret_cast<sockaddr*>(&storage), &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
        welcome(fd, acceptor.port, addressOf(storage));
        return Accepted::one;
    }
    switch (errno) {
        case EMFILE:
        case ENFILE:
        case ENOBUFS:
        case ENOMEM:
            // The system says so before it looks whether anybody waits.
            return somebodyWaits(acceptor.socket) ? Accepted::exhausted : Accepted::none;
        case EAGAIN:
#if EAGAIN != EWOULDBLOCK
        case EWOULDBLOCK:
#endif
        case EBADF:
        case EINVAL:
        case ENOTSOCK:
            return Accepted::none;
        default:
            return Accepted::one;  // that one's own trouble: a reset before it was accepted and the like
    }
}

void Front::welcome(int fd, std::uint16_t port, const Address& source) noexcept {
    if (!limits_->allow.contain(source) && !dispatcher_.isOwn(reactor_, source)) {
        ++shared_.notAllowed;
        ::close(fd);
        return;
    }
    const bool counted = !source.isLoopback();
    makeRoom(source, counted && shared_.sources.enter(source) > limits_->connectionsPerSource);
    Connection* connection = places_.take();
    if (connection == nullptr) {
        if (counted)
            shared_.sources.leave(source);
        ::close(fd);
        return;
    }
    connection->front = this;
    connection->fd = fd;
    connection->state = Connection::State::open;
    connection->ended = connection->finished = false;
    connection->counted = counted;
    connection->watched = EPOLLIN;
    connection->source = source;
    connection->born = connection->active = reactor_.now();
    connection->association.emplace(shared_.rpc, port);
    idle_.append(*connection);
    byAge_.append(*connection);
    shared_.connections.fetch_add(1, std::memory_order_relaxed);
    shared_.open.add(1);
    ++shared_.accepted;
    if (!reactor_.watch(fd, EPOLLIN, *connection)) {
        close(*connection);
        return;
    }
    read(*connection);  // the bind is usually there already
}

void Front::makeRoom(const Address& source, bool tooManyOfSource) noexcept {
    if (tooManyOfSource)
        evict(&source);
    if (shared_.connections.load(std::memory_order_relaxed) >= limits_->connections)
        evict(nullptr);
}

bool Front::evictHere(const Address* source) noexcept {
    const Guid key = source != nullptr ? Sources::keyOf(*source) : Guid{};
    // Those with a call that waits come last: somebody is working for them.
    for (ConnectionList* list : {&lingering_, &idle_, &calling_})
        for (Connection* connection = list->first(); connection != nullptr; connection = list->after(*connection)) {
            if (connection == current_)
                continue;
            if (source != nullptr && (!connection->counted || Sources::keyOf(connection->source) != key))
                continue;
            ++shared_.evicted;
            close(*connection);
            return true;
        }
    return false;
}

bool Front::evict(const Address* source) noexcept {
    if (evictHere(source))
        return true;
    // On this reactor there is none: the next one closes one of its own.
    if (all_.size() > 1) {
        Front* next = all_[(reactor_.index() + 1) % all_.size()];
        next->reactor_.post(
            [weak = next->weak_from_this(), any = source == nullptr, from = source ? *source : Address{}] {
                if (const auto front = weak.lock(); front && !front->stopped_)
                    front->evictHere(any ? nullptr : &from);
            });
    }
    return false;
}

/// Without a descriptor nothing can be accepted, and a socket with somebody waiting stays ready: the spare one is given
/// up for the time that it takes to hang up on them.
void Front::shed(Acceptor& acceptor) noexcept {
    for (unsigned i = 0; i < kAcceptBatch; ++i) {
        if (spare_ < 0) {
            pauseAccepting();
            return;
        }
        ::close(spare_);
        spare_ = -1;
        const int fd = accept4(acceptor.socket, nullptr, nullptr, SOCK_CLOEXEC);
        if (fd >= 0)
            ::close(fd);
        spare_ = openSpare();
        if (fd < 0)
            return;
    }
}

void Front::pauseAccepting() noexcept {
    if (acceptingPaused_)
        return;
    acceptingPaused_ = true;
    for (const auto& acceptor : acceptors_)
        reactor_.unwatch(acceptor->socket);
    acceptTimer_ = reactor_.after(kAcceptPause, [this] {
        acceptTimer_ = 0;
        acceptingPaused_ = false;
        if (spare_ < 0)
            spare_ = openSpare();
        for (const auto& acceptor : acceptors_)
            if (!reactor_.watch(acceptor->socket, EPOLLIN | (exclusive_ ? EPOLLEXCLUSIVE : 0U), *acceptor)) {
                // Not even that much memory: another pause.
                for (const auto& other : acceptors_)
                    reactor_.unwatch(other->socket);
                pauseAccepting();
                return;
            }
    });
}

// --- one connection

void Front::ready(Connection& connection, std::uint32_t events) noexcept {
    if ((events & (EPOLLERR | EPOLLHUP)) != 0) {
        close(connection);
        return;
    }
    if ((events & EPOLLOUT) != 0) {
        if (!sendWaiting(connection)) {
            close(connection);
            return;
        }
        if (connection.output.empty())
            resume(connection);
        return;
    }
    if ((events & EPOLLIN) == 0)
        return;
    if (connection.state == Connection::State::lingering)
        drain(connection);
    else if (connection.state == Connection::State::calling || !connection.output.empty())
        watch(connection, connection.watched & ~std::uint32_t{EPOLLIN});  // what comes next waits in the kernel
    else
        read(connection);
}

void Front::read(Connection& connection) noexcept {
    const Octets kept = connection.input.octets();
    const std::span<std::byte> room = std::span(*scratch_).first(std::min(kept.size() + kReadSize, kScratch));
    std::copy(kept.begin(), kept.end(), room.begin());
    ssize_t got = 0;
    do
        got = recv(connection.fd, room.data() + kept.size(), room.size() - kept.size(), MSG_DONTWAIT);
    while (got < 0 && errno == EINTR);
    if (got < 0) {
        if (errno != EAGAIN && errno != EWOULDBLOCK)
            close(connection);
        return;
    }
    if (got == 0) {
        connection.ended = true;
        settle(connection);
        return;
    }
    connection.input.clear();
    if (process(connection, room.first(kept.size() + static_cast<std::size_t>(got)), false))
        settle(connection);
}

bool Front::process(Connection& connection, Octets input, bool own) noexcept {
    current_ = &connection;
    output_.rewind(0);
    bool alive = true;
    const std::size_t consumed = advance(connection, input, alive);
    current_ = nullptr;
    if (own)
        connection.input.consume(consumed);
    else if (consumed < input.size() && !connection.finished)
        alive = alive && connection.input.append(input.subspan(consumed));
    if (alive && send(connection, output_.written()))
        return true;
    close(connection);
    return false;
}

std::size_t Front::advance(Connection& connection, Octets input, bool& alive) noexcept {
    using Step = kms::ServerAssociation::Step;
    std::size_t at = 0;
    while (!connection.finished) {
        if (output_.left() < kms::ServerAssociation::kMaxOutput) {
            alive = send(connection, output_.written());
            output_.rewind(0);
            if (!alive || !connection.output.empty())
                break;
        }
        const auto progress = connection.association->advance(input.subspan(at), output_);
        at += progress.consumed;
        if (const kms::Reject reject = connection.association->rejected(); reject != kms::Reject::none)
            ++*shared_.rejects[static_cast<std::size_t>(reject)];
        if (progress.step == Step::starved)
            break;
        connection.active = reactor_.now();
        if (progress.step == Step::finished)
            connection.finished = true;
        if (progress.step == Step::call) {
            submit(connection);
            if (connection.state == Connection::State::calling)
                break;
        }
    }
    return at;
}

void Front::submit(Connection& connection) noexcept {
    ++shared_.requests;
    if (limits_->ratePerSource != 0 && !connection.source.isLoopback() &&
        !shared_.sources.takeRequest(connection.source, limits_->ratePerSource, reactor_.now())) {
        ++shared_.rateLimited;
        connection.association->respond(Outcome::fault(RpcStatus::serverTooBusy), output_);
        return;
    }
    move(connection, Connection::State::calling);
    dispatcher_.submit(reactor_, *this, connection.token(), connection.source, connection.association->call());
}

void Front::respond(std::uint64_t token, const Outcome& outcome) noexcept {
    Connection* connection = places_.find(token);
    if (connection == nullptr || connection->state != Connection::State::calling)
        return;
    connection->active = reactor_.now();
    if (connection == current_) {  // answered before submit() returned: process() goes on
        connection->finished = !connection->association->respond(outcome, output_) || connection->finished;
        move(*connection, Connection::State::open);
        return;
    }
    std::array<std::byte, kAnswerRoom> room;  // NOLINT(cppcoreguidelines-pro-type-member-init): the writer fills it
    kms::Writer answer(room);
    connection->finished = !connection->association->respond(outcome, answer) || connection->finished;
    move(*connection, Connection::State::open);
    if (!send(*connection, answer.written())) {
        close(*connection);
        return;
    }
    if (current_ == nullptr || connection->input.empty()) {
        resume(*connection);
        return;
    }
    // Another connection's input is being looked at: this one's waits until that is done.
    reactor_.post([weak = weak_from_this(), token] {
        const auto self = weak.lock();
        if (!self || self->stopped_)
            return;
        if (Connection* waiting = self->places_.find(token); waiting != nullptr)
            self->resume(*waiting);
    });
}

void Front::resume(Connection& connection) noexcept {
    while (connection.state == Connection::State::open && connection.output.empty() && !connection.input.empty() &&
           !connection.finished) {
        const std::size_t before = connection.input.size();
        if (!process(connection, connection.input.octets(), true))
            return;
        if (connection.input.size() == before)
            break;
    }
    settle(connection);
}

bool Front::send(Connection& connection, Octets octets) noexcept {
    if (octets.empty())
        return true;
    if (!connection.output.empty())
        return connection.output.append(octets);
    ssize_t sent = 0;
    do
        sent = ::send(connection.fd, octets.data(), octets.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    while (sent < 0 && errno == EINTR);
    if (sent < 0) {
        if (errno != EAGAIN && errno != EWOULDBLOCK)
            return false;
        sent = 0;
    }
    const Octets rest = octets.subspan(static_cast<std::size_t>(sent));
    if (rest.empty())
        return true;
    ++shared_.stopped;
    return connection.output.append(rest);
}

bool Front::sendWaiting(Connection& connection) noexcept {
    const Octets waiting = connection.output.octets();
    ssize_t sent = 0;
    do
        sent = ::send(connection.fd, waiting.data(), waiting.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    while (sent < 0 && errno == EINTR);
    if (sent < 0)
        return errno == EAGAIN || errno == EWOULDBLOCK;
    connection.output.consume(static_cast<std::size_t>(sent));
    connection.active = reactor_.now();
    move(connection, connection.state);
    return true;
}

void Front::settle(Connection& connection) noexcept {
    if (connection.state == Connection::State::calling) {
        if (connection.ended)
            watch(connection, 0);
        return;
    }
    if (connection.active == reactor_.now())
        move(connection, connection.state);  // to the end of its list, which stays in the order of activity
    if (!connection.output.empty())
        watch(connection, EPOLLOUT);
    else if (connection.finished)
        linger(connection);
    else if (connection.ended)
        close(connection);
    else
        watch(connection, EPOLLIN);
}

/// The last word is out. The peer closes when it has read it; to close before would throw it away where octets of the
/// peer's are still unread (RFC 1122 4.2.2.13).
void Front::linger(Connection& connection) noexcept {
    if (connection.ended || shutdown(connection.fd, SHUT_WR) != 0) {
        close(connection);
        return;
    }
    connection.association.reset();
    connection.input.clear();
    connection.active = reactor_.now();
    move(connection, Connection::State::lingering);
    watch(connection, EPOLLIN);
}

void Front::drain(Connection& connection) noexcept {
    const ssize_t got = recv(connection.fd, scratch_->data(), scratch_->size(), MSG_DONTWAIT);
    if (got == 0 || (got < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR))
        close(connection);
}

void Front::watch(Connection& connection, std::uint32_t events) noexcept {
    if (connection.watched == events)
        return;
    connection.watched = events;
    reactor_.rewatch(connection.fd, events);
}

ConnectionList& Front::listOf(Connection::State state) noexcept {
    return state == Connection::State::calling ? calling_ : state == Connection::State::lingering ? lingering_ : idle_;
}

void Front::move(Connection& connection, Connection::State state) noexcept {
    listOf(connection.state).remove(connection);
    connection.state = state;
    listOf(state).append(connection);
}

void Front::close(Connection& connection) noexcept {
    reactor_.unwatch(connection.fd);
    ::close(connection.fd);
    connection.fd = -1;
    listOf(connection.state).remove(connection);
    byAge_.remove(connection);
    if (connection.counted)
        shared_.sources.leave(connection.source);
    shared_.connections.fetch_sub(1, std::memory_order_relaxed);
    shared_.open.add(-1);
    places_.giveBack(connection);
}

// --- time

void Front::armSweep() noexcept {
    const milliseconds each = std::clamp(limits_->idle / 8, milliseconds(5), kSweepLimit);
    sweepTimer_ = reactor_.after(each, [this] { sweep(); });
}

void Front::sweep() noexcept {
    const Monotonic now = reactor_.now();
    while (Connection* connection = idle_.first()) {
        if (now - connection->active < limits_->idle)
            break;
        ++shared_.idleClosed;
        close(*connection);
    }
    while (Connection* connection = lingering_.first()) {
        if (now - connection->active < kLingerTime)
            break;
        close(*connection);
    }
    for (Connection* connection = byAge_.first(); connection != nullptr && limits_->total.count() != 0;) {
        Connection* next = byAge_.after(*connection);
        if (now - connection->born < limits_->total)
            break;
        if (connection->state != Connection::State::calling) {
            ++shared_.aged;
            close(*connection);
        } else if (!connection->finished) {
            ++shared_.aged;
            connection->finished = true;  // once its answer is out
        }
        connection = next;
    }
    armSweep();
}

}  // namespace muster::listener
