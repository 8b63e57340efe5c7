/// A shared secret in memory: bounded, never shown, wiped when it goes.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "muster/result.h"
#include "muster/types.h"

namespace muster::dns {

/// Moves, does not copy: there is one of it, and it is overwritten when that goes. Whoever hands in the base64 text
/// wipes that.
class Secret {
public:
    static constexpr std::size_t kMin = 16;   ///< octets: 128 bits, the least that NIST SP 800-107 5.3.4 lets pass
    static constexpr std::size_t kMax = 512;  ///< octets

    /// As key files have it: base64 with its padding, white space allowed at both ends only.
    /// @error malformed  another alphabet, a wrong length, or outside kMin to kMax. The error does not repeat the text
    static Result<Secret> fromBase64(std::string_view text);

    Secret() noexcept = default;
    Secret(Secret&& other) noexcept;
    Secret& operator=(Secret&& other) noexcept;
    ~Secret();

    Octets octets() const noexcept { return octets_; }
    bool empty() const noexcept { return octets_.empty(); }

private:
    void wipe() noexcept;

    std::vector<std::byte> octets_;
};

}  // namespace muster::dns
