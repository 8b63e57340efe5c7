#include "host/plugins/gate.h"

namespace muster::plugins {

// Sequentially consistent on purpose: whoever enters adds first and looks at closed_ then, whoever closes stores first
// and looks at the sums then. One of the two sees the other.

Gate::Shard& Gate::shard() noexcept {
    static std::atomic<unsigned> next{0};
    thread_local const unsigned mine = next.fetch_add(1, std::memory_order_relaxed) % kShards;
    return shards_[mine];
}

bool Gate::enter() noexcept {
    shard().inside.fetch_add(1, std::memory_order_seq_cst);
    if (!closed_.load(std::memory_order_seq_cst))
        return true;
    leave();
    return false;
}

void Gate::leave() noexcept {
    shard().inside.fetch_sub(1, std::memory_order_seq_cst);
    if (closed_.load(std::memory_order_seq_cst)) {
        const std::lock_guard lock(mutex_);
        left_.notify_all();
    }
}

void Gate::close() noexcept {
    closed_.store(true, std::memory_order_seq_cst);
}

unsigned Gate::inside() const noexcept {
    unsigned sum = 0;
    for (const Shard& shard : shards_)
        sum += shard.inside.load(std::memory_order_seq_cst);
    return sum;
}

bool Gate::drained(std::chrono::milliseconds limit) {
    std::unique_lock lock(mutex_);
    return left_.wait_for(lock, limit, [this] { return inside() == 0; });
}

}  // namespace muster::plugins
