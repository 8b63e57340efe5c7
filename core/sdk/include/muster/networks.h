/// Lists of networks: who may speak to the listener, whose clients an upstream serves.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "muster/result.h"
#include "muster/types.h"

namespace muster {

/// A list of networks; immutable once parsed. @thread any
class Networks {
public:
    Networks() = default;
    /// @param texts  "10.0.0.0/8", "fe80::/10", or an address alone
    /// @error malformed  names the first that is none, and why
    static Result<Networks> parse(const std::vector<std::string>& texts);

    /// True for an address in any of them. An empty list lets nobody in.
    bool contain(const Address& address) const noexcept;

private:
    struct Network {
        std::array<std::uint8_t, 16> prefix{};  ///< as in Address: IPv4 below ::ffff:0:0/96
        unsigned bits = 0;                      ///< 0 to 128
    };
    static Result<Network> parseOne(const std::string& text);

    std::vector<Network> networks_;
};

}  // namespace muster
