/// Connections of one reactor: their places, and the orders in which they are closed. Nothing is allocated per
/// connection.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "muster/reactor.h"
#include "muster/types.h"

#include "kms/rpc_server.h"

namespace muster::listener {

class Front;
struct Connection;

/// A doubly linked list through its members. Kind tells which of a connection's two links it is threaded on.
struct Link {
    Connection* previous = nullptr;
    Connection* next = nullptr;
};

/// Octets that wait: for the rest of their PDU, or for a peer that does not read. Empty, it holds no memory.
class Waiting {
public:
    bool empty() const noexcept { return size_ == 0; }
    std::size_t size() const noexcept { return size_; }
    Octets octets() const noexcept { return {octets_.get() + begin_, size_}; }
    /// False: no memory.
    bool append(Octets more) noexcept;
    /// Forgets the first `size` octets.
    void consume(std::size_t size) noexcept;
    void clear() noexcept;

private:
    std::unique_ptr<std::byte[]> octets_;
    std::uint32_t begin_ = 0;
    std::uint32_t size_ = 0;
    std::uint32_t capacity_ = 0;
};

struct Connection final : Watcher {
    enum class State : std::uint8_t {
        free,
        open,       ///< reading, or waiting for the peer to take what was sent
        calling,    ///< a call is with the dispatcher
        lingering,  ///< all is said: waiting for the peer to close
    };

    void ready(std::uint32_t events) noexcept override;

    Front* front = nullptr;
    int fd = -1;
    std::uint32_t index = 0;
    std::uint32_t generation = 0;  ///< makes tokens of earlier holders of this place unknown
    State state = State::free;
    bool ended = false;     ///< the peer sends no more
    bool finished = false;  ///< closes when everything is sent
    bool counted = false;   ///< in the table of sources
    std::uint32_t watched = 0;
    Address source;
    Monotonic born{};
    Monotonic active{};  ///< when the last whole PDU came, or the last answer went
    Link byState;        ///< idle, calling or lingering: by activity
    Link byAge;          ///< also of free places: the next one
    std::optional<kms::ServerAssociation> association;
    Waiting input;
    Waiting output;

    std::uint64_t token() const noexcept { return std::uint64_t{generation} << 32U | index; }
};

class ConnectionList {
public:
    explicit ConnectionList(Link Connection::*link) noexcept : link_(link) {}

    Connection* first() const noexcept { return first_; }
    Connection* after(const Connection& connection) const noexcept { return (connection.*link_).next; }
    std::size_t size() const noexcept { return size_; }
    void append(Connection& connection) noexcept;
    void remove(Connection& connection) noexcept;

private:
    Link Connection::*link_;
    Connection* first_ = nullptr;
    Connection* last_ = nullptr;
    std::size_t size_ = 0;
};

/// Places in chunks that stay where they are; a place is used again.
class ConnectionPlaces {
public:
    /// nullptr: no memory for another chunk.
    Connection* take() noexcept;
    void giveBack(Connection& connection) noexcept;
    /// nullptr: that connection is gone.
    Connection* find(std::uint64_t token) const noexcept;

private:
    static constexpr std::size_t kChunk = 64;
    struct Chunk {
        std::array<Connection, kChunk> places;
    };

    std::vector<std::unique_ptr<Chunk>> chunks_;
    Connection* free_ = nullptr;
};

}  // namespace muster::listener
