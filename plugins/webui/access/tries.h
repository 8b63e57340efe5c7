/// How often each of many has tried lately.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <list>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "muster/types.h"

namespace muster::webui {

/// Tries by key within a sliding window, of so many keys at most. Not thread-safe: the owner locks.
class Tries {
public:
    /// Of fixed size, whatever a stranger writes into a field; from keyOf().
    using Key = std::array<std::uint8_t, 16>;

    struct Limits {
        std::size_t keys = 1024;  ///< one more, and one of the oldest goes
        unsigned tries = 10;      ///< within `window`, 1 to 1000
        std::chrono::milliseconds window{300'000};
        unsigned freely = ~0U;  ///< after so many the next must wait `step`, then 2 `step`, 3 …
        std::chrono::milliseconds step{0};
    };

    explicit Tries(Limits limits) : limits_(limits) {}

    /// How long until `key` may try again; zero: now.
    std::chrono::milliseconds wait(const Key& key, Monotonic now) const;
    void add(const Key& key, Monotonic now);
    /// Takes back what add(key, at) counted, if it is still known.
    void takeBack(const Key& key, Monotonic at);
    std::size_t size() const noexcept { return buckets_.size(); }

private:
    struct Bucket {
        Key key{};
        std::vector<Monotonic> at;  ///< oldest first
    };
    struct KeyHash {
        std::size_t operator()(const Key& key) const noexcept {
            std::size_t hash = 0;  // a key is a digest already, under a secret
            std::memcpy(&hash, key.data(), sizeof hash);
            return hash;
        }
    };
    using List = std::list<Bucket>;

    void makeRoom(Monotonic now);

    const Limits limits_;
    List buckets_;  ///< last tried last
    std::unordered_map<Key, List::iterator, KeyHash> byKey_;
};

}  // namespace muster::webui
