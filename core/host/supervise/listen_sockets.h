/// The listening TCP sockets of the daemon. They survive a restart in systemd's file descriptor store: connections that
/// arrive meanwhile wait in the kernel's queue.
#pragma once

#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "muster/event.h"
#include "muster/result.h"
#include "muster/types.h"

#include "host/supervise/notifier.h"

namespace muster::supervise {

/// A descriptor that was handed to us at start, with the name that it was kept under.
struct PassedDescriptor {
    int fd = -1;
    std::string name;
};

/// What systemd passed to this process (LISTEN_FDS, LISTEN_FDNAMES); the environment is cleared, so that no child
/// believes it was meant. Once per process. @source sd_listen_fds(3)
std::vector<PassedDescriptor> passedDescriptors();

/// @thread any
class ListenSockets {
public:
    using Log = std::function<void(Severity, std::string_view)>;

    ListenSockets(Notifier& notifier, Log log);
    ~ListenSockets();  ///< closes; systemd's duplicates stay
    ListenSockets(const ListenSockets&) = delete;
    ListenSockets& operator=(const ListenSockets&) = delete;

    /// Takes over what a former run left. Ours to close from now on.
    void adopt(std::vector<PassedDescriptor> passed);

    /// The listening socket of that address: an adopted one whose address, port and scope are the same, else a new one.
    /// Non-blocking, close-on-exec, TCP_NODELAY (inherited by what it accepts), IPV6_V6ONLY. It stays ours.
    /// Port 0: the system chooses one; bound() tells which.
    /// @param forClients  false: administrators come in there, as at the page
    /// @error duplicate  it is open already, here or in another program
    /// @error denied, missing, internal  the system's words and what to do
    Result<int> open(const Address& address, bool forClients = true);

    /// Closed, and forgotten by systemd too. Nothing for an address that is not open.
    void close(const Address& address) noexcept;

    /// Closes what was adopted and is not wanted: after all plugins have started.
    void dropUnclaimed() noexcept;

    /// The daemon begins anew in this process: what is open now is adopted for the next.
    void handOver();

    /// What is open for clients, with the ports that the system chose.
    std::vector<Address> bound() const;

    /// What is open for anybody, administrators too.
    std::vector<Address> allBound() const;

private:
    struct Entry {
        Address asked;  ///< equal to `bound` unless the port was 0
        Address bound;
        int fd = -1;
        std::string name;
        bool forClients = true;
    };
    Result<int> make(const Address& address);

    Notifier& notifier_;
    Log log_;
    mutable std::mutex mutex_;
    std::vector<Entry> open_;
    std::vector<Entry> adopted_;
};

}  // namespace muster::supervise
