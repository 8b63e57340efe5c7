/// What people told upstreams to do while the appliance runs: it goes before the settings, and survives a restart.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "muster/result.h"
#include "muster/types.h"

#include "relay/upstream.h"

namespace muster::relay {

/// @thread any but a reactor's
class Duties {
public:
    struct Order {
        Duty duty = Duty::active;
        std::string by;
        Timestamp when{};
    };

    /// @param path  a file of its own; what is wrong in it is left out, and `note` is told
    explicit Duties(std::string path);

    /// What was wrong with the file; empty: nothing.
    const std::string& trouble() const noexcept { return trouble_; }
    std::optional<Order> of(const std::string& upstream) const;
    /// @error storage  it is in force, but would not survive a restart
    Result<void> set(const std::string& upstream, const Order& order);
    /// Back to what the settings say.
    Result<void> clear(const std::string& upstream);

    static constexpr std::size_t kMaxOrders = 256;

private:
    void read();
    Result<void> writeLocked() const;

    const std::string path_;
    std::string trouble_;
    mutable std::mutex mutex_;
    std::map<std::string, Order> orders_;
};

}  // namespace muster::relay
