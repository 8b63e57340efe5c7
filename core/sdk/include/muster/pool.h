/// What plugins may ask of the pool: the clients that Muster knows in the present mode.
#pragma once

#include <cstdint>
#include <vector>

#include "muster/types.h"

namespace muster {

/// A CMID as it was last counted.
struct CountedClient {
    Guid cmid;
    Timestamp counted;                  ///< when it was last counted
    std::uint32_t requiredClients = 0;  ///< its N-policy then
};

class Pool {
public:
    virtual ~Pool() = default;

    /// The clients of `application` that were counted at or after `since`, newest first, at most `limit` (1 to 10,000).
    /// Empty when the store cannot be read. @thread any but a reactor's: it reads the database
    virtual std::vector<CountedClient> counted(const Guid& application, Timestamp since, std::size_t limit) = 0;
    /// Applications that have at least one counted client, and the largest N-policy seen for each.
    struct Application {
        Guid id;
        std::uint32_t largestRequired = 0;
    };
    virtual std::vector<Application> applications() = 0;
};

}  // namespace muster
