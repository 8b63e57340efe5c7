/// Which plugin listens where.
#pragma once

#include <mutex>
#include <string>
#include <vector>

#include "muster/result.h"
#include "muster/types.h"

#include "host/plugins/services.h"

namespace muster::plugins {

/// A socket is opened once and stays open while an instance of its plugin wants it. A successor that asks beside its
/// predecessor gets a duplicate of the descriptor: both can watch it on one reactor, and no client is refused in
/// between.
/// @thread any
class SocketBook {
public:
    explicit SocketBook(Services& services) : services_(services) {}

    /// @param holder  the instance; asked twice for one address, it gets the same descriptor
    /// @error duplicate  a plugin of another name listens there
    Result<int> open(const void* holder, const std::string& owner, bool forClients, const Address& address);
    void close(const void* holder, const Address& address) noexcept;
    /// All that `holder` still has. @param keepOpen  the process ends: systemd keeps the sockets for the next one
    void closeAll(const void* holder, bool keepOpen) noexcept;

private:
    struct Holder {
        const void* who;
        int fd;
        bool duplicate;  ///< ours to close; the other one is the services'
    };
    struct Entry {
        Address address;
        std::string owner;
        int original;
        std::vector<Holder> holders;
    };
    void release(std::size_t index, const void* holder, bool keepOpen) noexcept;

    Services& services_;
    std::mutex mutex_;
    std::vector<Entry> entries_;
};

}  // namespace muster::plugins
