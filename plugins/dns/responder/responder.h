/// The optional name server for `_vlmcs._tcp.<domain>`: UDP and TCP on one reactor. No recursion, no transfers, no
/// updates; everything bounded.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "muster/reactor.h"
#include "muster/result.h"
#include "muster/types.h"

#include "answer.h"
#include "rate.h"

namespace muster::publisher {

struct ResponderSettings {
    std::vector<ResponderZone> zones;
    std::uint32_t rate = 20;  ///< answers per second and network, by UDP; 0: no limit
};

/// Since the start. @thread any
struct ResponderCounts {
    std::atomic<std::uint64_t> queries{0};  ///< all that came
    std::atomic<std::uint64_t> answered{0};
    std::atomic<std::uint64_t> refused{0};
    std::atomic<std::uint64_t> malformed{0};
    std::atomic<std::uint64_t> dropped{0};  ///< no query, or the socket took no answer
    std::atomic<std::uint64_t> limited{0};  ///< over the rate: not answered
    std::atomic<std::uint64_t> slipped{0};  ///< over the rate: told to use TCP
    std::atomic<std::uint64_t> connections{0};
    std::atomic<std::uint64_t> shed{0};  ///< connections closed to make room, or of a network that has too many
};

/// @thread the reactor's, but for open() and counts()
class NameResponder {
public:
    static constexpr std::size_t kMaxConnections = 64;
    static constexpr std::size_t kMaxOfNetwork = 8;                     ///< connections of one network at a time
    static constexpr std::size_t kMaxOfConnection = 100;                ///< queries; then it is closed
    static constexpr std::size_t kMaxWaiting = std::size_t{16} * 1024;  ///< octets of answers that a peer does not take
    static constexpr std::chrono::seconds kIdle{10};
    static constexpr std::chrono::seconds kLifetime{60};

    struct Sockets {
        int udp = -1;
        int tcp = -1;
    };
    /// Both on one address. Ports below 1024 need CAP_NET_BIND_SERVICE: open them before privileges are given up.
    /// @param address  port 0: one that is free for both
    /// @error duplicate  somebody else has the address; denied: no right to the port; internal: the system's words
    /// @thread any
    static Result<Sockets> open(const Address& address);

    explicit NameResponder(Reactor& reactor);
    ~NameResponder();
    NameResponder(const NameResponder&) = delete;
    NameResponder& operator=(const NameResponder&) = delete;

    void apply(ResponderSettings settings);
    /// Takes the sockets over, and closes them in the end.
    Result<void> listen(Sockets sockets);
    /// Closes everything.
    void stop() noexcept;

    const ResponderCounts& counts() const noexcept { return counts_; }
    std::size_t connections() const noexcept { return connections_.size(); }

private:
    class Datagrams;
    class Acceptor;
    class Connection;

    Response answer(Octets query, Carriage carriage);
    void datagram(int fd) noexcept;
    void accept(int fd) noexcept;
    void drop(Connection& connection) noexcept;
    void sweep() noexcept;

    Reactor& reactor_;
    ResponderSettings settings_;
    ResponseRate rate_;
    ResponderCounts counts_;
    std::vector<std::unique_ptr<Datagrams>> datagrams_;
    std::vector<std::unique_ptr<Acceptor>> acceptors_;
    std::vector<std::unique_ptr<Connection>> connections_;  ///< oldest first
    Reactor::TimerId timer_ = 0;
};

}  // namespace muster::publisher
