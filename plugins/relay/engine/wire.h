/// One TCP connection to an upstream, non-blocking, on one reactor: connects, reads, writes, and knows nothing of RPC.
/// @thread its reactor's
#pragma once

#include <cstdint>
#include <vector>

#include "muster/reactor.h"
#include "muster/types.h"

namespace muster::relay {

class Wire final : public Watcher {
public:
    class Owner {
    public:
        virtual void connected() noexcept = 0;
        /// Something arrived: look at input(), consume() what was understood.
        virtual void arrived() noexcept = 0;
        /// The connection is gone; close() was done. @param error  errno; 0: the peer has closed it
        virtual void lost(int error) noexcept = 0;

    protected:
        ~Owner() = default;
    };

    Wire(Reactor& reactor, Owner& owner) noexcept : reactor_(reactor), owner_(owner) {}
    ~Wire() override { close(); }
    Wire(const Wire&) = delete;
    Wire& operator=(const Wire&) = delete;

    /// Begins to connect; connected() or lost() follows, not before this returns.
    /// @return  0, or errno where it could not even begin
    int open(const Address& address) noexcept;
    void close() noexcept;
    bool isOpen() const noexcept { return fd_ >= 0; }

    /// Sends in one piece what fits, keeps the rest. False: the connection broke; lost() is not called.
    bool send(Octets octets) noexcept;

    Octets input() const noexcept { return {input_.data() + begin_, end_ - begin_}; }
    void consume(std::size_t size) noexcept;

    void ready(std::uint32_t events) noexcept override;

    /// A longer message than this in one piece ends the connection.
    static constexpr std::size_t kMaxInput = std::size_t{16} * 1024;

private:
    bool makeRoom() noexcept;
    bool flush() noexcept;
    void fail(int error) noexcept;

    Reactor& reactor_;
    Owner& owner_;
    int fd_ = -1;
    bool connecting_ = false;
    bool writing_ = false;  // waits for room in the socket
    std::vector<std::byte> input_;
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
    std::vector<std::byte> rest_;  // of what send() was given
};

}  // namespace muster::relay
