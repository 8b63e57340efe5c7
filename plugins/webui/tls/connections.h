/// Who is connected: how many in all and from each address, and who gives way when there are too many.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>

#include "muster/types.h"

namespace muster::tls {

struct Bounds {
    std::size_t connections = 512;
    std::size_t perAddress = 128;
    /// Connections that the server can serve at once, each on a thread of its own; beyond it those at rest give way,
    /// lest they keep others waiting. 0: no such rule.
    std::size_t threads = 0;
};

/// A browser that means it has said something by then.
inline constexpr std::chrono::seconds kFirstOctet{1};

/// All connections of one page, over all its listening sockets.
///
/// A connection is idle until its first octet and between two requests. When a bound is reached, the oldest idle one is
/// ended: of the same address for the bound of an address; for the bound of all, of the address that has most. Ended
/// means that its socket is shut down: the thread that waits on it wakes and closes it.
/// @thread any
class Connections {
public:
    using Ticket = std::uint64_t;
    struct Counts {
        std::size_t connected = 0;
        std::uint64_t refused = 0;  ///< came when there was none to give way
        std::uint64_t ended = 0;    ///< gave way
    };

    explicit Connections(Bounds bounds) noexcept : bounds_(bounds) {}

    /// @param fd   stays open until leave() has returned
    /// @param now  of a clock that does not step back
    /// @return     nothing: refused
    std::optional<Ticket> enter(int fd, const Address& from, Monotonic now);
    /// A thread waits for its first octet now: kFirstOctet later it gives way as those at rest do.
    void waiting(Ticket ticket, Monotonic now) noexcept;
    /// One that has waited for kFirstOctet asks whether others wait for its thread. True: it is ended, as leave() does.
    [[nodiscard]] bool yield(Ticket ticket) noexcept;
    /// A request was answered, and another may come.
    void resting(Ticket ticket, Monotonic now) noexcept;
    /// A request begins. False: it was ended meanwhile and no answer would arrive, so nothing must be done.
    [[nodiscard]] bool busy(Ticket ticket) noexcept;
    void leave(Ticket ticket) noexcept;
    /// For want of descriptors. False: there is none.
    bool endOldestIdle() noexcept;
    /// Also those at work: the server stops.
    void endAll() noexcept;

    Counts counts() const noexcept;

private:
    enum class State : std::uint8_t { queued, waiting, resting, busy, ended };
    struct Entry {
        int fd;
        std::array<std::uint8_t, 16> address;
        State state;
        Monotonic since;
    };
    using Entries = std::map<Ticket, Entry>;

    template <class Fits>
    bool endOldest(Fits fits) noexcept;
    void end(Entry& entry) noexcept;
    std::size_t from(const std::array<std::uint8_t, 16>& address) const noexcept;
    void set(Ticket ticket, State state, Monotonic now) noexcept;

    const Bounds bounds_;
    mutable std::mutex mutex_;
    Entries entries_;  ///< those that were ended and not yet left among them
    std::map<std::array<std::uint8_t, 16>, std::size_t> perAddress_;
    std::size_t connected_ = 0;
    Ticket next_ = 1;
    std::uint64_t refused_ = 0;
    std::uint64_t ended_ = 0;
};

}  // namespace muster::tls
