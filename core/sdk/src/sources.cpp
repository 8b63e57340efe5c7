#include "muster/sources.h"

#include <algorithm>
#include <bit>
#include <new>

namespace muster {

namespace {

constexpr std::uint64_t kMinute = 60'000;
constexpr std::size_t kFirst = 64;  // entries of a table that has met nobody yet

bool isGlobalV6(const Address& address) noexcept {
    const bool linkLocal = address.octets[0] == 0xFE && (address.octets[1] & 0xC0U) == 0x80;
    return !address.isV4() && !linkLocal && !address.isLoopback();
}

/// Twice as many entries, within the room that is there. False: there is none.
template <class Entries>
bool grow(Entries& entries) noexcept try {
    const std::size_t size = entries.size() * 2;
    if (size > entries.capacity())
        return false;
    const Entries before = entries;
    entries.assign(size, {});
    for (const auto& entry : before) {
        if (!entry.used)
            continue;
        std::size_t i = GuidHash{}(entry.key) & (size - 1);
        while (entries[i].used)
            i = (i + 1) & (size - 1);
        entries[i] = entry;
    }
    return true;
} catch (const std::bad_alloc&) {
    return false;  // nothing was changed yet
}

}  // namespace

// Room for all of them is there from the start, and no page of it is touched before it is needed: a table for 15,000
// connections would be a MiB, where most appliances know a few hundred sources.
Sources::Sources(std::size_t connections) {
    entries_.reserve(std::bit_ceil(connections * 2 + kFirst));
    entries_.resize(kFirst);
}

Guid Sources::keyOf(const Address& address) noexcept {
    Guid key;
    const std::size_t size = isGlobalV6(address) ? 8 : 16;
    for (std::size_t i = 0; i < size; ++i)
        key.octets[i] = std::byte{address.octets[i]};
    if (address.scopeId != 0)  // link-local: the same address on another link is another machine
        for (std::size_t i = 0; i < 4; ++i)
            key.octets[2 + i] = static_cast<std::byte>(address.scopeId >> (8 * i));
    return key;
}

std::uint32_t Sources::enter(const Address& address) noexcept {
    const std::lock_guard lock(mutex_);
    Entry* entry = findOrAdd(keyOf(address));
    return entry == nullptr ? 1 : ++entry->connections;
}

void Sources::leave(const Address& address) noexcept {
    const std::lock_guard lock(mutex_);
    Entry* entry = find(keyOf(address));
    if (entry == nullptr || entry->connections == 0)
        return;
    if (--entry->connections == 0 && entry->filled == Monotonic{})
        erase(static_cast<std::size_t>(entry - entries_.data()));
}

std::uint32_t Sources::connections(const Address& address) noexcept {
    const std::lock_guard lock(mutex_);
    const Entry* entry = find(keyOf(address));
    return entry == nullptr ? 0 : entry->connections;
}

bool Sources::takeRequest(const Address& address, std::uint32_t perMinute, Monotonic now) noexcept {
    const std::lock_guard lock(mutex_);
    Entry* entry = findOrAdd(keyOf(address));
    if (entry == nullptr)
        return true;
    if (entry->filled == Monotonic{}) {
        entry->filled = now;
        entry->tokens = perMinute;
    }
    const auto passed = std::chrono::duration_cast<std::chrono::milliseconds>(now - entry->filled).count();
    const std::uint64_t ms = std::min<std::uint64_t>(passed < 0 ? 0 : static_cast<std::uint64_t>(passed), kMinute);
    if (const std::uint64_t earned = ms * perMinute / kMinute; earned != 0) {
        entry->tokens = static_cast<std::uint32_t>(std::min<std::uint64_t>(perMinute, entry->tokens + earned));
        entry->filled = now;
    }
    if (entry->tokens == 0)
        return false;
    --entry->tokens;
    return true;
}

Sources::Entry* Sources::find(const Guid& key) noexcept {
    const std::size_t mask = entries_.size() - 1;
    for (std::size_t i = GuidHash{}(key)&mask; entries_[i].used; i = (i + 1) & mask)
        if (entries_[i].key == key)
            return &entries_[i];
    return nullptr;
}

Sources::Entry* Sources::findOrAdd(const Guid& key) noexcept {
    if (Entry* entry = find(key))
        return entry;
    if (used_ >= entries_.size() * 3 / 4 && !grow(entries_))
        dropIdle();
    if (used_ >= entries_.size() * 7 / 8)
        return nullptr;  // more sources than connections: cannot be, but costs no more than a limit not kept
    const std::size_t mask = entries_.size() - 1;
    std::size_t i = GuidHash{}(key)&mask;
    while (entries_[i].used)
        i = (i + 1) & mask;
    entries_[i] = Entry{};
    entries_[i].key = key;
    entries_[i].used = true;
    ++used_;
    return &entries_[i];
}

void Sources::erase(std::size_t index) noexcept {
    // Those behind move up, so that no search ends early: nothing is left behind as a marker.
    const std::size_t mask = entries_.size() - 1;
    std::size_t hole = index;
    for (std::size_t i = (hole + 1) & mask; entries_[i].used; i = (i + 1) & mask) {
        const std::size_t home = GuidHash{}(entries_[i].key) & mask;
        if (((i - home) & mask) >= ((i - hole) & mask)) {
            entries_[hole] = entries_[i];
            hole = i;
        }
    }
    entries_[hole] = Entry{};
    --used_;
}

/// Sources without a connection are kept for their rate only: they start anew.
void Sources::dropIdle() noexcept {
    for (std::size_t i = 0; i < entries_.size();)
        if (entries_[i].used && entries_[i].connections == 0)
            erase(i);  // another may have moved here: look again
        else
            ++i;
}

}  // namespace muster
