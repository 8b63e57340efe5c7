/// What people told upstreams to do while the appliance runs: it goes before the settings, and survives a restart. The
/// later word counts: an order ends when the settings come to say something else than they said when it was given.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "muster/result.h"
#include "muster/types.h"

#include "relay/upstream.h"

namespace muster::relay {

/// @thread any but a reactor's
class Duties {
public:
    struct Order {
        Duty duty = Duty::active;
        std::optional<Duty> over;  ///< what the settings said then; nothing: they did not name it, DNS did
        std::string by;
        Timestamp when{};
    };
    /// What the settings say, of each upstream that they name.
    using Configured = std::map<std::string, Duty, std::less<>>;

    /// @param path  a file of its own; what is wrong in it is left out, and `note` is told
    explicit Duties(std::string path);

    /// What was wrong with the file; empty: nothing.
    const std::string& trouble() const noexcept { return trouble_; }
    std::optional<Order> of(const std::string& upstream) const;
    /// An order for what is so without it leaves none.
    /// @error storage  it is in force, but would not survive a restart
    Result<void> set(const std::string& upstream, const Order& order);
    /// Back to what the settings say.
    Result<void> clear(const std::string& upstream);
    /// The upstream goes by another name from now on.
    Result<void> rename(const std::string& before, const std::string& after);
    /// Ends the orders that the settings have overtaken. @return a sentence for each
    std::vector<std::string> settle(const Configured& configured);

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
