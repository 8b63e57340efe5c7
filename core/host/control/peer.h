/// Sockets under POCO's HTTP server: accepted ones know who is at the other end and how much time and room is left.
/// Internal to this room.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <sys/types.h>

#include "Poco/Net/ServerSocket.h"
#include "Poco/Net/ServerSocketImpl.h"
#include "Poco/Net/StreamSocketImpl.h"

#include "muster/operation.h"
#include "muster/result.h"

namespace muster::control {

/// What SO_PEERCRED and SO_PEERGROUPS say, turned into a role. Role by deny: nothing for whoever is none of these.
struct Peer {
    uid_t uid = static_cast<uid_t>(-1);
    std::optional<Role> role;
};

/// @param operators  the group whose members are operators; nothing if the system has no such group
Peer identify(int fd, std::optional<gid_t> operators) noexcept;

/// One accepted connection, for one request.
class PeerSocket final : public Poco::Net::StreamSocketImpl {
public:
    PeerSocket(int fd, Peer peer, std::chrono::milliseconds headTime, std::size_t headRoom);

    const Peer& peer() const noexcept { return peer_; }
    /// From now on so much time and so many octets are left: the head is read, the body comes.
    void allow(std::chrono::milliseconds time, std::size_t octets) noexcept;

    /// Throws TimeoutException when the time for this part is over, however slowly the octets drip in, and
    /// NetException beyond the octets.
    int receiveBytes(void* buffer, int length, int flags) override;
    int sendBytes(const void* buffer, int length, int flags) override;
    bool poll(const Poco::Timespan& timeout, int mode) override;

protected:
    ~PeerSocket() override;

private:
    std::chrono::milliseconds left() const noexcept;

    Peer peer_;
    std::chrono::steady_clock::time_point deadline_;
    std::size_t room_;
};

/// A listening Unix socket in the form that POCO's server takes.
class Listener final : public Poco::Net::ServerSocket {
public:
    Listener(int fd, std::optional<gid_t> operators, std::chrono::milliseconds headTime, std::size_t headRoom);
};

/// Makes the socket at `path`: bound beside it, given its mode and group, then renamed over what is there, so that
/// there is no moment at which the wrong people could connect.
/// @error as ControlServer::start()
Result<int> listenAt(const std::string& path, std::optional<gid_t> operators);

}  // namespace muster::control
