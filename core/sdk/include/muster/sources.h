/// How many connections each source has, and how fast it asks: what listener and relay bound by source. Loopback is not
/// counted by those who call this.
#pragma once

#include <cstdint>
#include <mutex>
#include <vector>

#include "muster/types.h"

namespace muster {

/// A fixed table: nothing is allocated per connection. @thread any
class Sources {
public:
    /// @param connections  at a time in all: the table has room for more than twice as many sources
    explicit Sources(std::size_t connections);

    /// Who an address is for limits: itself; of a global IPv6 address the /64, since one machine can have all of it.
    static Guid keyOf(const Address& address) noexcept;

    /// One more connection. @return how many the source has now
    std::uint32_t enter(const Address& address) noexcept;
    void leave(const Address& address) noexcept;
    std::uint32_t connections(const Address& address) noexcept;

    /// Takes one of the requests that the source may make.
    /// @param perMinute  at least 1; as many may come at once
    bool takeRequest(const Address& address, std::uint32_t perMinute, Monotonic now) noexcept;

private:
    struct Entry {
        Guid key;
        std::uint32_t connections = 0;
        std::uint32_t tokens = 0;  ///< requests that may come at once
        Monotonic filled{};        ///< when tokens were last added; zero: never asked
        bool used = false;
    };

    Entry* find(const Guid& key) noexcept;
    Entry* findOrAdd(const Guid& key) noexcept;
    void erase(std::size_t index) noexcept;
    void dropIdle() noexcept;

    std::mutex mutex_;
    std::vector<Entry> entries_;  ///< open addressing, linear probing; a power of two
    std::size_t used_ = 0;
};

}  // namespace muster
