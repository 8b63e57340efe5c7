/// The listener on one reactor: accepts, moves octets between sockets and associations, closes in time.
/// All but the constructor and what is marked runs on that reactor's thread.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "muster/plugin.h"
#include "muster/sources.h"

#include "connections.h"
#include "kms/rpc_server.h"
#include "settings.h"

namespace muster::listener {

/// What all fronts share. @thread any
struct Shared {
    explicit Shared(Host& host, std::size_t connections);

    kms::RpcServer rpc;
    Sources sources;
    std::atomic<std::size_t> connections{0};
    Gauge& open;
    Counter& accepted;
    Counter& requests;
    Counter& evicted;
    Counter& notAllowed;
    Counter& idleClosed;
    Counter& aged;
    Counter& rateLimited;
    Counter& exhausted;
    Counter& stopped;  ///< reading stopped because a peer does not take its answers
    std::array<Counter*, kms::kRejects> rejects{};
};

class Front final : public Responder, public std::enable_shared_from_this<Front> {
public:
    Front(Reactor& reactor, Dispatcher& dispatcher, Shared& shared, std::vector<Front*>& all);
    ~Front();
    Front(const Front&) = delete;
    Front& operator=(const Front&) = delete;

    void apply(std::shared_ptr<const Limits> limits);
    /// Accepts from `socket`, which stays its owner's. @param port  what bind_ack names
    Result<void> listen(int socket, std::uint16_t port, bool exclusive);
    void unlisten(int socket) noexcept;
    /// Closes everything; no outcome comes afterwards.
    void stop() noexcept;

    void ready(Connection& connection, std::uint32_t events) noexcept;
    void respond(std::uint64_t token, const Outcome& outcome) noexcept override;

    std::size_t connections() const noexcept { return byAge_.size(); }

private:
    struct Acceptor final : Watcher {
        Acceptor(Front& owner, int fd, std::uint16_t boundPort) : front(owner), socket(fd), port(boundPort) {}
        void ready(std::uint32_t) noexcept override { front.accept(*this); }
        Front& front;
        int socket;
        std::uint16_t port;
    };
    enum class Accepted : std::uint8_t { one, none, exhausted };

    void accept(Acceptor& acceptor) noexcept;
    Accepted acceptOne(Acceptor& acceptor) noexcept;
    void welcome(int fd, std::uint16_t port, const Address& source) noexcept;
    void shed(Acceptor& acceptor) noexcept;
    void pauseAccepting() noexcept;
    /// Makes room: closes the connection that has been idle longest, of `source` if given.
    bool evict(const Address* source) noexcept;
    bool evictHere(const Address* source) noexcept;
    void makeRoom(const Address& source, bool tooManyOfSource) noexcept;

    void read(Connection& connection) noexcept;
    /// Looks at the input until it ends, a call waits, or the peer does not take its answers; sends what came of it.
    /// @param own  `input` is connection.input's; else what is left of it is kept there
    /// @return     false: the connection is closed
    bool process(Connection& connection, Octets input, bool own) noexcept;
    std::size_t advance(Connection& connection, Octets input, bool& alive) noexcept;
    void submit(Connection& connection) noexcept;
    /// What waited for an answer or for the peer goes on.
    void resume(Connection& connection) noexcept;
    /// False: the peer is gone; close.
    bool send(Connection& connection, Octets octets) noexcept;
    bool sendWaiting(Connection& connection) noexcept;
    /// Watches what is to be watched now, or closes.
    void settle(Connection& connection) noexcept;
    void linger(Connection& connection) noexcept;
    void watch(Connection& connection, std::uint32_t events) noexcept;
    void move(Connection& connection, Connection::State state) noexcept;
    ConnectionList& listOf(Connection::State state) noexcept;
    void drain(Connection& connection) noexcept;
    void close(Connection& connection) noexcept;
    void sweep() noexcept;
    void armSweep() noexcept;

    static constexpr std::size_t kReadSize = std::size_t{16} * 1024;
    static constexpr std::size_t kScratch = kms::ServerAssociation::kMaxNegotiation + 2 * kReadSize;
    static constexpr std::size_t kOutput = std::size_t{16} * 1024;

    Reactor& reactor_;
    Dispatcher& dispatcher_;
    Shared& shared_;
    std::vector<Front*>& all_;
    std::shared_ptr<const Limits> limits_;
    std::vector<std::unique_ptr<Acceptor>> acceptors_;
    ConnectionPlaces places_;
    ConnectionList idle_{&Connection::byState};
    ConnectionList calling_{&Connection::byState};
    ConnectionList lingering_{&Connection::byState};
    ConnectionList byAge_{&Connection::byAge};
    Connection* current_ = nullptr;  ///< whose input is being looked at
    int spare_ = -1;                 ///< a descriptor to give up when there are no more
    bool exclusive_ = false;
    bool acceptingPaused_ = false;
    bool stopped_ = false;
    Reactor::TimerId sweepTimer_ = 0;
    Reactor::TimerId acceptTimer_ = 0;
    std::unique_ptr<std::array<std::byte, kScratch>> scratch_;
    std::unique_ptr<std::array<std::byte, kOutput>> outputRoom_;
    kms::Writer output_;
};

}  // namespace muster::listener
