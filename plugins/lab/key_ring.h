/// The installed host keys with what they cover now: a key works while its family is loaded, rests while it is not, and
/// is never lost for that.
/// @thread one at a time: the lab holds a lock
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <vector>

#include "muster/family.h"
#include "muster/plugin.h"
#include "muster/types.h"

#include "key_file.h"
#include "kms/body.h"

namespace muster::lab {

struct RingKey {
    InstalledKey installed;
    const muster_family* family = nullptr;  ///< nullptr: not loaded, the key covers nothing
    const muster_key* table = nullptr;      ///< that family's key of this group
    /// The answer under this key but for what differs between clients: see kms::readdressAnswer().
    std::array<std::byte, kms::Answer4::kMaxSize> answer{};
    std::size_t answerSize = 0;

    bool covers(const Guid& counted) const noexcept;
};

class KeyRing {
public:
    /// How long clients are told to wait, in minutes.
    struct Intervals {
        std::uint32_t activation = 120;
        std::uint32_t renewal = 10080;
    };

    void setIntervals(Intervals intervals);
    void set(std::vector<InstalledKey> keys);

    /// Looks whether families came or went since it was last asked; costs a comparison for each key where none did.
    /// @return  the keys whose family came or went, as positions in keys()
    std::vector<std::size_t> refresh(const Families& families);

    /// The key that answers for this product: of those that cover it the most inclusive, among equals the newest.
    /// nullptr: none does.
    const RingKey* covering(const Guid& counted) const noexcept;
    bool empty() const noexcept { return keys_.empty(); }
    const std::vector<RingKey>& keys() const noexcept { return keys_; }

private:
    void writeAnswer(RingKey& key) const;

    std::vector<RingKey> keys_;  // in the order in which covering() asks them
    Intervals intervals_;
};

/// The key of that group in a family's table; nullptr: it has none. @param family  may be nullptr
const muster_key* keyOfGroup(const muster_family* family, std::uint8_t group) noexcept;

}  // namespace muster::lab
